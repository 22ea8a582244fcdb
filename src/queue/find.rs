//! Which job queues to measure: those that a request names, or all that are allowed.

use std::collections::HashSet;

use super::view::QueueView;
use crate::{batch::CallError, request::WatchRequest, session::Session};

/// The queues, not measured yet, and why there may be others.
pub(super) async fn find(
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
