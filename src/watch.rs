//! Job queues, measured: how many jobs are in each status, and what the first in line waits for.
//!
//! A queue takes at most seven calls: a snapshot, a look at its first job, and a page of a listing for each of the five
//! statuses of jobs that have not ended. The heads of all queues come before any counts: alarms watch them.

mod count;
mod find;
mod head;

use futures_util::stream::{self, StreamExt};
use serde::{Serialize, Serializer};
use thiserror::Error;

use crate::{
    batch::{CallError, ErrorKind, JobQueue},
    policy::queue_name,
    request::{Status, WatchRequest},
    session::Session,
};

pub use count::{Counts, count};
pub use head::{Head, head};

/// Job queues, measured.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// The queues.
    pub queues: Vec<QueueView>,
    /// Why there may be queues that are not among them.
    pub error: Option<CallError>,
}

/// A job queue, measured as far as it could be.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueView {
    /// Its name; of a queue that is not there, what was asked for.
    pub job_queue: String,
    /// Its ARN.
    pub job_queue_arn: Option<String>,
    /// Whether it accepts jobs: ENABLED or DISABLED.
    pub state: Option<String>,
    /// Why it is not measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<&'static str>,
    /// How many jobs are in each status.
    #[serde(flatten)]
    pub counts: Counts,
    /// The first in line. Outer none: it could not be read. Inner none: no job waits.
    pub head: Option<Option<Head>>,
    /// What could not be read, and why.
    #[serde(serialize_with = "message")]
    pub error: Option<CallError>,
}

/// Why no queue could be measured.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum WatchError {
    /// No queue exists that the policy allows.
    #[error("{0}")]
    Refused(String),
    /// IAM denies it.
    #[error("{0}")]
    Denied(String),
    /// Another time it may be possible.
    #[error("{0}")]
    Incomplete(String),
}

impl Watch {
    /// Whether everything could be read.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.error.is_none() && self.queues.iter().all(|queue| queue.error.is_none())
    }

    /// How many queues have a first job with a documented reason for blocking.
    #[must_use]
    pub fn blocked(&self) -> usize {
        let is_blocked = |queue: &&QueueView| queue.first().is_some_and(Head::is_blocked);
        self.queues.iter().filter(is_blocked).count()
    }

    /// Why nothing at all could be read, if that is so.
    fn failure(&self) -> Option<WatchError> {
        if self.queues.iter().any(QueueView::is_read) {
            return None;
        }
        let errors = || {
            self.queues
                .iter()
                .filter_map(|queue| queue.error.as_ref())
                .chain(&self.error)
        };
        let message = |error: &CallError| error.message.clone();
        if let Some(error) = errors().find(|error| error.kind.is_worth_a_retry()) {
            return Some(WatchError::Incomplete(message(error)));
        }
        if let Some(error) = errors().find(|error| error.kind == ErrorKind::Denied) {
            return Some(WatchError::Denied(message(error)));
        }
        let nothing = || {
            "there is no job queue, or none is in ALLOWED_QUEUES (parameter AllowedJobQueues)"
                .to_owned()
        };
        Some(WatchError::Refused(
            errors().next().map_or_else(nothing, message),
        ))
    }
}

impl QueueView {
    /// The first in line, if one is known.
    #[must_use]
    pub fn first(&self) -> Option<&Head> {
        self.head.as_ref()?.as_ref()
    }

    fn is_read(&self) -> bool {
        self.skipped.is_some() || self.head.is_some() || !self.counts.jobs.is_empty()
    }

    fn of(queue: &JobQueue) -> Self {
        let skipped = "its jobs are service jobs, which have no counts here";
        Self {
            job_queue: queue_name(&queue.arn).to_owned(),
            job_queue_arn: Some(queue.arn.clone()),
            state: Some(queue.state.clone()),
            skipped: queue.is_of_service_jobs.then_some(skipped),
            counts: Counts::default(),
            head: None,
            error: None,
        }
    }

    /// A queue that cannot be measured.
    fn missing(name: String, error: CallError) -> Self {
        Self {
            job_queue: name,
            job_queue_arn: None,
            state: None,
            skipped: None,
            counts: Counts::default(),
            head: None,
            error: Some(error),
        }
    }

    /// The ARN, if it is to be measured.
    fn arn(&self) -> Option<&str> {
        self.job_queue_arn
            .as_deref()
            .filter(|_| self.skipped.is_none())
    }

    async fn measure_head(mut self, now: i64, session: Session<'_>) -> Self {
        if let Some(arn) = self.arn() {
            match Box::pin(head(arn, now, session)).await {
                Ok(head) => self.head = Some(head),
                Err(error) => self.error = Some(error),
            }
        }
        self
    }

    /// Counts the jobs in each status, with so many calls in flight.
    async fn measure_counts(mut self, in_flight: usize, session: Session<'_>) -> Self {
        let Some(arn) = self.arn().map(str::to_owned) else {
            return self;
        };
        let mut counts = Counts::default();
        let counted = Status::LIVE.map(|status| Box::pin(count(&arn, status, session)));
        let mut counted = stream::iter(counted).buffered(in_flight);
        while let Some(counted) = counted.next().await {
            match counted {
                Ok((count, _)) => counts.add(count),
                Err(error) => {
                    self.error.get_or_insert(error);
                    break;
                }
            }
        }
        drop(counted);
        self.counts = counts;
        self
    }
}

/// Measures a queue: `now` is in milliseconds since 1970.
pub async fn measure(queue: &JobQueue, now: i64, session: Session<'_>) -> QueueView {
    let view = QueueView::of(queue).measure_head(now, session).await;
    view.measure_counts(session.pace.concurrency(), session)
        .await
}

/// Measures the queues of a request, several at a time. `now` is in milliseconds since 1970.
///
/// # Errors
///
/// When none can be read. One that cannot has its error in the answer.
pub async fn watch(
    request: &WatchRequest,
    now: i64,
    session: Session<'_>,
) -> Result<Watch, WatchError> {
    let Watch { queues, error } = find::find(request, session).await;
    let at_a_time = session.pace.concurrency();
    let heads = queues
        .into_iter()
        .map(|queue| queue.measure_head(now, session));
    let queues: Vec<QueueView> = stream::iter(heads).buffered(at_a_time).collect().await;
    let counts = queues
        .into_iter()
        .map(|queue| queue.measure_counts(1, session));
    let queues = stream::iter(counts).buffered(at_a_time).collect().await;
    let watch = Watch { queues, error };
    match watch.failure() {
        Some(failure) => Err(failure),
        None => Ok(watch),
    }
}

/// An error as its message.
#[expect(clippy::ref_option, reason = "serde calls it so")]
fn message<S: Serializer>(error: &Option<CallError>, serializer: S) -> Result<S::Ok, S::Error> {
    match error {
        Some(error) => serializer.serialize_str(&error.message),
        None => serializer.serialize_none(),
    }
}
