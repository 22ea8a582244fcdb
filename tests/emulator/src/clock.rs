//! The emulator's clock: a base, plus tokio's time (so that paused time is virtual here too), plus
//! what was advanced by hand.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// Reads and advances the time. All times are durations since the Unix epoch.
#[derive(Debug)]
pub(crate) struct Clock {
    base: Duration,
    /// Set at the first reading, so that an emulator made outside a runtime follows the clock of
    /// the runtime that uses it.
    started: Option<Instant>,
    advanced: Duration,
}

impl Clock {
    /// A clock that shows `base` at its first reading; by default the system's time.
    pub(crate) fn new(base: Option<Duration>) -> Self {
        let base = base.unwrap_or_else(|| {
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default()
        });
        Self {
            base,
            started: None,
            advanced: Duration::ZERO,
        }
    }

    pub(crate) fn now(&mut self) -> Duration {
        let now = Instant::now();
        let started = *self.started.get_or_insert(now);
        self.base + now.saturating_duration_since(started) + self.advanced
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        self.advanced += by;
    }
}

/// Milliseconds since the epoch, as the Batch API shows times.
pub(crate) fn millis(at: Duration) -> i64 {
    i64::try_from(at.as_millis()).unwrap_or(i64::MAX)
}
