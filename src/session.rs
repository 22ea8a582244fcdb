//! What one invocation works with, and one call to AWS Batch as everything makes it: paced, timed, counted, retried.

mod calls;
mod control;
mod deadline;
mod queue;

use std::time::Duration;

use tokio::{
    sync::SemaphorePermit,
    time::{Instant, sleep_until, timeout_at},
};

pub use crate::pace::Pace;
use crate::{
    batch::{Batch, CallError, DescribeJobs, DescribeServiceJob, ErrorKind, JobDetail, Operation},
    pace::backoff,
    policy::{Owner, Policy},
    request::JobId,
};
pub use calls::{CallCount, Calls};
pub use control::{Control, Progress};
pub use deadline::Deadline;
pub use queue::QueueError;
pub(crate) use queue::to_list;

/// What one invocation works with.
#[derive(Clone, Copy, Debug)]
pub struct Session<'a> {
    /// AWS Batch.
    pub batch: &'a Batch,
    /// How fast it may be called.
    pub pace: &'a Pace,
    /// What the deployer allows.
    pub policy: &'a Policy,
    /// Whose jobs may be ended.
    pub owner: &'a Owner,
    /// Where the calls are counted.
    pub calls: &'a Calls,
    /// When all work has to be finished.
    pub deadline: Deadline,
    /// Who sees how far the work is and may stop it, if it is a program that works.
    pub control: Option<&'a Control>,
}

impl<'a> Session<'a> {
    /// The same session with another deadline.
    #[must_use]
    pub fn until(self, deadline: Deadline) -> Self {
        Self { deadline, ..self }
    }

    /// Sends a call as soon as the pace lets it, and again until it is answered, refused for good, or time is over.
    ///
    /// # Errors
    ///
    /// The error of the last try.
    pub async fn call<O: Operation>(self, operation: &O) -> Result<O::Answer, CallError> {
        let mut tries: u8 = 0;
        let mut last = None;
        loop {
            tries = tries.saturating_add(1);
            let Some(turn) = self.wait_for_turn().await else {
                return Err(CallError::out_of_time(last));
            };
            if tries > 1 {
                self.calls.count_retry();
            }
            let error = match self.send(operation, Duration::ZERO).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            drop(turn);
            if !error.kind.may_be_retried(tries) {
                return Err(error);
            }
            let again = Instant::now() + backoff(tries);
            if self.deadline.is_over(again) {
                return Err(CallError::out_of_time(Some(error)));
            }
            last = Some(error);
            sleep_until(again).await;
        }
    }

    /// Waits until the pace lets a call go out, and counts it; none if the deadline comes before. Whoever waits longest is
    /// next, so that none of many listings is starved by another. The time is asked for again after each wait, since the
    /// engine does not wait here.
    async fn wait_for_turn(self) -> Option<SemaphorePermit<'a>> {
        let turn = timeout_at(self.deadline.instant(), self.pace.turn()).await;
        let turn = turn.ok()??;
        loop {
            let now = Instant::now();
            let at = self.pace.ready_at(now);
            if self.deadline.is_over(at) {
                return None;
            }
            if at <= now {
                self.pace.spend(now);
                return Some(turn);
            }
            sleep_until(at).await;
        }
    }

    /// Sends a call once, now: the pace was waited for. It is given up after its timeout, or `reserve` before the
    /// deadline.
    ///
    /// # Errors
    ///
    /// When Batch refused it, or did not answer.
    pub(crate) async fn send<O: Operation>(
        self,
        operation: &O,
        reserve: Duration,
    ) -> Result<O::Answer, CallError> {
        let sent = Instant::now();
        let limit = Deadline::at(sent + operation.timeout()).min(self.deadline.earlier(reserve));
        let answer = timeout_at(limit.instant(), Box::pin(operation.send(self.batch))).await;
        let now = Instant::now();
        let answer = answer.unwrap_or_else(|_| Err(CallError::unanswered(now - sent)));
        let is_throttled = match &answer {
            Ok(answer) => O::is_throttled(answer),
            Err(error) => error.kind == ErrorKind::Throttled,
        };
        let (name, jobs) = (operation.name(), operation.jobs());
        let error = answer.as_ref().err();
        self.calls
            .count(name, jobs, now - sent, is_throttled, error);
        if is_throttled {
            self.pace.throttled(sent, now);
        }
        answer
    }

    /// What Batch shows of a job now; none if it does not know the id.
    ///
    /// # Errors
    ///
    /// The error of the last try.
    pub async fn look(self, id: JobId) -> Result<Option<JobDetail>, CallError> {
        if id.is_service_job() {
            return self.call(&DescribeServiceJob(id)).await;
        }
        let seen = self.call(&DescribeJobs(&[id])).await?;
        Ok(seen.get(id)?.cloned())
    }
}
