//! The account of a scenario: jobs of every kind and history, in every status, and what moves them.

use std::{sync::Mutex, time::Duration};

use batch_emulator::{
    Attempt, Emulator, Exit, JobSpec, JobView, Lifecycle, Operation, Queue, Status,
};
use fastrand::Rng;
use support::QUEUE;

use super::{Nature, RequestedJob, Scenario, chance, switches, time};

/// A queue that the function may not touch.
const OTHER_QUEUE: &str = "other-queue";

/// A queue of service jobs.
pub(crate) const SERVICE_QUEUE: &str = "service-queue";

/// More than half of the jobs are RUNNABLE.
const STATUSES: [Status; 13] = [
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
    Status::Runnable,
];

impl Scenario {
    /// The account, and the jobs in the request.
    pub(crate) fn set_up(&self) -> (Emulator, Vec<RequestedJob>) {
        let mut random = Rng::with_seed(!self.seed);
        let emulator = Emulator::new();
        emulator.add_queue(Queue::new(QUEUE));
        emulator.add_queue(Queue::new(OTHER_QUEUE));
        emulator.add_queue(Queue::service(SERVICE_QUEUE));
        emulator.set_behaviour(self.behaviour.clone());
        emulator.set_faults(self.faults.clone());
        let running = emulator.add_job(JobSpec::new(Status::Running).queue(QUEUE));
        let mut requested: Vec<RequestedJob> = Vec::new();
        while requested.len() < self.jobs {
            if !requested.is_empty() && chance(&mut random, 0.03) {
                let twice = random.usize(..requested.len());
                let again = requested[twice].clone();
                requested.push(again);
                continue;
            }
            self.add(&emulator, &running, &mut random, &mut requested);
        }
        let mut faults = self.faults.clone();
        switches::name_jobs(&mut random, &mut faults, &requested);
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
        let mut spec = self.spec(emulator, running, random);
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
                return requested.push(RequestedJob::new(id, Nature::Unknown));
            }
            3 => {
                let text = format!("no-job-{}", random.u32(..));
                return requested.push(RequestedJob::new(text, Nature::Invalid));
            }
            4..=5 => return self.add_array(emulator, random, requested),
            6 => text_of = str::to_uppercase,
            7 => text_of = |id| format!("{id}#0"),
            8 => text_of = |id| format!("arn:aws:batch:eu-west-1:123456789012:job/{id}"),
            9 if self.service_jobs => {
                spec = JobSpec {
                    is_cancelled: false,
                    runs_anyway: None,
                    ..spec.queue(SERVICE_QUEUE)
                };
                text_of = |id| format!("arn:aws:batch:eu-west-1:123456789012:service-job/{id}");
                if !self.terminate {
                    let text = text_of(&emulator.add_job(spec));
                    return requested.push(RequestedJob::new(text, Nature::Invalid));
                }
            }
            _ => {}
        }
        let id = emulator.add_job(spec);
        requested.push(RequestedJob {
            text: text_of(&id),
            id,
            nature,
        });
    }

    fn spec(&self, emulator: &Emulator, running: &str, random: &mut Rng) -> JobSpec {
        let status = *random.choice(&STATUSES).unwrap();
        let mut spec = JobSpec {
            eks_attempts: chance(random, 0.2),
            ..JobSpec::new(status).queue(QUEUE)
        };
        if status == Status::Pending {
            spec = spec.after(running);
        }
        if self.lifecycles {
            spec.lifecycle = lifecycle(random);
        }
        if chance(random, 0.1) {
            spec.attempts = failed_attempts(emulator.now(), random);
        }
        // A cancel of long ago, which a few jobs run in spite of.
        if status.is_cancellable() && chance(random, 0.05) {
            spec.is_cancelled = true;
            if self.lifecycles && random.bool() {
                spec.runs_anyway = Some(exit(random));
            }
        }
        spec
    }

    fn add_array(&self, emulator: &Emulator, random: &mut Rng, requested: &mut Vec<RequestedJob>) {
        let protected = chance(random, 0.2);
        let children = [
            Status::Runnable,
            Status::Running,
            Status::Succeeded,
            Status::Runnable,
        ];
        let mut spec = JobSpec::new(Status::Pending).queue(QUEUE).array(&children);
        if self.lifecycles {
            spec.lifecycle = lifecycle(random);
        }
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
                requested.push(RequestedJob::new(format!("{id}:{child}"), nature));
            }
        }
        requested.push(RequestedJob::new(id, nature));
    }

    /// Lets some jobs start, or end, just before a call that names them.
    fn let_jobs_move(&self, emulator: &Emulator) {
        let share = self.moves;
        for operation in Operation::ALL {
            let random = Mutex::new(Rng::with_seed(self.seed));
            emulator.on(operation, move |emulator, ids| {
                let mut random = random.lock().unwrap();
                for id in ids {
                    let job = emulator.job(id);
                    if chance(&mut random, share) && job.as_ref().is_some_and(is_free) {
                        let next = [Status::Starting, Status::Running, Status::Succeeded];
                        emulator.set_status(id, *random.choice(&next).unwrap());
                    }
                }
            });
        }
    }
}

/// Nothing keeps the job from moving on.
fn is_free(job: &JobView) -> bool {
    !job.status.is_final() && !job.is_cancelled && !job.is_terminated && job.array_size.is_none()
}

fn lifecycle(random: &mut Rng) -> Lifecycle {
    Lifecycle {
        submitted_for: Some(time(random, 3.0)),
        runnable_for: chance(random, 0.3).then(|| time(random, 3.0)),
        starting_for: Some(time(random, 2.0)),
        running_for: Some(time(random, 5.0)),
        exit: exit(random),
        failed_attempts: random.u32(0..3),
        ..Lifecycle::default()
    }
}

fn exit(random: &mut Rng) -> Exit {
    *random.choice(&[Exit::Succeeded, Exit::Failed]).unwrap()
}

/// Earlier attempts of a job that is retried; the last may have ended a moment ago.
fn failed_attempts(now: Duration, random: &mut Rng) -> Vec<Attempt> {
    let mut stopped_at = now.saturating_sub(time(random, 3.0));
    let mut attempts = Vec::new();
    for _ in 0..random.usize(1..3) {
        let started_at = stopped_at.saturating_sub(time(random, 600.0));
        attempts.insert(
            0,
            Attempt {
                started_at: Some(started_at),
                stopped_at: Some(stopped_at),
                exit_code: Some(1),
                ..Attempt::default()
            },
        );
        stopped_at = started_at.saturating_sub(time(random, 600.0));
    }
    attempts
}
