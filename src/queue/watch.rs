//! Job queues, measured: how many jobs are in each status, and what the first in line waits for.
//!
//! A queue takes at most seven calls: a snapshot, a look at its first job, and a page of a listing for each of the five
//! statuses of jobs that have not ended. The heads of all queues come before any counts: alarms watch them.

use std::collections::HashSet;

use futures_util::stream::{self, StreamExt};
use thiserror::Error;

use super::{head::Head, view::QueueView};
use crate::{
    batch::{CallError, ErrorKind},
    command::RequestRefused,
    request::WatchRequest,
    session::Session,
};

/// Job queues, measured.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// The queues.
    pub queues: Vec<QueueView>,
    /// Why there may be queues that are not among them.
    pub error: Option<CallError>,
}

/// Why no queue could be measured.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum WatchError {
    /// No queue exists that the policy allows, or IAM denies it.
    #[error("{0}")]
    Refused(#[from] RequestRefused),
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
            return Some(RequestRefused::Denied(message(error)).into());
        }
        let nothing = || {
            "there is no job queue, or none is in ALLOWED_QUEUES (parameter AllowedJobQueues)"
                .to_owned()
        };
        let why = errors().next().map_or_else(nothing, message);
        Some(RequestRefused::Refused(why).into())
    }
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
    let (queues, error) = queues(request, session).await;
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

/// The queues that a request names, or all that are allowed, not measured yet; and why there may be others.
async fn queues(
    request: &WatchRequest,
    session: Session<'_>,
) -> (Vec<QueueView>, Option<CallError>) {
    let Some(names) = &request.job_queues else {
        let (queues, error) = session.allowed_queues().await;
        return (queues.into_iter().map(QueueView::of).collect(), error);
    };
    let found = session.queues(names).await.into_iter().zip(names);
    let mut known = HashSet::new();
    let views = found.filter_map(|(queue, name)| match queue {
        // A queue may be named by its name and its ARN.
        Ok(queue) => known
            .insert(queue.arn.clone())
            .then(|| QueueView::of(queue)),
        Err(error) => Some(QueueView::missing(name.clone(), error.into())),
    });
    (views.collect(), None)
}
