//! How long listing may take: half of the time there is, or three quarters if what it found needs no more than the rest,
//! and nothing else is asked.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use tokio::time::Instant;

use super::SelectionQuery;
use crate::session::{Deadline, Session};

/// Looks and calls that a hundred known jobs need: a look, two calls, and a look at their effect.
const CALLS_A_HUNDRED: usize = 4;

/// How long a call takes beside the time that the pace gives it, where several are in flight.
const CALL: Duration = Duration::from_millis(50);

/// The time of the listings of a selection, which go on side by side.
#[derive(Debug)]
pub(super) struct ListingTime {
    /// What is left of the time at least…
    least_rest: Duration,
    /// … and at most, for what was found.
    most_rest: Duration,
    /// How many jobs were found, some of them perhaps twice.
    found: AtomicUsize,
}

impl ListingTime {
    /// The time of a selection that begins now.
    pub(super) fn new(query: SelectionQuery, session: Session<'_>) -> Self {
        let half = session.deadline.left(Instant::now()) / 2;
        Self {
            least_rest: if query.is_alone { half / 2 } else { half },
            most_rest: half,
            found: AtomicUsize::new(0),
        }
    }

    /// More jobs were found.
    pub(super) fn add(&self, jobs: usize) {
        self.found.fetch_add(jobs, Ordering::Relaxed);
    }

    /// When the listings have to be finished, by what was found so far.
    pub(super) fn deadline(&self, session: Session<'_>) -> Deadline {
        let hundreds = self.found.load(Ordering::Relaxed).div_ceil(100);
        let calls = u32::try_from(hundreds * CALLS_A_HUNDRED).unwrap_or(u32::MAX);
        let interval = session.pace.interval(Instant::now()).unwrap_or_default();
        let needed = (interval + CALL).saturating_mul(calls);
        session
            .deadline
            .earlier(needed.clamp(self.least_rest, self.most_rest))
    }
}
