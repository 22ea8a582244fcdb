//! A job queue as the dashboard shows it: its jobs by status, and the first job in line.

use std::collections::HashMap;

use futures_util::stream::{self, StreamExt};

use super::{count::first_page, view::QueueView};
use crate::{
    batch::{JobSummary, oldest_first},
    look::{Look, Patience, look_at},
    plan::{Intent, Plan, plan_job},
    report::Outcome,
    request::{Action, JobId, PanelRequest, Status},
    session::{QueueError, Session},
};

/// A job queue, as it is shown.
#[derive(Debug)]
pub struct Panel {
    /// What was asked for.
    pub request: PanelRequest,
    /// The queue, with the number of jobs in each status of the panel.
    pub queue: QueueView,
    /// Some of the jobs of each status that has any, the oldest first. Those that wait for the queue come first.
    pub groups: Vec<Group>,
    /// Whether jobs that have started may be ended.
    pub can_terminate: bool,
    /// Whether everything is a dry run.
    pub is_dry_run: bool,
    /// When it was read, in milliseconds since 1970.
    pub now: i64,
}

/// Jobs of one status.
#[derive(Debug)]
pub struct Group {
    /// Their status.
    pub status: Status,
    /// The jobs.
    pub jobs: Vec<PanelJob>,
}

/// A job as the panel shows it.
#[derive(Debug)]
pub struct PanelJob {
    /// What Batch shows of it.
    pub job: JobSummary,
    /// What a button would do.
    pub button: Result<Action, NoButton>,
}

/// Why a job has no button.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoButton {
    /// It has ended, or has started and may not be terminated.
    NotInThisStatus,
    /// It is being ended already.
    IsEnding,
    /// It carries the protect tag, or its array does.
    Protected,
    /// It has started or ended since it was listed, or may not be ended for another reason.
    MovedOn,
    /// It could not be looked at.
    Unseen,
}

/// Reads a queue. `now` is in milliseconds since 1970.
///
/// # Errors
///
/// When the queue may not be shown, or a call failed for good. What is first in line is not worth that.
pub async fn panel(
    request: PanelRequest,
    now: i64,
    session: Session<'_>,
) -> Result<Panel, QueueError> {
    let queue = session.queue_to_list(&request.job_queue).await?;
    let arn = queue.arn.clone();
    let mut queue = QueueView::of(queue).measure_head(now, session).await;
    let mut listed = Vec::new();
    let listings = request.statuses.iter().map(|&status| {
        let listing = first_page(&arn, status, session);
        async move { (status, listing.await) }
    });
    let mut listings = stream::iter(listings).buffered(session.pace.concurrency());
    while let Some((status, listing)) = listings.next().await {
        let page = listing?;
        queue.counts.add(status, &page);
        listed.push((status, page.jobs));
    }
    drop(listings);
    fair_share(&mut listed, request.limit);
    listed.retain(|(_, jobs)| !jobs.is_empty());
    listed.sort_by_key(|(status, _)| rank(*status));
    Ok(Panel {
        groups: with_buttons(listed, session).await,
        queue,
        can_terminate: session.policy.allow_terminate,
        is_dry_run: session.policy.dry_run,
        now,
        request,
    })
}

/// The jobs with what their buttons would do. Only a look tells whether a job may be ended: a listing has no tags.
async fn with_buttons(listed: Vec<(Status, Vec<JobSummary>)>, session: Session<'_>) -> Vec<Group> {
    let policy = session.policy;
    let action = |status: Status| match status {
        status if status.is_final() => None,
        status if !status.is_started() => Some(Action::Cancel),
        _ => policy.allow_terminate.then_some(Action::Terminate),
    };
    let open = listed
        .iter()
        .filter(|(status, _)| action(*status).is_some());
    let ids: Vec<JobId> = open.flat_map(|(_, jobs)| jobs).map(|job| job.id).collect();
    let mut seen: HashMap<JobId, (JobSummary, Result<Action, NoButton>)> = HashMap::new();
    look_at(ids, Patience::Once, session, |id, look| {
        if let Look::Seen(job, tags) = look {
            let plan = |action| {
                (
                    action,
                    plan_job(Intent::new(action, false), &job, tags, policy),
                )
            };
            let button = match action(job.summary.status).map(plan) {
                Some((action, Plan::End)) => Ok(action),
                Some((_, Plan::Settle(outcome, _))) if outcome.is_under_way() => {
                    Err(NoButton::IsEnding)
                }
                Some((_, Plan::Settle(Outcome::Protected, _))) => Err(NoButton::Protected),
                Some((_, Plan::Settle(..))) | None => Err(NoButton::MovedOn),
            };
            seen.insert(id, (job.summary, button));
        }
    })
    .await;
    let groups = listed.into_iter().map(|(status, jobs)| Group {
        status,
        jobs: jobs
            .into_iter()
            .map(|job| {
                let none = action(status).map_or(NoButton::NotInThisStatus, |_| NoButton::Unseen);
                let seen = seen.remove(&job.id);
                let (job, button) = seen.unwrap_or((job, Err(none)));
                PanelJob { job, button }
            })
            .collect(),
    });
    groups.collect()
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
fn fair_share(groups: &mut [(Status, Vec<JobSummary>)], limit: usize) {
    let age = |job: &JobSummary| oldest_first(since(job), job.id);
    for (_, jobs) in groups.iter_mut() {
        jobs.sort_unstable_by_key(age);
    }
    let mut shares = vec![0; groups.len()];
    let mut left = limit;
    loop {
        let mut open: Vec<(usize, &JobSummary)> = Vec::new();
        for (index, ((_, jobs), &share)) in groups.iter().zip(&shares).enumerate() {
            open.extend(jobs.get(share).map(|next| (index, next)));
        }
        if open.is_empty() || left == 0 {
            break;
        }
        open.sort_unstable_by_key(|(_, next)| age(next));
        let equal = (left / open.len()).max(1);
        for (index, _) in open {
            if let (Some((_, jobs)), Some(share)) = (groups.get(index), shares.get_mut(index)) {
                let more = equal.min(jobs.len() - *share).min(left);
                *share += more;
                left -= more;
            }
        }
    }
    for ((_, jobs), share) in groups.iter_mut().zip(shares) {
        jobs.truncate(share);
    }
}
