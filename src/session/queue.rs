//! Job queues by their names or ARNs, as everything finds them.

use thiserror::Error;

use super::Session;
use crate::{
    batch::{CallError, DescribeJobQueues, ErrorKind, JobQueue, Pages, QUEUES_LIMIT},
    policy::queue_name,
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
        ["Denied", "Refused"].contains(&self.error_type())
    }
}

impl From<QueueError> for CallError {
    fn from(error: QueueError) -> Self {
        match error {
            QueueError::Call(error) => error,
            refused => Self::new(ErrorKind::Refused, refused.to_string()),
        }
    }
}

impl Session<'_> {
    /// The job queue of this name or ARN.
    ///
    /// # Errors
    ///
    /// When it does not exist, is not allowed, or cannot be read.
    pub(crate) async fn queue(self, name: &str) -> Result<JobQueue, QueueError> {
        let mut found = self.queues(&[name.to_owned()]).await;
        found
            .pop()
            .unwrap_or_else(|| Err(QueueError::NotFound(name.to_owned())))
    }

    /// The job queues of these names or ARNs, one for each, in their order. One that is not allowed is not asked for:
    /// nobody learns whether it exists.
    pub(crate) async fn queues(self, names: &[String]) -> Vec<Result<JobQueue, QueueError>> {
        let allowed = &self.policy.allowed_queues;
        let asked: Vec<String> = names
            .iter()
            .filter(|name| allowed.may_contain_name(name))
            .cloned()
            .collect();
        let (mut known, mut failed): (Vec<JobQueue>, Vec<(&[String], CallError)>) =
            Default::default();
        let mut chunks: Vec<&[String]> = asked.chunks(QUEUES_LIMIT).rev().collect();
        while let Some(chunk) = chunks.pop() {
            match self.call(&DescribeJobQueues::Named(chunk)).await {
                Ok(page) => known.extend(page.queues),
                // One of the names is at fault: the halves tell which.
                Err(error) if error.kind == ErrorKind::Refused && chunk.len() > 1 => {
                    let (first, second) = chunk.split_at(chunk.len() / 2);
                    chunks.extend([second, first]);
                }
                Err(error) => failed.push((chunk, error)),
            }
        }
        let result = |name: &String| {
            let is_asked = |queue: &&JobQueue| queue.arn == *name || queue_name(&queue.arn) == name;
            let error = failed.iter().find(|(chunk, _)| chunk.contains(name));
            match (known.iter().find(is_asked), error) {
                (Some(queue), _) if allowed.contain(&queue.arn) => Ok(queue.clone()),
                (None, Some((_, error))) => Err(error.clone().into()),
                (None, None) if asked.contains(name) => Err(QueueError::NotFound(name.clone())),
                _ => Err(QueueError::NotAllowed(name.clone())),
            }
        };
        names.iter().map(result).collect()
    }

    /// All allowed job queues that exist, as far as they could be read, and why not all could.
    pub(crate) async fn allowed_queues(self) -> (Vec<JobQueue>, Option<CallError>) {
        let allowed = &self.policy.allowed_queues;
        let (mut found, mut pages) = (Vec::new(), Pages::default());
        loop {
            let call = DescribeJobQueues::All(pages.next());
            let turned = self.call(&call).await.and_then(|page| {
                let queues = page.queues.into_iter();
                found.extend(queues.filter(|queue| allowed.contain(&queue.arn)));
                pages.turn(page.next)
            });
            match turned {
                Ok(true) => {}
                Ok(false) => return (found, None),
                Err(error) => return (found, Some(error)),
            }
        }
    }

    /// The job queue of this name or ARN, if its jobs can be listed.
    ///
    /// # Errors
    ///
    /// As [`Session::queue`], and when its jobs are service jobs.
    pub(crate) async fn queue_to_list(self, name: &str) -> Result<JobQueue, QueueError> {
        to_list(name, self.queue(name).await?)
    }
}

/// A job queue, found by this name, if its jobs can be listed.
///
/// # Errors
///
/// When its jobs are service jobs.
pub(crate) fn to_list(name: &str, queue: JobQueue) -> Result<JobQueue, QueueError> {
    if queue.is_of_service_jobs {
        return Err(QueueError::OfServiceJobs(name.to_owned()));
    }
    Ok(queue)
}
