//! What a panel shows of a job queue: its jobs by status, and what blocks its head.

use thiserror::Error;

use crate::{
    batch::{
        CallError, DescribeJobQueue, ErrorKind, GetJobQueueSnapshot, JobSummary, ListJobs, ListOf,
        Listing,
    },
    request::{JobId, PanelRequest, Status},
    session::Session,
};

/// What there is to see in a queue.
#[derive(Debug)]
pub struct Panel {
    /// The queue, as it was asked for.
    pub job_queue: String,
    /// How many jobs there are in each status asked for.
    pub counts: Vec<Count>,
    /// Some of the jobs: by status, the oldest of each first.
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

/// Why a queue cannot be shown.
#[derive(Debug, Error)]
pub enum PanelError {
    /// The queue does not exist, is not in `ALLOWED_QUEUES`, or has service jobs.
    #[error("{0}")]
    Refused(String),
    /// A call failed for good.
    #[error("AWS Batch cannot be read: {0}")]
    Call(#[from] CallError),
}

impl PanelError {
    /// The stable name of the error, for the log and the metrics.
    #[must_use]
    pub fn error_type(&self) -> &'static str {
        match self {
            Self::Refused(_) => "Refused",
            Self::Call(error) => match error.kind {
                ErrorKind::Denied => "Denied",
                ErrorKind::Throttled => "Throttled",
                _ => "Failed",
            },
        }
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
    let (mut counts, mut found) = (Vec::new(), Vec::new());
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
        found.push(page.jobs);
    }
    let jobs = fair_share(found, request.limit);
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

/// At most `limit` jobs of several statuses, the oldest of each first. Every status has an equal share, and what one does
/// not need goes to the others; single places that are left go to the oldest jobs.
fn fair_share(mut found: Vec<Vec<JobSummary>>, limit: usize) -> Vec<JobSummary> {
    // A job whose age is not known counts as the youngest.
    let age = |job: &JobSummary| (job.created_at.is_none(), job.created_at, job.id);
    for jobs in &mut found {
        jobs.sort_unstable_by_key(age);
    }
    let mut shares = vec![0; found.len()];
    let mut left = limit;
    loop {
        let mut open: Vec<(usize, &JobSummary)> = Vec::new();
        for (index, (jobs, &share)) in found.iter().zip(&shares).enumerate() {
            open.extend(jobs.get(share).map(|next| (index, next)));
        }
        if open.is_empty() || left == 0 {
            break;
        }
        open.sort_unstable_by_key(|(_, next)| age(next));
        let equal = (left / open.len()).max(1);
        for (index, _) in open {
            if let (Some(jobs), Some(share)) = (found.get(index), shares.get_mut(index)) {
                let more = equal.min(jobs.len() - *share).min(left);
                *share += more;
                left -= more;
            }
        }
    }
    let shares = found.into_iter().zip(shares);
    shares
        .flat_map(|(jobs, share)| jobs.into_iter().take(share))
        .collect()
}
