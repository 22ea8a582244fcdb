//! Looks alone: at many jobs before anything is decided about them, several calls at a time.

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::{Instant, sleep_until};

use super::{Fill, Look, Looks, Patience, Which};
use crate::{
    batch::{CallError, DescribeJobs, DescribeServiceJob, Described, ErrorKind},
    request::JobId,
    session::Session,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

/// Looks at jobs and hands each to `each` once, in no order.
pub(crate) async fn look_at(
    ids: impl IntoIterator<Item = JobId>,
    patience: Patience,
    session: Session<'_>,
    mut each: impl FnMut(JobId, Look),
) {
    let mut open: BTreeSet<JobId> = ids.into_iter().collect();
    let mut errors: BTreeMap<JobId, Arc<CallError>> = BTreeMap::new();
    let mut looks = Looks::new(session.policy, session.owner, patience);
    looks.add(&open.iter().copied().collect::<Vec<_>>());
    let mut in_flight = FuturesUnordered::new();
    let (mut last, mut turn) = (None, None);
    let deadline = session.deadline;
    while !open.is_empty() {
        let now = Instant::now();
        looks.handle_timeout(now);
        let mut wake = deadline.instant();
        // Others may look and list at the same time.
        let mut needs_turn = false;
        while in_flight.len() < session.pace.concurrency() && !deadline.is_over(now) {
            let ready = session.pace.ready_at(now);
            if ready > now {
                wake = wake.min(ready);
                break;
            }
            let Some(free) = turn.take().or_else(|| session.pace.free_turn()) else {
                needs_turn = true;
                break;
            };
            let Some(ids) = looks.next(Which::All, Fill::Any) else {
                break;
            };
            session.pace.spend(now);
            if looks.is_retry(&ids) {
                session.calls.count_retry();
            }
            in_flight.push(async move {
                let answer = send(&ids, session).await;
                drop(free);
                (ids, answer)
            });
        }
        // What is due while no call may be sent waits for an answer, not for the clock.
        if in_flight.len() < session.pace.concurrency()
            && let Some(due) = looks.poll_timeout()
        {
            wake = wake.min(due);
        }
        let nothing_in_time = in_flight.is_empty() && !needs_turn && deadline.is_over(wake);
        if nothing_in_time || deadline.is_over(now) {
            break;
        }
        tokio::select! {
            biased;
            Some((ids, answer)) = in_flight.next() => {
                if let Err(error) = &answer {
                    let error = Arc::new(error.clone());
                    errors.extend(ids.iter().map(|id| (*id, Arc::clone(&error))));
                    last = Some(error);
                }
                for (id, look) in looks.handle_answer(ids, answer, Instant::now()) {
                    if open.remove(&id) {
                        each(id, look);
                    }
                }
            }
            next = session.pace.turn(), if needs_turn => turn = next,
            () = sleep_until(wake) => {}
        }
    }
    for id in open {
        let look = if looks.is_missing(id) {
            let why = "Batch does not show the job yet";
            let missing = CallError::new(ErrorKind::NotShown, why);
            Look::Failed(Arc::new(CallError::out_of_time(Some(missing))))
        } else {
            unseen(errors.get(&id), last.as_ref())
        };
        each(id, look);
    }
}

/// A job of which no look was answered in time: `own` is the last error of its looks, `last` that of all.
fn unseen(own: Option<&Arc<CallError>>, last: Option<&Arc<CallError>>) -> Look {
    let error = own.or(last).map(|error| CallError::clone(error));
    let error = CallError::out_of_time(error);
    // What Batch answered of others is no answer about this one.
    let kind = own.map_or(ErrorKind::OutOfTime, |_| error.kind);
    Look::Unseen(Arc::new(CallError { kind, ..error }))
}

pub(crate) async fn look_at_one(id: JobId, patience: Patience, session: Session<'_>) -> Look {
    let mut found = Look::NotFound;
    look_at([id], patience, session, |_, look| found = look).await;
    found
}

/// Sends a look, now: the pace was waited for.
///
/// # Errors
///
/// When Batch refused it, or did not answer.
pub(crate) async fn send(ids: &[JobId], session: Session<'_>) -> Result<Described, CallError> {
    match ids {
        &[id] if id.is_service_job() => {
            let look = DescribeServiceJob(id);
            let job = session.send(&look, Duration::ZERO).await?;
            Ok(job.into_iter().collect())
        }
        ids => session.send(&DescribeJobs(ids), Duration::ZERO).await,
    }
}
