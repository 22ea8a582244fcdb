//! The calls of the engine, their answers, and what the next call depends on.

use std::time::Duration;

use super::{ends::EndCall, engine::Engine};
use crate::{
    batch::{BulkCalls, CallError, Described, EndAnswer},
    request::JobId,
};

/// A call to send.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// A look at these jobs.
    Describe(Vec<JobId>),
    /// A look at a service job.
    DescribeServiceJob(JobId),
    /// A call that ends jobs.
    End(EndCall),
}

/// The answer to a call, or why there is none.
#[derive(Debug)]
pub enum Answer {
    /// To a look at these jobs.
    Described(Vec<JobId>, Result<Described, CallError>),
    /// To a call that ends jobs.
    Acknowledged(EndCall, Result<EndAnswer, CallError>),
}

/// What the next call depends on beside the jobs.
#[derive(Clone, Copy, Debug)]
pub struct Outlook {
    /// Whether the endpoint knows the bulk calls.
    pub bulk: BulkCalls,
    /// How long a look may well take.
    pub look_takes: Duration,
    /// How long a call that ends jobs may well take.
    pub end_takes: Duration,
    /// The time between two calls.
    pub interval: Duration,
    /// How many calls may be in flight.
    pub concurrency: usize,
}

impl Engine<'_> {
    /// Whether a call is sent again for at least one of its jobs.
    #[must_use]
    pub fn is_retry(&self, call: &Call) -> bool {
        let looks_failed = |id: &JobId| {
            let index = self.jobs.index_of(*id);
            index.is_some_and(|index| self.jobs[index].failed_looks > 0)
        };
        match call {
            Call::Describe(ids) => ids.iter().any(looks_failed),
            Call::DescribeServiceJob(id) => looks_failed(id),
            Call::End(call) => {
                let mut jobs = call.jobs.iter();
                jobs.any(|&(index, _)| self.jobs[index].failed_ends > 0)
            }
        }
    }
}
