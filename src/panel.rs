//! A job queue as the dashboard shows it: its jobs by status, and the first job in line.

use thiserror::Error;

use crate::{
    batch::{CallError, DescribeJobQueue, ErrorKind, JobSummary},
    request::PanelRequest,
    session::Session,
    watch::{self, Counts, Head},
};

/// A job queue, as it is shown.
#[derive(Debug)]
pub struct Panel {
    /// The queue's name or ARN, as the widget gives it.
    pub job_queue: String,
    /// The number of jobs in each status of the panel.
    pub counts: Counts,
    /// Some of the jobs: by status, the oldest of each first.
    pub jobs: Vec<JobSummary>,
    /// The first job in line.
    pub head: Option<Head>,
    /// The time, in milliseconds since 1970.
    pub now: i64,
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

    /// Whether the function or IAM refused to show the queue. Otherwise AWS Batch did not answer.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        match self {
            Self::Refused(_) => true,
            Self::Call(error) => error.kind == ErrorKind::Denied,
        }
    }
}

/// Reads a queue: one page of a listing for each status, the first job in line, and that job's status reason.
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
            "job queue {name} does not exist, or is not in ALLOWED_QUEUES"
        )));
    };
    if queue.is_of_service_jobs {
        return Err(PanelError::Refused(format!(
            "job queue {name} holds service jobs, which cannot be shown"
        )));
    }
    let (mut counts, mut found) = (Counts::default(), Vec::new());
    for &status in &request.statuses {
        let (count, jobs) = watch::count(&queue.arn, status, session).await?;
        counts.add(count);
        found.push(jobs);
    }
    let jobs = fair_share(found, request.limit);
    let head = watch::head(&queue.arn, now, session).await?;
    Ok(Panel {
        job_queue: request.job_queue,
        counts,
        jobs,
        head,
        now,
    })
}

/// At most `limit` jobs of several statuses, the oldest of each status first.
///
/// Every status has an equal share of the limit. A status with fewer jobs leaves the rest of its share to the others. If
/// the limit cannot be divided equally, the remainder goes to the oldest jobs.
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
