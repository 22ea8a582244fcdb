//! Jobs by status.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    batch::{CallError, ListJobs, ListOf, Listing, Page},
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

impl Counts {
    /// Counts the jobs in one status, of which this is the first page.
    pub(super) fn add(&mut self, status: Status, page: &Page) {
        let jobs = page.jobs.len() + page.unreadable;
        self.jobs.insert(status, jobs);
        self.more.extend(page.next.as_ref().map(|_| status));
    }
}

/// The first page of a listing of a queue's jobs in one status, by which they are counted.
///
/// # Errors
///
/// When the page cannot be read.
pub(super) async fn first_page(
    queue_arn: &str,
    status: Status,
    session: Session<'_>,
) -> Result<Page, CallError> {
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
    session.call(&call).await
}
