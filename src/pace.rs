//! How fast Batch is called: a token bucket, slower after throttling, and backoff with jitter.
//!
//! Nothing else is learnt from one invocation for the next: how long calls took says little of how long they will take, and
//! an estimate that is too high, and stops all calls, is never corrected by one.
//!
//! The crates for this (governor, the SDK's adaptive retry) either keep a fixed rate, or one that no other client of
//! the account and no per-job error inside a bulk answer can slow down; hence our own hundred lines.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::Instant,
};

/// How many calls may follow each other without a pause after a quiet time. Looking, acting and looking again at a few
/// jobs takes three or four.
const BURST: u32 = 4;

/// What AWS allows all callers of an account together, in calls a second
/// ([re:Post](https://repost.aws/knowledge-center/batch-requests-error)): what a process without a ceiling of its own
/// is taken to have exceeded when it is throttled for the first time.
const ACCOUNT_LIMIT: f64 = 50.0;

/// What is left of the rate when calls are throttled.
const SLOW_DOWN: f64 = 0.8;

/// How steeply the rate comes back: by this many calls a second, times the cube of the seconds before or after the rate
/// of the last throttling is reached. So most of the loss is made good at once, and what was too fast is approached
/// slowly, stayed near, and left behind when it proves to be right (TCP CUBIC and the SDKs' adaptive mode do the same).
const SPEED_UP: f64 = 1.0;

/// Calls that were sent within this time after a slow-down tell nothing new when they are throttled: the account's
/// bucket is still as empty as it was.
const ONE_EVENT: Duration = Duration::from_millis(200);

/// After this time without throttling it is over, and the ceiling holds again.
const FORGET: Duration = Duration::from_secs(10);

/// However throttled, a call in this many seconds is tried.
const SLOWEST: f64 = 0.5;

/// The first retry comes within this time, each later one within twice the time of the one before…
const BACKOFF: Duration = Duration::from_millis(200);

/// … up to this.
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// How long to wait before the retry number `tries`, counted from 1: any time up to the limit ("full jitter").
pub(crate) fn backoff(tries: u8) -> Duration {
    let most = BACKOFF
        .saturating_mul(1 << tries.saturating_sub(1).min(16))
        .min(MAX_BACKOFF);
    most.mul_f64(fastrand::f64())
}

/// The pace of one process's calls to Batch. It lasts from one invocation to the next.
#[derive(Debug)]
pub struct Pace {
    /// The configured ceiling, in calls a second.
    ceiling: Option<f64>,
    concurrency: usize,
    turns: Semaphore,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    slowed: Option<Slowed>,
    /// When the next call would be due if calls came at exactly the rate.
    due: Option<Instant>,
}

/// The last slow-down.
#[derive(Clone, Copy, Debug)]
struct Slowed {
    at: Instant,
    /// The rate that was too fast, in calls a second.
    from: f64,
}

impl Pace {
    /// A pace of at most `calls_per_second`, with at most `concurrency` calls in flight.
    #[must_use]
    pub fn new(calls_per_second: Option<u32>, concurrency: usize) -> Self {
        Self {
            ceiling: calls_per_second.map(f64::from),
            concurrency,
            turns: Semaphore::new(concurrency),
            state: Mutex::default(),
        }
    }

    /// How many calls may be in flight.
    #[must_use]
    pub fn concurrency(&self) -> usize {
        self.concurrency
    }

    /// One of as many turns as calls may be in flight, in the order in which it was asked for.
    pub async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.turns.acquire().await.ok()
    }

    /// A turn, if one is free.
    pub(crate) fn free_turn(&self) -> Option<SemaphorePermit<'_>> {
        self.turns.try_acquire().ok()
    }

    /// The present time between two calls; nothing while neither ceiling nor throttling limits it.
    #[must_use]
    pub fn interval(&self, now: Instant) -> Option<Duration> {
        self.with(|state| self.rate(state, now)).map(interval)
    }

    /// When the next call may go out: `now` or later.
    #[must_use]
    pub fn ready_at(&self, now: Instant) -> Instant {
        self.with(|state| match (self.rate(state, now), state.due) {
            (Some(rate), Some(due)) => {
                let lead = interval(rate) * (BURST - 1);
                due.checked_sub(lead).unwrap_or(now).max(now)
            }
            _ => now,
        })
    }

    /// A call goes out.
    pub fn spend(&self, now: Instant) {
        self.with(|state| {
            let Some(rate) = self.rate(state, now) else {
                return;
            };
            let mut next = interval(rate);
            if self.ceiling.is_none_or(|ceiling| rate < ceiling) {
                // Two processes in step would leave all throttling to the same one of them.
                next = next.mul_f64(0.5 + fastrand::f64());
            }
            // The ceiling holds all the same.
            next = next.max(self.ceiling.map(interval).unwrap_or_default());
            state.due = Some(state.due.map_or(now, |due| due.max(now)) + next);
        });
    }

    /// A call that went out at `sent`, or a job of it, was throttled.
    pub fn throttled(&self, sent: Instant, now: Instant) {
        self.with(|state| {
            let known = |slowed: Slowed| sent < slowed.at + ONE_EVENT;
            if state.slowed.is_some_and(known) {
                return;
            }
            let from = self.rate(state, now).unwrap_or(ACCOUNT_LIMIT).max(SLOWEST);
            state.slowed = Some(Slowed { at: now, from });
            // No call is free now: the account's bucket is empty, whatever ours holds.
            state.due = Some(now + interval(from * SLOW_DOWN) * BURST);
        });
    }

    /// The present rate in calls a second, if anything limits it.
    fn rate(&self, state: &State, now: Instant) -> Option<f64> {
        let Some(Slowed { at, from }) = state.slowed else {
            return self.ceiling;
        };
        let passed = now.saturating_duration_since(at);
        if passed >= FORGET {
            return self.ceiling;
        }
        let back_after = (from * (1.0 - SLOW_DOWN) / SPEED_UP).cbrt();
        let gain = SPEED_UP * (passed.as_secs_f64() - back_after).powi(3);
        let rate = (from + gain.min(ACCOUNT_LIMIT)).max(SLOWEST);
        Some(self.ceiling.map_or(rate, |ceiling| rate.min(ceiling)))
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The time between two calls at a rate, which is never below [`SLOWEST`].
fn interval(rate: f64) -> Duration {
    Duration::from_secs_f64(1.0 / rate.max(SLOWEST))
}
