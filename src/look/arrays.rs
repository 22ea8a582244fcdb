//! The arrays of children, whose tags count for the children.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    batch::{CallError, JobDetail},
    plan::TagVerdict,
    request::JobId,
};

/// The arrays of the children that are looked at.
#[derive(Clone, Debug, Default)]
pub(super) struct Arrays {
    awaited: BTreeMap<JobId, Vec<JobDetail>>,
    known: BTreeMap<JobId, ArrayTags>,
}

/// What the tags of an array say, or why that is not known.
pub(super) type ArrayTags = Result<TagVerdict, Arc<CallError>>;

impl Arrays {
    /// Children of this array are looked at. Whether that is new, so that the array has to be looked at too.
    pub(super) fn expect(&mut self, array: JobId) -> bool {
        let is_new = !self.awaited.contains_key(&array) && !self.known.contains_key(&array);
        if is_new {
            self.awaited.insert(array, Vec::new());
        }
        is_new
    }

    /// What is known of a child's array. None if it is being looked at: then the child waits for it.
    pub(super) fn tags(&mut self, child: JobDetail) -> Option<(JobDetail, Option<ArrayTags>)> {
        let Some(array) = child.summary.id.parent() else {
            return Some((child, None));
        };
        if let Some(children) = self.awaited.get_mut(&array) {
            children.push(child);
            return None;
        }
        let known = self.known.get(&array).cloned();
        Some((child, known))
    }

    /// Keeps what is known of an array now, and returns the children that waited for it.
    pub(super) fn learn(&mut self, array: JobId, tags: &ArrayTags) -> Vec<JobDetail> {
        let Some(children) = self.awaited.remove(&array) else {
            return Vec::new();
        };
        self.known.insert(array, tags.clone());
        children
    }

    /// Whether it is an array that children wait for.
    pub(super) fn is_awaited(&self, id: JobId) -> bool {
        self.awaited.contains_key(&id)
    }

    /// The children that were seen and wait for their arrays.
    pub(super) fn waiting(&self) -> BTreeSet<JobId> {
        let children = self.awaited.values().flatten();
        children.map(|child| child.summary.id).collect()
    }
}
