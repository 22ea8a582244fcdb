//! What may be begun with a job.

/// What may be begun with a job, if time allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Its first look, which a call and another look are to follow.
    FirstLook,
    /// The call that ends it, which a look is to follow.
    End,
}

impl Step {
    /// How many rounds of a call and the look that follows it takes.
    pub(super) fn rounds(self) -> u32 {
        match self {
            Self::FirstLook => 2,
            Self::End => 1,
        }
    }
}
