//! The outcome that is true of a job when time is over, and its line in the report.

use super::{CallResult, Job, Observation, Stage};
use crate::{
    batch::{ErrorKind, started},
    plan::OutcomeMessage,
    report::{JobResult, Outcome},
    request::Action,
    text::cut_message,
};

impl Job {
    /// Time is over: settles the job as what is true of it now.
    pub(super) fn settle_now(&mut self) {
        let (outcome, message) = match &self.stage {
            Stage::Settled { .. } => return,
            Stage::ToLookAt | Stage::Queued if self.may_be_done => (
                Outcome::Unconfirmed,
                "a call was sent and not answered, and Batch showed the job unchanged",
            ),
            Stage::ToLookAt | Stage::Queued if self.is_throttled() => (
                Outcome::Throttled,
                "out of time while Batch throttled the calls",
            ),
            Stage::ToLookAt => (Outcome::NotAttempted, "out of time before it was looked at"),
            Stage::Queued if self.was_called => {
                (Outcome::Failed, "out of time while Batch refused the call")
            }
            Stage::Queued => (
                Outcome::NotAttempted,
                "out of time before the call was sent",
            ),
            Stage::Sent => (
                Outcome::Unconfirmed,
                "out of time before Batch answered the call",
            ),
            Stage::ToVerify(CallResult::Accepted) => (
                Outcome::Unconfirmed,
                "Batch accepted the call; out of time before a look showed its effect",
            ),
            Stage::ToVerify(CallResult::Unanswered) => (
                Outcome::Unconfirmed,
                "Batch did not answer the call; out of time before a look showed its effect",
            ),
            Stage::ToVerify(CallResult::Refused) => (
                Outcome::Unconfirmed,
                "Batch refused the call; out of time before a look showed why",
            ),
        };
        let message = self.with_last_error(message);
        self.stage = Stage::Settled {
            outcome,
            message: Some(message),
        };
    }

    /// Whether Batch throttled the last call for it.
    pub(crate) fn is_throttled(&self) -> bool {
        let error = self.last_error.as_ref();
        error.is_some_and(|error| error.kind == ErrorKind::Throttled)
    }

    /// A message with the error of the last call for the job, if there was one.
    pub(crate) fn with_last_error(&self, message: &'static str) -> OutcomeMessage {
        match &self.last_error {
            Some(error) => format!("{message}: {error}").into(),
            None => message.into(),
        }
    }

    /// The job's line in the report.
    pub(super) fn into_result(self) -> JobResult {
        let (outcome, message) = match self.stage {
            Stage::Settled { outcome, message } => (outcome, message),
            _ => (Outcome::NotAttempted, None),
        };
        // Of a job that is none of the caller's business, no more is shown than its queue and status.
        let is_shown = !matches!(outcome, Outcome::QueueNotAllowed | Outcome::NotOwner);
        let shown = self.first.as_ref().filter(|_| is_shown);
        let message = message.or(self.decided_by.map(|decided_by| *decided_by));
        let run_on = shown.and_then(|first| run_on(first, self.intent.action, outcome));
        let message = match (message, run_on) {
            (Some(message), Some(run_on)) => Some(format!("{message}; {run_on}").into()),
            (message, run_on) => message.or(run_on.map(OutcomeMessage::from)),
        };
        JobResult {
            outcome,
            before: self.first.as_ref().map(|first| first.status),
            after: self.after,
            job_name: shown.map(|first| first.job_name.clone()),
            created_at: shown.and_then(|first| first.created_at),
            status_reason: shown.and_then(|first| first.status_reason.clone()),
            children: shown.and_then(|first| first.children.clone()),
            job_queue: self.first.map(|first| first.job_queue),
            job_id: self.id,
            asked_as: self.asked_as,
            message: message.map(cut_message),
        }
    }
}

/// That children of an array run on which is cancelled.
fn run_on(job: &Observation, action: Action, outcome: Outcome) -> Option<String> {
    let ends = matches!(
        outcome,
        Outcome::Cancelled | Outcome::Cancelling | Outcome::WouldCancel
    );
    let children = job
        .children
        .as_deref()
        .filter(|_| ends && action == Action::Cancel)?;
    match started(children) {
        0 => None,
        1 => Some("1 of its children has started and runs on; terminate ends it".to_owned()),
        more => Some(format!(
            "{more} of its children have started and run on; terminate ends them"
        )),
    }
}
