//! When the work of an invocation has to be finished.

use std::time::Duration;

use tokio::time::Instant;

/// When the work of an invocation has to be finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// So much time from now on.
    #[must_use]
    pub fn after(time: Duration) -> Self {
        Self(Instant::now() + time)
    }

    /// This time.
    #[must_use]
    pub fn at(time: Instant) -> Self {
        Self(time)
    }

    /// The deadline as a time.
    pub(crate) fn instant(self) -> Instant {
        self.0
    }

    /// Whether it is reached at this time.
    pub(crate) fn is_over(self, at: Instant) -> bool {
        at >= self.0
    }

    /// The time that is left from `now` on.
    pub(crate) fn left(self, now: Instant) -> Duration {
        self.0.saturating_duration_since(now)
    }

    /// The same, so much earlier.
    pub(crate) fn earlier(self, time: Duration) -> Self {
        Self(self.0.checked_sub(time).unwrap_or(self.0))
    }

    /// The first of so many equal parts of the time that is left.
    pub(crate) fn first_of(self, parts: u32) -> Self {
        let now = Instant::now();
        Self(now + self.left(now) / parts)
    }
}
