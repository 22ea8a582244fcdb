//! The calls of one invocation, counted and logged.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tracing::{debug, warn};

use crate::batch::{CallError, ErrorKind};

/// The calls to Batch of one invocation.
#[derive(Debug, Default)]
pub struct Calls(Mutex<BTreeMap<&'static str, CallCount>>);

/// How often an operation was called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallCount {
    /// All calls.
    pub calls: usize,
    /// Those that were throttled.
    pub throttled: usize,
    /// Those that failed otherwise.
    pub failed: usize,
}

impl Calls {
    /// Counts and logs a call for `jobs` jobs that took `time` to be answered, or to be given up.
    pub fn count(
        &self,
        operation: &'static str,
        jobs: usize,
        time: Duration,
        error: Option<&CallError>,
    ) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(operation).or_default();
        count.calls += 1;
        let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        match error {
            None => debug!(operation, jobs, milliseconds, "called AWS Batch"),
            Some(error) => {
                if error.kind == ErrorKind::Throttled {
                    count.throttled += 1;
                } else {
                    count.failed += 1;
                }
                warn!(operation, jobs, milliseconds, %error, "call to AWS Batch failed");
            }
        }
    }

    /// How often each operation was called.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<&'static str, CallCount> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
