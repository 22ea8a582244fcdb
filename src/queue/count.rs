//! Jobs by status.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    batch::{CallError, JobSummary, ListJobs, ListOf, Listing},
    request::Status,
    session::Session,
};

/// How many jobs are in each status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// The number of jobs in each status that was counted, at most 1,000: one page of a listing.
    pub jobs: BTreeMap<Status, usize>,
    /// The statuses with more jobs than that.
    pub more: Vec<Status>,
}

/// The number of jobs in one status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Count {
    status: Status,
    jobs: usize,
    more: bool,
}

impl Counts {
    pub(super) fn add(&mut self, count: Count) {
        self.jobs.insert(count.status, count.jobs);
        if count.more {
            self.more.push(count.status);
        }
    }
}

/// Counts the jobs of a queue in one status, by one page of a listing, and returns the jobs that it shows.
///
/// # Errors
///
/// When the page cannot be read.
pub(super) async fn count(
    queue_arn: &str,
    status: Status,
    session: Session<'_>,
) -> Result<(Count, Vec<JobSummary>), CallError> {
    let listing = Listing {
        of: ListOf::Queue(queue_arn.to_owned()),
        status: Some(status),
        filter: None,
    };
    let call = ListJobs {
        listing: &listing,
        next: None,
        limit: None,
    };
    let page = session.call(&call).await?;
    let count = Count {
        status,
        jobs: page.jobs.len() + page.unreadable,
        more: page.next.is_some(),
    };
    Ok((count, page.jobs))
}
