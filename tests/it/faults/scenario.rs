//! A scenario, generated from a seed: the account, the request, and the faults.

mod account;
mod switches;

use std::time::Duration;

use batch_emulator::{Behaviour, Faults};
use fastrand::Rng;

pub(crate) use account::SERVICE_QUEUE;

/// How long work for an HTTP request lasts.
const HTTP_TIME: Duration = Duration::from_secs(25);

/// Where the request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Direct,
    Http,
    Sqs,
    Fifo,
    EventBridge,
}

/// How often the function is invoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One invocation, which returns a report.
    Once,
    /// Two instances cancel the same jobs. Where `kills`, one of them may be killed, and is then replaced.
    TwoAtOnce { kills: bool },
    /// Messages of a queue, redelivered until all are done.
    Redelivered { kills: bool },
}

/// Everything that is generated from a seed.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub(crate) struct Scenario {
    pub(crate) seed: u64,
    pub(crate) shape: Shape,
    pub(crate) source: Source,
    pub(crate) jobs: usize,
    pub(crate) terminate: bool,
    pub(crate) dry_run: bool,
    pub(crate) fail_on_incomplete: bool,
    pub(crate) wait_seconds: u64,
    pub(crate) calls_per_second: u32,
    pub(crate) concurrency: usize,
    pub(crate) deadline: Duration,
    pub(crate) faults: Faults,
    pub(crate) behaviour: Behaviour,
    /// The probability that a job changes its status just before a call that names it.
    pub(crate) moves: f64,
    pub(crate) lifecycles: bool,
    pub(crate) service_jobs: bool,
    kills: Vec<Option<Duration>>,
}

/// A job in the request.
#[derive(Clone, Debug)]
pub(crate) struct RequestedJob {
    /// Its id as written in the request.
    pub(crate) text: String,
    /// Its id in the report.
    pub(crate) id: String,
    pub(crate) nature: Nature,
}

impl RequestedJob {
    fn new(id: String, nature: Nature) -> Self {
        Self {
            text: id.clone(),
            id,
            nature,
        }
    }
}

/// The kind of job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nature {
    Plain,
    Protected,
    InOtherQueue,
    Unknown,
    Invalid,
}

fn chance(random: &mut Rng, share: f64) -> bool {
    random.f64() < share
}

fn time(random: &mut Rng, seconds: f64) -> Duration {
    Duration::from_secs_f64(random.f64() * seconds)
}

impl Scenario {
    /// The scenario of a seed. With `terminate`, its request is to terminate whatever the seed says.
    pub(crate) fn of(seed: u64, terminate: bool) -> Self {
        let mut random = Rng::with_seed(seed);
        let shape = match random.u8(..10) {
            0..=4 => Shape::Once,
            kind @ 5..=6 => Shape::TwoAtOnce { kills: kind > 5 },
            kind => Shape::Redelivered { kills: kind > 7 },
        };
        let source = match (shape, random.u8(..4)) {
            (Shape::Once, 0) => Source::Http,
            (Shape::Once, 1) => Source::EventBridge,
            (Shape::Once | Shape::TwoAtOnce { .. }, _) => Source::Direct,
            (Shape::Redelivered { .. }, 0) => Source::Fifo,
            (Shape::Redelivered { .. }, _) => Source::Sqs,
        };
        let most = match random.u8(..8) {
            0 => 2_500,
            _ => 250,
        };
        let (faults, behaviour) = (
            switches::faults(seed, &mut random),
            switches::behaviour(&mut random),
        );
        // What a call has done already, and does not show yet, must not be undone from outside.
        let moves_fit = faults.flag_delay.is_zero();
        Self {
            seed,
            shape,
            source,
            jobs: random.usize(1..=most),
            terminate: chance(&mut random, 0.35) || terminate,
            dry_run: shape == Shape::Once && chance(&mut random, 0.05),
            fail_on_incomplete: source == Source::Direct && chance(&mut random, 0.3),
            wait_seconds: if chance(&mut random, 0.2) {
                random.u64(1..=20)
            } else {
                0
            },
            calls_per_second: *random.choice(&[0, 0, 5, 20, 20, 50, 200]).unwrap(),
            concurrency: *random.choice(&[1, 2, 8, 8, 32]).unwrap(),
            deadline: match random.u8(..10) {
                0..=3 => Duration::from_mins(1),
                4..=6 => Duration::from_mins(5),
                _ => Duration::from_millis(100) + time(&mut random, 10.0),
            },
            faults,
            behaviour,
            moves: if moves_fit && chance(&mut random, 0.3) {
                0.1
            } else {
                0.0
            },
            lifecycles: chance(&mut random, 0.4),
            service_jobs: chance(&mut random, 0.3),
            kills: (0..8)
                .map(|_| chance(&mut random, 0.7).then(|| time(&mut random, 3.0)))
                .collect(),
        }
    }

    /// How long an invocation may take, at the most.
    pub(crate) fn time(&self) -> Duration {
        match self.source {
            Source::Http => self.deadline.min(HTTP_TIME),
            _ => self.deadline,
        }
    }

    /// The time after which the process is killed during a delivery, if it is.
    pub(crate) fn kill_after(&self, delivery: usize) -> Option<Duration> {
        self.kills[delivery % self.kills.len()]
    }
}
