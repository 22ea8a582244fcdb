//! What tests and seed files say about a job before the emulator makes it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{
    attempt::Attempt,
    operation::Operation,
    queue::PositionTime,
    span,
    status::{Exit, Lifecycle, Status},
};

/// The kind of a dependency between array jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DependencyType {
    /// Child N waits for child N of the other array.
    NToN,
    /// Child N waits for child N-1 of its own array.
    Sequential,
}

/// One entry of a job's `dependsOn`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Dependency {
    /// The job waited for. None only for [`DependencyType::Sequential`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<String>,
    /// None for a plain dependency on the whole job.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<DependencyType>,
}

impl Dependency {
    /// A plain dependency on the whole job.
    pub fn on(job_id: impl Into<String>) -> Self {
        Self {
            job_id: Some(job_id.into()),
            kind: None,
        }
    }
}

/// A job to be put into the emulator, in any state. Everything has a default, so that
/// `JobSpec { status: Status::Running, ..JobSpec::default() }` is a job.
///
/// The same in camelCase is an entry of a seed's `jobs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct JobSpec {
    /// The id; by default a random UUID (from a seeded generator, so the same in every run).
    pub job_id: Option<String>,
    /// `job` by default.
    pub job_name: String,
    /// Name or ARN of the queue, `default` by default; made if there is none of that name. Jobs in
    /// a queue of type `SAGEMAKER_TRAINING` are service jobs.
    pub job_queue: String,
    /// Name, `name:revision` or ARN; `definition:1` by default.
    pub job_definition: String,
    /// RUNNABLE by default. An array parent's is worked out from its children.
    pub status: Status,
    /// What `DescribeJobs` shows as `statusReason`.
    pub status_reason: Option<String>,
    /// In JSON milliseconds since the epoch or a timestamp. By default now, less `age`.
    #[serde(with = "span::time")]
    pub created_at: Option<Duration>,
    /// How long before now it was created, if `created_at` is not given.
    #[serde(with = "span")]
    pub age: Duration,
    /// Tags; shown by `DescribeJobs` only.
    pub tags: BTreeMap<String, String>,
    /// Share identifier.
    pub share_identifier: Option<String>,
    /// Scheduling priority.
    pub scheduling_priority: Option<i32>,
    /// A cancellation was accepted earlier: the job does not move on, and a RUNNABLE one stays so
    /// until [`Emulator::set_status`](crate::Emulator::set_status) says otherwise.
    pub is_cancelled: bool,
    /// A termination was accepted earlier.
    pub is_terminated: bool,
    /// Makes it an array job of this many children, `<id>:0` to `<id>:N-1`.
    pub array_size: Option<u32>,
    /// The statuses of an array's children, repeated as a pattern; by default all have `status`
    /// (RUNNABLE for PENDING).
    pub children: Vec<Status>,
    /// What it waits for while PENDING. A dependency on an id that is not there (yet) stays open.
    pub depends_on: Vec<Dependency>,
    /// Makes it a multi-node parallel job of this many nodes, `<id>#0` to `<id>#N-1`.
    pub nodes: Option<u32>,
    /// How long it stays in each status; by default for ever. Children have the same.
    pub lifecycle: Lifecycle,
    /// Lets a cancel be accepted without stopping the job, as
    /// [`Faults::runs_anyway`](crate::Faults::runs_anyway) does; with `is_cancelled`, the job was
    /// seen cancelled, and goes on to run and to exit like this.
    pub runs_anyway: Option<Exit>,
    /// When it started and stopped, since the Unix epoch; in JSON milliseconds or a timestamp. By
    /// default what its status implies: a RUNNING or SUCCEEDED one started, and a final one
    /// stopped, when it was added. A FAILED one by default never started.
    #[serde(with = "span::time")]
    pub started_at: Option<Duration>,
    /// See `started_at`.
    #[serde(with = "span::time")]
    pub stopped_at: Option<Duration>,
    /// How long before now it started, if `started_at` is not given.
    #[serde(with = "span::option")]
    pub started_ago: Option<Duration>,
    /// How long before now it stopped, if `stopped_at` is not given.
    #[serde(with = "span::option")]
    pub stopped_ago: Option<Duration>,
    /// The attempts so far, which an array job has none of. By default what its status and times
    /// imply: one if it has started, none before. A RUNNING job's own is added to earlier ones.
    pub attempts: Vec<Attempt>,
    /// Whether its attempts are shown as `eksAttempts`, as they are in a queue of type EKS.
    pub eks_attempts: bool,
    /// What `GetJobQueueSnapshot` shows as its `earliestTimeAtPosition`.
    pub position_time: PositionTime,
    /// How long before now it came to its position, in place of `position_time`.
    #[serde(with = "span::option")]
    pub first_for: Option<Duration>,
    /// The operations (of `GetJobQueueSnapshot`, `DescribeJobs` and `ListJobs`) that show it, unasked,
    /// by its main node's id and ARN, `<id>#0`. Whether Batch ever does is unknown.
    pub shown_as_node: BTreeSet<Operation>,
    /// How many of these [`Emulator::add_jobs`](crate::Emulator::add_jobs) and a seed make. More
    /// than one cannot have a `job_id`.
    pub count: u32,
}

impl Default for JobSpec {
    fn default() -> Self {
        Self {
            job_id: None,
            job_name: "job".to_owned(),
            job_queue: "default".to_owned(),
            job_definition: "definition:1".to_owned(),
            status: Status::default(),
            status_reason: None,
            created_at: None,
            age: Duration::ZERO,
            tags: BTreeMap::new(),
            share_identifier: None,
            scheduling_priority: None,
            is_cancelled: false,
            is_terminated: false,
            array_size: None,
            children: Vec::new(),
            depends_on: Vec::new(),
            nodes: None,
            lifecycle: Lifecycle::default(),
            runs_anyway: None,
            started_at: None,
            stopped_at: None,
            started_ago: None,
            stopped_ago: None,
            attempts: Vec::new(),
            eks_attempts: false,
            position_time: PositionTime::default(),
            first_for: None,
            shown_as_node: BTreeSet::new(),
            count: 1,
        }
    }
}

impl JobSpec {
    /// A job of this status in the queue `default`.
    #[must_use]
    pub fn new(status: Status) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }

    /// With this id.
    #[must_use]
    pub fn id(mut self, job_id: impl Into<String>) -> Self {
        self.job_id = Some(job_id.into());
        self
    }

    /// In this queue.
    #[must_use]
    pub fn queue(mut self, job_queue: impl Into<String>) -> Self {
        self.job_queue = job_queue.into();
        self
    }

    /// With this name.
    #[must_use]
    pub fn name(mut self, job_name: impl Into<String>) -> Self {
        self.job_name = job_name.into();
        self
    }

    /// With one more tag.
    #[must_use]
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.insert(key.into(), value.into());
        self
    }

    /// Created this long ago.
    #[must_use]
    pub fn age(mut self, age: Duration) -> Self {
        self.age = age;
        self
    }

    /// PENDING on one more job.
    #[must_use]
    pub fn after(mut self, job_id: impl Into<String>) -> Self {
        self.depends_on.push(Dependency::on(job_id));
        self
    }

    /// An array whose children have these statuses.
    #[must_use]
    pub fn array(mut self, children: &[Status]) -> Self {
        self.array_size = u32::try_from(children.len()).ok();
        self.children = children.to_vec();
        self
    }
}
