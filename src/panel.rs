//! What a panel shows of a job queue: its jobs by status, and what blocks its head.

use crate::{
    batch::{
        CallError, DescribeJobQueue, GetJobQueueSnapshot, JobSummary, ListJobs, ListOf, Listing,
    },
    request::{JobId, Status},
    session::Session,
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
    pub jobs: Vec<JobSummary>,
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
pub enum PanelError {
    /// The queue is not in `ALLOWED_QUEUES`, or is not there.
    Refused(String),
    /// Batch did not answer.
    Call(CallError),
}

impl From<CallError> for PanelError {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

/// Looks at a queue: one listing a status, at the front of the queue, and at its first job.
///
/// # Errors
///
/// When the queue may not be shown, or a call failed for good.
pub async fn panel(
    request: PanelRequest,
    now: i64,
    session: Session<'_>,
) -> Result<Panel, PanelError> {
    let name = &request.job_queue;
    let queue = session.call(&DescribeJobQueue(name)).await?;
    let queue = queue.filter(|queue| session.policy.allowed_queues.contain(&queue.arn));
    let Some(queue) = queue else {
        return Err(PanelError::Refused(format!(
            "job queue {name} is not there, or not in ALLOWED_QUEUES"
        )));
    };
    if queue.is_of_service_jobs {
        return Err(PanelError::Refused(format!(
            "job queue {name} holds service jobs, which cannot be shown"
        )));
    }
    let (mut counts, mut jobs) = (Vec::new(), Vec::new());
    for &status in &request.statuses {
        let listing = Listing {
            of: ListOf::Queue(queue.arn.clone()),
            status: Some(status),
            filter: None,
        };
        let call = ListJobs {
            listing: &listing,
            next: None,
        };
        let page = session.call(&call).await?;
        counts.push(Count {
            status,
            jobs: page.jobs.len(),
            or_more: page.next.is_some(),
        });
        jobs.extend(page.jobs);
    }
    jobs.truncate(request.limit);
    let snapshot = session.call(&GetJobQueueSnapshot(&queue.arn)).await?;
    let head = match snapshot.first().map(|first| first.id) {
        Some(id) => {
            let job = session.look(id).await?;
            Some((id, job.and_then(|job| job.summary.status_reason)))
        }
        None => None,
    };
    Ok(Panel {
        job_queue: request.job_queue,
        counts,
        jobs,
        head,
        now,
    })
}
