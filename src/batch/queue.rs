//! Job queues, and the front of one.

use super::{Batch, CallError, Operation, job::job_id};
use crate::request::JobId;

/// A job queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobQueue {
    /// Its ARN.
    pub arn: String,
    /// Whether its jobs are service jobs.
    pub is_of_service_jobs: bool,
}

/// `DescribeJobQueues`: a job queue by its name or ARN; none if there is no such queue.
#[derive(Debug)]
pub struct DescribeJobQueue<'a>(pub &'a str);

impl Operation for DescribeJobQueue<'_> {
    type Answer = Option<JobQueue>;

    fn name(&self) -> &'static str {
        "DescribeJobQueues"
    }

    async fn send(&self, batch: &Batch) -> Result<Option<JobQueue>, CallError> {
        let call = batch.client.describe_job_queues().job_queues(self.0);
        let queues = call.send().await?.job_queues.unwrap_or_default();
        Ok(queues.into_iter().find_map(|queue| {
            let kind = queue.job_queue_type;
            Some(JobQueue {
                arn: queue.job_queue_arn?,
                is_of_service_jobs: kind.is_some_and(|kind| kind.as_str() == "SAGEMAKER_TRAINING"),
            })
        }))
    }
}

/// `GetJobQueueSnapshot`: the first job of a queue's front; none if no job is RUNNABLE.
#[derive(Debug)]
pub struct HeadOfQueue<'a>(pub &'a str);

impl Operation for HeadOfQueue<'_> {
    type Answer = Option<JobId>;

    fn name(&self) -> &'static str {
        "GetJobQueueSnapshot"
    }

    async fn send(&self, batch: &Batch) -> Result<Option<JobId>, CallError> {
        let call = batch.client.get_job_queue_snapshot().job_queue(self.0);
        let front = call.send().await?.front_of_queue;
        let first = front.and_then(|front| front.jobs?.into_iter().next());
        let arn = first.map(|job| job.job_arn.unwrap_or_default());
        arn.as_deref().map(id_of_arn).transpose()
    }
}

/// The id in the ARN of a job, which must have one: without it the front of the queue would be taken for empty.
fn id_of_arn(arn: &str) -> Result<JobId, CallError> {
    let id = arn.split_once(":job/").map_or(arn, |(_, id)| id);
    job_id(Some(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::ErrorKind;

    const ID: &str = "0c9d8f6e-3a1b-4c2d-8e4f-5a6b7c8d9e0f";

    #[test]
    fn job_is_found_in_its_arn() {
        for id in [ID.to_owned(), format!("{ID}#0"), ID.to_uppercase()] {
            let arn = format!("arn:aws:batch:eu-west-1:123456789012:job/{id}");
            let found = id_of_arn(&arn).map(|id| id.to_string());
            assert_eq!(found, Ok(ID.to_owned()), "{arn}");
        }
    }

    #[test]
    fn arn_without_a_job_is_an_error_that_shows_it() {
        for (arn, shown) in [
            ("", "\"\""),
            ("arn:aws:batch:eu-west-1:123456789012:job/7", "\"7\""),
            ("arn:aws:batch:eu-west-1:123456789012:jobs", "12:jobs\""),
        ] {
            let error = id_of_arn(arn).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Refused);
            let expected = format!("{shown} is not a job id");
            assert!(error.message.contains(&expected), "{error}");
        }
    }
}
