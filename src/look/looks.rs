//! Which look is next, and what an answer means for each of its jobs.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
    sync::Arc,
};

use tokio::time::Instant;

use super::{
    Look, Patience,
    arrays::{ArrayTags, Arrays},
    queue::{Fill, Queue, Which},
};
use crate::{
    batch::{CallError, Described, ErrorKind, JobDetail, LOOK_AGAIN},
    pace::backoff,
    plan::TagVerdict,
    policy::{Owner, Policy},
    request::JobId,
};

/// The looks at some jobs, without IO.
#[derive(Clone, Debug)]
pub(crate) struct Looks<'a> {
    policy: &'a Policy,
    owner: &'a Owner,
    patience: Patience,
    queue: Queue,
    arrays: Arrays,
    troubles: BTreeMap<JobId, Trouble>,
    timers: BinaryHeap<Reverse<(Instant, Vec<JobId>)>>,
    in_flight: usize,
}

/// What went wrong with the looks at a job so far.
#[derive(Clone, Debug, Default, Hash)]
struct Trouble {
    /// Looks that failed in a row.
    failed: u8,
    /// Looks in a row that did not show it.
    missing: usize,
}

/// What is known by an answer, of each job of which it is.
type Known = Vec<(JobId, Look)>;

impl<'a> Looks<'a> {
    /// No looks yet. Tags are read by this policy, for this owner; `patience` is for jobs that Batch does not show.
    pub(crate) fn new(policy: &'a Policy, owner: &'a Owner, patience: Patience) -> Self {
        Self {
            policy,
            owner,
            patience,
            queue: Queue::default(),
            arrays: Arrays::default(),
            troubles: BTreeMap::new(),
            timers: BinaryHeap::new(),
            in_flight: 0,
        }
    }

    /// Jobs to be looked at, each given once, and the arrays of children among them.
    pub(crate) fn add(&mut self, ids: &[JobId]) {
        let has_children = ids.iter().any(|id| id.parent().is_some());
        let arrays = ids.iter().filter(|id| id.parent().is_none());
        let asked: BTreeSet<&JobId> = arrays.filter(|_| has_children).collect();
        for &id in ids {
            if let Some(array) = id.parent()
                && self.arrays.expect(array)
                && !asked.contains(&array)
            {
                self.queue.push_first(array);
            }
            self.queue.push_first(id);
        }
    }

    /// A job to be looked at once more.
    pub(crate) fn add_again(&mut self, id: JobId) {
        self.queue.push_again(id);
    }

    /// Jobs to be looked at once more, at this time.
    pub(crate) fn add_later(&mut self, ids: Vec<JobId>, at: Instant) {
        if !ids.is_empty() {
            self.timers.push(Reverse((at, ids)));
        }
    }

    /// Of the looks that are not due yet, only those at jobs of which `is_wanted` is true are left.
    pub(crate) fn keep_later(&mut self, is_wanted: impl Fn(JobId) -> bool) {
        let timers = std::mem::take(&mut self.timers);
        for Reverse((at, mut ids)) in timers {
            ids.retain(|id| is_wanted(*id));
            self.add_later(ids, at);
        }
    }

    /// The jobs of the next call, which is sent now.
    pub(crate) fn next(&mut self, which: Which, fill: Fill) -> Option<Vec<JobId>> {
        let ids = self.queue.next(which, fill)?;
        self.in_flight += 1;
        Some(ids)
    }

    /// When [`Looks::handle_timeout`] is due.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.timers.peek().map(|Reverse((at, _))| *at)
    }

    /// Queues what is due.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        while self.poll_timeout().is_some_and(|at| at <= now) {
            if let Some(Reverse((_, ids))) = self.timers.pop() {
                self.queue.push_together(ids);
            }
        }
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// How many jobs wait for their first look.
    pub(crate) fn firsts(&self) -> usize {
        self.queue.firsts()
    }

    /// How many calls the jobs need that wait for another look.
    pub(crate) fn again_calls(&self) -> usize {
        self.queue.again_calls()
    }

    /// Whether first looks, or parts of one that was refused, are in flight or wait.
    pub(crate) fn has_more_to_see(&self) -> bool {
        self.in_flight > 0 || self.queue.firsts() > 0 || self.queue.has_parts()
    }

    /// Whether a look at one of these was sent before, and failed.
    pub(crate) fn is_retry(&self, ids: &[JobId]) -> bool {
        let mut troubles = ids.iter().filter_map(|id| self.troubles.get(id));
        troubles.any(|trouble| trouble.failed > 0)
    }

    /// Whether Batch has left a job out of an answer, and has yet to be asked again.
    pub(crate) fn is_missing(&self, id: JobId) -> bool {
        let trouble = self.troubles.get(&id);
        trouble.is_some_and(|trouble| trouble.missing > 0)
    }

    /// The children that were seen, and whose arrays have yet to be looked at.
    pub(crate) fn waiting_for_arrays(&self) -> BTreeSet<JobId> {
        self.arrays.waiting()
    }

    /// Takes in the answer of a call.
    pub(crate) fn handle_answer(
        &mut self,
        ids: Vec<JobId>,
        answer: Result<Described, CallError>,
        now: Instant,
    ) -> Vec<(JobId, Look)> {
        self.in_flight = self.in_flight.saturating_sub(1);
        match answer {
            Ok(described) => self.on_shown(ids, described, now),
            Err(error) if error.kind == ErrorKind::Refused && ids.len() > 1 => {
                self.halve(ids);
                Vec::new()
            }
            Err(error) => self.on_failed(ids, error, now),
        }
    }

    /// Batch answered. It leaves out the jobs that it does not know.
    fn on_shown(&mut self, ids: Vec<JobId>, described: Described, now: Instant) -> Known {
        self.queue.clear(&ids);
        let Described { jobs, unreadable } = described;
        let mut found = Vec::with_capacity(jobs.len());
        let mut missing: BTreeSet<JobId> = ids.into_iter().collect();
        for (id, error) in unreadable {
            if missing.remove(&id) {
                self.give_up(id, Look::Failed(Arc::new(error)), &mut found);
            }
        }
        for job in jobs {
            if missing.remove(&job.summary.id) {
                self.on_job(job, &mut found);
            }
        }
        let mut later: [Vec<JobId>; LOOK_AGAIN.len()] = Default::default();
        for id in missing {
            let trouble = self.troubles.entry(id).or_default();
            trouble.failed = 0;
            match later.get_mut(trouble.missing) {
                Some(ids) if self.patience == Patience::Again => {
                    trouble.missing += 1;
                    ids.push(id);
                }
                _ => self.give_up(id, Look::NotFound, &mut found),
            }
        }
        for (ids, after) in later.into_iter().zip(LOOK_AGAIN) {
            self.add_later(ids, now + after);
        }
        found
    }

    fn on_job(&mut self, job: JobDetail, found: &mut Known) {
        let id = job.summary.id;
        self.troubles.remove(&id);
        if self.arrays.is_awaited(id) {
            let tags = TagVerdict::of(&job, self.policy, self.owner);
            self.learn(id, &Ok(tags), found);
        }
        if let Some((job, array)) = self.arrays.tags(job) {
            found.push((id, self.look(job, array)));
        }
    }

    /// What is known of an array now decides of the children that waited for it.
    fn learn(&mut self, array: JobId, tags: &ArrayTags, found: &mut Known) {
        for child in self.arrays.learn(array, tags) {
            let id = child.summary.id;
            found.push((id, self.look(child, Some(tags.clone()))));
        }
    }

    fn look(&self, job: JobDetail, array: Option<ArrayTags>) -> Look {
        let tags = TagVerdict::of(&job, self.policy, self.owner);
        match array {
            Some(Err(error)) => Look::Failed(error),
            Some(Ok(array)) => Look::Seen(Box::new(job), tags.in_array(array)),
            None => Look::Seen(Box::new(job), tags),
        }
    }

    /// One id makes Batch refuse all of them. That it answered is progress, so the tries of each begin anew.
    fn halve(&mut self, ids: Vec<JobId>) {
        for id in &ids {
            if let Some(trouble) = self.troubles.get_mut(id) {
                trouble.failed = 0;
            }
        }
        self.queue.push_halves(ids);
    }

    /// Batch refused a look, or did not answer it.
    fn on_failed(&mut self, ids: Vec<JobId>, error: CallError, now: Instant) -> Known {
        if error.kind == ErrorKind::Refused {
            self.queue.clear(&ids);
        }
        let kind = error.kind;
        let error = Arc::new(error);
        let (mut found, mut again, mut most_tries) = (Vec::new(), Vec::new(), 1);
        for id in ids {
            let trouble = self.troubles.entry(id).or_default();
            trouble.failed = trouble.failed.saturating_add(1);
            if kind.may_be_retried(trouble.failed) {
                most_tries = most_tries.max(trouble.failed);
                again.push(id);
            } else {
                self.give_up(id, Look::Failed(Arc::clone(&error)), &mut found);
            }
        }
        self.add_later(again, now + backoff(most_tries));
        found
    }

    /// Nothing more can be known of a job, nor, if it is an array, of its children.
    fn give_up(&mut self, id: JobId, look: Look, found: &mut Known) {
        self.troubles.remove(&id);
        let its_array = "its array parent, whose tags count for it";
        let why = match &look {
            Look::Failed(error) => CallError::new(error.kind, format!("{its_array}: {error}")),
            Look::NotFound | Look::Seen(..) | Look::Unseen(_) => CallError::new(
                ErrorKind::NotShown,
                format!("Batch does not show {its_array}"),
            ),
        };
        self.learn(id, &Err(Arc::new(why)), found);
        found.push((id, look));
    }
}

#[cfg(test)]
impl Looks<'_> {
    /// Hashes all that the future depends on: times count from now on.
    pub(crate) fn hash_from(&self, now: Instant, hasher: &mut impl std::hash::Hasher) {
        use std::hash::Hash;
        (&self.queue, &self.troubles, self.in_flight).hash(hasher);
        format!("{:?}", self.arrays).hash(hasher);
        let mut timers: Vec<_> = self.timers.iter().collect();
        timers.sort_unstable();
        for Reverse((at, ids)) in timers {
            (at.saturating_duration_since(now), ids).hash(hasher);
        }
    }
}
