//! Why a selection cannot be made, or only in part.

use super::Selection;
use crate::{
    batch::{CallError, ErrorKind},
    command::RequestRefused,
    jobs::Decision,
    plan::outcome_of,
    policy::{Policy, queue_name, too_many},
    report::{Partial, UnreadQueue},
};

/// The longest part of an error that is told of a queue that could not be read, in characters: there may be many.
const MAX_ERROR: usize = 160;

pub(super) fn refuse_too_many(size: usize, policy: &Policy) -> RequestRefused {
    RequestRefused::Refused(too_many(size, policy.max_selected))
}

/// What could not be read, and why: a job queue by its name, ARN or pattern, or an array.
pub(super) type Unread = (Option<String>, CallError);

/// A selection without jobs, since this could not be read.
pub(super) fn none_read(unread: Vec<Unread>) -> Result<Selection, RequestRefused> {
    if let Some((_, error)) = unread.first() {
        partial(error.clone())?;
    }
    Ok(without(unread))
}

/// A selection, without jobs yet, of which this could not be read beside what could.
pub(super) fn without(unread: Vec<Unread>) -> Selection {
    let first = unread.first();
    let partial = first.map(|(_, error)| partial(error.clone()).unwrap_or(Partial::Failed));
    let named = unread.into_iter().filter_map(|(name, error)| {
        let error: String = error.message.chars().take(MAX_ERROR).collect();
        let job_queue = queue_name(&name?).to_owned();
        Some(UnreadQueue { job_queue, error })
    });
    Selection {
        partial,
        unread: named.collect(),
        ..Selection::default()
    }
}

/// Why a selection that this error ended is partial.
fn partial(error: CallError) -> Result<Partial, RequestRefused> {
    match error.kind {
        ErrorKind::Denied => Err(RequestRefused::Denied(error.message)),
        ErrorKind::Refused => Err(RequestRefused::Refused(error.message)),
        ErrorKind::Throttled => Ok(Partial::Throttled),
        ErrorKind::OutOfTime => Ok(Partial::OutOfTime),
        ErrorKind::NoSuchOperation
        | ErrorKind::Credentials
        | ErrorKind::Server
        | ErrorKind::NoAnswer
        | ErrorKind::NotShown => Ok(Partial::Failed),
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
