//! The outcome of every job, and the report that holds them.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::request::{JobId, Status};

/// The outcome of one job. Each belongs to one [`Class`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// Batch says FAILED, and that it was cancelled, by this request or an earlier one.
    Cancelled,
    /// Batch shows the job as cancelled, and has yet to finish it.
    Cancelling,
    /// Batch says FAILED, and that it was terminated.
    Terminated,
    /// Batch shows the job as terminated, and has yet to finish it.
    Terminating,
    /// STARTING or RUNNING, and terminate was not asked for.
    Running,
    /// Had ended, not cancelled, before we acted.
    Finished,
    /// Batch does not know the id, also when asked again.
    NotFound,
    /// Carries the protect tag, or is the child of a job that does.
    Protected,
    /// In a job queue that is not in `ALLOWED_QUEUES`.
    QueueNotAllowed,
    /// A dry run: would be cancelled.
    WouldCancel,
    /// A dry run: would be terminated.
    WouldTerminate,
    /// Left alone because of `maxJobs`.
    OverLimit,
    /// Blocks its queue, and not for long enough to be cancelled.
    TooSoon,
    /// Not the id of a job.
    InvalidId,
    /// IAM said no.
    Denied,
    /// Still throttled after our own retries.
    Throttled,
    /// Still failing after our own retries.
    Failed,
    /// Batch accepted the call, and shows the job unchanged.
    Unconfirmed,
    /// Out of time before anything was done.
    NotAttempted,
}

/// What an outcome means for whoever asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Asking again would change nothing.
    Done,
    /// Asking again would not help until somebody mends something.
    Rejected,
    /// Asking again helps when the time has come.
    TooSoon,
    /// Asking again may help.
    Retryable,
}

impl Outcome {
    /// The class that the outcome belongs to.
    #[must_use]
    pub fn class(self) -> Class {
        match self {
            Self::Cancelled
            | Self::Cancelling
            | Self::Terminated
            | Self::Terminating
            | Self::Running
            | Self::Finished
            | Self::NotFound
            | Self::Protected
            | Self::QueueNotAllowed
            | Self::WouldCancel
            | Self::WouldTerminate
            | Self::OverLimit => Class::Done,
            Self::InvalidId | Self::Denied => Class::Rejected,
            Self::TooSoon => Class::TooSoon,
            Self::Throttled | Self::Failed | Self::Unconfirmed | Self::NotAttempted => {
                Class::Retryable
            }
        }
    }

    /// Batch shows the job as cancelled or terminated, and has yet to finish it.
    #[must_use]
    pub fn is_under_way(self) -> bool {
        matches!(self, Self::Cancelling | Self::Terminating)
    }

    /// Batch refused the call that would end the job.
    #[must_use]
    pub fn is_refused(self) -> bool {
        matches!(self, Self::Denied | Self::Throttled | Self::Failed)
    }

    /// A job with this outcome blocks no queue, or not of those allowed here.
    #[must_use]
    pub fn ends_blocking(self) -> bool {
        matches!(
            self,
            Self::QueueNotAllowed
                | Self::Cancelled
                | Self::Cancelling
                | Self::Terminated
                | Self::Terminating
        )
    }

    /// The name in reports, logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Cancelling => "cancelling",
            Self::Terminated => "terminated",
            Self::Terminating => "terminating",
            Self::Running => "running",
            Self::Finished => "finished",
            Self::NotFound => "notFound",
            Self::Protected => "protected",
            Self::QueueNotAllowed => "queueNotAllowed",
            Self::WouldCancel => "wouldCancel",
            Self::WouldTerminate => "wouldTerminate",
            Self::OverLimit => "overLimit",
            Self::TooSoon => "tooSoon",
            Self::InvalidId => "invalidId",
            Self::Denied => "denied",
            Self::Throttled => "throttled",
            Self::Failed => "failed",
            Self::Unconfirmed => "unconfirmed",
            Self::NotAttempted => "notAttempted",
        }
    }
}

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
    /// What there is to add.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<Cow<'static, str>>,
}

/// The id of a job, or a text that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportedId {
    /// A job.
    Id(JobId),
    /// What was given instead.
    Text(Box<str>),
}

impl Serialize for ReportedId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Id(id) => serializer.collect_str(id),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

/// A time in milliseconds since 1970, as RFC 3339.
#[expect(clippy::ref_option, reason = "serde calls it so")]
fn rfc_3339<S: Serializer>(time: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    let time = time.and_then(|time| Timestamp::from_millisecond(time).ok());
    match time {
        Some(time) => serializer.collect_str(&time),
        None => serializer.serialize_none(),
    }
}

impl JobResult {
    /// A result that says no more than the outcome.
    #[must_use]
    pub fn new(job_id: ReportedId, outcome: Outcome) -> Self {
        Self {
            job_id,
            outcome,
            before: None,
            after: None,
            job_queue: None,
            job_name: None,
            created_at: None,
            status_reason: None,
            asked_as: None,
            message: None,
        }
    }
}

/// Why a selection could not be brought to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partial {
    /// The time for it was over.
    OutOfTime,
    /// Listing was throttled, or looking was.
    Throttled,
    /// Listing failed otherwise.
    Failed,
}

impl Partial {
    /// The reason in logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OutOfTime => "out of time",
            Self::Throttled => "throttled",
            Self::Failed => "listing failed",
        }
    }
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
    /// Why a selection could not be brought to its end.
    pub partial: Option<Partial>,
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

    /// The gravest class of all jobs: retryable before rejected before done.
    #[must_use]
    pub fn class(&self) -> Class {
        let gravest = self.jobs.iter().map(|job| job.outcome.class()).max();
        match gravest {
            _ if self.partial.is_some() => Class::Retryable,
            Some(class) => class,
            None => Class::Done,
        }
    }

    /// Whether nothing in it is worth asking again.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        !matches!(self.class(), Class::TooSoon | Class::Retryable)
    }
}
