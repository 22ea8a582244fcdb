//! Why a selection cannot be made, or only in part.

use super::Selection;
use crate::{
    batch::{CallError, ErrorKind},
    command::RequestRefused,
    jobs::Decision,
    plan::outcome_of,
    policy::{Policy, too_many},
    report::Partial,
};

pub(super) fn refuse_too_many(size: usize, policy: &Policy) -> RequestRefused {
    RequestRefused::Refused(too_many(size, policy.max_selected))
}

/// A call that failed: for good, or so that another try may help.
pub(super) fn partial_or_refused(
    error: CallError,
    found: Selection,
) -> Result<Selection, RequestRefused> {
    let partial = partial(error)?;
    Ok(Selection {
        partial: Some(partial),
        ..found
    })
}

/// Why a selection that this error ended is partial.
pub(super) fn partial(error: CallError) -> Result<Partial, RequestRefused> {
    match error.kind {
        ErrorKind::Denied => Err(RequestRefused::Denied(error.message)),
        ErrorKind::Refused => Err(RequestRefused::Refused(error.message)),
        ErrorKind::Throttled => Ok(Partial::Throttled),
        ErrorKind::OutOfTime => Ok(Partial::OutOfTime),
        ErrorKind::NoSuchOperation
        | ErrorKind::Credentials
        | ErrorKind::Server
        | ErrorKind::NoAnswer => Ok(Partial::Failed),
    }
}

/// Why a selection is partial since a job could not be looked at. That Batch refuses one job is no refusal of the request.
pub(super) fn partial_by_look(error: &CallError) -> Result<Partial, RequestRefused> {
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
