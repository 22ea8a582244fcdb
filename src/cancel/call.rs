//! The calls of the engine, their answers, and what the next call depends on.

use std::time::Duration;

use super::end_queue::EndCall;
use crate::{
    batch::{BulkCalls, CallError, Described, EndAnswer},
    request::JobId,
};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Call {
    Look(Vec<JobId>),
    End(EndCall),
}

/// The answer to a call, or why there is none.
#[derive(Debug)]
pub(crate) enum Answer {
    /// To a look at these jobs.
    Looked(Vec<JobId>, Result<Described, CallError>),
    /// To a call that ends jobs.
    Acknowledged(EndCall, Result<EndAnswer, CallError>),
}

impl Answer {
    /// Whether the call was answered without an error.
    pub(crate) fn is_answered(&self) -> bool {
        match self {
            Self::Looked(_, answer) => answer.is_ok(),
            Self::Acknowledged(_, answer) => answer.is_ok(),
        }
    }
}

/// What the next call depends on beside the jobs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Conditions {
    /// Whether the endpoint knows the bulk calls.
    pub(crate) bulk: BulkCalls,
    /// The time between two calls.
    pub(crate) interval: Duration,
    /// How long the slowest call of this invocation took that was answered; none before the first answer.
    pub(crate) slowest: Option<Duration>,
}
