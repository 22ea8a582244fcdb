//! Why a selection cannot be made, or only in part.

use super::Selection;
use crate::{
    batch::{CallError, ErrorKind},
    command::RequestRefused,
    jobs::Decision,
    plan::outcome_of,
    policy::{Policy, queue_name},
    report::{Partial, UnreadQueue},
    text::cut_to,
};

/// Why a job is left alone whose age was compared with that of others.
pub(super) const MAY_BE_OLDER: &str = "some jobs could not be looked at, and may be older";

/// The longest part of the error of a queue that could not be read, in characters: there may be many.
const MAX_ERROR: usize = 160;

/// Why a selection that matches too many jobs is refused.
pub(super) fn refuse_too_many(matched: usize, policy: &Policy) -> RequestRefused {
    let max = policy.max_selected;
    RequestRefused::Refused(format!(
        "the selection matches {matched} jobs or more, more than MAX_SELECTED (parameter MaxSelected), {max}; nothing was done. Narrow the selection, \
         or set maxJobs to at most {max}"
    ))
}

/// What could not be read, and why: a job queue by its name, ARN or pattern, or an array.
pub(super) type Unread = (Option<String>, CallError);

/// A selection, without jobs yet, of which this could not be read; `is_read` if something else was.
///
/// # Errors
///
/// When nothing was read, and nothing would be another time.
pub(super) fn of_read(unread: Vec<Unread>, is_read: bool) -> Result<Selection, RequestRefused> {
    let mut reasons = unread.iter().map(|(_, error)| partial(error.clone()));
    let (first, retryable) = (reasons.next(), reasons.find_map(Result::ok));
    let partial = match (first, retryable) {
        (Some(Err(refused)), None) if !is_read => return Err(refused),
        (Some(Err(_)), None) => Some(Partial::Failed),
        (Some(Err(_)), retryable) => retryable,
        (first, _) => first.transpose()?,
    };
    let all_throttled = !is_read && unread.iter().all(|(_, e)| e.kind == ErrorKind::Throttled);
    let partial = partial.map(|why| match why {
        Partial::Throttled if !all_throttled => Partial::Failed,
        why => why,
    });
    let named = unread.into_iter().filter_map(|(name, error)| {
        let error = cut_to(&error.message, MAX_ERROR, MAX_ERROR / 2).into_owned();
        let job_queue = queue_name(&name?).to_owned();
        Some(UnreadQueue { job_queue, error })
    });
    Ok(Selection {
        partial,
        unread: named.collect(),
        ..Selection::default()
    })
}

/// Why a selection that this error cut short is partial.
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
