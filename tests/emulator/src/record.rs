//! The record of every call: what was asked, when, and how it was answered.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use serde::Serialize;

use crate::{faults::Fault, operation::Operation, world::random_uuid};

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
    /// When it came, on the emulator's clock, since the Unix epoch.
    #[serde(serialize_with = "crate::span::serialize")]
    pub at: Duration,
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
