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
        let arn = first.and_then(|job| job.job_arn);
        arn.map(|arn| job_id(arn.split_once(":job/").map(|(_, id)| id)))
            .transpose()
    }
}
