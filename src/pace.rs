//! How fast Batch is called: a token bucket, slower after throttling, backoff with jitter.
//!
//! The crates for this (governor, the SDK's adaptive retry) either keep a fixed rate, or one that no other client of
//! the account and no per-job error inside a bulk answer can slow down; hence our own hundred lines.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// How many calls may follow each other without a pause after a quiet time. Looking, acting and looking again at a few
/// jobs takes three or four.
const BURST: u32 = 4;

/// What is left of the rate when calls are throttled.
const SLOW_DOWN: f64 = 0.7;

/// How many calls a second the rate gains in each second without throttling.
const SPEED_UP: f64 = 4.0;

/// Throttled answers within this time belong to one event, and slow down once.
const ONE_EVENT: Duration = Duration::from_millis(500);

/// However throttled, one call in this time is tried.
const SLOWEST: f64 = 0.5;

/// The first retry comes within this time, each later one within twice the time of the one before…
const BACKOFF: Duration = Duration::from_millis(200);

/// … up to this.
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// How long to wait before the retry number `tries`, counted from 1: any time up to the limit ("full jitter").
#[must_use]
pub fn backoff(tries: u8) -> Duration {
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
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The present rate, in calls a second; nothing while neither ceiling nor throttling limits it.
    rate: Option<f64>,
    /// When the next call would be due if calls came at exactly the rate.
    due: Option<Instant>,
    /// When throttling last slowed us down.
    slowed: Option<Instant>,
    /// The calls that were accepted in the present second, and how many in the one before.
    second: Option<Instant>,
    accepted: u32,
    accepted_before: u32,
}

impl Pace {
    /// A pace of at most `calls_per_second`, with at most `concurrency` calls in flight.
    #[must_use]
    pub fn new(calls_per_second: Option<u32>, concurrency: usize) -> Self {
        let ceiling = calls_per_second.map(f64::from);
        Self {
            ceiling,
            concurrency,
            state: Mutex::new(State {
                rate: ceiling,
                due: None,
                slowed: None,
                second: None,
                accepted: 0,
                accepted_before: 0,
            }),
        }
    }

    /// How many calls may be in flight.
    #[must_use]
    pub fn concurrency(&self) -> usize {
        self.concurrency
    }

    /// The present rate in calls a second, if anything limits it.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        self.with(|state| state.rate)
    }

    /// When the next call may go out: `now` or later.
    #[must_use]
    pub fn ready_at(&self, now: Instant) -> Instant {
        self.with(|state| match (state.rate, state.due) {
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
            if let Some(rate) = state.rate {
                state.due = Some(state.due.map_or(now, |due| due.max(now)) + interval(rate));
            }
        });
    }

    /// A call, or a job of a bulk call, was throttled.
    pub fn throttled(&self, now: Instant) {
        self.with(|state| {
            state.roll(now);
            if state
                .slowed
                .is_some_and(|at| now.duration_since(at) < ONE_EVENT)
            {
                return;
            }
            state.slowed = Some(now);
            let achieved = f64::from(state.accepted.max(state.accepted_before));
            let from = state
                .rate
                .map_or(achieved, |rate| rate.min(achieved.max(1.0)));
            state.rate = Some((from * SLOW_DOWN).max(SLOWEST));
            state.due = Some(now + interval(from.max(SLOWEST)));
        });
    }

    /// A call was accepted.
    pub fn accepted(&self, now: Instant) {
        self.with(|state| {
            state.roll(now);
            state.accepted += 1;
            let recovering = state
                .slowed
                .is_some_and(|at| now.duration_since(at) >= ONE_EVENT);
            if let (true, Some(rate)) = (recovering, state.rate) {
                let rate = rate + SPEED_UP / rate.max(1.0);
                state.rate = Some(self.ceiling.map_or(rate, |ceiling| rate.min(ceiling)));
            }
        });
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    /// Starts a new second if the present one is over.
    fn roll(&mut self, now: Instant) {
        const SECOND: Duration = Duration::from_secs(1);
        match self.second.map(|began| now.duration_since(began)) {
            Some(passed) if passed < SECOND => return,
            Some(passed) if passed < 2 * SECOND => self.accepted_before = self.accepted,
            _ => self.accepted_before = 0,
        }
        self.accepted = 0;
        self.second = Some(now);
    }
}

fn interval(rate: f64) -> Duration {
    Duration::from_secs_f64(1.0 / rate.max(f64::MIN_POSITIVE.sqrt()))
}
