//! Look, plan, act, look again: the calls for all jobs of an invocation, with as few of them as can be.
//!
//! This is the only part with IO. It keeps as many calls in flight as the pace lets it; which call is next, and what each
//! answer means, is decided by the [`Engine`].

mod acknowledged;
mod call;
mod end_queue;
mod engine;
mod looked;
mod step;
#[cfg(test)]
mod tests;
mod time;

use std::{pin::Pin, time::Duration};

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::{Instant, sleep_until};

use crate::{batch::EndJobs, jobs::Jobs, look, request::JobId, session::Session};
pub(crate) use call::{Answer, Call, Conditions};
pub(crate) use engine::Engine;

/// How often progress is shown at most.
const SHOW_EVERY: Duration = Duration::from_millis(100);

/// A call in flight: its answer, and how long it took.
type InFlight<'a> = Pin<Box<dyn Future<Output = (Answer, Duration)> + 'a>>;

/// Brings every job to its outcome, or as far as the time lasts.
pub(crate) async fn cancel(jobs: Jobs, session: Session<'_>) -> Jobs {
    let mut engine = Engine::new(
        jobs,
        session.policy,
        session.owner,
        session.deadline,
        Instant::now(),
    );
    let mut in_flight: FuturesUnordered<InFlight<'_>> = FuturesUnordered::new();
    let mut slowest = None;
    let mut shown = None;
    let mut stopped = Box::pin(stopped(session));
    loop {
        let session = session.until(engine.deadline);
        let deadline = session.deadline;
        let mut wake = deadline.instant();
        while in_flight.len() < session.pace.concurrency() {
            let now = Instant::now();
            if deadline.is_over(now) {
                break;
            }
            engine.handle_timeout(now);
            let ready = session.pace.ready_at(now);
            if ready > now {
                wake = wake.min(ready);
                break;
            }
            let conditions = conditions(session, slowest, now);
            let Some(call) = engine.poll_call(now, conditions) else {
                break;
            };
            session.pace.spend(now);
            if engine.is_retry(&call) {
                session.calls.count_retry();
            }
            let reserve = engine.reserve(now, conditions);
            in_flight.push(Box::pin(send(call, reserve, session)));
        }
        let now = Instant::now();
        let is_finished =
            in_flight.is_empty() && engine.is_finished(now, conditions(session, slowest, now));
        if deadline.is_over(now) || is_finished {
            show_progress(session, &engine);
            return engine.into_jobs();
        }
        // What is due while no call may be sent waits for an answer, not for the clock.
        if in_flight.len() < session.pace.concurrency()
            && let Some(due) = engine.poll_timeout()
        {
            wake = wake.min(due);
        }
        tokio::select! {
            biased;
            Some((answer, took)) = in_flight.next() => {
                if answer.is_answered() {
                    slowest = slowest.max(Some(took));
                }
                engine.handle_answer(answer, Instant::now());
                if shown.is_none_or(|shown| shown + SHOW_EVERY < Instant::now()) {
                    shown = Some(Instant::now());
                    show_progress(session, &engine);
                }
            }
            () = &mut stopped, if !engine.is_stopped => engine.stop(Instant::now()),
            () = sleep_until(wake) => {}
        }
    }
}

/// Turns ready when a person stops the work.
async fn stopped(session: Session<'_>) {
    match session.control {
        Some(control) => control.stopped().await,
        None => std::future::pending().await,
    }
}

/// Shows how far the work is to whoever watches.
fn show_progress(session: Session<'_>, engine: &Engine<'_>) {
    if let Some(control) = session.control {
        let (ended, open) = engine.jobs.counts();
        control.progress.send_modify(|progress| {
            progress.ended = ended;
            progress.open = open;
        });
    }
}

fn conditions(session: Session<'_>, slowest: Option<Duration>, now: Instant) -> Conditions {
    Conditions {
        bulk: session.batch.bulk_calls(),
        interval: session.pace.interval(now).unwrap_or_default(),
        slowest,
    }
}

/// Sends a call. One that ends jobs is given up `reserve` before the deadline, in time for a look.
async fn send(call: Call, reserve: Duration, session: Session<'_>) -> (Answer, Duration) {
    let sent = Instant::now();
    let answer = match call {
        Call::Look(ids) => {
            let answer = look::send(&ids, session).await;
            Answer::Looked(ids, answer)
        }
        Call::End(call) => {
            let ids: Vec<JobId> = call.jobs.iter().map(|&(_, id)| id).collect();
            let operation = EndJobs {
                operation: call.operation,
                ids: &ids,
                reason: &call.reason,
            };
            let answer = session.send(&operation, reserve).await;
            Answer::Acknowledged(call, answer)
        }
    };
    (answer, sent.elapsed())
}
