//! Why an event cannot be acted on.

use thiserror::Error;

use crate::request::RequestError;

/// Why an event, or one message of it, cannot be acted on. Nothing is called then.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum EventError {
    /// It is none of the kinds that this function knows.
    #[error("{0}")]
    Unsupported(String),
    /// It is of a known kind, and a field of it is missing or wrong.
    #[error("{kind}: {error}")]
    Envelope {
        /// The kind.
        kind: &'static str,
        /// The field, and what was expected.
        error: RequestError,
    },
    /// It is a request of our own schema, and not a valid one.
    #[error("{0}")]
    Request(#[from] RequestError),
    /// The deployer does not allow it.
    #[error("{0}")]
    Refused(String),
    /// IAM denies finding the jobs of a selection.
    #[error("{0}")]
    Denied(String),
}

impl EventError {
    /// The stable name of the error, for `Retry` and `Catch` in Step Functions and for metric filters.
    #[must_use]
    pub fn error_type(&self) -> &'static str {
        match self {
            Self::Unsupported(_) => "UnsupportedEvent",
            Self::Envelope { .. } => "InvalidEvent",
            Self::Request(_) => "InvalidRequest",
            Self::Refused(_) => "Refused",
            Self::Denied(_) => "Denied",
        }
    }
}
