//! What a panel shows of a job queue: its jobs by status, and what blocks its head.

use crate::{
    batch::{CallError, ListOf, Listed, Listing},
    call::patiently,
    cancel::Tools,
    look::look,
    request::{JobId, Status},
};

/// The most jobs that a panel shows.
pub const MAX_SHOWN: usize = 200;

/// What a panel is asked to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PanelRequest {
    /// The queue's name or ARN.
    pub job_queue: String,
    /// The statuses to count and to show, in the order of a job's life.
    pub statuses: Vec<Status>,
    /// Show at most this many jobs.
    pub limit: usize,
}

impl PanelRequest {
    /// The statuses of jobs that have not ended.
    pub const LIVE: [Status; 5] = [
        Status::Submitted,
        Status::Pending,
        Status::Runnable,
        Status::Starting,
        Status::Running,
    ];
}

/// What there is to see in a queue.
#[derive(Debug)]
pub struct Panel {
    /// The queue, as it was asked for.
    pub job_queue: String,
    /// How many jobs there are in each status asked for.
    pub counts: Vec<Count>,
    /// Some of the jobs.
    pub jobs: Vec<Listed>,
    /// The first job of the queue's front, and why it waits.
    pub head: Option<(JobId, Option<String>)>,
    /// The time, in milliseconds since 1970.
    pub now: i64,
}

/// The number of jobs in a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// The status.
    pub status: Status,
    /// How many jobs are in it.
    pub jobs: usize,
    /// There are more than these.
    pub or_more: bool,
}

/// Why there is nothing to see.
#[derive(Debug)]
pub enum NoPanel {
    /// The queue is not in `ALLOWED_QUEUES`, or is not there.
    Refused(String),
    /// Batch did not answer.
    Call(CallError),
}

impl From<CallError> for NoPanel {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

/// Looks at a queue: one listing a status, at the front of the queue, and at its first job.
///
/// # Errors
///
/// When the queue may not be shown, or a call failed for good.
pub async fn panel(asked: PanelRequest, now: i64, tools: Tools<'_>) -> Result<Panel, NoPanel> {
    let name = &asked.job_queue;
    let describe = || tools.batch.describe_job_queue(name);
    let queue = patiently("DescribeJobQueues", 1, tools, describe).await?;
    let queue = queue.filter(|queue| tools.policy.allowed_queues.contain(&queue.arn));
    let Some(queue) = queue else {
        return Err(NoPanel::Refused(format!(
            "job queue {name} is not there, or not in ALLOWED_QUEUES"
        )));
    };
    if queue.is_of_service_jobs {
        return Err(NoPanel::Refused(format!(
            "job queue {name} holds service jobs, which cannot be shown"
        )));
    }
    let (mut counts, mut jobs) = (Vec::new(), Vec::new());
    for &status in &asked.statuses {
        let listing = Listing {
            of: ListOf::Queue(queue.arn.clone()),
            status: Some(status),
            filter: None,
        };
        let page = patiently("ListJobs", 0, tools, || {
            tools.batch.list_jobs(&listing, None)
        })
        .await?;
        counts.push(Count {
            status,
            jobs: page.jobs.len(),
            or_more: page.next.is_some(),
        });
        jobs.extend(page.jobs);
    }
    jobs.truncate(asked.limit);
    let front = || tools.batch.head_of_queue(&queue.arn);
    let head = match patiently("GetJobQueueSnapshot", 1, tools, front).await? {
        Some(id) => Some((id, look(id, tools).await?.and_then(|job| job.status_reason))),
        None => None,
    };
    Ok(Panel {
        job_queue: asked.job_queue,
        counts,
        jobs,
        head,
        now,
    })
}
