//! The calls of one invocation, counted and logged.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tracing::{debug, warn};

use crate::batch::{CallError, ErrorKind};

/// The calls to Batch of one invocation.
#[derive(Debug, Default)]
pub struct Calls(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    counts: BTreeMap<&'static str, CallCount>,
    retried: usize,
    /// In milliseconds.
    durations: Vec<u32>,
}

/// How often an operation was called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallCount {
    /// All calls.
    pub calls: usize,
    /// Those that were throttled, as a whole or in a part of the answer.
    pub throttled: usize,
    /// Those that failed otherwise.
    pub failed: usize,
}

impl Calls {
    /// Counts and logs a call for `jobs` jobs that took `time` to be answered, or to be given up.
    pub(crate) fn count(
        &self,
        operation: &'static str,
        jobs: usize,
        time: Duration,
        is_throttled: bool,
        error: Option<&CallError>,
    ) {
        let milliseconds = u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
        let mut state = self.state();
        state.durations.push(milliseconds);
        let count = state.counts.entry(operation).or_default();
        count.calls += 1;
        count.throttled += usize::from(is_throttled);
        let is_failed = error.is_some_and(|error| error.kind != ErrorKind::Throttled);
        count.failed += usize::from(is_failed);
        drop(state);
        match error {
            None => debug!(operation, jobs, milliseconds, "called AWS Batch"),
            Some(error) => {
                warn!(operation, jobs, milliseconds, %error, "call to AWS Batch failed");
            }
        }
    }

    /// Counts a call that is sent again, for at least one of its jobs.
    pub(crate) fn count_retry(&self) {
        self.state().retried += 1;
    }

    /// How often each operation was called.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<&'static str, CallCount> {
        self.state().counts.clone()
    }

    /// How often Batch was called, all operations together.
    #[must_use]
    pub fn total(&self) -> CallCount {
        let state = self.state();
        let sum = |of: fn(&CallCount) -> usize| state.counts.values().map(of).sum();
        CallCount {
            calls: sum(|count| count.calls),
            throttled: sum(|count| count.throttled),
            failed: sum(|count| count.failed),
        }
    }

    /// How many of the calls were sent again.
    #[must_use]
    pub fn retried(&self) -> usize {
        self.state().retried
    }

    /// How long each call took, in milliseconds.
    pub(crate) fn durations(&self) -> Vec<u32> {
        self.state().durations.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
