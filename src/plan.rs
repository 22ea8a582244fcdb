//! Pure decisions: what to do with a job, by what a look showed and what the policy allows, and what an answer proves.

mod blocked;
mod intent;
mod tags;

use std::borrow::Cow;

use crate::{
    batch::{ErrorKind, JobDetail},
    policy::{Ownership, Policy},
    report::{Outcome, QUEUE_NOT_ALLOWED},
    request::{AUDIT_MARKER, Action, Status},
};

pub(crate) use blocked::{BlockedCase, BlockedVerdict, TooSoon, first_since};
pub use intent::Intent;
pub use tags::TagVerdict;

/// What there is to add to an outcome.
pub(crate) type OutcomeMessage = Cow<'static, str>;

/// What to do with a job that was looked at.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// Nothing: it has its outcome.
    Settle(Outcome, Option<OutcomeMessage>),
    /// End it, or say so in a dry run.
    End,
}

/// What to do with a job before anything was done.
#[must_use]
pub fn plan_job(intent: Intent, job: &JobDetail, tags: TagVerdict, policy: &Policy) -> Plan {
    if !policy.allowed_queues.contain(&job.job_queue) {
        let message = Some(QUEUE_NOT_ALLOWED.into());
        return Plan::Settle(Outcome::QueueNotAllowed, message);
    }
    if let Some(message) = not_owner(tags.ownership, policy) {
        return Plan::Settle(Outcome::NotOwner, Some(message));
    }
    if let Some((outcome, message)) = existing_outcome(intent.action, job) {
        return Plan::Settle(outcome, message);
    }
    if tags.is_protected {
        let message = format!("carries the tag {}", policy.protect_tag.as_str());
        return Plan::Settle(Outcome::Protected, Some(message.into()));
    }
    let status = job.summary.status;
    if intent.action == Action::Cancel && status.is_started() {
        let message = "only terminate ends a job that has started";
        return Plan::Settle(Outcome::Running, Some(message.into()));
    }
    if let Some(message) = intent.when.leaves_alone(&job.summary) {
        return Plan::Settle(Outcome::Running, Some(message.into()));
    }
    Plan::End
}

/// Why a job is not the caller's to end. It does not say whose it is.
pub(crate) fn not_owner(ownership: Ownership, policy: &Policy) -> Option<OutcomeMessage> {
    let tag = policy.owner_rule.tag.as_deref().unwrap_or_default();
    match ownership {
        Ownership::Own => None,
        Ownership::Foreign => {
            Some(format!("its tag {tag}, or that of its array, is not the caller's name").into())
        }
        Ownership::NamelessCaller => {
            Some(format!("the caller has no name that the tag {tag} could be").into())
        }
    }
}

/// The outcome of a job whose look or call failed for good, with this error of Batch's.
pub(crate) fn outcome_of(kind: ErrorKind) -> Outcome {
    match kind {
        ErrorKind::Throttled => Outcome::Throttled,
        ErrorKind::Denied => Outcome::Denied,
        ErrorKind::NoAnswer | ErrorKind::NotShown | ErrorKind::OutOfTime => Outcome::NotAttempted,
        ErrorKind::NoSuchOperation
        | ErrorKind::Refused
        | ErrorKind::Credentials
        | ErrorKind::Server => Outcome::Failed,
    }
}

/// The outcome that a job already has, by an earlier request or by itself, so that nothing is left to do.
fn existing_outcome(action: Action, job: &JobDetail) -> Option<(Outcome, Option<OutcomeMessage>)> {
    let summary = &job.summary;
    if summary.status.is_final() {
        return Some(ended(action, job));
    }
    if summary.is_terminated {
        return Some((Outcome::Terminating, None));
    }
    // Cancelling an array leaves its running children alone, so terminating it still changes something.
    let has_children = action == Action::Terminate && summary.array_size.is_some();
    if summary.is_cancelled && !summary.status.is_started() && !has_children {
        return Some((Outcome::Cancelling, None));
    }
    None
}

/// The outcome of a job that is SUCCEEDED or FAILED.
fn ended(action: Action, job: &JobDetail) -> (Outcome, Option<OutcomeMessage>) {
    let summary = &job.summary;
    let reason = summary.status_reason.as_deref();
    let is_ours = reason.is_some_and(|reason| reason.contains(AUDIT_MARKER));
    if summary.status == Status::Failed {
        if summary.is_terminated {
            return (Outcome::Terminated, None);
        }
        if is_ours && action == Action::Terminate && !summary.is_cancelled {
            return (Outcome::Terminated, None);
        }
        // isCancelled says that a cancel was accepted, not that the job did not run.
        if (summary.is_cancelled || is_ours) && job.ran_to_end.is_none() {
            return (Outcome::Cancelled, None);
        }
    }
    let message = match &job.ran_to_end {
        Some(end) if summary.is_cancelled || is_ours => Some(in_spite_of("cancel", end)),
        None if summary.is_cancelled => Some(in_spite_of("cancel", summary.status.as_str())),
        _ if summary.status == Status::Failed => reason.map(|reason| reason.to_owned().into()),
        _ => None,
    };
    (Outcome::Finished, message)
}

fn in_spite_of(call: &str, end: &str) -> OutcomeMessage {
    format!("ran to its end although a {call} was accepted: {end}").into()
}

/// The outcome of a job for which a call was sent; none if Batch shows it unchanged. What it showed before the call proves
/// nothing: `was_cancelled` says whether a cancel had been accepted then.
pub(crate) fn verify(
    action: Action,
    job: &JobDetail,
    was_cancelled: bool,
) -> Option<(Outcome, Option<OutcomeMessage>)> {
    let summary = &job.summary;
    if summary.status.is_final() {
        let (outcome, message) = ended(action, job);
        if outcome != Outcome::Finished || summary.is_cancelled {
            return Some((outcome, message));
        }
        let end = job.ran_to_end.as_deref().or(message.as_deref());
        let end = end.unwrap_or(summary.status.as_str());
        let message = format!("ended by itself before the call took effect: {end}");
        return Some((outcome, Some(message.into())));
    }
    if summary.is_terminated {
        return Some((Outcome::Terminating, None));
    }
    if action == Action::Cancel && summary.status.is_started() {
        let message = "started before the cancel reached it";
        return Some((Outcome::Running, Some(message.into())));
    }
    let proves = action == Action::Cancel || !was_cancelled;
    if summary.is_cancelled && proves && !summary.status.is_started() {
        return Some((Outcome::Cancelling, None));
    }
    None
}

#[cfg(test)]
mod tests;
