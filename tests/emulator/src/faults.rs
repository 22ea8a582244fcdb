//! What can be made to go wrong, and the dice that decide when.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{operation::Operation, span};

/// Switches for everything that can go wrong. All off by default. Rates are between 0 and 1, and
/// the dice are seeded, so that a run can be repeated. The same in camelCase is a seed's `faults`
/// and the body of `PUT /_emulator/faults`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Faults {
    /// The dice's seed.
    pub seed: u64,
    /// The operations that faults are limited to; all if empty. Delays of visibility, refused
    /// jobs and `bulk_calls` are not limited by it.
    pub only: BTreeSet<Operation>,
    /// How long every answer takes.
    #[serde(with = "span")]
    pub latency: Duration,
    /// And up to this much longer.
    #[serde(with = "span")]
    pub jitter: Duration,
    /// An account-wide token bucket: calls above it get 429 `TooManyRequestsException`.
    pub calls_per_second: Option<f64>,
    /// The bucket's size; by default one second's worth.
    pub burst: Option<u32>,
    /// Calls answered with 429 `TooManyRequestsException`.
    #[serde(deserialize_with = "rate")]
    pub throttle_rate: f64,
    /// Jobs of a bulk call answered with `ThrottlingException`.
    #[serde(deserialize_with = "rate")]
    pub item_throttle_rate: f64,
    /// Jobs of a bulk call answered with `ServerException`.
    #[serde(deserialize_with = "rate")]
    pub item_server_error_rate: f64,
    /// Jobs that are always refused by cancel and terminate: in bulk calls with this code, alone
    /// with the whole-call error that means the same.
    pub item_errors: BTreeMap<String, ItemError>,
    /// Calls answered with 500 `ServerException`.
    #[serde(deserialize_with = "rate")]
    pub server_error_rate: f64,
    /// Calls whose connection is reset before anything was done.
    #[serde(deserialize_with = "rate")]
    pub reset_before_rate: f64,
    /// Calls whose connection is reset after the work was done.
    #[serde(deserialize_with = "rate")]
    pub reset_after_rate: f64,
    /// Calls whose work is done, and whose answer breaks off.
    #[serde(deserialize_with = "rate")]
    pub cut_short_rate: f64,
    /// Calls that are never answered; the work is done in half of them.
    #[serde(deserialize_with = "rate")]
    pub hang_rate: f64,
    /// Whether the endpoint knows the bulk calls.
    pub bulk_calls: BulkCalls,
    /// Operations that IAM denies. A denied `CancelJob` also denies each job of `CancelJobs`, as
    /// the bulk calls have no IAM action of their own.
    pub denied: BTreeSet<Operation>,
    /// Jobs that IAM denies cancelling and terminating.
    pub denied_jobs: BTreeSet<String>,
    /// How long jobs added from now on stay hidden from looks and listings.
    #[serde(with = "span")]
    pub visibility_delay: Duration,
    /// How long the effect of a cancel or terminate stays hidden.
    #[serde(with = "span")]
    pub flag_delay: Duration,
    /// Jobs whose cancel and terminate are accepted, and never happen.
    pub ignore_cancels: BTreeSet<String>,
}

/// Whether the endpoint knows the bulk calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum BulkCalls {
    /// It does.
    #[default]
    Present,
    /// 404 with an HTML page, as moto answers.
    NotFound,
    /// 404 `UnknownOperationException`, as rest-json services answer.
    UnknownOperation,
}

/// Why a job of a bulk call is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    missing_docs,
    reason = "each variant is Batch's error code of that name"
)]
pub enum ItemError {
    ValidationException,
    ClientException,
    ThrottlingException,
    ServerException,
    AccessDenied,
}

impl ItemError {
    /// The code as Batch writes it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::ValidationException => "ValidationException",
            Self::ClientException => "ClientException",
            Self::ThrottlingException => "ThrottlingException",
            Self::ServerException => "ServerException",
            Self::AccessDenied => "AccessDenied",
        }
    }
}

/// What goes wrong with one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Fault {
    /// 429 `TooManyRequestsException`.
    Throttled,
    /// 500 `ServerException`.
    ServerError,
    /// 403 `AccessDeniedException`.
    Denied,
    /// 404 with an HTML page.
    NotFound,
    /// 404 `UnknownOperationException`.
    UnknownOperation,
    /// The connection is reset, nothing was done.
    ResetBefore,
    /// The work is done, then the connection is reset.
    ResetAfter,
    /// The work is done, and the answer breaks off.
    CutShort,
    /// No answer, ever; nothing was done.
    HangBefore,
    /// The work is done, and no answer comes, ever.
    HangAfter,
}

fn rate<'de, D: serde::Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let rate = f64::deserialize(from)?;
    if (0.0..=1.0).contains(&rate) {
        Ok(rate)
    } else {
        let given = serde::de::Unexpected::Float(rate);
        Err(serde::de::Error::invalid_value(
            given,
            &"a rate between 0 and 1",
        ))
    }
}

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
