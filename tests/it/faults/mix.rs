//! Jobs of every kind and history, in every status.

use std::time::Duration;

use batch_emulator::{Attempt, Exit, JobSpec, Lifecycle, Status};
use fastrand::Rng;

use super::{
    account::{Account, Nature, OTHER_QUEUE, RequestedJob, SERVICE_QUEUE},
    spell::{chance, time},
};

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

/// The children of an array.
const CHILDREN: [Status; 4] = [
    Status::Runnable,
    Status::Running,
    Status::Succeeded,
    Status::Runnable,
];

/// What jobs are added.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mix {
    pub(crate) lifecycles: bool,
    /// Service jobs too, which can only be terminated.
    pub(crate) service_jobs: bool,
    pub(crate) terminate: bool,
    pub(crate) group: usize,
}

impl Account {
    /// Adds a job of any kind to a queue: as a request names it, some of its children beside it. An id may name none.
    pub(crate) fn add(&self, random: &mut Rng, mix: Mix, queue: &str) -> Vec<RequestedJob> {
        let mut spec = self.spec(random, mix, queue);
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
                return vec![RequestedJob::new(id, Nature::Unknown)];
            }
            3 => {
                let text = format!("no-job-{}", random.u32(..));
                return vec![RequestedJob::new(text, Nature::Invalid)];
            }
            4..=5 => return self.add_array(random, mix, queue),
            6 => text_of = str::to_uppercase,
            7 => text_of = |id| format!("{id}#0"),
            8 => text_of = |id| format!("arn:aws:batch:eu-west-1:123456789012:job/{id}"),
            9 if mix.service_jobs => {
                spec = JobSpec {
                    is_cancelled: false,
                    runs_anyway: None,
                    ..spec.queue(SERVICE_QUEUE)
                };
                text_of = |id| format!("arn:aws:batch:eu-west-1:123456789012:service-job/{id}");
                if !mix.terminate {
                    let text = text_of(&self.put(spec, Nature::Plain, mix.group, true));
                    return vec![RequestedJob::new(text, Nature::Invalid)];
                }
            }
            _ => {}
        }
        let id = self.put(spec, nature, mix.group, true);
        vec![RequestedJob {
            text: text_of(&id),
            id,
            nature,
        }]
    }

    fn spec(&self, random: &mut Rng, mix: Mix, queue: &str) -> JobSpec {
        let status = *random.choice(&STATUSES).unwrap();
        let mut spec = JobSpec {
            eks_attempts: chance(random, 0.2),
            created_at: Some(self.created(random, 3_600.0)),
            ..JobSpec::new(status).queue(queue)
        };
        if status == Status::Pending {
            spec = spec.after(&self.running);
        }
        if mix.lifecycles {
            spec.lifecycle = lifecycle(random);
        }
        if chance(random, 0.1) {
            spec.attempts = failed_attempts(self.emulator.now(), random);
        }
        // A cancel of long ago, which a few jobs run in spite of.
        if status.is_cancellable() && chance(random, 0.05) {
            spec.is_cancelled = true;
            if mix.lifecycles && random.bool() {
                spec.runs_anyway = Some(exit(random));
            }
        }
        spec
    }

    fn add_array(&self, random: &mut Rng, mix: Mix, queue: &str) -> Vec<RequestedJob> {
        let mut spec = JobSpec {
            created_at: Some(self.created(random, 3_600.0)),
            ..JobSpec::new(Status::Pending).queue(queue).array(&CHILDREN)
        };
        let nature = if chance(random, 0.2) {
            spec = spec.tag("batch-cancel:protect", "");
            Nature::Protected
        } else {
            Nature::Plain
        };
        if mix.lifecycles {
            spec.lifecycle = lifecycle(random);
        }
        let id = self.put(spec, nature, mix.group, true);
        let mut requested: Vec<RequestedJob> = (0..CHILDREN.len())
            .filter(|_| chance(random, 0.4))
            .map(|child| RequestedJob::new(format!("{id}:{child}"), nature))
            .collect();
        requested.push(RequestedJob::new(id, nature));
        requested
    }
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
