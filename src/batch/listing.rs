//! Finding jobs: listings of queues and arrays, and the front of a queue.

use aws_sdk_batch::types::{JobQueueDetail, JobStatus, JobSummary, KeyValuesPair};

use super::{Batch, CallError};
use crate::request::{JobId, Status};

/// The most jobs on a page of ListJobs without filters…
pub const PAGE: i32 = 1000;

/// … and with ([API reference](https://docs.aws.amazon.com/batch/latest/APIReference/API_ListJobs.html)).
pub const FILTERED_PAGE: i32 = 100;

/// Whose jobs to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListOf {
    /// Those of a job queue, by its name or ARN.
    Queue(String),
    /// The children of an array job.
    Array(JobId),
}

/// What Batch can select by itself: one condition at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// The job's name, with `*` at its end for any ending; in any case.
    JobName(String),
    /// The name or ARN of the job definition.
    JobDefinition(String),
    /// The fair-share identifier, beside a status.
    ShareIdentifier(String),
}

/// One listing, of which pages are read. Without a status, jobs of all statuses.
#[derive(Clone, Debug)]
pub struct Listing {
    /// Whose jobs.
    pub of: ListOf,
    /// Only those in this status.
    pub status: Option<Status>,
    /// Only those that Batch selects by this.
    pub filter: Option<Filter>,
}

/// A job as a listing shows it: without its tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The job.
    pub id: JobId,
    /// Where it stands.
    pub status: Status,
    /// Why it stands where it does.
    pub status_reason: Option<String>,
    /// Its name.
    pub job_name: String,
    /// Its job definition's ARN, which listings leave out of jobs that are RUNNABLE.
    pub job_definition: Option<String>,
    /// The share that it was submitted under.
    pub share_identifier: Option<String>,
    /// When it was created, in milliseconds since 1970.
    pub created_at: i64,
    /// Batch says that it was cancelled.
    pub is_cancelled: bool,
    /// Batch says that it was terminated.
    pub is_terminated: bool,
    /// How many children it has, if it is an array parent.
    pub array_size: Option<u32>,
}

/// A page of a listing.
#[derive(Debug, Default)]
pub struct Page {
    /// The jobs.
    pub jobs: Vec<Listed>,
    /// What to ask for the next page with, if there is one.
    pub next: Option<String>,
}

/// A job queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobQueue {
    /// Its ARN.
    pub arn: String,
    /// Whether its jobs are service jobs.
    pub is_of_service_jobs: bool,
}

impl Batch {
    /// A page of a listing, newest jobs first.
    ///
    /// # Errors
    ///
    /// When the call was not answered, or the queue does not exist.
    pub async fn list_jobs(
        &self,
        listing: &Listing,
        next: Option<String>,
    ) -> Result<Page, CallError> {
        let (queue, array) = match &listing.of {
            ListOf::Queue(queue) => (Some(queue.clone()), None),
            ListOf::Array(id) => (None, Some(id.to_string())),
        };
        let filter = listing.filter.as_ref().map(|filter| {
            let (name, value) = match filter {
                Filter::JobName(value) => ("JOB_NAME", value),
                Filter::JobDefinition(value) => ("JOB_DEFINITION", value),
                Filter::ShareIdentifier(value) => ("SHARE_IDENTIFIER", value),
            };
            vec![KeyValuesPair::builder().name(name).values(value).build()]
        });
        let answer = self
            .client
            .list_jobs()
            .set_job_queue(queue)
            .set_array_job_id(array)
            .set_job_status(
                listing
                    .status
                    .map(|status| JobStatus::from(status.as_str())),
            )
            .max_results(if filter.is_some() {
                FILTERED_PAGE
            } else {
                PAGE
            })
            .set_filters(filter)
            .set_next_token(next)
            .send()
            .await?;
        Ok(Page {
            jobs: answer
                .job_summary_list
                .unwrap_or_default()
                .into_iter()
                .filter_map(listed)
                .collect(),
            next: answer.next_token.filter(|token| !token.is_empty()),
        })
    }

    /// A job queue by its name or ARN, if there is one.
    ///
    /// # Errors
    ///
    /// When the call was not answered.
    pub async fn describe_job_queue(&self, queue: &str) -> Result<Option<JobQueue>, CallError> {
        let answer = self
            .client
            .describe_job_queues()
            .job_queues(queue)
            .send()
            .await?;
        Ok(answer
            .job_queues
            .unwrap_or_default()
            .into_iter()
            .find_map(job_queue))
    }

    /// The first job of a queue's front, if it has one.
    ///
    /// # Errors
    ///
    /// When the call was not answered.
    pub async fn head_of_queue(&self, queue: &str) -> Result<Option<JobId>, CallError> {
        let answer = self
            .client
            .get_job_queue_snapshot()
            .job_queue(queue)
            .send()
            .await?;
        let front = answer
            .front_of_queue
            .and_then(|front| front.jobs)
            .unwrap_or_default();
        Ok(front.into_iter().next().and_then(|job| {
            let arn = job.job_arn?;
            let (_, id) = arn.split_once(":job/")?;
            JobId::from_batch(id)
        }))
    }
}

fn job_queue(queue: JobQueueDetail) -> Option<JobQueue> {
    Some(JobQueue {
        arn: queue.job_queue_arn?,
        is_of_service_jobs: queue
            .job_queue_type
            .is_some_and(|kind| kind.as_str() == "SAGEMAKER_TRAINING"),
    })
}

/// A job without an id that can be read is as good as not there.
fn listed(job: JobSummary) -> Option<Listed> {
    Some(Listed {
        id: JobId::from_batch(job.job_id.as_deref()?)?,
        status: job
            .status
            .map_or(Status::Unknown, |s| Status::from_batch(s.as_str())),
        status_reason: job.status_reason,
        job_name: job.job_name.unwrap_or_default(),
        job_definition: job.job_definition,
        share_identifier: job.share_identifier,
        created_at: job.created_at.unwrap_or_default(),
        is_cancelled: job.is_cancelled.unwrap_or_default(),
        is_terminated: job.is_terminated.unwrap_or_default(),
        array_size: super::array_size(job.array_properties.and_then(|array| array.size)),
    })
}
