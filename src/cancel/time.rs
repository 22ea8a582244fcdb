//! When no more work is begun, so that the time that is left goes to looking again at jobs for which a call was sent.
//!
//! How much is kept for that follows from the calls of this invocation, and is never more than a share of the time there is:
//! whatever happened before, an invocation that has time for one look and one call sends them.

use std::time::Duration;

use tokio::time::Instant;

use super::{call::Conditions, engine::Engine, step::Step};
use crate::{
    jobs::{CallResult, JobIndex, Jobs, Stage},
    report::Outcome,
    request::JobId,
};

/// For a call and the look that follows, twice the time of the slowest call is kept, and at least this…
const LEAST_ROUND: Duration = Duration::from_millis(100);

/// … but at most this…
const MOST_ROUND: Duration = Duration::from_secs(2);

/// … and this part of the time there is, which is also kept until a call was answered.
const ROUND_SHARE: u32 = 8;

/// However slow the pace, this part of the time is enough for a round.
const LAST_ROUND: u32 = 4;

/// The time between two calls that is reckoned with, if nothing limits the rate: Batch allows an account about 50 calls a
/// second ([re:Post](https://repost.aws/knowledge-center/batch-requests-error)).
const LEAST_INTERVAL: Duration = Duration::from_millis(20);

impl Engine<'_> {
    /// Whether there is time to begin a step, beside the looks that wait already.
    pub(super) fn has_time_for(&self, step: Step, now: Instant, conditions: Conditions) -> bool {
        if self.is_stopped {
            return false;
        }
        let interval = conditions.interval.max(LEAST_INTERVAL);
        let calls =
            |count: usize| interval.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX));
        let waiting = calls(self.looks.again_calls());
        let rounds = step as u32;
        let needed = (self.round(conditions) * rounds)
            .saturating_add(calls(2 + self.end_calls_in_flight.div_ceil(2)))
            .min(self.time() / LAST_ROUND * rounds);
        self.deadline.left(now) >= needed.saturating_add(waiting)
    }

    /// How long before the deadline a call that ends jobs is given up, so that a look can follow.
    pub(crate) fn reserve(&self, now: Instant, conditions: Conditions) -> Duration {
        let look = self
            .round(conditions)
            .saturating_add(conditions.interval * 2);
        look.min(self.deadline.left(now) / 2)
    }

    /// The time that is kept for a call and the look that follows.
    fn round(&self, conditions: Conditions) -> Duration {
        let slowest = conditions.slowest.map_or(MOST_ROUND, |call| call * 2);
        let share = self.time() / ROUND_SHARE;
        slowest.max(LEAST_ROUND).min(MOST_ROUND).min(share)
    }

    /// The time that there was at the beginning.
    fn time(&self) -> Duration {
        self.deadline.left(self.began)
    }

    /// Nothing is left to be done, or nothing that could be done in time, beside the calls in flight.
    pub(crate) fn is_finished(&self, now: Instant, conditions: Conditions) -> bool {
        if self.looks.in_flight() + self.end_calls_in_flight > 0 {
            return false;
        }
        if self.has_time_for(Step::End, now, conditions) {
            let none_to_begin =
                self.looks.firsts() == 0 || !self.has_time_for(Step::FirstLook, now, conditions);
            let none_waits = self.looks.again_calls() == 0 && self.end_queue.len() == 0;
            let none_is_due = self.timers.is_empty() && self.looks.poll_timeout().is_none();
            return none_to_begin && none_waits && none_is_due;
        }
        self.none_to_look_at()
    }

    /// No job waits for another look, or none that is due in time.
    fn none_to_look_at(&self) -> bool {
        let due = self.looks.poll_timeout();
        self.looks.again_calls() == 0 && due.is_none_or(|at| self.deadline.is_over(at))
    }

    /// No call that ends jobs will be sent any more. The jobs whose call Batch refused, and which wait for another try in
    /// vain, are looked at instead: they may have started or ended.
    pub(super) fn stop_ending(&mut self, now: Instant, conditions: Conditions) {
        let in_flight = self.looks.in_flight() + self.end_calls_in_flight;
        if self.only_looks || in_flight > 0 || self.has_time_for(Step::End, now, conditions) {
            return;
        }
        if !self.none_to_look_at() {
            return;
        }
        self.see_refused_children();
        for index in self.jobs.indices() {
            let job = &self.jobs[index];
            let waits = *job.stage() == Stage::Queued && job.was_called;
            if waits
                && !job.may_be_done
                && !job.is_throttled()
                && let Some(id) = job.id()
            {
                self.jobs.enter(index, Stage::ToVerify(CallResult::Refused));
                self.looks.add_again(id);
            }
        }
        self.only_looks = self.looks.again_calls() > 0;
    }

    /// The jobs with their outcomes. Those that have none get the one that is true of them now.
    pub(crate) fn into_jobs(mut self) -> Jobs {
        self.doubt_children();
        self.explain_unseen();
        self.jobs.settle_now();
        self.jobs
    }

    /// Time is over for jobs that were looked at, and of which too little is known.
    fn explain_unseen(&mut self) {
        let waiting = self.looks.waiting_for_arrays();
        for index in self.jobs.indices() {
            let job = &self.jobs[index];
            let (Stage::ToLookAt, Some(id), false) = (job.stage(), job.id(), job.is_throttled())
            else {
                continue;
            };
            let message = if self.looks.is_missing(id) {
                "out of time before Batch was asked again: it does not show the job yet"
            } else if waiting.contains(&id) {
                "out of time before its array, whose tags count for it, was looked at"
            } else {
                continue;
            };
            let message = job.with_last_error(message);
            self.jobs
                .settle(index, Outcome::NotAttempted, Some(message));
        }
    }

    /// Ending an array may have ended a child which no call did, and of which no look shows that.
    fn doubt_children(&mut self) {
        for index in self.jobs.indices() {
            let job = &self.jobs[index];
            let is_left = match job.stage() {
                Stage::ToLookAt | Stage::Queued => true,
                Stage::Settled { outcome, .. } => outcome.is_refused(),
                Stage::Sent | Stage::ToVerify(_) => false,
            };
            if is_left && self.may_array_be_ended(index) {
                let message = "a call to end its array was sent, and no look shows its effect";
                let message = job.with_last_error(message);
                self.jobs.settle(index, Outcome::Unconfirmed, Some(message));
            }
        }
    }

    /// Whether a call to end a job's array was sent, and not refused.
    pub(super) fn may_array_be_ended(&self, index: JobIndex) -> bool {
        let array = self.jobs[index].id().and_then(JobId::parent);
        let array = array.and_then(|array| self.jobs.index_of(array));
        array.map(|array| &self.jobs[array]).is_some_and(|array| {
            array.was_called && !array.outcome().is_some_and(Outcome::is_refused)
        })
    }
}
