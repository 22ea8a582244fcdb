//! The outcome of a job, and what it means for whoever asked.

use serde::Serialize;
use strum::{IntoStaticStr, VariantArray};

/// The outcome of one job. Each belongs to one [`Class`].
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, IntoStaticStr, VariantArray,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum Outcome {
    /// Batch says FAILED, and that it was cancelled, by this request or an earlier one.
    Cancelled,
    /// Batch shows the job as cancelled, and not as FAILED yet.
    Cancelling,
    /// Batch says FAILED, and that it was terminated.
    Terminated,
    /// Batch shows the job as terminated, and not as FAILED yet.
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
    /// Not the caller's: the owner tag names somebody else, or nobody.
    NotOwner,
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

/// What is said of a job that is [`Outcome::QueueNotAllowed`], or not shown for the same reason.
pub(crate) const QUEUE_NOT_ALLOWED: &str =
    "its job queue is not in ALLOWED_QUEUES (parameter AllowedJobQueues)";

/// What an outcome means for whoever asked, the gravest last: what waits for its time hides nothing that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Asking again would change nothing.
    Done,
    /// Asking again helps when the time has come.
    TooSoon,
    /// Asking again would not help until somebody mends something.
    Rejected,
    /// Asking again may help.
    Retryable,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: &[Self] = Self::VARIANTS;

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
            | Self::NotOwner
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

    /// Batch shows the job as cancelled or terminated, and not as FAILED yet.
    #[must_use]
    pub fn is_under_way(self) -> bool {
        matches!(self, Self::Cancelling | Self::Terminating)
    }

    /// The job was cancelled or terminated, or is being.
    #[must_use]
    pub fn is_end(self) -> bool {
        matches!(self, Self::Cancelled | Self::Terminated) || self.is_under_way()
    }

    /// A job with this outcome blocks no queue, or not of those allowed here.
    pub(crate) fn ends_blocking(self) -> bool {
        self == Self::QueueNotAllowed || self.is_end()
    }

    /// Batch refused the call that would end the job.
    #[must_use]
    pub fn is_refused(self) -> bool {
        matches!(self, Self::Denied | Self::Throttled | Self::Failed)
    }

    /// The name in reports, logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
