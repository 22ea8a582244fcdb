//! The dice that decide when something goes wrong.

use std::time::Duration;

use crate::{
    fault::{BulkCalls, Fault, ItemError},
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
}

impl Dice {
    pub(crate) fn new(faults: Faults) -> Self {
        Self {
            random: fastrand::Rng::with_seed(faults.seed),
            faults,
            ordered: Vec::new(),
            tokens: 0.0,
            filled_at: None,
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

    fn roll(&mut self, rate: f64) -> bool {
        rate > 0.0 && self.random.f64() < rate
    }

    fn applies_to(&self, operation: Operation) -> bool {
        self.faults.only.is_empty() || self.faults.only.contains(&operation)
    }

    /// How long this call takes.
    pub(crate) fn latency(&mut self, operation: Operation) -> Duration {
        if !self.applies_to(operation) {
            return Duration::ZERO;
        }
        let jitter = self.faults.jitter;
        if jitter.is_zero() {
            self.faults.latency
        } else {
            self.faults.latency + jitter.mul_f64(self.random.f64())
        }
    }

    /// What goes wrong with this call, if anything.
    pub(crate) fn decide(&mut self, operation: Operation, now: Duration) -> Option<Fault> {
        if let Some(fault) = self.take_ordered(operation) {
            return Some(fault);
        }
        if operation.is_bulk() {
            match self.faults.bulk_calls {
                BulkCalls::Present => {}
                BulkCalls::NotFound => return Some(Fault::NotFound),
                BulkCalls::UnknownOperation => return Some(Fault::UnknownOperation),
                BulkCalls::MissingToken => return Some(Fault::MissingToken),
            }
        }
        if self.applies_to(operation)
            && let Some(fault) = self.throw(now)
        {
            return Some(fault);
        }
        (self.faults.denied.contains(&operation)).then_some(Fault::Denied)
    }

    fn throw(&mut self, now: Duration) -> Option<Fault> {
        if !self.take_token(now) || self.roll(self.faults.throttle_rate) {
            return Some(Fault::Throttled);
        }
        if self.roll(self.faults.server_error_rate) {
            return Some(Fault::ServerError);
        }
        if self.roll(self.faults.reset_before_rate) {
            return Some(Fault::ResetBefore);
        }
        if self.roll(self.faults.hang_rate) {
            let done = self.random.bool();
            return Some(if done {
                Fault::HangAfter
            } else {
                Fault::HangBefore
            });
        }
        if self.roll(self.faults.reset_after_rate) {
            return Some(Fault::ResetAfter);
        }
        self.roll(self.faults.cut_short_rate)
            .then_some(Fault::CutShort)
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

    /// Why a job is refused by cancel or terminate: always, or (in a bulk call) this time.
    pub(crate) fn refuse(&mut self, operation: Operation, id: &str) -> Option<ItemError> {
        let bulk = operation.is_bulk();
        if self.faults.denied_jobs.contains(id)
            || (bulk && self.faults.denied.contains(&operation.iam_action()))
        {
            return Some(ItemError::AccessDenied);
        }
        if let Some(error) = self.faults.item_errors.get(id) {
            return Some(*error);
        }
        if !bulk || !self.applies_to(operation) {
            return None;
        }
        if self.roll(self.faults.item_throttle_rate) {
            return Some(ItemError::ThrottlingException);
        }
        self.roll(self.faults.item_server_error_rate)
            .then_some(ItemError::ServerException)
    }
}
