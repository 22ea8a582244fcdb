//! Whether an outcome is true of its job, by the emulator's own account.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use batch_emulator::{Answer, Call, Emulator, ItemError, JobView, Operation, Status};

use super::{Invocation, Judge};
use crate::faults::scenario::{Nature, RequestedJob, Shape};

/// An attempt that ended this close to the end of its job ended with it, in milliseconds.
const SAME_END: i64 = 1000;

/// What an outcome means for whoever asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    Done,
    Rejected,
    Retryable,
}

/// The class of an outcome, by the contract.
pub(crate) fn class(outcome: &str) -> Class {
    match outcome {
        "cancelled" | "cancelling" | "terminated" | "terminating" | "running" | "finished"
        | "notFound" | "protected" | "queueNotAllowed" | "wouldCancel" | "wouldTerminate" => {
            Class::Done
        }
        "invalidId" | "denied" => Class::Rejected,
        "throttled" | "failed" | "unconfirmed" | "notAttempted" => Class::Retryable,
        other => panic!("no outcome: {other}"),
    }
}

/// What each look could have shown.
#[derive(Clone)]
pub(crate) struct Looks {
    began: Duration,
    by_job: Arc<Mutex<HashMap<String, Vec<Look>>>>,
}

/// What a look could have shown of a job.
#[derive(Clone, Copy)]
struct Look {
    at: Duration,
    status: Status,
    is_cancelled: bool,
    is_terminated: bool,
}

impl Look {
    fn is_marked(&self) -> bool {
        self.is_cancelled || self.is_terminated
    }
}

impl Looks {
    /// The looks at this account's jobs from now on.
    pub(crate) fn at(emulator: &Emulator) -> Self {
        let looks = Self {
            began: emulator.now(),
            by_job: Arc::default(),
        };
        for operation in [Operation::DescribeJobs, Operation::DescribeServiceJob] {
            let by_job = Arc::clone(&looks.by_job);
            emulator.on(operation, move |emulator, ids| {
                let (at, mut by_job) = (emulator.now(), by_job.lock().unwrap());
                for id in ids {
                    if let Some(job) = emulator.job(id) {
                        by_job.entry(id.clone()).or_default().push(Look {
                            at,
                            status: job.status,
                            is_cancelled: job.is_cancelled,
                            is_terminated: job.is_terminated,
                        });
                    }
                }
            });
        }
        looks
    }

    fn of(&self, id: &str, since: Duration) -> Vec<Look> {
        let by_job = self.by_job.lock().unwrap();
        let looks = by_job.get(id).into_iter().flatten();
        looks.filter(|look| look.at >= since).copied().collect()
    }
}

/// What is known of an invocation and its calls.
pub(crate) struct Evidence<'a> {
    judge: &'a Judge<'a>,
    invocation: &'a Invocation,
    /// Its calls by job, those that only look too.
    calls: HashMap<&'a str, Vec<&'a Call>>,
}

impl<'a> Evidence<'a> {
    pub(crate) fn new(judge: &'a Judge<'a>, invocation: &'a Invocation, calls: &'a [Call]) -> Self {
        let mut by_job: HashMap<&str, Vec<&Call>> = HashMap::new();
        let is_ours = |call: &&Call| match &call.reason {
            Some(reason) => reason.ends_with(&invocation.request_id),
            None => call.at >= invocation.began,
        };
        for call in calls.iter().filter(is_ours) {
            for id in &call.job_ids {
                by_job.entry(id).or_default().push(call);
            }
        }
        Self {
            judge,
            invocation,
            calls: by_job,
        }
    }

    /// The calls that name the job, or the array that it belongs to.
    fn calls(&self, id: &str) -> impl Iterator<Item = &'a Call> {
        let parent = id.split_once(':').map_or(id, |(parent, _)| parent);
        let of = |id: &str| self.calls.get(id).into_iter().flatten().copied();
        let of_parent = if parent == id { "" } else { parent };
        of(id).chain(of(of_parent)).collect::<Vec<_>>().into_iter()
    }

    /// The calls that end jobs and name this one.
    fn ends(&self, id: &str) -> impl Iterator<Item = &'a Call> {
        let calls = self.calls.get(id).into_iter().flatten().copied();
        calls.filter(|call| call.reason.is_some())
    }

    /// # Errors
    ///
    /// What contradicts the outcome.
    pub(crate) fn check(&self, outcome: &str, requested: &RequestedJob) -> Result<(), String> {
        let id = requested.id.as_str();
        let job = self.judge.emulator.job(id);
        let contradiction = match self.holds(outcome, requested, job.as_ref()) {
            Ok(true) => return Ok(()),
            Ok(false) => "it is not",
            Err(contradiction) => contradiction,
        };
        let attempts = self.judge.emulator.attempts(id);
        let calls: Vec<String> = self.calls(id).map(|call| self.told(call, id)).collect();
        Err(format!(
            "{contradiction}: {requested:?} {job:?} {attempts:?}\n{}",
            calls.join("\n")
        ))
    }

    fn holds(
        &self,
        outcome: &str,
        requested: &RequestedJob,
        job: Option<&JobView>,
    ) -> Result<bool, &'static str> {
        let id = requested.id.as_str();
        Ok(match outcome {
            "invalidId" => requested.nature == Nature::Invalid,
            "notFound" => requested.nature == Nature::Unknown || self.is_hidden(id),
            "protected" => requested.nature == Nature::Protected,
            "queueNotAllowed" => requested.nature == Nature::InOtherQueue,
            "wouldCancel" | "wouldTerminate" => self.judge.scenario.dry_run,
            "unconfirmed" => self.ends(id).next().is_some(),
            "notAttempted" => self.ends(id).next().is_none(),
            "failed" | "throttled" | "denied" => self.is_refused(outcome, id, job)?,
            other => self.is_true_of(other, job.ok_or("there is no such job")?),
        })
    }

    /// A call in a line.
    fn told(&self, call: &Call, id: &str) -> String {
        let after = |time: Duration| time.saturating_sub(self.invocation.began);
        let of_parent = if call.job_ids.iter().any(|of| of == id) {
            ""
        } else {
            " of its array"
        };
        let (operation, jobs) = (call.operation, call.job_ids.len());
        let (answer, fault, refused) = (call.answer, call.fault, call.refused_jobs);
        let (at, done) = (after(call.at), call.performed_at.map(after));
        format!(
            "at {at:?} {operation}{of_parent} with {jobs}, done {done:?}, {answer:?}, {fault:?}, {refused} refused"
        )
    }

    /// Whether what Batch shows of a job bears out this outcome.
    fn is_true_of(&self, outcome: &str, job: &JobView) -> bool {
        let ran_to_end = self.ran_to_end(job);
        let is_failed = job.status == Status::Failed;
        let was = |holds: fn(&Look) -> bool| {
            let looks = self.judge.looks.of(&job.job_id, self.invocation.began);
            looks.iter().any(holds)
        };
        match outcome {
            "cancelled" => is_failed && job.is_cancelled && !ran_to_end,
            "terminated" => is_failed && job.is_terminated,
            "cancelling" => was(|look| look.is_cancelled && look.status.is_cancellable()),
            "terminating" => was(|look| look.is_terminated && !look.status.is_final()),
            "running" => {
                let started =
                    |look: &Look| [Status::Starting, Status::Running].contains(&look.status);
                was(started) && !self.judge.scenario.terminate
            }
            "finished" => {
                let was_cancelled = job.is_cancelled && !ran_to_end;
                job.status == Status::Succeeded
                    || (is_failed && !job.is_terminated && !was_cancelled)
            }
            other => panic!("no outcome: {other}"),
        }
    }

    /// Whether an attempt ended with its job.
    fn ran_to_end(&self, job: &JobView) -> bool {
        let Some(job_stopped_at) = job.stopped_at else {
            return false;
        };
        let attempts = self.judge.emulator.attempts(&job.job_id);
        let stopped_at = attempts.iter().filter_map(|attempt| attempt.stopped_at);
        stopped_at
            .map(|at| i64::try_from(at.as_millis()).unwrap())
            .any(|at| (at - job_stopped_at).abs() <= SAME_END)
    }

    /// No look could find it yet.
    fn is_hidden(&self, id: &str) -> bool {
        let visible_from = self.judge.looks.began + self.judge.scenario.faults.visibility_delay;
        let looks = self.judge.looks.of(id, self.invocation.began);
        looks.iter().all(|look| look.at < visible_from)
    }

    /// Batch answered with a refusal, and every call that would end the job; and the job is not cancelled by this
    /// invocation.
    fn is_refused(
        &self,
        outcome: &str,
        id: &str,
        job: Option<&JobView>,
    ) -> Result<bool, &'static str> {
        if job.is_some_and(|job| self.is_ended_by_us(job)) {
            return Err("it was ended by this invocation");
        }
        let is_unanswered = |call: &Call| !matches!(call.answer, Answer::Status(_));
        if self.ends(id).any(is_unanswered) {
            return Err("a call was not answered");
        }
        let mut refusals = self.calls(id).filter(|call| {
            call.refused_jobs > 0 || matches!(call.answer, Answer::Status(status) if status != 200)
        });
        let faults = self.judge.emulator.faults();
        Ok(match outcome {
            "throttled" => refusals.any(|call| call.throttled() || call.refused_jobs > 0),
            "denied" => {
                let by_error = faults.item_errors.get(id) == Some(&ItemError::AccessDenied);
                by_error || faults.denied_jobs.contains(id) || !faults.denied.is_empty()
            }
            _ => refusals.next().is_some(),
        })
    }

    /// It was not marked when this invocation came, and is now, by a call of its own.
    fn is_ended_by_us(&self, job: &JobView) -> bool {
        if !job.is_cancelled && !job.is_terminated {
            return false;
        }
        let reason = job.status_reason.as_deref().unwrap_or_default();
        let has_our_reason = reason.ends_with(&self.invocation.request_id);
        let is_alone = self.judge.scenario.shape == Shape::Once;
        let looks = self.judge.looks.of(&job.job_id, Duration::ZERO);
        let first = looks.first();
        let was_marked = first.is_none_or(Look::is_marked);
        // A child that its array ended was perhaps never looked at again, where no look is answered.
        let is_child = job.job_id.contains(':');
        let answered: BTreeSet<Duration> = self
            .calls(&job.job_id)
            .filter(|call| call.succeeded())
            .filter_map(|call| call.performed_at)
            .collect();
        let was_seen = |look: &Look| look.is_marked() && answered.contains(&look.at);
        let is_known = !is_child || looks.iter().any(was_seen);
        is_known && (has_our_reason || (is_alone && !was_marked))
    }
}
