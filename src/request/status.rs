//! The statuses of AWS Batch jobs.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::decode::word;

/// The statuses that an AWS Batch job can be in, in the order of a job's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// Taken in, not looked at yet.
    Submitted,
    /// Waits for the jobs it depends on; or an array parent whose children live.
    Pending,
    /// Ready to be placed on an instance.
    Runnable,
    /// A service job that was placed, and has yet to start.
    Scheduled,
    /// Placed, its container is being started.
    Starting,
    /// Its container runs.
    Running,
    /// Ended well.
    Succeeded,
    /// Ended badly, or was cancelled or terminated.
    Failed,
    /// A status that this version does not know: nothing is taken for granted about such a job.
    #[serde(other)]
    Unknown,
}

impl Status {
    /// The name that Batch uses.
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
            Self::Unknown => "UNKNOWN",
        }
    }

    /// Reads Batch's name; what is not known becomes [`Status::Unknown`].
    #[must_use]
    pub fn from_batch(text: &str) -> Self {
        word("status", text).unwrap_or(Self::Unknown)
    }

    /// SUCCEEDED or FAILED: nothing changes any more.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }

    /// Past the point where `CancelJob` still does something.
    #[must_use]
    pub fn is_started(self) -> bool {
        matches!(self, Self::Starting | Self::Running)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
