//! A scenario, generated from a seed: the account, the request, and the faults.

use std::time::Duration;

use batch_emulator::{
    Behaviour, BulkCalls, Emulator, Faults, ItemError, JobSpec, Lifecycle, Operation, Queue,
    Status, TerminateMark,
};
use fastrand::Rng;

use support::QUEUE;

/// A queue that the function may not touch.
const OTHER_QUEUE: &str = "other-queue";

/// Where the request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Direct,
    Http,
    Sqs,
    Fifo,
}

/// How often the function is invoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One invocation, which returns a report.
    Once,
    /// Two instances cancel the same jobs.
    TwoAtOnce,
    /// Messages of a queue, redelivered until all are done.
    Redelivered { kills: bool },
}

/// Everything that is generated from a seed.
#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) seed: u64,
    pub(crate) shape: Shape,
    pub(crate) source: Source,
    pub(crate) jobs: usize,
    pub(crate) terminate: bool,
    pub(crate) dry_run: bool,
    pub(crate) wait_seconds: u64,
    pub(crate) calls_per_second: u32,
    pub(crate) concurrency: usize,
    pub(crate) deadline: Duration,
    pub(crate) faults: Faults,
    pub(crate) behaviour: Behaviour,
    /// The probability that a job changes its status just before a call that names it.
    pub(crate) moves: f64,
    pub(crate) lifecycles: bool,
    kills: Vec<Option<Duration>>,
}

/// A job in the request.
#[derive(Debug)]
pub(crate) struct RequestedJob {
    /// Its id as written in the request.
    pub(crate) text: String,
    /// Its id in the report.
    pub(crate) id: String,
    pub(crate) nature: Nature,
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
    pub(crate) fn of(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let shape = match random.u8(..10) {
            0..=4 => Shape::Once,
            5..=6 => Shape::TwoAtOnce,
            kind => Shape::Redelivered { kills: kind > 7 },
        };
        let source = match (shape, random.u8(..4)) {
            (Shape::Once, 0) => Source::Http,
            (Shape::Once | Shape::TwoAtOnce, _) => Source::Direct,
            (Shape::Redelivered { .. }, 0) => Source::Fifo,
            (Shape::Redelivered { .. }, _) => Source::Sqs,
        };
        // A direct report is cut at 200 kB.
        let most = match (source, random.u8(..8)) {
            (Source::Direct, _) | (_, 1..) => 250,
            (_, 0) => 2_500,
        };
        let (faults, behaviour) = (faults(seed, &mut random), behaviour(&mut random));
        let moves_fit = faults.flag_delay.is_zero();
        Self {
            seed,
            shape,
            source,
            jobs: random.usize(1..=most),
            terminate: chance(&mut random, 0.35),
            dry_run: shape == Shape::Once && chance(&mut random, 0.05),
            wait_seconds: if chance(&mut random, 0.2) {
                random.u64(1..=20)
            } else {
                0
            },
            calls_per_second: *random.choice(&[0, 0, 5, 20, 20, 50, 200]).unwrap(),
            concurrency: *random.choice(&[1, 2, 8, 8, 32]).unwrap(),
            deadline: if chance(&mut random, 0.5) {
                Duration::from_mins(1)
            } else {
                Duration::from_millis(100) + time(&mut random, 10.0)
            },
            faults,
            behaviour,
            moves: if moves_fit && chance(&mut random, 0.3) {
                0.1
            } else {
                0.0
            },
            lifecycles: moves_fit && chance(&mut random, 0.3),
            kills: (0..8)
                .map(|_| chance(&mut random, 0.7).then(|| time(&mut random, 3.0)))
                .collect(),
        }
    }

    /// The time after which the process is killed during a delivery, if it is.
    pub(crate) fn kill_after(&self, delivery: usize) -> Option<Duration> {
        self.kills[delivery % self.kills.len()]
    }

    /// The account, and the jobs in the request.
    pub(crate) fn set_up(&self) -> (Emulator, Vec<RequestedJob>) {
        let mut random = Rng::with_seed(!self.seed);
        let emulator = Emulator::new();
        emulator.add_queue(Queue::new(QUEUE));
        emulator.add_queue(Queue::new(OTHER_QUEUE));
        emulator.set_behaviour(self.behaviour.clone());
        emulator.set_faults(self.faults.clone());
        let running = emulator.add_job(JobSpec::new(Status::Running).queue(QUEUE));
        let mut requested: Vec<RequestedJob> = Vec::new();
        while requested.len() < self.jobs {
            if !requested.is_empty() && chance(&mut random, 0.03) {
                let twice = random.usize(..requested.len());
                let again = RequestedJob {
                    text: requested[twice].text.clone(),
                    id: requested[twice].id.clone(),
                    ..requested[twice]
                };
                requested.push(again);
                continue;
            }
            self.add(&emulator, &running, &mut random, &mut requested);
        }
        let mut faults = self.faults.clone();
        for job in &requested {
            if chance(&mut random, 0.1) && self.seed.is_multiple_of(5) {
                faults.denied_jobs.insert(job.id.clone());
            } else if chance(&mut random, 0.1) && self.seed.is_multiple_of(7) {
                faults.ignore_cancels.insert(job.id.clone());
            } else if chance(&mut random, 0.1) && self.seed.is_multiple_of(11) {
                let error = *random
                    .choice(&[ItemError::ThrottlingException, ItemError::ClientException])
                    .unwrap();
                faults.item_errors.insert(job.id.clone(), error);
            }
        }
        emulator.set_faults(faults);
        if self.moves > 0.0 {
            self.let_jobs_move(&emulator);
        }
        (emulator, requested)
    }

    fn add(
        &self,
        emulator: &Emulator,
        running: &str,
        random: &mut Rng,
        requested: &mut Vec<RequestedJob>,
    ) {
        let status = *random
            .choice(&[
                Status::Submitted,
                Status::Pending,
                Status::Starting,
                Status::Running,
                Status::Succeeded,
                Status::Failed,
                Status::Runnable,
                Status::Runnable,
                Status::Runnable,
                Status::Runnable,
                Status::Runnable,
                Status::Runnable,
            ])
            .unwrap();
        let mut spec = JobSpec::new(status).queue(QUEUE);
        if status == Status::Pending {
            spec = spec.after(running);
        }
        if self.lifecycles {
            spec.lifecycle = Lifecycle {
                submitted_for: Some(time(random, 3.0)),
                runnable_for: chance(random, 0.3).then(|| time(random, 3.0)),
                starting_for: Some(time(random, 2.0)),
                running_for: Some(time(random, 5.0)),
                ..Lifecycle::default()
            };
        }
        let mut text_of: fn(&str) -> String = str::to_owned;
        let mut nature = Nature::Plain;
        match random.u8(..40) {
            0 => {
                spec = spec.tag("batch-cancel:protect", "");
                nature = Nature::Protected;
            }
            1 => {
                spec = spec.queue(OTHER_QUEUE);
                nature = Nature::InOtherQueue;
            }
            2 => {
                let id = format!("{:08x}-0000-4000-8000-000000000000", random.u32(..));
                requested.push(RequestedJob {
                    text: id.clone(),
                    id,
                    nature: Nature::Unknown,
                });
                return;
            }
            3 => {
                let text = format!("no-job-{}", random.u32(..));
                requested.push(RequestedJob {
                    text: text.clone(),
                    id: text,
                    nature: Nature::Invalid,
                });
                return;
            }
            4..=5 => return Self::add_array(emulator, random, requested),
            6 => text_of = str::to_uppercase,
            7 => text_of = |id| format!("{id}#0"),
            8 => text_of = |id| format!("arn:aws:batch:eu-west-1:123456789012:job/{id}"),
            _ => {}
        }
        let id = emulator.add_job(spec);
        requested.push(RequestedJob {
            text: text_of(&id),
            id,
            nature,
        });
    }

    fn add_array(emulator: &Emulator, random: &mut Rng, requested: &mut Vec<RequestedJob>) {
        let protected = chance(random, 0.2);
        let children = [
            Status::Runnable,
            Status::Running,
            Status::Succeeded,
            Status::Runnable,
        ];
        let mut spec = JobSpec::new(Status::Pending).queue(QUEUE).array(&children);
        if protected {
            spec = spec.tag("batch-cancel:protect", "");
        }
        let id = emulator.add_job(spec);
        let nature = if protected {
            Nature::Protected
        } else {
            Nature::Plain
        };
        for child in 0..children.len() {
            if chance(random, 0.4) {
                let child = format!("{id}:{child}");
                requested.push(RequestedJob {
                    text: child.clone(),
                    id: child,
                    nature,
                });
            }
        }
        requested.push(RequestedJob {
            text: id.clone(),
            id,
            nature,
        });
    }

    /// Lets some jobs start, or end, just before a call that names them.
    fn let_jobs_move(&self, emulator: &Emulator) {
        let share = self.moves;
        for operation in [
            Operation::DescribeJobs,
            Operation::CancelJob,
            Operation::CancelJobs,
            Operation::TerminateJob,
            Operation::TerminateJobs,
        ] {
            let random = std::sync::Mutex::new(Rng::with_seed(self.seed));
            emulator.on(operation, move |emulator, ids| {
                let mut random = random.lock().unwrap();
                for id in ids {
                    let job = emulator.job(id);
                    let free = |job: &batch_emulator::JobView| {
                        !job.status.is_final()
                            && !job.is_cancelled
                            && !job.is_terminated
                            && job.array_size.is_none()
                    };
                    if chance(&mut random, share) && job.as_ref().is_some_and(free) {
                        let next = [Status::Starting, Status::Running, Status::Succeeded];
                        emulator.set_status(id, *random.choice(&next).unwrap());
                    }
                }
            });
        }
    }
}

fn faults(seed: u64, random: &mut Rng) -> Faults {
    // One scenario in five has all faults at once.
    let all = chance(random, 0.2);
    let mut rate = |share: f64| {
        if all || chance(random, 0.3) {
            share
        } else {
            0.0
        }
    };
    let mut faults = Faults {
        seed,
        throttle_rate: rate(0.3),
        item_throttle_rate: rate(0.3),
        item_server_error_rate: rate(0.1),
        server_error_rate: rate(0.1),
        reset_before_rate: rate(0.05),
        reset_after_rate: rate(0.05),
        cut_short_rate: rate(0.05),
        hang_rate: rate(0.02),
        ..Faults::default()
    };
    faults.latency = Duration::from_millis(random.u64(0..60));
    faults.jitter = Duration::from_millis(random.u64(0..60));
    if chance(random, 0.2) {
        faults.calls_per_second = Some(50.0);
        faults.burst = Some(5);
    }
    if chance(random, 0.25) {
        faults.bulk_calls = *random
            .choice(&[
                BulkCalls::NotFound,
                BulkCalls::UnknownOperation,
                BulkCalls::MissingToken,
            ])
            .unwrap();
    }
    if chance(random, 0.15) {
        faults.visibility_delay = time(random, 5.0);
    }
    if chance(random, 0.15) {
        faults.flag_delay = time(random, 5.0);
    }
    faults
}

fn behaviour(random: &mut Rng) -> Behaviour {
    let mut delay = || {
        if chance(random, 0.2) {
            time(random, 5.0)
        } else {
            Duration::ZERO
        }
    };
    let (cancel_delay, terminate_delay) = (delay(), delay());
    let marks = [
        TerminateMark::Cancelled,
        TerminateMark::Terminated,
        TerminateMark::Both,
    ];
    Behaviour {
        cancel_delay,
        terminate_delay,
        terminate_mark: *random.choice(&marks).unwrap(),
        child_tags: random.bool(),
        ..Behaviour::default()
    }
}
