//! The outcome of every job, and the report that holds them.

mod json;
mod outcome;

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use strum::{Display, IntoStaticStr};

use crate::request::{JobId, Status};
pub(crate) use json::Size;
pub use json::{ReportHead, Summary, with_jobs};
pub(crate) use outcome::QUEUE_NOT_ALLOWED;
pub use outcome::{Class, Outcome};

/// One line of a report.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobResult {
    /// The job's id, or the text that is none.
    pub job_id: ReportedId,
    /// Its outcome.
    pub outcome: Outcome,
    /// Its status when we first looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Status>,
    /// Its status when we last looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Status>,
    /// The ARN of its job queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_queue: Option<Arc<str>>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_name: Option<Box<str>>,
    /// When it was created, in milliseconds since 1970; written as RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "rfc_3339")]
    pub created_at: Option<i64>,
    /// What Batch showed as its status reason when we first looked, at most 256 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<Arc<str>>,
    /// The text by which it was asked for, where that is more than the id: an ARN, or a node of a multi-node job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_as: Option<Box<str>>,
    /// How many of an array's children are in each status, when it was last looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub children: Option<Box<BTreeMap<Status, u32>>>,
    /// What there is to add.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<Cow<'static, str>>,
}

/// The id of a job, or a text that is none.
#[derive(Clone, Debug, PartialEq, Eq, Display)]
pub enum ReportedId {
    /// A job.
    #[strum(to_string = "{0}")]
    Id(JobId),
    /// What was given instead.
    #[strum(to_string = "{0}")]
    Text(Box<str>),
}

impl Serialize for ReportedId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Writes a time in milliseconds since 1970 as RFC 3339.
#[expect(clippy::ref_option, reason = "serde calls it so")]
pub(crate) fn rfc_3339<S: Serializer>(
    time: &Option<i64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let time = time.and_then(|time| Timestamp::from_millisecond(time).ok());
    match time {
        Some(time) => serializer.collect_str(&time),
        None => serializer.serialize_none(),
    }
}

/// Why a selection could not be completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
pub enum Partial {
    /// The time for it was over.
    #[strum(to_string = "out of time")]
    OutOfTime,
    /// Listing was throttled, or looking was.
    #[strum(to_string = "throttled")]
    Throttled,
    /// Listing failed otherwise.
    #[strum(to_string = "listing failed")]
    Failed,
}

impl Partial {
    /// The reason in logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A job queue of which not all jobs could be found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UnreadQueue {
    /// Its name, or the pattern that stands for it.
    pub job_queue: String,
    /// Why, in at most 160 characters.
    pub error: String,
}

/// What an invocation did, job by job.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// A result for every job asked for, in the order first asked.
    pub jobs: Vec<JobResult>,
    /// Why nothing was asked of us after all.
    pub ignored: Option<String>,
    /// How many more jobs were left alone because of `maxJobs`, not looked at and not in `jobs`.
    pub over_limit: usize,
    /// Why a selection could not be completed.
    pub partial: Option<Partial>,
    /// The queues of which not all jobs could be found, at most a hundred.
    pub unread: Vec<UnreadQueue>,
    /// Everything in it was a dry run.
    pub dry_run: bool,
}

impl Report {
    /// How many jobs there are, those that were only counted included.
    #[must_use]
    pub fn count(&self) -> usize {
        self.jobs.len() + self.over_limit
    }

    /// How many jobs there are of each outcome.
    #[must_use]
    pub fn summary(&self) -> BTreeMap<Outcome, usize> {
        let mut counts = BTreeMap::new();
        for job in &self.jobs {
            *counts.entry(job.outcome).or_default() += 1;
        }
        if self.over_limit > 0 {
            *counts.entry(Outcome::OverLimit).or_default() += self.over_limit;
        }
        counts
    }

    /// Whether nothing is left for anybody to do. It does not say that all jobs were cancelled.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let is_done = |job: &JobResult| job.outcome.class() == Class::Done;
        self.partial.is_none() && self.jobs.iter().all(is_done)
    }
}
