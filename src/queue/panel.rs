//! A job queue as the dashboard shows it: its jobs by status, and the first job in line.

use futures_util::stream::{self, StreamExt};

use super::{
    count::{Counts, count},
    head::{Head, read_head},
};
use crate::{
    batch::{CallError, JobSummary, oldest_first},
    policy::queue_name,
    request::{PanelRequest, Status},
    session::{QueueError, Session},
};

/// A job queue, as it is shown.
#[derive(Debug)]
pub struct Panel {
    /// What was asked for.
    pub request: PanelRequest,
    /// The queue's name.
    pub name: String,
    /// Whether it accepts jobs: ENABLED or DISABLED.
    pub state: String,
    /// The number of jobs in each status of the panel.
    pub counts: Counts,
    /// Some of the jobs of each status that has any, the oldest first. Those that wait for the queue come first.
    pub groups: Vec<Group>,
    /// The first job in line, or why it cannot be read.
    pub head: Result<Option<Head>, CallError>,
    /// Whether jobs that have started may be ended.
    pub can_terminate: bool,
    /// Whether everything is a dry run.
    pub is_dry_run: bool,
    /// The time, in milliseconds since 1970.
    pub now: i64,
}

/// Some of the jobs in one status.
#[derive(Debug)]
pub struct Group {
    /// The status.
    pub status: Status,
    /// The jobs, the oldest first.
    pub jobs: Vec<JobSummary>,
}

/// Reads a queue: the first job in line, that job's status reason, and one page of a listing for each status.
///
/// # Errors
///
/// When the queue may not be shown, or a call failed for good.
pub async fn panel(
    request: PanelRequest,
    now: i64,
    session: Session<'_>,
) -> Result<Panel, QueueError> {
    let queue = session.queue_to_list(&request.job_queue).await?;
    let head = read_head(&queue.arn, now, session).await;
    let (mut counts, mut groups) = (Counts::default(), Vec::new());
    let listings = request.statuses.iter().map(|&status| {
        let listing = count(&queue.arn, status, session);
        async move {
            listing
                .await
                .map(|(count, jobs)| (count, Group { status, jobs }))
        }
    });
    let mut listings = stream::iter(listings).buffered(session.pace.concurrency());
    while let Some(listing) = listings.next().await {
        let (count, group) = listing?;
        counts.add(count);
        groups.push(group);
    }
    drop(listings);
    fair_share(&mut groups, request.limit);
    groups.retain(|group| !group.jobs.is_empty());
    groups.sort_by_key(|group| rank(group.status));
    Ok(Panel {
        name: queue_name(&queue.arn).to_owned(),
        state: queue.state,
        counts,
        groups,
        head,
        can_terminate: session.policy.allow_terminate,
        is_dry_run: session.policy.dry_run,
        now,
        request,
    })
}

/// Since when a job waits or runs, in milliseconds since 1970. Batch does not say since when it is in its status, unless it
/// runs.
#[must_use]
pub fn since(job: &JobSummary) -> Option<i64> {
    let started_at = job.started_at.filter(|_| job.status == Status::Running);
    started_at.or(job.created_at)
}

/// The place of a status on the panel: what waits for the queue first, what has ended last.
fn rank(status: Status) -> usize {
    let order = [
        Status::Runnable,
        Status::Pending,
        Status::Submitted,
        Status::Starting,
        Status::Running,
        Status::Failed,
    ];
    let place = order.iter().position(|&known| known == status);
    place.unwrap_or(order.len())
}

/// Leaves at most `limit` jobs of several statuses, the oldest of each.
///
/// Every status has an equal share of the limit. A status with fewer jobs leaves the rest of its share to the others. If
/// the limit cannot be divided equally, the remainder goes to the oldest jobs.
fn fair_share(groups: &mut [Group], limit: usize) {
    let age = |job: &JobSummary| oldest_first(since(job), job.id);
    for group in groups.iter_mut() {
        group.jobs.sort_unstable_by_key(age);
    }
    let mut shares = vec![0; groups.len()];
    let mut left = limit;
    loop {
        let mut open: Vec<(usize, &JobSummary)> = Vec::new();
        for (index, (group, &share)) in groups.iter().zip(&shares).enumerate() {
            open.extend(group.jobs.get(share).map(|next| (index, next)));
        }
        if open.is_empty() || left == 0 {
            break;
        }
        open.sort_unstable_by_key(|(_, next)| age(next));
        let equal = (left / open.len()).max(1);
        for (index, _) in open {
            if let (Some(group), Some(share)) = (groups.get(index), shares.get_mut(index)) {
                let more = equal.min(group.jobs.len() - *share).min(left);
                *share += more;
                left -= more;
            }
        }
    }
    for (group, share) in groups.iter_mut().zip(shares) {
        group.jobs.truncate(share);
    }
}
