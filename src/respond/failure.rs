//! Invocation errors: what cannot be acted on, and what is left over where nothing else would say so.

use std::fmt;

use lambda_runtime::Diagnostic;
use strum::IntoStaticStr;
use thiserror::Error;

use crate::{
    command::RequestRefused,
    report::Class,
    results::{MessageOutcome, Results},
    text::cut,
};

/// An invocation error. Of an asynchronous event, Lambda retries it and then sends it to the on-failure destination.
#[derive(Error, IntoStaticStr)]
pub enum Failure {
    /// The event or one of its messages cannot be acted on.
    #[error("{0}")]
    Event(#[from] RequestRefused),
    /// At least one job is worth a retry. The text is the summary.
    #[error("incomplete: {}", cut(.0))]
    Incomplete(String),
    /// No job is worth a retry, and at least one was rejected. The text is the summary.
    #[error("rejected: {0}")]
    Rejected(String),
    /// Nothing is left but jobs whose time has not come. The text is the summary.
    #[error("too soon: {0}")]
    TooSoon(String),
    /// The answer could not be written as JSON. No known answer causes this; it is an error so that it is no panic.
    #[error("cannot write the answer: {0}")]
    Unwritable(#[from] serde_json::Error),
}

/// The runtime logs a failed invocation in this form, so it is one readable line.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self}", self.error_type())
    }
}

impl Failure {
    /// The stable name of the error.
    #[must_use]
    pub fn error_type(&self) -> &'static str {
        match self {
            Self::Event(error) => error.error_type(),
            other => other.into(),
        }
    }
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        Self {
            error_type: failure.error_type().to_owned(),
            error_message: failure.to_string(),
        }
    }
}

/// The invocation error for messages that cannot be read, and for jobs left over in the messages that `counts` selects.
pub(super) fn invocation_error(
    results: &Results,
    counts: impl Fn(&MessageOutcome) -> bool,
) -> Option<Failure> {
    let counted = |message: &&MessageOutcome| counts(message) || message.error.is_some();
    let counted = results.messages.iter().filter(counted);
    let gravest = counted.map(|message| message.class).max();
    let summary = || results.report.summary_json();
    let incomplete = || {
        let unread = results.report.unread.iter();
        let unread: Vec<&str> = unread.map(|queue| queue.job_queue.as_str()).collect();
        match unread.join(", ") {
            none if none.is_empty() => summary(),
            queues => format!("{}; not read: {queues}", summary()),
        }
    };
    match (gravest.unwrap_or(Class::Done), results.refusal()) {
        (Class::Retryable, _) => Some(Failure::Incomplete(incomplete())),
        (_, Some(error)) => Some(error.clone().into()),
        (Class::Rejected, None) => Some(Failure::Rejected(summary())),
        (Class::TooSoon, None) => Some(Failure::TooSoon(summary())),
        (Class::Done, None) => None,
    }
}
