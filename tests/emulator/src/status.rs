//! The statuses of a job, and how long it stays in each.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::span;

/// Where a job stands in its life.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "each variant is Batch's status of that name")]
pub enum Status {
    Submitted,
    Pending,
    #[default]
    Runnable,
    /// Service jobs only: handed to the other service, which has yet to start it.
    Scheduled,
    Starting,
    Running,
    Succeeded,
    Failed,
}

impl Status {
    /// In the order of a job's life.
    pub const ALL: [Self; 8] = [
        Self::Submitted,
        Self::Pending,
        Self::Runnable,
        Self::Scheduled,
        Self::Starting,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
    ];

    /// As Batch writes it, `RUNNABLE`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "SUBMITTED",
            Self::Pending => "PENDING",
            Self::Runnable => "RUNNABLE",
            Self::Scheduled => "SCHEDULED",
            Self::Starting => "STARTING",
            Self::Running => "RUNNING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
        }
    }

    /// SUCCEEDED or FAILED.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }

    /// SUBMITTED, PENDING or RUNNABLE: what `CancelJob` acts on.
    #[must_use]
    pub fn is_cancellable(self) -> bool {
        matches!(self, Self::Submitted | Self::Pending | Self::Runnable)
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

/// How a job ends that runs to its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Exit {
    /// SUCCEEDED.
    #[default]
    Succeeded,
    /// FAILED, with a status reason of the container.
    Failed,
}

/// How long a job stays in each status. `None`: for ever. In JSON: seconds, or text such as `90s`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Lifecycle {
    /// Time in SUBMITTED; then PENDING if it has open dependencies or a `pending_for`, else
    /// RUNNABLE.
    #[serde(with = "span::option")]
    pub submitted_for: Option<Duration>,
    /// Time in PENDING, at the least: a job with open dependencies stays until they are done, and
    /// without a `pending_for` moves on as soon as they are.
    #[serde(with = "span::option")]
    pub pending_for: Option<Duration>,
    /// Time in RUNNABLE.
    #[serde(with = "span::option")]
    pub runnable_for: Option<Duration>,
    /// Time in SCHEDULED (service jobs).
    #[serde(with = "span::option")]
    pub scheduled_for: Option<Duration>,
    /// Time in STARTING.
    #[serde(with = "span::option")]
    pub starting_for: Option<Duration>,
    /// Time in RUNNING.
    #[serde(with = "span::option")]
    pub running_for: Option<Duration>,
    /// How its last attempt ends after RUNNING.
    pub exit: Exit,
    /// How many attempts fail with exit code 1 before the last one: after each the job is RUNNABLE
    /// again, as a retry strategy has it. A cancelled or terminated job is not run again.
    pub failed_attempts: u32,
}

impl Lifecycle {
    pub(crate) fn time_in(&self, status: Status) -> Option<Duration> {
        match status {
            Status::Submitted => self.submitted_for,
            Status::Pending => self.pending_for,
            Status::Runnable => self.runnable_for,
            Status::Scheduled => self.scheduled_for,
            Status::Starting => self.starting_for,
            Status::Running => self.running_for,
            Status::Succeeded | Status::Failed => None,
        }
    }
}
