//! What the tags of a job, or of its array, say of it: whether it is protected, and whether it is the caller's.

use crate::{
    batch::JobDetail,
    policy::{Owner, Ownership, Policy},
};

/// What tags say of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TagVerdict {
    /// It carries the protect tag.
    pub is_protected: bool,
    /// Whether it is the caller's.
    pub ownership: Ownership,
}

impl TagVerdict {
    /// What a job's own tags say.
    #[must_use]
    pub fn of(job: &JobDetail, policy: &Policy, owner: &Owner) -> Self {
        let mut tags = job.tags.iter();
        Self {
            is_protected: tags.any(|(key, value)| policy.protect_tag.is(key, value)),
            ownership: owner.ownership(&job.tags),
        }
    }

    /// The same for a child of an array of which this is the verdict, by one look at the array: either can be protected, and
    /// the array's owner owns all of it. Batch gives children no tags.
    #[must_use]
    pub fn in_array(self, array: Self) -> Self {
        Self {
            is_protected: self.is_protected || array.is_protected,
            ownership: array.ownership,
        }
    }

    /// Whether it is the caller's.
    #[must_use]
    pub fn is_own(self) -> bool {
        self.ownership == Ownership::Own
    }
}
