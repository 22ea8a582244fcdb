//! Listings of queues and arrays.

use aws_sdk_batch::types::{JobStatus, KeyValuesPair};

use super::{Batch, CallError, JobSummary, Operation, read::JobsReader};
use crate::request::{JobId, Status};

/// The most jobs on a page of `ListJobs` without filters…
const PAGE: i32 = 1000;

/// … and with ([API reference](https://docs.aws.amazon.com/batch/latest/APIReference/API_ListJobs.html)).
const FILTERED_PAGE: i32 = 100;

/// Whose jobs to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ListOf {
    /// Those of a job queue, by its name or ARN.
    Queue(String),
    /// The children of an array job.
    Array(JobId),
}

impl ListOf {
    /// The queue's name or ARN, if it is one.
    pub(crate) fn into_queue(self) -> Option<String> {
        match self {
            Self::Queue(queue) => Some(queue),
            Self::Array(_) => None,
        }
    }
}

/// What Batch can select by itself: one condition at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    /// The job's name, or a beginning of it and `*`; in any case.
    JobName(String),
    /// The name or ARN of the job definition.
    JobDefinition(String),
    /// The fair-share identifier, beside a status.
    ShareIdentifier(String),
}

/// One listing, of which pages are read. Without a status, jobs of all statuses.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    /// Whose jobs.
    pub(crate) of: ListOf,
    /// Only those in this status.
    pub(crate) status: Option<Status>,
    /// Only those that Batch selects by this.
    pub(crate) filter: Option<Filter>,
}

/// A page of a listing.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) jobs: Vec<JobSummary>,
    /// How many more there are that cannot be read.
    pub(crate) unreadable: usize,
    /// What to ask for the next page with, if there is one.
    pub(crate) next: Option<String>,
}

/// `ListJobs`: a page of a listing, in an order that is documented for filtered ones only: the newest jobs first.
#[derive(Debug)]
pub(crate) struct ListJobs<'a> {
    pub(crate) listing: &'a Listing,
    /// [`Page::next`] of the page before; none for the first.
    pub(crate) next: Option<&'a str>,
    /// The most jobs on the page; none for as many as Batch allows.
    pub(crate) limit: Option<u8>,
}

impl Operation for ListJobs<'_> {
    type Answer = Page;

    fn name(&self) -> &'static str {
        "ListJobs"
    }

    fn jobs(&self) -> usize {
        0
    }

    async fn send(&self, batch: &Batch) -> Result<Page, CallError> {
        let (queue, array) = match &self.listing.of {
            ListOf::Queue(queue) => (Some(queue.clone()), None),
            ListOf::Array(id) => (None, Some(id.to_string())),
        };
        let status = self.listing.status.map(Status::as_str);
        let filters = self.listing.filter.as_ref().map(Filter::to_sdk);
        let limit = if filters.is_some() {
            FILTERED_PAGE
        } else {
            PAGE
        };
        let call = batch
            .client
            .list_jobs()
            .set_job_queue(queue)
            .set_array_job_id(array)
            .set_job_status(status.map(JobStatus::from))
            .max_results(self.limit.map_or(limit, i32::from))
            .set_filters(filters)
            .set_next_token(self.next.map(str::to_owned));
        let reader = JobsReader::of_listings();
        call.customize().interceptor(reader.clone()).send().await?;
        let rows = reader.into_rows()?;
        Ok(Page {
            jobs: rows.jobs.into_iter().map(|job| job.summary).collect(),
            unreadable: rows.unreadable.len(),
            next: rows.next,
        })
    }
}

impl Filter {
    fn to_sdk(&self) -> Vec<KeyValuesPair> {
        let (name, value) = match self {
            Self::JobName(value) => ("JOB_NAME", value),
            Self::JobDefinition(value) => ("JOB_DEFINITION", value),
            Self::ShareIdentifier(value) => ("SHARE_IDENTIFIER", value),
        };
        vec![KeyValuesPair::builder().name(name).values(value).build()]
    }
}
