//! The account of a scenario, what is known of its jobs for good, and what moves them.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use batch_emulator::{Emulator, JobSpec, JobView, Operation, Queue, Status};
use fastrand::Rng;
use support::QUEUE;

use super::spell::{chance, time};

/// A queue that the function may not touch.
pub(crate) const OTHER_QUEUE: &str = "other-queue";

/// A queue of service jobs.
pub(crate) const SERVICE_QUEUE: &str = "service-queue";

/// The calls that end jobs.
const ENDS: [Operation; 6] = [
    Operation::CancelJob,
    Operation::CancelJobs,
    Operation::TerminateJob,
    Operation::TerminateJobs,
    Operation::TerminateServiceJob,
    Operation::TerminateServiceJobs,
];

/// A job as a request names it.
#[derive(Clone, Debug)]
pub(crate) struct RequestedJob {
    /// Its id as written in the request.
    pub(crate) text: String,
    /// Its id in the report.
    pub(crate) id: String,
    pub(crate) nature: Nature,
}

impl RequestedJob {
    pub(crate) fn new(id: String, nature: Nature) -> Self {
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

/// What is known of a job for good.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) nature: Nature,
    pub(crate) queue: String,
    /// The number in its tag `group`.
    pub(crate) group: usize,
    pub(crate) created_at: i64,
    pub(crate) visible_from: Duration,
    /// Batch shows since when it is at its position.
    pub(crate) has_position: bool,
}

/// An account, and what is known of its jobs.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) emulator: Emulator,
    known: Arc<Mutex<BTreeMap<String, Arc<Known>>>>,
    created: Arc<Mutex<HashSet<i64>>>,
    /// The probability that a job changes its status just before a call that may name it, and before one that ends it.
    moves: Arc<Mutex<(f64, f64)>>,
    pub(super) running: String,
}

impl Account {
    /// An account with empty queues, whose jobs move as `moves` says.
    pub(crate) fn new(seed: u64, queues: &[String]) -> Self {
        let emulator = Emulator::new();
        for queue in queues {
            emulator.add_queue(Queue::new(queue));
        }
        emulator.add_queue(Queue::new(OTHER_QUEUE));
        emulator.add_queue(Queue::service(SERVICE_QUEUE));
        let running = emulator.add_job(JobSpec::new(Status::Running).queue(OTHER_QUEUE));
        let account = Self {
            emulator,
            known: Arc::default(),
            created: Arc::default(),
            moves: Arc::default(),
            running,
        };
        for operation in Operation::ALL {
            let (account, random) = (account.clone(), Mutex::new(Rng::with_seed(seed)));
            let emulator = account.emulator.clone();
            emulator.on(operation, move |_, ids| {
                let (share, at_end) = *account.moves.lock().unwrap();
                let share = if ENDS.contains(&operation) {
                    share.max(at_end)
                } else {
                    share
                };
                let mut random = random.lock().unwrap();
                account.let_jobs_move(share, ids, &mut random);
                if operation == Operation::ListJobs && chance(&mut random, share) {
                    account.submit(&mut random);
                }
            });
        }
        account
    }

    /// From now on, this share of the jobs moves just before each call, and that before a call that ends jobs.
    pub(crate) fn set_moves(&self, share: f64, at_end: f64) {
        *self.moves.lock().unwrap() = (share, at_end);
    }

    pub(crate) fn known(&self, id: &str) -> Option<Arc<Known>> {
        self.known.lock().unwrap().get(id).cloned()
    }

    /// The jobs for which this holds, by their ids.
    pub(crate) fn ids_where(&self, holds: impl Fn(&str, &Known) -> bool) -> Vec<String> {
        let known = self.known.lock().unwrap();
        let chosen = known.iter().filter(|(id, known)| holds(id, known));
        chosen.map(|(id, _)| id.clone()).collect()
    }

    /// A time of creation up to so long ago, which no other job has.
    pub(crate) fn created(&self, random: &mut Rng, seconds: f64) -> Duration {
        let age = Duration::from_millis(2) + time(random, seconds);
        let mut at = self.emulator.now().saturating_sub(age);
        let mut taken = self.created.lock().unwrap();
        while !taken.insert(i64::try_from(at.as_millis()).unwrap()) {
            at -= Duration::from_millis(1);
        }
        Duration::from_millis(u64::try_from(at.as_millis()).unwrap())
    }

    /// Adds a job of this description.
    pub(crate) fn put(
        &self,
        spec: JobSpec,
        nature: Nature,
        group: usize,
        has_position: bool,
    ) -> String {
        let delay = self.emulator.faults().visibility_delay;
        let spec = JobSpec {
            job_name: format!("job-g{group}"),
            job_definition: format!("definition-g{group}:1"),
            ..spec.tag("group", format!("g{group}"))
        };
        let queue = spec.job_queue.clone();
        let children = spec.array_size.unwrap_or_default();
        let id = self.emulator.add_job(spec);
        let known = Arc::new(Known {
            nature,
            queue,
            group,
            created_at: self.emulator.job(&id).unwrap().created_at,
            visible_from: self.emulator.now() + delay,
            has_position,
        });
        let mut all = self.known.lock().unwrap();
        for child in 0..children {
            all.insert(format!("{id}:{child}"), known.clone());
        }
        all.insert(id.clone(), known);
        id
    }

    /// Somebody submits one more job like another.
    fn submit(&self, random: &mut Rng) {
        let ids = self.ids_where(|_, known| known.nature == Nature::Plain);
        let like = random.choice(&ids).and_then(|id| self.known(id));
        if let Some(like) = like {
            let spec = JobSpec::new(Status::Runnable).queue(&like.queue);
            self.put(spec, Nature::Plain, like.group, true);
        }
    }

    /// Lets some jobs start, or end, just before a call: those that it names, or any if it names none. What a call has done
    /// already, and does not show yet, must not be undone from outside.
    fn let_jobs_move(&self, share: f64, ids: &[String], random: &mut Rng) {
        if share == 0.0 || !self.emulator.faults().flag_delay.is_zero() {
            return;
        }
        let any = || self.ids_where(|_, known| known.nature == Nature::Plain);
        let ids = if ids.is_empty() { any() } else { ids.to_vec() };
        for id in ids {
            if chance(random, share) && self.emulator.job(&id).as_ref().is_some_and(is_free) {
                let next = [Status::Starting, Status::Running, Status::Succeeded];
                self.emulator
                    .set_status(&id, *random.choice(&next).unwrap());
            }
        }
    }
}

/// The queues of an account with this many.
pub(crate) fn queues(count: usize) -> Vec<String> {
    let more = (1..count).map(|number| format!("main-queue-{number}"));
    std::iter::once(QUEUE.to_owned()).chain(more).collect()
}

/// Nothing keeps the job from moving on.
fn is_free(job: &JobView) -> bool {
    !job.status.is_final() && !job.is_cancelled && !job.is_terminated && job.array_size.is_none()
}
