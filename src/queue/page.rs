//! A job queue as HTTP shows it: measured, and its jobs page by page.

use std::cmp::Reverse;

use super::view::{QueueView, measure};
use crate::{
    batch::{ErrorKind, Filter, JobSummary, ListJobs, ListOf, Listing},
    request::{NamePattern, PageRequest, QueueName},
    session::{QueueError, Session},
};

/// A page of the jobs of a queue.
#[derive(Debug)]
pub struct JobPage {
    /// The ARN of the queue.
    pub job_queue: String,
    /// The jobs, the newest of the page first. There may be fewer than asked for, or none, although more pages follow.
    pub jobs: Vec<JobSummary>,
    /// What asks for the next page, if there is one.
    pub next_token: Option<String>,
}

/// Measures a queue. `now` is in milliseconds since 1970.
///
/// # Errors
///
/// When nothing of it may be shown or could be read. What could be read of it is shown.
pub async fn show(
    name: &QueueName,
    now: i64,
    session: Session<'_>,
) -> Result<QueueView, QueueError> {
    check_allowed(name, session)?;
    let queue = session.queue(&name.name).await?;
    let view = Box::pin(measure(queue, now, session)).await;
    match view.error {
        Some(error) if view.head.is_none() && view.counts.jobs.is_empty() => Err(error.into()),
        _ => Ok(view),
    }
}

/// Reads a page of the jobs of a queue, by one call beside the one that finds the queue.
///
/// Batch filters by name or by status, not by both. By name it is: a name is mostly rarer than a status.
///
/// # Errors
///
/// When it may not be shown, or a call failed for good.
pub async fn list(request: &PageRequest, session: Session<'_>) -> Result<JobPage, QueueError> {
    check_allowed(&request.queue, session)?;
    let queue = session.queue_to_list(&request.queue.name).await?;
    let name = request.job_name.as_ref();
    let filter = name.map(|name| Filter::JobName(name.as_str().to_owned()));
    let listing = Listing {
        of: ListOf::Queue(queue.arn.clone()),
        status: filter.is_none().then_some(request.status),
        filter,
    };
    let call = ListJobs {
        listing: &listing,
        next: request.next.as_deref(),
        limit: Some(request.limit),
    };
    let page = match session.call(&call).await {
        Ok(page) => page,
        Err(error) if error.kind == ErrorKind::Refused && request.next.is_some() => {
            return Err(QueueError::Token(error));
        }
        Err(error) => return Err(error.into()),
    };
    let is_named = |name: &NamePattern, job: &JobSummary| name.matches(&job.job_name);
    let mut jobs = page.jobs;
    jobs.retain(|job| job.status == request.status && name.is_none_or(|name| is_named(name, job)));
    // The order of a listing without a filter is not documented.
    jobs.sort_unstable_by_key(|job| Reverse((job.created_at, job.id)));
    // A page whose next token is the one that led to it would be read for ever.
    let next = page.next.filter(|next| request.next.as_ref() != Some(next));
    Ok(JobPage {
        job_queue: queue.arn,
        jobs,
        next_token: next.map(|next| request.token(&next)),
    })
}

/// One that is not allowed is not asked for: nobody learns whether it exists.
fn check_allowed(name: &QueueName, session: Session<'_>) -> Result<(), QueueError> {
    if session.policy.allowed_queues.may_contain(name) {
        Ok(())
    } else {
        Err(QueueError::NotAllowed(name.name.clone()))
    }
}
