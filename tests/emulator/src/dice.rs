//! The dice that decide which calls go wrong.

use std::time::Duration;

use crate::{
    counts::{Counts, Switch},
    fault::Fault,
    faults::Faults,
    operation::Operation,
};

/// The faults in force, with the state that deciding takes.
#[derive(Debug)]
pub(crate) struct Dice {
    faults: Faults,
    random: fastrand::Rng,
    /// Faults ordered for the next calls of an operation.
    ordered: Vec<(Operation, Fault, usize)>,
    tokens: f64,
    filled_at: Option<Duration>,
    counts: Counts,
}

impl Dice {
    pub(crate) fn new(faults: Faults) -> Self {
        Self {
            random: fastrand::Rng::with_seed(faults.seed),
            faults,
            ordered: Vec::new(),
            tokens: 0.0,
            filled_at: None,
            counts: Counts::default(),
        }
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Changes the switches. The dice start anew only if their seed changes.
    pub(crate) fn set(&mut self, faults: Faults) {
        if faults.seed != self.faults.seed {
            self.random = fastrand::Rng::with_seed(faults.seed);
        }
        let before = (self.faults.calls_per_second, self.faults.burst);
        if before != (faults.calls_per_second, faults.burst) {
            self.filled_at = None;
        }
        self.faults = faults;
    }

    pub(crate) fn order(&mut self, operation: Operation, fault: Fault, times: usize) {
        self.ordered.push((operation, fault, times));
    }

    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Notes that a switch bit.
    pub(crate) fn bit(&self, switch: Switch) {
        self.counts.bit(switch);
    }

    /// Whether the dice let a switch of this rate bite.
    pub(crate) fn roll(&mut self, switch: Switch, rate: f64) -> bool {
        // A switch that is off takes no throw, so that it does not change what others get.
        let bites = rate > 0.0 && self.random.f64() < rate;
        if bites {
            self.bit(switch);
        }
        bites
    }

    pub(crate) fn applies_to(&self, operation: Operation) -> bool {
        self.faults.only.is_empty() || self.faults.only.contains(&operation)
    }

    /// How long this call takes.
    pub(crate) fn latency(&mut self, operation: Operation) -> Duration {
        if !self.applies_to(operation) {
            return Duration::ZERO;
        }
        let Faults {
            latency, jitter, ..
        } = self.faults;
        if !latency.is_zero() {
            self.bit(Switch::Latency);
        }
        if jitter.is_zero() {
            return latency;
        }
        self.bit(Switch::Jitter);
        latency + jitter.mul_f64(self.random.f64())
    }

    /// What goes wrong with this call, if anything.
    pub(crate) fn decide(&mut self, operation: Operation, now: Duration) -> Option<Fault> {
        if let Some(fault) = self.take_ordered(operation) {
            return Some(fault);
        }
        if operation.is_bulk()
            && let Some(fault) = self.faults.bulk_calls.fault()
        {
            self.bit(Switch::BulkCalls);
            return Some(fault);
        }
        if self.applies_to(operation)
            && let Some(fault) = self.throw(now)
        {
            return Some(fault);
        }
        let denied = self.faults.denied.contains(&operation);
        if denied {
            self.bit(Switch::Denied);
        }
        denied.then_some(Fault::Denied)
    }

    fn throw(&mut self, now: Duration) -> Option<Fault> {
        if !self.take_token(now) {
            self.bit(Switch::CallsPerSecond);
            return Some(Fault::Throttled);
        }
        if self.roll(Switch::ThrottleRate, self.faults.throttle_rate) {
            return Some(Fault::Throttled);
        }
        if self.roll(Switch::ServerErrorRate, self.faults.server_error_rate) {
            return Some(Fault::ServerError);
        }
        if self.roll(Switch::ResetBeforeRate, self.faults.reset_before_rate) {
            return Some(Fault::ResetBefore);
        }
        if self.roll(Switch::HangRate, self.faults.hang_rate) {
            let done = self.random.bool();
            return Some(if done {
                Fault::HangAfter
            } else {
                Fault::HangBefore
            });
        }
        if self.roll(Switch::ResetAfterRate, self.faults.reset_after_rate) {
            return Some(Fault::ResetAfter);
        }
        if self.roll(Switch::CutShortRate, self.faults.cut_short_rate) {
            return Some(Fault::CutShort);
        }
        let slow = !self.faults.slow_for.is_zero();
        (slow && self.roll(Switch::SlowRate, self.faults.slow_rate)).then_some(Fault::Slow)
    }

    /// How long the answer is held back after the work was done.
    pub(crate) fn hold_back(&self, operation: Operation, fault: Option<Fault>) -> Duration {
        let by_operation = self.faults.slow.get(&operation).copied();
        if by_operation.is_some() {
            self.bit(Switch::Slow);
        }
        let by_fault = (fault == Some(Fault::Slow)).then_some(self.faults.slow_for);
        by_operation.max(by_fault).unwrap_or_default()
    }

    fn take_ordered(&mut self, operation: Operation) -> Option<Fault> {
        let place = self
            .ordered
            .iter()
            .position(|(of, _, _)| *of == operation)?;
        let (_, fault, times) = self.ordered.get_mut(place)?;
        let fault = *fault;
        *times = times.saturating_sub(1);
        if *times == 0 {
            self.ordered.remove(place);
        }
        Some(fault)
    }

    fn take_token(&mut self, now: Duration) -> bool {
        let Some(per_second) = self.faults.calls_per_second else {
            return true;
        };
        let size = self.faults.burst.map_or(per_second, f64::from).max(1.0);
        self.tokens = match self.filled_at {
            None => size,
            Some(before) => {
                let passed = now.saturating_sub(before).as_secs_f64();
                (self.tokens + passed * per_second).min(size)
            }
        };
        self.filled_at = Some(now);
        let granted = self.tokens >= 1.0;
        if granted {
            self.tokens -= 1.0;
        }
        granted
    }
}
