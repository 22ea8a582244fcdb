//! Why a request is refused.

use thiserror::Error;

use crate::{request::RequestError, text::cut};

/// Why an event, or one message of it, cannot be acted on. Nothing is changed then. However long the texts in it are, the
/// message is short.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RequestRefused {
    /// The event is of no kind that this function knows.
    #[error("{}", cut(.0))]
    Unsupported(String),
    /// The kind of event is known, and one of its fields is missing or wrong.
    #[error("{kind}: {error}")]
    Envelope {
        /// The kind.
        kind: &'static str,
        /// The field, and what was expected.
        error: RequestError,
    },
    /// The request does not follow the schema.
    #[error("{0}")]
    Request(#[from] RequestError),
    /// The policy of the deployer forbids it, or Batch does.
    #[error("{}", cut(.0))]
    Refused(String),
    /// Its job queue does not exist, or is not in `ALLOWED_QUEUES`.
    #[error("{}", cut(.0))]
    NoQueue(String),
    /// IAM denies it.
    #[error("{}", cut(.0))]
    Denied(String),
}

impl RequestRefused {
    /// Makes an error about a field into one of a kind of event.
    pub(crate) fn envelope(kind: &'static str) -> impl Fn(RequestError) -> Self + Copy {
        move |error| Self::Envelope { kind, error }
    }

    /// The stable name of the error, for `Retry` and `Catch` in Step Functions and for metric filters.
    #[must_use]
    pub fn error_type(&self) -> &'static str {
        match self {
            Self::Unsupported(_) => "UnsupportedEvent",
            Self::Envelope { .. } => "InvalidEvent",
            Self::Request(_) => "InvalidRequest",
            Self::Refused(_) | Self::NoQueue(_) => "Refused",
            Self::Denied(_) => "Denied",
        }
    }
}
