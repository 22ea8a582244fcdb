//! The record of every call: what was asked, when, and how it was answered.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use serde::Serialize;

use crate::{emulator::Emulator, fault::Fault, operation::Operation, world::random_uuid};

/// One call that reached the emulator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// What was asked for.
    pub operation: Operation,
    /// The job ids in the request, in its order.
    pub job_ids: Vec<String>,
    /// The reason in the request.
    pub reason: Option<String>,
    /// The request's body as it came.
    #[serde(skip)]
    pub body: Bytes,
    /// How it was answered.
    pub answer: Answer,
    /// What was made to go wrong with it.
    pub fault: Option<Fault>,
    /// How many jobs of a bulk call were refused.
    pub refused_jobs: usize,
    /// How many jobs of a bulk call its answer did not mention.
    pub omitted_jobs: usize,
    /// When it came, on the emulator's clock, since the Unix epoch.
    #[serde(serialize_with = "crate::span::serialize")]
    pub at: Duration,
    /// When its work was done; None if it was not.
    #[serde(with = "crate::span::option")]
    pub performed_at: Option<Duration>,
    /// When its answer was ready; None if there was none.
    #[serde(with = "crate::span::option")]
    pub answered_at: Option<Duration>,
    /// How many calls were under way when it came, with itself.
    pub in_flight: usize,
}

impl Call {
    /// Whether its caller got a complete answer of status 200.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.answer == Answer::Status(200)
    }

    /// Whether it got 429.
    #[must_use]
    pub fn throttled(&self) -> bool {
        self.answer == Answer::Status(429)
    }
}

/// How a call was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    /// Not yet, or its caller went away before.
    None,
    /// With this HTTP status.
    Status(u16),
    /// With a connection reset.
    Reset,
    /// With 200, and less of a body than promised.
    CutShort,
}

/// The calls since the start, or since they were forgotten.
#[derive(Debug)]
pub(crate) struct Record {
    calls: VecDeque<Call>,
    /// The number of the first call in `calls`.
    first: usize,
    pub(crate) in_flight: usize,
    random: fastrand::Rng,
}

impl Default for Record {
    fn default() -> Self {
        Self {
            calls: VecDeque::new(),
            first: 0,
            in_flight: 0,
            random: fastrand::Rng::with_seed(1),
        }
    }
}

impl Record {
    pub(crate) fn new_request_id(&mut self) -> String {
        random_uuid(&mut self.random)
    }

    /// Notes a call that came, and gives its number.
    pub(crate) fn begin(&mut self, call: Call) -> usize {
        self.calls.push_back(call);
        self.first + self.calls.len() - 1
    }

    /// The call of this number, unless it was forgotten.
    pub(crate) fn call_mut(&mut self, number: usize) -> Option<&mut Call> {
        let place = number.checked_sub(self.first)?;
        self.calls.get_mut(place)
    }

    pub(crate) fn calls(&self) -> impl Iterator<Item = &Call> {
        self.calls.iter()
    }

    pub(crate) fn forget(&mut self) {
        self.first += self.calls.len();
        self.calls.clear();
    }
}

impl Emulator {
    /// Every call so far, in the order of arrival; those at unknown paths too.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.state().record.calls().cloned().collect()
    }

    /// How many calls of this operation came, however they were answered.
    #[must_use]
    pub fn count(&self, operation: Operation) -> usize {
        self.count_where(|call| call.operation == operation)
    }

    /// How many calls of this operation got a complete answer of status 200.
    #[must_use]
    pub fn count_succeeded(&self, operation: Operation) -> usize {
        self.count_where(|call| call.operation == operation && call.succeeded())
    }

    /// How many calls are of this sort.
    pub fn count_where(&self, is_counted: impl Fn(&Call) -> bool) -> usize {
        let state = self.state();
        state.record.calls().filter(|call| is_counted(call)).count()
    }

    /// The largest number of calls that were under way at the same time.
    #[must_use]
    pub fn most_in_flight(&self) -> usize {
        let state = self.state();
        let most = state.record.calls().map(|call| call.in_flight).max();
        most.unwrap_or_default()
    }

    /// Starts the record of calls anew.
    pub fn forget_calls(&self) {
        self.state().record.forget();
    }
}
