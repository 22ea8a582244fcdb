//! A job queue by its name or ARN, as everything finds it.

use thiserror::Error;

use super::Session;
use crate::{
    batch::{CallError, DescribeJobQueue, ErrorKind, JobQueue},
    policy::{Policy, queue_name},
    text::cut,
};

/// Why a job queue is not shown, and nothing is listed of it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum QueueError {
    /// It is not in `ALLOWED_QUEUES`.
    #[error("job queue {} is not in ALLOWED_QUEUES (parameter AllowedJobQueues)", cut(.0))]
    NotAllowed(String),
    /// It does not exist.
    #[error("job queue {} does not exist", cut(.0))]
    NotFound(String),
    /// Its jobs are service jobs.
    #[error(
        "job queue {} holds service jobs, which cannot be listed: name each by its ARN, with \"terminate\": true",
        cut(.0)
    )]
    OfServiceJobs(String),
    /// Batch refuses the token of a page.
    #[error("nextToken: AWS Batch does not take it: {0}")]
    Token(CallError),
    /// A call failed for good.
    #[error("AWS Batch cannot be read: {0}")]
    Call(#[from] CallError),
}

impl QueueError {
    /// The stable name of the error, for the log and the metrics.
    #[must_use]
    pub fn error_type(&self) -> &'static str {
        match self {
            Self::Call(error) => match error.kind {
                ErrorKind::Denied => "Denied",
                ErrorKind::Throttled => "Throttled",
                _ => "Failed",
            },
            Self::NotAllowed(_) | Self::NotFound(_) | Self::OfServiceJobs(_) | Self::Token(_) => {
                "Refused"
            }
        }
    }

    /// Whether the function or IAM refused to show the queue. Otherwise AWS Batch did not answer.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        match self {
            Self::Call(error) => error.kind == ErrorKind::Denied,
            Self::NotAllowed(_) | Self::NotFound(_) | Self::OfServiceJobs(_) | Self::Token(_) => {
                true
            }
        }
    }
}

impl Session<'_> {
    /// The job queue of this name or ARN. One that is not allowed is not asked for: nobody learns whether it exists.
    ///
    /// # Errors
    ///
    /// When it does not exist, is not allowed, or cannot be read.
    pub async fn queue(self, name: &str) -> Result<JobQueue, QueueError> {
        if !self.policy.allowed_queues.may_contain_name(name) {
            return Err(QueueError::NotAllowed(name.to_owned()));
        }
        let found = self.call(&DescribeJobQueue(name)).await?;
        let found: Vec<JobQueue> = found.into_iter().collect();
        queue_of_name(name, &found, self.policy).cloned()
    }

    /// The same of a queue whose jobs can be listed.
    ///
    /// # Errors
    ///
    /// As [`Session::queue`], and when its jobs are service jobs.
    pub async fn queue_to_list(self, name: &str) -> Result<JobQueue, QueueError> {
        let queue = self.queue(name).await?;
        if queue.is_of_service_jobs {
            return Err(QueueError::OfServiceJobs(name.to_owned()));
        }
        Ok(queue)
    }
}

/// The queue of this name or ARN among those that Batch has shown.
///
/// # Errors
///
/// When it is not among them, or not allowed.
pub fn queue_of_name<'q>(
    name: &str,
    queues: &'q [JobQueue],
    policy: &Policy,
) -> Result<&'q JobQueue, QueueError> {
    let is_asked = |queue: &&JobQueue| queue.arn == name || queue_name(&queue.arn) == name;
    match queues.iter().find(is_asked) {
        None => Err(QueueError::NotFound(name.to_owned())),
        Some(queue) if !policy.allowed_queues.contain(&queue.arn) => {
            Err(QueueError::NotAllowed(name.to_owned()))
        }
        Some(queue) => Ok(queue),
    }
}
