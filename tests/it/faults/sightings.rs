//! What each call that lists, looks or asks for the front of a queue could have shown: every job, at the moment when the call
//! was performed. And what blocks each queue, since when.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use batch_emulator::{JobView, Operation, Status};
use support::OWN_FAULT;

use super::account::Account;

/// A job at a moment.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub(crate) struct Shown {
    pub(crate) status: Status,
    pub(crate) is_cancelled: bool,
    pub(crate) is_terminated: bool,
    pub(crate) is_array: bool,
    /// It is RUNNABLE for a reason that may be its own fault.
    pub(crate) is_blocking: bool,
}

/// The first job of a queue, and when it came to be that: the earliest and the latest that is possible.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) id: String,
    pub(crate) earliest: Duration,
    pub(crate) latest: Duration,
}

/// All jobs at a moment.
#[derive(Clone, Debug)]
pub(crate) struct Sighting {
    /// The call; none for what the test sees by itself.
    pub(crate) by: Option<Operation>,
    pub(crate) jobs: Arc<HashMap<String, Shown>>,
    pub(crate) heads: Arc<BTreeMap<String, Head>>,
}

#[derive(Default)]
struct Seen {
    sightings: Vec<Sighting>,
    heads: BTreeMap<String, Head>,
    at: Duration,
    /// When jobs last came to a queue.
    disturbed: HashMap<String, Duration>,
}

/// The sightings of an invocation.
#[derive(Clone)]
pub(crate) struct Sightings {
    account: Account,
    seen: Arc<Mutex<Seen>>,
}

impl Sightings {
    /// Those of an account, from now on.
    pub(crate) fn at(account: &Account) -> Self {
        let sightings = Self {
            account: account.clone(),
            seen: Arc::default(),
        };
        for operation in [
            Operation::ListJobs,
            Operation::GetJobQueueSnapshot,
            Operation::DescribeJobs,
        ] {
            let sightings = sightings.clone();
            let emulator = account.emulator.clone();
            emulator.on(operation, move |_, _| sightings.see(Some(operation)));
        }
        sightings
    }

    /// Begins anew: an invocation comes.
    pub(crate) fn begin(&self) {
        self.seen.lock().unwrap().sightings.clear();
        self.see(None);
    }

    /// The sightings since the last beginning.
    pub(crate) fn all(&self) -> Vec<Sighting> {
        self.seen.lock().unwrap().sightings.clone()
    }

    /// Jobs come to this queue.
    pub(crate) fn disturb(&self, queue: &str) {
        let now = self.account.emulator.now();
        let mut seen = self.seen.lock().unwrap();
        seen.disturbed.insert(queue.to_owned(), now);
    }

    /// Sees all jobs.
    pub(crate) fn see(&self, by: Option<Operation>) {
        let jobs = self.account.emulator.jobs();
        let now = self.account.emulator.now();
        let mut seen = self.seen.lock().unwrap();
        let first = self.first_of_queues(&jobs, now);
        let (before, disturbed) = (seen.at, seen.disturbed.clone());
        seen.heads.retain(|queue, _| first.contains_key(queue));
        for (queue, (_, id)) in first {
            let arrived = disturbed.get(&queue).copied().unwrap_or_default();
            let head = seen.heads.entry(queue).or_insert_with(|| Head {
                id: String::new(),
                earliest: before,
                latest: now,
            });
            if head.id != id {
                (head.id, head.earliest, head.latest) = (id, before, now);
            }
            head.latest = head.latest.max(arrived);
        }
        seen.at = now;
        let shown = jobs.into_iter().map(|job| {
            let shown = shown(&job);
            (job.job_id, shown)
        });
        let sighting = Sighting {
            by,
            jobs: Arc::new(shown.collect()),
            heads: Arc::new(seen.heads.clone()),
        };
        seen.sightings.push(sighting);
    }

    /// The oldest RUNNABLE job of each queue that Batch shows by now.
    fn first_of_queues(&self, jobs: &[JobView], now: Duration) -> BTreeMap<String, (i64, String)> {
        let mut first: BTreeMap<String, (i64, String)> = BTreeMap::new();
        let waiting = jobs
            .iter()
            .filter(|job| job.status == Status::Runnable && job.array_size.is_none());
        for job in waiting {
            let is_shown = |job: &JobView| {
                let known = self.account.known(&job.job_id);
                known.is_some_and(|known| known.visible_from <= now)
            };
            let place = (job.created_at, job.job_id.clone());
            let queue = first.get(&job.job_queue);
            if queue.is_none_or(|first| place < *first) && is_shown(job) {
                first.insert(job.job_queue.clone(), place);
            }
        }
        first
    }
}

fn shown(job: &JobView) -> Shown {
    let reason = job.status_reason.as_deref();
    Shown {
        status: job.status,
        is_cancelled: job.is_cancelled,
        is_terminated: job.is_terminated,
        is_array: job.array_size.is_some(),
        is_blocking: job.status == Status::Runnable && reason == Some(OWN_FAULT),
    }
}

/// The jobs for which this holds in one sighting at least.
pub(crate) fn in_any<'a>(
    sightings: impl IntoIterator<Item = &'a Sighting>,
    holds: impl Fn(&str, Shown) -> bool,
) -> BTreeSet<String> {
    let jobs = sightings
        .into_iter()
        .flat_map(|sighting| sighting.jobs.iter());
    let jobs = jobs.filter(|(id, shown)| holds(id, **shown));
    jobs.map(|(id, _)| id.clone()).collect()
}
