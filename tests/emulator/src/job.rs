//! A job as the emulator keeps it, and the view of it that tests get.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use serde::Serialize;

use crate::{
    attempt::Attempt,
    clock::millis,
    operation::Operation,
    queue::PositionTime,
    spec::Dependency,
    status::{Exit, Lifecycle, Status},
};

/// The place of a job in the store. Made by the store only; jobs are never removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key(pub(crate) usize);

/// The place of a queue in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct QueueKey(pub(crate) usize);

/// What a job is made of.
#[derive(Debug)]
pub(crate) enum Shape {
    Single,
    Nodes(u32),
    Parent {
        children: Vec<Key>,
        /// How many children there are in each status, in the order of `Status::ALL`.
        counts: [u32; Status::ALL.len()],
    },
    Child {
        parent: Key,
        index: u32,
    },
}

/// Everything known of a job. What many jobs share is behind an `Arc`.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, most of them Batch's own"
)]
pub(crate) struct Job {
    pub(crate) id: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) queue: QueueKey,
    pub(crate) definition: Arc<str>,
    pub(crate) status: Status,
    pub(crate) status_reason: Option<Arc<str>>,
    pub(crate) created_at: Duration,
    pub(crate) started_at: Option<Duration>,
    pub(crate) stopped_at: Option<Duration>,
    /// Since when it is in its status.
    pub(crate) since: Duration,
    /// Until then no look finds it.
    pub(crate) visible_from: Duration,
    pub(crate) forgotten: bool,
    pub(crate) is_service: bool,
    pub(crate) is_cancelled: bool,
    pub(crate) is_terminated: bool,
    /// A cancel or terminate was accepted that does not show yet: the job moves no further.
    pub(crate) is_held: bool,
    /// The status reason to end with, from the first cancel or terminate that was accepted.
    pub(crate) ending: Option<Arc<str>>,
    /// Counts the changes of status, so that moves planned before one are void after it.
    pub(crate) turn: u32,
    pub(crate) tags: Arc<BTreeMap<String, String>>,
    pub(crate) share_identifier: Option<Arc<str>>,
    pub(crate) scheduling_priority: Option<i32>,
    pub(crate) depends_on: Arc<[Dependency]>,
    /// Dependencies that have not succeeded yet.
    pub(crate) waits_for: u32,
    pub(crate) dependents: Vec<Key>,
    pub(crate) lifecycle: Arc<Lifecycle>,
    /// How it exits although it is cancelled, if a cancel does not stop it.
    pub(crate) runs_anyway: Option<Exit>,
    pub(crate) attempts: Vec<Attempt>,
    /// Whether they are shown as `eksAttempts`.
    pub(crate) on_eks: bool,
    pub(crate) position_time: PositionTime,
    /// The operations that show it as its main node, `<id>#0`.
    pub(crate) shown_as_node: Arc<BTreeSet<Operation>>,
    pub(crate) shape: Shape,
}

impl Job {
    /// Whether a cancel that was accepted keeps it from moving on.
    pub(crate) fn is_stopped(&self) -> bool {
        let marked = self.is_cancelled || self.is_terminated;
        let stopped = self.is_held || (marked && self.escape().is_none());
        stopped && (self.status.is_cancellable() || (self.is_held && !self.status.is_final()))
    }

    /// How it exits, if it is cancelled and runs all the same.
    pub(crate) fn escape(&self) -> Option<Exit> {
        self.runs_anyway.filter(|_| self.is_cancelled)
    }

    /// The node as which an operation shows it, where it shows it as one.
    pub(crate) fn shown_node(&self, operation: Operation) -> Option<u32> {
        self.shown_as_node.contains(&operation).then_some(0)
    }

    /// Whether looks and listings do not find it yet.
    pub(crate) fn is_hidden(&self, now: Duration) -> bool {
        self.visible_from > now
    }
}

/// A job as the emulator knows it now, whatever the faults hide from its callers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobView {
    /// The id.
    pub job_id: String,
    /// The name.
    pub job_name: String,
    /// The queue's name.
    pub job_queue: String,
    /// Where it stands.
    pub status: Status,
    /// Why.
    pub status_reason: Option<String>,
    /// Whether a cancellation was accepted.
    pub is_cancelled: bool,
    /// Whether a termination was accepted.
    pub is_terminated: bool,
    /// Whether it is a service job.
    pub is_service_job: bool,
    /// Milliseconds since the epoch.
    pub created_at: i64,
    /// Milliseconds since the epoch; None if it never ran.
    pub started_at: Option<i64>,
    /// Milliseconds since the epoch; None if it has not ended.
    pub stopped_at: Option<i64>,
    /// The number of children of an array parent.
    pub array_size: Option<u32>,
}

impl JobView {
    pub(crate) fn of(job: &Job, queue: &str) -> Self {
        Self {
            job_id: job.id.to_string(),
            job_name: job.name.to_string(),
            job_queue: queue.to_owned(),
            status: job.status,
            status_reason: job.status_reason.as_deref().map(str::to_owned),
            is_cancelled: job.is_cancelled,
            is_terminated: job.is_terminated,
            is_service_job: job.is_service,
            created_at: millis(job.created_at),
            started_at: job.started_at.map(millis),
            stopped_at: job.stopped_at.map(millis),
            array_size: match &job.shape {
                Shape::Parent { children, .. } => u32::try_from(children.len()).ok(),
                _ => None,
            },
        }
    }
}
