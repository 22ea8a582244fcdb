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

use std::{future::Future, pin::Pin, time::Duration};

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::{
    batch::{Batch, BulkAnswer, CallError},
    jobs::Jobs,
    pace::Pace,
    policy::Policy,
    request::JobId,
    telemetry::Calls,
};
use run::{Answer, Call, Done, Run};

/// How long one call may take before it is given up and made again.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// What one invocation has to work with.
#[derive(Clone, Copy, Debug)]
pub struct Tools<'a> {
    /// AWS Batch.
    pub batch: &'a Batch,
    /// How fast it may be called.
    pub pace: &'a Pace,
    /// What the deployer allows.
    pub policy: &'a Policy,
    /// Where the calls are counted.
    pub calls: &'a Calls,
    /// When all work ends.
    pub stop_at: Instant,
}

/// Brings every job to its outcome, or as far as the time lasts.
pub async fn cancel(jobs: Jobs, tools: Tools<'_>) -> Jobs {
    let mut run = Run::new(jobs, tools);
    let mut in_flight: FuturesUnordered<InFlight<'_>> = FuturesUnordered::new();
    loop {
        let mut wake = tools.stop_at;
        while in_flight.len() < tools.pace.concurrency() {
            let now = Instant::now();
            if now >= tools.stop_at {
                break;
            }
            run.wake(now);
            let ready = tools.pace.ready_at(now);
            if ready > now {
                wake = wake.min(ready);
                break;
            }
            let Some(call) = run.next_call(now) else {
                break;
            };
            tools.pace.spend(now);
            in_flight.push(Box::pin(perform(call, tools)));
        }
        let now = Instant::now();
        if now >= tools.stop_at || (in_flight.is_empty() && run.is_over(now)) {
            return run.into_jobs();
        }
        // What is due while no call may go out waits for an answer, not for the clock.
        if in_flight.len() < tools.pace.concurrency()
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

async fn perform(call: Call, tools: Tools<'_>) -> Done {
    let sent = Instant::now();
    let answer = match call {
        Call::Look(ids) => {
            let looked = in_time(tools, tools.batch.describe_jobs(&ids)).await;
            tools
                .calls
                .count("DescribeJobs", ids.len(), sent, looked.as_ref().err());
            Answer::Looked(ids, looked)
        }
        Call::LookAtServiceJob(id) => {
            let looked = in_time(tools, tools.batch.describe_service_job(id)).await;
            tools
                .calls
                .count("DescribeServiceJob", 1, sent, looked.as_ref().err());
            Answer::Looked(vec![id], looked.map(|seen| seen.into_iter().collect()))
        }
        Call::End { verb, reason, jobs } => {
            let ids: Vec<JobId> = jobs.iter().map(|&(_, id)| id).collect();
            let ended = match ids.as_slice() {
                &[id] => in_time(tools, tools.batch.end_job(verb, id, &reason))
                    .await
                    .map(|()| BulkAnswer {
                        accepted: vec![id],
                        refused: Vec::new(),
                    }),
                many => in_time(tools, tools.batch.end_jobs(verb, many, &reason)).await,
            };
            let operation = verb.operation(ids.len());
            tools
                .calls
                .count(operation, ids.len(), sent, ended.as_ref().err());
            Answer::Ended(jobs, ended)
        }
    };
    Done { sent, answer }
}

async fn in_time<T>(
    tools: Tools<'_>,
    call: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    let limit = tools.stop_at.min(Instant::now() + CALL_TIMEOUT);
    timeout_at(limit, call)
        .await
        .unwrap_or_else(|_| Err(CallError::unavailable("no answer in time")))
}
