//! The jobs that are to be ended, grouped by what can share a bulk call.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use crate::{
    batch::{BULK_LIMIT, BulkCalls, EndOperation},
    jobs::JobIndex,
    request::JobId,
};

/// What the jobs of one bulk call have in common.
type Group = (EndOperation, Arc<str>);

/// The jobs that are to be ended.
#[derive(Debug, Default)]
pub(super) struct Acts {
    groups: BTreeMap<Group, VecDeque<(JobIndex, JobId)>>,
    /// Jobs whose bulk call was refused as a whole: each gets a call of its own, so that one cannot spoil the others'.
    alone: VecDeque<(Group, JobIndex, JobId)>,
    queued: usize,
    /// A bulk call is in flight.
    pub(super) bulk_in_flight: usize,
}

/// The next call that ends jobs.
pub(super) type Act = (EndOperation, Arc<str>, Vec<(JobIndex, JobId)>);

impl Acts {
    pub(super) fn push(
        &mut self,
        operation: EndOperation,
        reason: Arc<str>,
        place: JobIndex,
        id: JobId,
    ) {
        self.groups
            .entry((operation, reason))
            .or_default()
            .push_back((place, id));
        self.queued += 1;
    }

    pub(super) fn push_alone(
        &mut self,
        operation: EndOperation,
        reason: Arc<str>,
        place: JobIndex,
        id: JobId,
    ) {
        self.alone.push_back(((operation, reason), place, id));
        self.queued += 1;
    }

    /// How many jobs wait.
    pub(super) fn len(&self) -> usize {
        self.queued
    }

    /// The next call: a full one, or with `flush` also one that is not. Until one bulk call was answered, one is made
    /// at a time: another could only be lost in the same way.
    pub(super) fn next(&mut self, bulk: BulkCalls, flush: bool) -> Option<Act> {
        let act = if let Some(((operation, reason), place, id)) = self.alone.pop_front() {
            (operation, reason, vec![(place, id)])
        } else {
            let enough = match (flush, bulk) {
                (true, _) | (_, BulkCalls::Absent) => 1,
                _ => BULK_LIMIT,
            };
            let at_once = |waiting: usize| match bulk {
                BulkCalls::Absent => 1,
                // One job needs no bulk call.
                BulkCalls::Untried if self.bulk_in_flight > 0 && waiting > 1 => 0,
                _ => waiting.min(BULK_LIMIT),
            };
            let found = self
                .groups
                .iter_mut()
                .find(|(_, jobs)| jobs.len() >= enough && at_once(jobs.len()) > 0);
            let ((operation, reason), jobs) = found?;
            let count = at_once(jobs.len());
            let act = (
                *operation,
                Arc::clone(reason),
                jobs.drain(..count).collect(),
            );
            if jobs.is_empty() {
                let key = (act.0, Arc::clone(&act.1));
                self.groups.remove(&key);
            }
            act
        };
        self.queued = self.queued.saturating_sub(act.2.len());
        Some(act)
    }
}
