//! The jobs that wait for the call that ends them, grouped by what can share a bulk call.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use crate::{
    batch::{BULK_LIMIT, BulkCalls, EndOperation, ErrorKind},
    jobs::JobIndex,
    request::JobId,
};

/// A call that ends jobs. Its jobs share operation and reason.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct EndCall {
    pub(crate) operation: EndOperation,
    pub(crate) reason: Arc<str>,
    pub(crate) jobs: Vec<(JobIndex, JobId)>,
}

/// The operation and reason that the jobs of a call share.
type Group = (EndOperation, Arc<str>);

/// The jobs that wait for the call that ends them.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct EndQueue {
    groups: BTreeMap<Group, VecDeque<(JobIndex, JobId)>>,
    /// Jobs whose bulk call was refused as a whole: each gets a call of its own, so that one cannot harm the others.
    singles: VecDeque<EndCall>,
    queued: usize,
    bulk_in_flight: usize,
    trials: BTreeMap<EndOperation, Trial>,
    /// Operations that IAM denies, by the bulk call and by single ones.
    denied: BTreeSet<EndOperation>,
    /// Operations whose bulk call is denied while single calls are not: the endpoint does not know it.
    without_bulk: BTreeSet<EndOperation>,
}

/// The jobs of a denied bulk call, each tried by a call of its own: are they denied too?
#[derive(Clone, Debug, Default, Hash)]
struct Trial {
    open: BTreeSet<JobIndex>,
    denied: usize,
    allowed: usize,
}

/// What a single call tells of the denial of a bulk call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TrialResult {
    /// The job is denied too.
    Denied,
    /// The job is not.
    Allowed,
    /// Nothing: the call was not answered, or not in the end.
    Unknown,
}

impl TrialResult {
    /// What a single call tells that failed with this kind of error.
    pub(super) fn of(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Denied => Self::Denied,
            ErrorKind::Refused | ErrorKind::NoSuchOperation => Self::Allowed,
            ErrorKind::Throttled
            | ErrorKind::Credentials
            | ErrorKind::Server
            | ErrorKind::NoAnswer
            | ErrorKind::NotShown
            | ErrorKind::OutOfTime => Self::Unknown,
        }
    }
}

impl EndQueue {
    pub(super) fn push(
        &mut self,
        operation: EndOperation,
        reason: Arc<str>,
        job: (JobIndex, JobId),
    ) {
        self.queued += 1;
        if self.is_tried(operation, job.0) {
            let jobs = vec![job];
            return self.singles.push_back(EndCall {
                operation,
                reason,
                jobs,
            });
        }
        let group = self.groups.entry((operation, reason)).or_default();
        group.push_back(job);
    }

    /// The jobs of a bulk call that was refused as a whole get calls of their own. If it was denied, later bulk calls
    /// wait until these calls tell whether the jobs are denied, or only the bulk call is.
    pub(super) fn push_singles(&mut self, call: EndCall, was_denied: bool) {
        self.queued += call.jobs.len();
        if was_denied {
            let trial = self.trials.entry(call.operation).or_default();
            trial.open.extend(call.jobs.iter().map(|&(index, _)| index));
        }
        for job in call.jobs {
            self.singles.push_back(EndCall {
                operation: call.operation,
                reason: Arc::clone(&call.reason),
                jobs: vec![job],
            });
        }
    }

    /// Whether all jobs of an operation are taken to be denied.
    pub(super) fn is_denied(&self, operation: EndOperation) -> bool {
        self.denied.contains(&operation)
    }

    fn is_tried(&self, operation: EndOperation, index: JobIndex) -> bool {
        let trial = self.trials.get(&operation);
        trial.is_some_and(|trial| trial.open.contains(&index))
    }

    /// A single call for a job was answered or given up.
    pub(super) fn add_to_trial(
        &mut self,
        operation: EndOperation,
        index: JobIndex,
        verdict: TrialResult,
    ) {
        let Some(trial) = self.trials.get_mut(&operation) else {
            return;
        };
        if !trial.open.remove(&index) {
            return;
        }
        match verdict {
            TrialResult::Denied => trial.denied += 1,
            TrialResult::Allowed => trial.allowed += 1,
            TrialResult::Unknown => {}
        }
        if !trial.open.is_empty() {
            return;
        }
        match (trial.denied, trial.allowed) {
            (1.., 0) => {
                self.denied.insert(operation);
            }
            (0, 1..) => {
                self.without_bulk.insert(operation);
            }
            _ => {}
        }
        self.trials.remove(&operation);
    }

    /// A bulk call was answered or given up.
    pub(super) fn bulk_answered(&mut self) {
        self.bulk_in_flight = self.bulk_in_flight.saturating_sub(1);
    }

    /// How many jobs wait.
    pub(super) fn len(&self) -> usize {
        self.queued
    }

    /// The next call: a full one, or with `flush` also one that is not.
    pub(super) fn next(&mut self, bulk: BulkCalls, flush: bool) -> Option<EndCall> {
        let call = self.singles.pop_front();
        let call = call.or_else(|| self.next_of_group(bulk, flush))?;
        self.queued = self.queued.saturating_sub(call.jobs.len());
        if call.jobs.len() > 1 {
            self.bulk_in_flight += 1;
        }
        Some(call)
    }

    fn next_of_group(&mut self, bulk: BulkCalls, flush: bool) -> Option<EndCall> {
        let sizes = self.groups.iter().map(|((operation, reason), jobs)| {
            let size = self.call_size(*operation, jobs.len(), bulk, flush);
            (size, *operation, Arc::clone(reason))
        });
        let (size, operation, reason) = sizes.into_iter().find(|(size, ..)| *size > 0)?;
        let key = (operation, reason);
        let group = self.groups.get_mut(&key)?;
        let jobs = group.drain(..size).collect();
        if group.is_empty() {
            self.groups.remove(&key);
        }
        let (operation, reason) = key;
        Some(EndCall {
            operation,
            reason,
            jobs,
        })
    }

    /// How many of the `waiting` jobs of a group the next call takes. Until one bulk call was answered, one is in flight
    /// at a time: another could only fail in the same way.
    fn call_size(
        &self,
        operation: EndOperation,
        waiting: usize,
        bulk: BulkCalls,
        flush: bool,
    ) -> usize {
        if bulk == BulkCalls::Absent || self.without_bulk.contains(&operation) || waiting == 1 {
            let is_alone = waiting == 1 && bulk != BulkCalls::Absent;
            return usize::from(!is_alone || flush);
        }
        let is_held = (bulk == BulkCalls::Untried && self.bulk_in_flight > 0)
            || self.trials.contains_key(&operation);
        if is_held || (waiting < BULK_LIMIT && !flush) {
            return 0;
        }
        waiting.min(BULK_LIMIT)
    }
}
