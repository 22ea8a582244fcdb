//! What is known of the parents of array children, whose tags count for the children.

use std::collections::BTreeMap;

use crate::{batch::JobDetail, jobs::JobIndex, plan::Standing, report::Outcome, request::JobId};

/// What is known of the parents of array children.
#[derive(Clone, Debug, Default)]
pub(super) struct Parents(BTreeMap<JobId, Parent>);

/// What is known of one parent.
#[derive(Clone, Debug)]
enum Parent {
    /// It is being looked at; these children wait for it.
    Awaited {
        children: Vec<(JobIndex, JobDetail)>,
        /// Looks that did not show it.
        missing: u8,
        /// Looks that failed in a row.
        failed: u8,
    },
    /// What its tags say, or the outcome of its children where that cannot be known.
    Known(ArrayStanding),
}

/// What the tags of an array say, or the outcome of its children where that cannot be known, and why.
pub(super) type ArrayStanding = Result<Standing, (Outcome, String)>;

impl Parents {
    /// A child is going to be looked at. True if its parent has to be looked at too, which nobody has asked for yet.
    pub(super) fn expect(&mut self, parent: JobId) -> bool {
        let is_new = !self.0.contains_key(&parent);
        self.0.entry(parent).or_insert_with(|| Parent::Awaited {
            children: Vec::new(),
            missing: 0,
            failed: 0,
        });
        is_new
    }

    /// What the tags of a child's array say. None if that is not known yet: then the child waits for it.
    pub(super) fn standing(
        &mut self,
        child: JobIndex,
        job: JobDetail,
    ) -> Option<(JobDetail, ArrayStanding)> {
        let parent = job.summary.id.parent().and_then(|id| self.0.get_mut(&id));
        match parent {
            Some(Parent::Awaited { children, .. }) => {
                children.push((child, job));
                None
            }
            Some(Parent::Known(known)) => Some((job, known.clone())),
            None => {
                let why = "its array parent, whose tags count for it, was not looked at";
                Some((job, Err((Outcome::NotAttempted, why.to_owned()))))
            }
        }
    }

    /// A look did not show an awaited parent: how often that has happened.
    pub(super) fn count_missing(&mut self, id: JobId) -> Option<u8> {
        let Some(Parent::Awaited {
            missing, failed, ..
        }) = self.0.get_mut(&id)
        else {
            return None;
        };
        *failed = 0;
        *missing = missing.saturating_add(1);
        Some(*missing)
    }

    /// A look at an awaited parent failed: how often in a row.
    pub(super) fn count_failed(&mut self, id: JobId) -> Option<u8> {
        let Some(Parent::Awaited { failed, .. }) = self.0.get_mut(&id) else {
            return None;
        };
        *failed = failed.saturating_add(1);
        Some(*failed)
    }

    /// A look at several jobs was answered, though with a refusal.
    pub(super) fn clear_failed(&mut self, id: JobId) {
        if let Some(Parent::Awaited { failed, .. }) = self.0.get_mut(&id) {
            *failed = 0;
        }
    }

    /// Keeps what is known of a parent now, and returns the children that waited for it.
    pub(super) fn learn(
        &mut self,
        parent: JobId,
        known: ArrayStanding,
    ) -> Vec<(JobIndex, JobDetail)> {
        match self.0.get_mut(&parent) {
            Some(slot @ Parent::Awaited { .. }) => {
                match std::mem::replace(slot, Parent::Known(known)) {
                    Parent::Awaited { children, .. } => children,
                    Parent::Known(_) => Vec::new(),
                }
            }
            _ => Vec::new(),
        }
    }
}
