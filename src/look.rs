//! Looking at jobs, the one way there is: a hundred a call, arrays beside their children, asked again after 1 s and 3 s
//! where Batch does not show a job, and halved where one id makes Batch refuse a call.
//!
//! [`Looks`] decides, without IO, which call is next and what an answer means for each job. The engine of `cancel` drives it
//! among its own calls; [`look_at`] drives it alone.

mod arrays;
mod drive;
mod looks;
mod queue;

use std::sync::Arc;

use crate::{
    batch::{CallError, JobDetail},
    plan::TagVerdict,
};

pub(crate) use drive::{look_at, look_at_one, send};
pub(crate) use looks::Looks;
pub(crate) use queue::{Fill, Which};

/// What looks have found of a job.
#[derive(Clone, Debug)]
pub(crate) enum Look {
    /// This, and what its tags and those of its array say.
    Seen(Box<JobDetail>, TagVerdict),
    /// Batch does not know it, also when asked again.
    NotFound,
    /// The look failed for good, at it or at its array; or time was over before it was told apart from one that Batch does
    /// not know.
    Failed(Arc<CallError>),
    /// Time was over before it was looked at.
    Unseen(Arc<CallError>),
}

/// How often Batch is asked for a job that it does not show. It may just have been submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    Once,
    /// Three times: again after 1 s and after 3 s.
    Again,
}
