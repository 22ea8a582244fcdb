//! The jobs that are to be looked at, and what is known of the parents of array children.

use std::collections::{HashMap, VecDeque};

use crate::{
    batch::{DESCRIBE_LIMIT, JobDetail},
    jobs::JobIndex,
    request::JobId,
};

/// The jobs that are to be looked at.
#[derive(Debug, Default)]
pub(super) struct Looks {
    first: VecDeque<JobId>,
    again: VecDeque<JobId>,
    service: VecDeque<JobId>,
    service_again: VecDeque<JobId>,
}

impl Looks {
    /// A job that was not looked at yet.
    pub(super) fn push_first(&mut self, id: JobId) {
        if id.is_service_job() {
            self.service.push_back(id);
        } else {
            self.first.push_back(id);
        }
    }

    /// A job that was acted on, or not found.
    pub(super) fn push_again(&mut self, id: JobId) {
        if id.is_service_job() {
            self.service_again.push_back(id);
        } else {
            self.again.push_back(id);
        }
    }

    /// Forgets the first looks at what is not `open` any more.
    pub(super) fn retain_first(&mut self, open: impl Fn(JobId) -> bool) {
        self.first.retain(|&id| open(id));
        self.service.retain(|&id| open(id));
    }

    /// How many wait that were not looked at yet.
    pub(super) fn first_len(&self) -> usize {
        self.first.len() + self.service.len()
    }

    /// How many wait that were acted on, or not found. A service job, which needs a call of its own, counts as many.
    pub(super) fn again_len(&self) -> usize {
        self.again.len() + self.service_again.len() * DESCRIBE_LIMIT
    }

    /// How many wait in all.
    pub(super) fn len(&self) -> usize {
        self.first_len() + self.again_len()
    }

    /// A service job, each of which needs a call of its own.
    pub(super) fn next_service_job(&mut self, only_again: bool) -> Option<JobId> {
        let again = self.service_again.pop_front();
        again.or_else(|| {
            if only_again {
                None
            } else {
                self.service.pop_front()
            }
        })
    }

    /// The next call's ids: a full call, or with `flush` also one that is not. Jobs that were acted on come first.
    pub(super) fn next(&mut self, flush: bool, only_again: bool) -> Option<Vec<JobId>> {
        let others = if only_again { 0 } else { self.first.len() };
        let waiting = self.again.len() + others;
        if waiting == 0 || (waiting < DESCRIBE_LIMIT && !flush) {
            return None;
        }
        let again = self.again.len().min(DESCRIBE_LIMIT);
        let first = others.min(DESCRIBE_LIMIT - again);
        let mut ids: Vec<JobId> = self
            .again
            .drain(..again)
            .chain(self.first.drain(..first))
            .collect();
        // A job and its parent, or an earlier wish for a second look, may have brought the same id twice.
        ids.sort_unstable();
        ids.dedup();
        Some(ids)
    }
}

/// What is known of the parents of array children, which share their parent's protection.
#[derive(Debug, Default)]
pub(super) struct Parents(HashMap<JobId, Parent>);

/// What is known of one parent.
#[derive(Debug)]
pub(super) enum Parent {
    /// It is being looked at; these children wait for it.
    Awaited {
        /// The children, as they were seen.
        children: Vec<(JobIndex, JobDetail)>,
        /// Looks at the parent that failed or found nothing.
        tries: u8,
    },
    /// Whether it carries the protect tag, or why that cannot be known.
    Known(Result<bool, String>),
}

impl Parents {
    /// Has the parent of an asked child looked at. True if nobody has before.
    pub(super) fn expect(&mut self, parent: JobId) -> bool {
        let fresh = !self.0.contains_key(&parent);
        self.0.entry(parent).or_insert_with(|| Parent::Awaited {
            children: Vec::new(),
            tries: 0,
        });
        fresh
    }

    /// Whether children wait for it.
    pub(super) fn is_awaited(&self, parent: JobId) -> bool {
        matches!(self.0.get(&parent), Some(Parent::Awaited { .. }))
    }

    pub(super) fn get_mut(&mut self, parent: JobId) -> Option<&mut Parent> {
        self.0.get_mut(&parent)
    }

    /// Writes down what is known of a parent now, and hands back the children that waited for it.
    pub(super) fn learn(
        &mut self,
        parent: JobId,
        known: Result<bool, String>,
    ) -> Vec<(JobIndex, JobDetail)> {
        match self.0.get_mut(&parent) {
            Some(slot) => match std::mem::replace(slot, Parent::Known(known)) {
                Parent::Awaited { children, .. } => children,
                Parent::Known(_) => Vec::new(),
            },
            None => Vec::new(),
        }
    }
}
