//! The jobs that wait for a look, and which of them share the next call.

use std::collections::{BTreeSet, VecDeque};

use crate::{batch::DESCRIBE_LIMIT, request::JobId};

/// The jobs that wait for a look.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Queue {
    first: VecDeque<JobId>,
    again: VecDeque<JobId>,
    service: VecDeque<JobId>,
    service_again: VecDeque<JobId>,
    /// Parts of calls that Batch refused, to be sent as they are.
    parts: VecDeque<Vec<JobId>>,
    /// The ids in such parts, one of which is at fault: kept apart from others, lest these are refused with it.
    suspects: BTreeSet<JobId>,
}

/// Which jobs may be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// All that wait.
    All,
    /// Only those that are to be looked at again.
    Again,
}

/// How full a call has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fill {
    /// It is sent only if it is full.
    Full,
    /// It is sent as it is.
    Any,
}

impl Queue {
    /// A job that was not looked at yet.
    pub(super) fn push_first(&mut self, id: JobId) {
        if id.is_service_job() {
            self.service.push_back(id);
        } else {
            self.first.push_back(id);
        }
    }

    /// A job to look at again.
    pub(super) fn push_again(&mut self, id: JobId) {
        if id.is_service_job() {
            self.service_again.push_back(id);
        } else {
            self.again.push_back(id);
        }
    }

    /// A call that Batch refused: its halves are sent instead.
    pub(super) fn push_halves(&mut self, mut ids: Vec<JobId>) {
        self.suspects.extend(&ids);
        let second = ids.split_off(ids.len() / 2);
        self.parts.extend([ids, second]);
    }

    /// Jobs to look at again, together where they are part of a call that Batch refused.
    pub(super) fn push_together(&mut self, ids: Vec<JobId>) {
        if ids.first().is_some_and(|id| self.suspects.contains(id)) {
            return self.parts.push_back(ids);
        }
        for id in ids {
            self.push_again(id);
        }
    }

    /// Batch answered a look at these, or one stands alone: none harms the others any more.
    pub(super) fn clear(&mut self, ids: &[JobId]) {
        if !self.suspects.is_empty() {
            for id in ids {
                self.suspects.remove(id);
            }
        }
    }

    /// How many wait for their first look.
    pub(super) fn firsts(&self) -> usize {
        self.first.len() + self.service.len()
    }

    /// Whether parts of a call that Batch refused wait.
    pub(super) fn has_parts(&self) -> bool {
        !self.parts.is_empty()
    }

    /// How many calls the jobs need that wait for another look.
    pub(super) fn again_calls(&self) -> usize {
        self.again.len().div_ceil(DESCRIBE_LIMIT) + self.service_again.len() + self.parts.len()
    }

    /// The jobs of the next call: one service job, or at most a hundred others. Those to look at again come first. They
    /// share a call with others only where neither fill one: a part of a hundred would be left over, and cost another call.
    pub(super) fn next(&mut self, which: Which, fill: Fill) -> Option<Vec<JobId>> {
        if let Some(id) = self.next_service_job(which) {
            return Some(vec![id]);
        }
        if let Some(part) = self.parts.pop_front() {
            return Some(part);
        }
        let firsts = match which {
            Which::All => self.first.len(),
            Which::Again => 0,
        };
        let waiting = self.again.len() + firsts;
        if waiting == 0 || (waiting < DESCRIBE_LIMIT && fill == Fill::Full) {
            return None;
        }
        let is_apart = self.again.len() < DESCRIBE_LIMIT && firsts >= DESCRIBE_LIMIT;
        let again = if is_apart {
            0
        } else {
            self.again.len().min(DESCRIBE_LIMIT)
        };
        let first = firsts.min(DESCRIBE_LIMIT - again);
        let again = self.again.drain(..again);
        let mut ids: Vec<JobId> = again.chain(self.first.drain(..first)).collect();
        // A job may wait for two looks at once: as a job and as the array of another.
        ids.sort_unstable();
        ids.dedup();
        Some(ids)
    }

    /// The next service job, each of which needs a call of its own.
    fn next_service_job(&mut self, which: Which) -> Option<JobId> {
        let again = self.service_again.pop_front();
        match which {
            Which::All => again.or_else(|| self.service.pop_front()),
            Which::Again => again,
        }
    }
}
