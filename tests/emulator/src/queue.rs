//! Job queues.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{job::Key, status::Status};

/// What runs the jobs of a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(
    missing_docs,
    reason = "each variant is Batch's queue type of that name"
)]
pub enum QueueType {
    #[default]
    Ecs,
    EcsFargate,
    EcsManagedInstances,
    Eks,
    /// Its jobs are service jobs.
    SagemakerTraining,
}

/// Whether a queue accepts jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(
    missing_docs,
    reason = "each variant is Batch's queue state of that name"
)]
pub enum QueueState {
    #[default]
    Enabled,
    Disabled,
}

/// Whether a queue is as it should be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(
    missing_docs,
    reason = "each variant is Batch's queue status of that name"
)]
pub enum QueueStatus {
    Creating,
    Updating,
    Deleting,
    Deleted,
    #[default]
    Valid,
    Invalid,
}

/// What Batch does by itself with a job at the head of a queue that has waited for too long. It is
/// only shown: no job of the emulator ends by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TimeLimitAction {
    /// The blocking code, `CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY`.
    pub reason: String,
    /// RUNNABLE, the only state that Batch knows here.
    #[serde(default)]
    pub state: TimeLimitState,
    /// Between 600 and 86,400.
    pub max_time_seconds: i32,
    /// CANCEL by default.
    #[serde(default)]
    pub action: TimeLimitEnd,
}

/// The state that a time limit is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "the only one that Batch knows")]
pub enum TimeLimitState {
    #[default]
    Runnable,
}

/// How a time limit ends a job: TERMINATE is for service jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "each variant is Batch's action of that name")]
pub enum TimeLimitEnd {
    #[default]
    Cancel,
    Terminate,
}

/// What the jobs of a queue use of one kind of capacity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CapacityUsage {
    /// `VCPU`, in an EKS queue `cpu`, of service jobs the type of instance.
    pub capacity_unit: String,
    /// How much.
    pub quantity: f64,
}

/// A job queue. In a seed: `{"name": "…", "state": "ENABLED", "type": "ECS", "priority": 1}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Queue {
    /// The queue's name.
    pub name: String,
    /// ENABLED by default.
    #[serde(default)]
    pub state: QueueState,
    /// ECS by default.
    #[serde(default, rename = "type")]
    pub kind: QueueType,
    /// 1 by default.
    #[serde(default = "one")]
    pub priority: i32,
    /// VALID by default.
    #[serde(default)]
    pub status: QueueStatus,
    /// What is said of its status; by default that it is healthy, if it is VALID.
    #[serde(default)]
    pub status_reason: Option<String>,
    /// None by default; then the member is left out.
    #[serde(default)]
    pub job_state_time_limit_actions: Vec<TimeLimitAction>,
    /// What `GetJobQueueSnapshot` shows that its jobs use; left out by default.
    #[serde(default)]
    pub total_capacity_usage: Vec<CapacityUsage>,
}

fn one() -> i32 {
    1
}

impl Queue {
    /// An enabled ECS queue.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            state: QueueState::default(),
            kind: QueueType::default(),
            priority: one(),
            status: QueueStatus::default(),
            status_reason: None,
            job_state_time_limit_actions: Vec::new(),
            total_capacity_usage: Vec::new(),
        }
    }

    /// An enabled queue for service jobs.
    pub fn service(name: impl Into<String>) -> Self {
        Self {
            kind: QueueType::SagemakerTraining,
            ..Self::new(name)
        }
    }

    /// What Batch says of its status.
    pub(crate) fn shown_status_reason(&self) -> Option<&str> {
        let healthy = (self.status == QueueStatus::Valid).then_some("JobQueue Healthy");
        self.status_reason.as_deref().or(healthy)
    }
}

/// What `GetJobQueueSnapshot` shows as a job's `earliestTimeAtPosition`. In a seed: `"actual"`,
/// `"missing"` or `{"at": 0}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PositionTime {
    /// When it became RUNNABLE, or when a job ahead of it last came or left, whichever is later. A
    /// job that was put in as RUNNABLE became so when it was put in.
    #[default]
    Actual,
    /// The member is left out, which the service model allows.
    Missing,
    /// This, in milliseconds since the Unix epoch; 0 too.
    At(i64),
}

/// A place in a listing: by time of creation, then in the order in which jobs were added.
pub(crate) type Place = (Duration, Key);

/// A queue, with its jobs in the order of creation. Array children are in `dispatch` only, as
/// `ListJobs` shows them under their parent and not in the queue.
#[derive(Debug)]
pub(crate) struct QueueEntry {
    pub(crate) queue: Queue,
    pub(crate) arn: String,
    pub(crate) all: BTreeSet<Place>,
    pub(crate) by_status: [BTreeSet<Place>; Status::ALL.len()],
    /// RUNNABLE jobs, single ones and children, in the order in which they will be dispatched.
    pub(crate) dispatch: BTreeSet<Place>,
    /// When jobs behind a place last got new positions. A place is left out whose time is older than
    /// that of one further ahead, so times grow with the places.
    pub(crate) shifts: BTreeMap<Place, Duration>,
}

impl QueueEntry {
    /// The job at this place came or left.
    pub(crate) fn shift(&mut self, place: Place, at: Duration) {
        self.shifts.split_off(&place);
        self.shifts.insert(place, at);
    }

    /// Since when a RUNNABLE job is at its position: "when the job transitioned to its current
    /// position in the job queue".
    pub(crate) fn at_position_since(&self, place: Place, runnable_since: Duration) -> Duration {
        let shifted = self.shifts.range(..place).next_back();
        shifted.map_or(runnable_since, |(_, at)| runnable_since.max(*at))
    }
}
