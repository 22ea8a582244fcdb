//! Why a selection cannot be made, or only in part.

use super::Selection;
use crate::{
    batch::{CallError, ErrorKind},
    jobs::Decision,
    plan::outcome_of,
    policy::{Policy, too_many},
    report::Partial,
};

/// Why a selection cannot be made at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SelectError {
    /// The policy or Batch is against it, or there is no such array.
    Refused(String),
    /// There is no such queue.
    NoSuchQueue(String),
    /// The queue is not in `ALLOWED_QUEUES`.
    NotAllowed(String),
    /// IAM denies it.
    Denied(String),
}

pub(super) fn refuse_too_many(size: usize, policy: &Policy) -> SelectError {
    SelectError::Refused(too_many(size, policy.max_selected))
}

/// A call that failed: for good, or so that another try may help.
pub(super) fn partial_or_refused(
    error: CallError,
    found: Selection,
) -> Result<Selection, SelectError> {
    let partial = partial(error)?;
    Ok(Selection {
        partial: Some(partial),
        ..found
    })
}

/// Why a selection that this error ended is partial.
pub(super) fn partial(error: CallError) -> Result<Partial, SelectError> {
    match error.kind {
        ErrorKind::Denied => Err(SelectError::Denied(error.message)),
        ErrorKind::Refused => Err(SelectError::Refused(error.message)),
        ErrorKind::Throttled => Ok(Partial::Throttled),
        ErrorKind::OutOfTime => Ok(Partial::OutOfTime),
        ErrorKind::NoSuchOperation
        | ErrorKind::Credentials
        | ErrorKind::Server
        | ErrorKind::NoAnswer => Ok(Partial::Failed),
    }
}

/// Why a selection is partial since a job could not be looked at. That Batch refuses one job is no refusal of the request.
pub(super) fn partial_by_look(error: &CallError) -> Result<Partial, SelectError> {
    match error.kind {
        ErrorKind::Refused => Ok(Partial::Failed),
        _ => partial(error.clone()),
    }
}

/// The outcome of a job that could not be looked at.
pub(super) fn not_looked_at(error: &CallError) -> Decision {
    let message = format!("the look failed: {error}");
    Decision::Settle(outcome_of(error.kind), Some(message.into()), None)
}
