//! When the work ends.

use std::cmp::Reverse;

use tokio::time::Instant;

use super::{
    call::Outlook,
    engine::{Engine, Timer},
};
use crate::jobs::{CallResult, Stage};

impl Engine<'_> {
    /// Whether the time that is left should go to looking again at jobs for which a call was sent. `rounds` is 1 for a
    /// job that would be ended now, and 2 for one that would first be looked at.
    pub(super) fn is_closing(&self, now: Instant, outlook: Outlook, rounds: u32) -> bool {
        let times = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let again = self.looks.again_calls();
        let look_rounds = times(1 + again.div_ceil(outlook.concurrency)).saturating_add(rounds);
        let calls = times(2 + again + self.ends_in_flight.div_ceil(2));
        let needed = outlook.end_takes
            + outlook.look_takes.saturating_mul(look_rounds)
            + outlook.interval.saturating_mul(calls);
        self.deadline.left(now) < needed
    }

    /// Nothing is left to be done, or nothing that could be done in time, beside the calls in flight.
    #[must_use]
    pub fn is_finished(&self, now: Instant, outlook: Outlook) -> bool {
        if self.looks_in_flight + self.ends_in_flight > 0 {
            return false;
        }
        if !self.is_closing(now, outlook, 1) {
            let none_to_begin = self.looks.first_len() == 0 || self.is_closing(now, outlook, 2);
            let none_waits = self.looks.again_calls() == 0 && self.ends.len() == 0;
            return none_to_begin && none_waits && self.timers.is_empty();
        }
        self.none_to_look_at()
    }

    /// No job waits for another look, or none that is due in time.
    fn none_to_look_at(&self) -> bool {
        let mut timers = self.timers.iter();
        self.looks.again_calls() == 0
            && !timers.any(|Reverse((at, timer))| {
                matches!(timer, Timer::Look(_)) && !self.deadline.is_over(*at)
            })
    }

    /// No call that ends jobs will be sent any more. The jobs whose call Batch refused, and which wait for another try in
    /// vain, are looked at instead: they may have started or ended.
    pub(super) fn close(&mut self, now: Instant, outlook: Outlook) {
        let in_flight = self.looks_in_flight + self.ends_in_flight;
        if self.is_closed || in_flight > 0 || !self.is_closing(now, outlook, 1) {
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
                self.looks.push_again(id);
            }
        }
        self.is_closed = self.looks.again_calls() > 0;
    }
}
