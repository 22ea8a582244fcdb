//! The calls of the engine, their answers, and what the next call depends on.

use std::time::Duration;

use super::end_queue::EndCall;
use crate::{
    batch::{BulkCalls, CallError, Described, EndAnswer},
    request::JobId,
};

/// A call to send.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// A look at these jobs.
    Look(Vec<JobId>),
    /// A call that ends jobs.
    End(EndCall),
}

/// The answer to a call, or why there is none.
#[derive(Debug)]
pub enum Answer {
    /// To a look at these jobs.
    Looked(Vec<JobId>, Result<Described, CallError>),
    /// To a call that ends jobs.
    Acknowledged(EndCall, Result<EndAnswer, CallError>),
}

impl Answer {
    /// Whether the call was answered without an error.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        match self {
            Self::Looked(_, answer) => answer.is_ok(),
            Self::Acknowledged(_, answer) => answer.is_ok(),
        }
    }
}

/// What the next call depends on beside the jobs.
#[derive(Clone, Copy, Debug)]
pub struct Conditions {
    /// Whether the endpoint knows the bulk calls.
    pub bulk: BulkCalls,
    /// The time between two calls.
    pub interval: Duration,
    /// How long the slowest call of this invocation took that was answered; none before the first answer.
    pub slowest: Option<Duration>,
}
