//! A report, as the library makes it and as a deployed function answers it.

use std::collections::BTreeMap;

use batch_cancel::{
    Results,
    command::Invocation,
    report::{Class, Outcome, with_jobs},
};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// The outcome of each job that was asked for.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    pub(crate) request_id: String,
    pub(crate) source: String,
    pub(crate) dry_run: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ignored: Option<String>,
    pub(crate) complete: bool,
    /// `partial` if not all jobs of a selection could be found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) selection: Option<String>,
    /// The queues of which not all jobs could be found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) unread: Vec<Unread>,
    /// The number of jobs, and of each outcome.
    pub(crate) summary: Map<String, Value>,
    /// How many jobs a function has left out of its answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) truncated: Option<usize>,
    #[serde(default)]
    pub(crate) jobs: Vec<Job>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Unread {
    pub(crate) job_queue: String,
    pub(crate) error: String,
}

/// A job of a report.
#[expect(clippy::struct_field_names, reason = "the names of the report")]
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Job {
    pub(crate) job_id: String,
    #[serde(deserialize_with = "outcome")]
    pub(crate) outcome: Outcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) before: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) job_queue: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) job_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) created_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status_reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) asked_as: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) children: Option<BTreeMap<String, u32>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
}

/// An outcome by its name. One that a later function has is none of ours.
fn outcome<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Outcome, D::Error> {
    let name = String::deserialize(deserializer)?;
    let mut all = Outcome::ALL.iter();
    let known = all.find(|outcome| outcome.as_str() == name);
    known.copied().ok_or_else(|| {
        serde::de::Error::custom(format!("the outcome {name:?} is not known to this bcancel"))
    })
}

impl Job {
    /// A dry run, or this: it would be ended.
    pub(crate) fn would_end(&self) -> bool {
        matches!(self.outcome, Outcome::WouldCancel | Outcome::WouldTerminate)
    }

    /// The text by which it was asked for.
    pub(crate) fn asked(&self) -> &str {
        self.asked_as.as_deref().unwrap_or(&self.job_id)
    }

    /// How many children of an array that is cancelled have started and run on.
    pub(crate) fn running_children(&self) -> u32 {
        let is_cancelled = matches!(
            self.outcome,
            Outcome::WouldCancel | Outcome::Cancelled | Outcome::Cancelling
        );
        let children = self.children.iter().filter(|_| is_cancelled).flatten();
        let started = children.filter(|(status, _)| ["STARTING", "RUNNING"].contains(&&***status));
        started.map(|(_, count)| count).sum()
    }
}

impl Report {
    /// The report of the library, whole.
    pub(crate) fn of(
        results: &Results,
        invocation: Invocation<'_>,
    ) -> Result<Self, serde_json::Error> {
        let report = &results.report;
        let head = report.head(invocation.request_id, invocation.source_name());
        let text = with_jobs(serde_json::to_string(&head)?, &report.jobs)?;
        serde_json::from_str(&text)
    }

    /// Only the jobs that would be terminated, or those that would be cancelled; none if there are none.
    pub(crate) fn only(&self, terminate: bool) -> Option<Self> {
        let outcome = if terminate {
            Outcome::WouldTerminate
        } else {
            Outcome::WouldCancel
        };
        let mut only = self.clone();
        only.jobs.retain(|job| job.outcome == outcome);
        only.summary = only.counted();
        (!only.jobs.is_empty()).then_some(only)
    }

    /// The outcome of the jobs of this preview, by the report on those that were acted on. Of jobs whose lines an answer left
    /// out, its summary counts.
    pub(crate) fn with(mut self, mut acted: Self, is_stopped: bool) -> Self {
        if is_stopped {
            for message in acted.jobs.iter_mut().filter_map(|job| job.message.as_mut()) {
                *message = message.replace("out of time", "stopped");
            }
        }
        if self.truncated.is_some() {
            // The whole request was repeated.
            return acted;
        }
        let mut lines: BTreeMap<String, Job> = BTreeMap::new();
        for job in acted.jobs {
            lines.insert(job.job_id.clone(), job);
        }
        let mut rest = self.clone();
        rest.jobs
            .retain(|job| !lines.contains_key(&job.job_id) && !job.would_end());
        let is_done = |job: &Job| job.outcome.class() == Class::Done;
        let is_rest_done = rest.jobs.iter().all(is_done);
        self.jobs
            .retain(|job| lines.contains_key(&job.job_id) || !job.would_end());
        for job in &mut self.jobs {
            if let Some(line) = lines.remove(&job.job_id) {
                // What the preview saw before anything was done.
                let first = std::mem::replace(job, line);
                job.status_reason = first.status_reason.or(job.status_reason.take());
                job.asked_as = first.asked_as;
                job.before = first.before.or(job.before.take());
            }
        }
        self.request_id = acted.request_id;
        self.dry_run = false;
        self.truncated = acted.truncated;
        self.complete = self.selection.is_none() && acted.complete && is_rest_done;
        self.summary = rest.counted();
        for (outcome, count) in acted.summary {
            let known = self.summary.get(&outcome).and_then(Value::as_u64);
            let sum = known.unwrap_or(0) + count.as_u64().unwrap_or(0);
            self.summary.insert(outcome, sum.into());
        }
        self
    }

    /// Whether a job is ending already.
    pub(crate) fn is_ending(&self) -> bool {
        self.jobs.iter().any(|job| job.outcome.is_under_way())
    }

    /// The number of jobs, and of each outcome, those that were only counted included.
    fn counted(&self) -> Map<String, Value> {
        let over_limit = self.count_of(Outcome::OverLimit);
        let mut counts: BTreeMap<Outcome, usize> = BTreeMap::new();
        for job in &self.jobs {
            *counts.entry(job.outcome).or_default() += 1;
        }
        if over_limit > 0 {
            counts.insert(Outcome::OverLimit, over_limit);
        }
        let all: usize = counts.values().sum();
        let counts = counts
            .into_iter()
            .map(|(outcome, count)| (outcome.as_str().to_owned(), count.into()));
        std::iter::once(("jobs".to_owned(), all.into()))
            .chain(counts)
            .collect()
    }

    /// How many jobs have this outcome, by the summary, which counts those that are not listed too.
    pub(crate) fn count_of(&self, outcome: Outcome) -> usize {
        let count = self.summary.get(outcome.as_str()).and_then(Value::as_u64);
        usize::try_from(count.unwrap_or(0)).unwrap_or(usize::MAX)
    }

    /// How many jobs have one of these outcomes.
    pub(crate) fn count_of_any(&self, outcomes: &[Outcome]) -> usize {
        outcomes.iter().map(|outcome| self.count_of(*outcome)).sum()
    }

    /// How many jobs would be ended.
    pub(crate) fn would_end(&self) -> usize {
        self.count_of_any(&[Outcome::WouldCancel, Outcome::WouldTerminate])
    }

    /// How many jobs were asked for.
    pub(crate) fn count(&self) -> usize {
        let count = self.summary.get("jobs").and_then(Value::as_u64);
        usize::try_from(count.unwrap_or(0)).unwrap_or(usize::MAX)
    }

    /// Whether every job asked for has ended or is ending. Scripts that go on to delete things rely on it.
    pub(crate) fn all_ended(&self) -> bool {
        let ended = [
            Outcome::Cancelled,
            Outcome::Cancelling,
            Outcome::Terminated,
            Outcome::Terminating,
            Outcome::Finished,
        ];
        let run_on: u32 = self.jobs.iter().map(Job::running_children).sum();
        self.selection.is_none() && self.count_of_any(&ended) == self.count() && run_on == 0
    }
}
