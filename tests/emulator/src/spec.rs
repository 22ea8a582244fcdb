//! What tests and seed files say about jobs and queues before the emulator makes them.

use std::{collections::BTreeMap, time::Duration};

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
    /// How it ends after RUNNING.
    pub exit: Exit,
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

/// Which mark `TerminateJob` leaves on a job that has not started yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TerminateMark {
    /// `isCancelled`: "Jobs that have not progressed to the STARTING state are cancelled".
    #[default]
    Cancelled,
    /// `isTerminated`: "whether a termination request has been accepted for the job".
    Terminated,
    /// Both.
    Both,
}

/// How the emulated Batch behaves where time passes or where AWS's documentation is silent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Behaviour {
    /// From the cancel of a SUBMITTED or RUNNABLE job to its FAILED; `isCancelled` shows at once.
    #[serde(with = "span")]
    pub cancel_delay: Duration,
    /// From the terminate of a started job to its FAILED; it may finish by itself before.
    #[serde(with = "span")]
    pub terminate_delay: Duration,
    /// The lifecycle of jobs made by `SubmitJob`. By default RUNNABLE at once, then for ever.
    pub submitted: Lifecycle,
    /// Whether a job's ARN is taken for its id (as moto's `DescribeJobs` does). Off: unknown.
    pub accept_arns: bool,
    /// Whether array children show their parent's tags. Unverified; off.
    pub child_tags: bool,
    /// Unverified; `cancelled` by default.
    pub terminate_mark: TerminateMark,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            cancel_delay: Duration::ZERO,
            terminate_delay: Duration::ZERO,
            submitted: Lifecycle {
                submitted_for: Some(Duration::ZERO),
                ..Lifecycle::default()
            },
            accept_arns: false,
            child_tags: false,
            terminate_mark: TerminateMark::default(),
        }
    }
}
