//! Why a request is refused.

use strum::IntoStaticStr;
use thiserror::Error;

use crate::{request::RequestError, text::cut};

/// Why an event, or one message of it, cannot be acted on. Nothing is changed then. However long the texts in it are, the
/// message is short.
#[derive(Clone, Debug, Error, PartialEq, Eq, IntoStaticStr)]
pub enum RequestRefused {
    /// The event is of no kind that this function knows.
    #[error("{}", cut(.0))]
    UnsupportedEvent(String),
    /// The kind of event is known, and one of its fields is missing or wrong.
    #[error("{kind}: {error}")]
    InvalidEvent {
        /// The kind.
        kind: &'static str,
        /// The field, and what was expected.
        error: RequestError,
    },
    /// The request does not follow the schema.
    #[error("{0}")]
    InvalidRequest(#[from] RequestError),
    /// The policy of the deployer forbids it, or Batch does.
    #[error("{}", cut(.0))]
    Refused(String),
    /// Its job queue does not exist, or is not in `ALLOWED_QUEUES`.
    #[error("{}", cut(.0))]
    #[strum(to_string = "Refused")]
    NoQueue(String),
    /// IAM denies it.
    #[error("{}", cut(.0))]
    Denied(String),
}

impl RequestRefused {
    /// Makes an error about a field into one of a kind of event.
    pub(crate) fn invalid_event(kind: &'static str) -> impl Fn(RequestError) -> Self + Copy {
        move |error| Self::InvalidEvent { kind, error }
    }

    /// The stable name of the error, for `Retry` and `Catch` in Step Functions and for metric filters.
    #[must_use]
    pub fn error_type(&self) -> &'static str {
        self.into()
    }
}
