//! Look, decide, act, look again: the calls for all jobs of an invocation, with as few of them as can be.
//!
//! A loop keeps as many calls in flight as [`Pace`] lets it. Whenever there is room it picks the next call: a full bulk
//! call before a full look before what is left over, so that each job is brought to its end as early as can be, and an
//! invocation that runs out of time has some jobs done rather than all of them looked at.

mod acts;
mod ended;
mod limits;
mod looks;
mod run;
mod seen;

use std::pin::Pin;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::{Instant, sleep_until};

use crate::{
    batch::{DescribeJobs, DescribeServiceJob, EndJobs},
    jobs::Jobs,
    request::JobId,
    session::Session,
};
use run::{Answer, Call, Done, Run};

/// Brings every job to its outcome, or as far as the time lasts.
pub async fn cancel(jobs: Jobs, session: Session<'_>) -> Jobs {
    let mut run = Run::new(jobs, session);
    let mut in_flight: FuturesUnordered<InFlight<'_>> = FuturesUnordered::new();
    loop {
        let mut wake = session.deadline.instant();
        while in_flight.len() < session.pace.concurrency() {
            let now = Instant::now();
            if now >= session.deadline.instant() {
                break;
            }
            run.wake(now);
            let ready = session.pace.ready_at(now);
            if ready > now {
                wake = wake.min(ready);
                break;
            }
            let Some(call) = run.next_call(now) else {
                break;
            };
            session.pace.spend(now);
            in_flight.push(Box::pin(perform(call, session)));
        }
        let now = Instant::now();
        if now >= session.deadline.instant() || (in_flight.is_empty() && run.is_over(now)) {
            return run.into_jobs();
        }
        // What is due while no call may go out waits for an answer, not for the clock.
        if in_flight.len() < session.pace.concurrency()
            && let Some(due) = run.next_wake()
        {
            wake = wake.min(due);
        }
        tokio::select! {
            biased;
            Some(done) = in_flight.next() => run.apply(done, Instant::now()),
            () = sleep_until(wake) => {}
        }
    }
}

type InFlight<'a> = Pin<Box<dyn Future<Output = Done> + 'a>>;

async fn perform(call: Call, session: Session<'_>) -> Done {
    let sent = Instant::now();
    let reserve = std::time::Duration::ZERO;
    let answer = match call {
        Call::Look(ids) => {
            let described = session.send(&DescribeJobs(&ids), reserve).await;
            Answer::Described(ids, described)
        }
        Call::LookAtServiceJob(id) => {
            let described = session.send(&DescribeServiceJob(id), reserve).await;
            Answer::Described(vec![id], described.map(|job| job.into_iter().collect()))
        }
        Call::End {
            operation,
            reason,
            jobs,
        } => {
            let ids: Vec<JobId> = jobs.iter().map(|&(_, id)| id).collect();
            let call = EndJobs {
                operation,
                ids: &ids,
                reason: &reason,
            };
            let answer = session.send(&call, reserve).await;
            Answer::Acknowledged(jobs, answer)
        }
    };
    let is_answered = match &answer {
        Answer::Described(_, answer) => answer.is_ok(),
        Answer::Acknowledged(_, answer) => answer.is_ok(),
    };
    // A refusal may be quicker than work, and a call that was not answered has no duration.
    if is_answered {
        session.pace.took(sent.elapsed());
    }
    Done { answer }
}
