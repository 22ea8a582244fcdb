//! What may be begun with a job.

/// What may be begun with a job, if time allows: as a number, how many rounds of a call and the look that follows it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The call that ends it, which a look is to follow.
    End = 1,
    /// Its first look, which a call and another look are to follow.
    FirstLook = 2,
}
