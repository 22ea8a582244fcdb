//! The statuses of AWS Batch jobs.

use serde::Serialize;
use strum::{Display, EnumString, IntoStaticStr};

/// The statuses of an AWS Batch job, in the order in which a job passes through them.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Display,
    EnumString,
    IntoStaticStr,
)]
#[serde(rename_all = "UPPERCASE")]
#[strum(serialize_all = "UPPERCASE")]
pub enum Status {
    /// Accepted, not evaluated yet.
    Submitted,
    /// Waits for the jobs it depends on; or an array parent whose children have not ended.
    Pending,
    /// Waits for resources.
    Runnable,
    /// A service job that is placed and has not started.
    Scheduled,
    /// Placed; its container is being started.
    Starting,
    /// Its container runs.
    Running,
    /// Ended successfully.
    Succeeded,
    /// Ended with an error, cancelled or terminated.
    Failed,
    /// A status that this version does not know. Nothing is assumed about such a job.
    Unknown,
}

impl Status {
    /// The statuses of jobs that have not ended.
    pub const LIVE: [Self; 5] = [
        Self::Submitted,
        Self::Pending,
        Self::Runnable,
        Self::Starting,
        Self::Running,
    ];

    /// The name that Batch uses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Reads Batch's name. A name that is not known becomes [`Status::Unknown`].
    #[must_use]
    pub fn from_batch(text: &str) -> Self {
        text.parse().unwrap_or(Self::Unknown)
    }

    /// One of the statuses by which `ListJobs` lists jobs.
    #[must_use]
    pub fn is_listed(self) -> bool {
        self.is_final() || Self::LIVE.contains(&self)
    }

    /// SUCCEEDED or FAILED. The job does not change any more.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }

    /// STARTING or RUNNING. `CancelJob` has no effect any more.
    #[must_use]
    pub fn is_started(self) -> bool {
        matches!(self, Self::Starting | Self::Running)
    }
}
