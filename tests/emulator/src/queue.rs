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

/// A job queue. In a seed: `{"name": "…", "state": "ENABLED", "type": "ECS", "priority": 1}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
        }
    }

    /// An enabled queue for service jobs.
    pub fn service(name: impl Into<String>) -> Self {
        Self {
            kind: QueueType::SagemakerTraining,
            ..Self::new(name)
        }
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
