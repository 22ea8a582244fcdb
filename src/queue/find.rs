//! Which job queues to measure: those that a request names, or all that are allowed.

use super::view::QueueView;
use crate::{
    batch::{CallError, DescribeJobQueues, ErrorKind, JobQueue, Pages, QUEUES_LIMIT},
    request::WatchRequest,
    session::{Session, queue_of_name},
};

/// The queues, not measured yet, and why there may be others.
pub(super) async fn find(
    request: &WatchRequest,
    session: Session<'_>,
) -> (Vec<QueueView>, Option<CallError>) {
    match &request.job_queues {
        Some(names) => (named(names, session).await, None),
        None => all_allowed(session).await,
    }
}

async fn all_allowed(session: Session<'_>) -> (Vec<QueueView>, Option<CallError>) {
    let allowed = &session.policy.allowed_queues;
    let (mut views, mut pages) = (Vec::new(), Pages::default());
    loop {
        let call = DescribeJobQueues::All(pages.next());
        let turned = session.call(&call).await.and_then(|page| {
            let queues = page.queues.iter();
            let queues = queues.filter(|queue| allowed.contain(&queue.arn));
            views.extend(queues.map(QueueView::of));
            pages.turn(page.next)
        });
        match turned {
            Ok(true) => {}
            Ok(false) => return (views, None),
            Err(error) => return (views, Some(error)),
        }
    }
}

/// The queues of these names and ARNs, in their order, each once.
async fn named(names: &[String], session: Session<'_>) -> Vec<QueueView> {
    let mut found = Vec::with_capacity(names.len());
    let mut chunks: Vec<&[String]> = names.chunks(QUEUES_LIMIT).rev().collect();
    while let Some(chunk) = chunks.pop() {
        match session.call(&DescribeJobQueues::Named(chunk)).await {
            Ok(page) => found.extend(chunk.iter().map(|name| view(name, &page.queues, session))),
            // One of the names is at fault: the halves tell which.
            Err(error) if error.kind == ErrorKind::Refused && chunk.len() > 1 => {
                let (first, second) = chunk.split_at(chunk.len() / 2);
                chunks.extend([second, first]);
            }
            Err(error) => {
                let missing = |name: &String| QueueView::missing(name.clone(), error.clone());
                found.extend(chunk.iter().map(missing));
            }
        }
    }
    let mut views: Vec<QueueView> = Vec::with_capacity(found.len());
    for view in found {
        let is_known = |known: &QueueView| known.job_queue_arn == view.job_queue_arn;
        // A queue may be named by its name and its ARN.
        if view.job_queue_arn.is_none() || !views.iter().any(is_known) {
            views.push(view);
        }
    }
    views
}

fn view(name: &str, queues: &[JobQueue], session: Session<'_>) -> QueueView {
    match queue_of_name(name, queues, session.policy) {
        Ok(queue) => QueueView::of(queue),
        Err(error) => {
            let error = CallError {
                kind: ErrorKind::Refused,
                message: error.to_string(),
            };
            QueueView::missing(name.to_owned(), error)
        }
    }
}
