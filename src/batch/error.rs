//! What can go wrong with a call, in the few kinds that make a difference.

use aws_sdk_batch::{
    config::http::HttpResponse,
    error::{DisplayErrorContext, ProvideErrorMetadata, SdkError},
};
use thiserror::Error;

/// A call, or one job of a bulk call, that Batch did not accept.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{message}")]
pub struct CallError {
    /// What follows from it.
    pub kind: ErrorKind,
    /// What was said.
    pub message: String,
}

/// What follows from an error. What is not known is [`ErrorKind::Unavailable`], so a new error code cannot lose a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Too many calls: again later, and more slowly.
    Throttled,
    /// IAM said no: again would be the same.
    Denied,
    /// The endpoint does not know the operation.
    NoSuchOperation,
    /// The request is wrong in Batch's eyes: again would be the same.
    Refused,
    /// No answer, a broken one, or a fault on the other side: the work may have been done. Again later.
    Unavailable,
}

impl ErrorKind {
    /// Whether the same call can be answered otherwise later.
    #[must_use]
    pub fn is_worth_a_retry(self) -> bool {
        matches!(self, Self::Throttled | Self::Unavailable)
    }
}

impl CallError {
    /// An error of our own making, such as a call that was given up.
    #[must_use]
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::Unavailable,
            message: message.into(),
        }
    }

    /// The error of one job inside the answer of a bulk call.
    pub(super) fn of_item(code: &str, message: Option<&str>) -> Self {
        Self {
            kind: kind_of(code, None),
            message: text(Some(code), message),
        }
    }

    /// Whether Batch says, in a `ClientException`, that there is no such job.
    pub(super) fn says_not_found(&self) -> bool {
        let says = self.message.to_ascii_lowercase();
        self.kind == ErrorKind::Refused
            && (says.contains("not found") || says.contains("does not exist"))
    }
}

impl<E> From<SdkError<E, HttpResponse>> for CallError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        let status = error
            .raw_response()
            .map(|response| response.status().as_u16());
        let kind = kind_of(error.code().unwrap_or_default(), status);
        let message = match status {
            Some(status) if error.code().is_none() => format!("HTTP status {status}"),
            Some(_) => text(error.code(), error.message()),
            None => format!("no answer: {}", DisplayErrorContext(&error)),
        };
        Self { kind, message }
    }
}

fn kind_of(code: &str, status: Option<u16>) -> ErrorKind {
    match (code, status) {
        // TooManyRequestsException is not in Batch's service model, though Batch sends it.
        (
            "TooManyRequestsException"
            | "ThrottlingException"
            | "Throttling"
            | "RequestLimitExceeded",
            _,
        )
        | (_, Some(429)) => ErrorKind::Throttled,
        ("AccessDeniedException" | "AccessDenied" | "UnauthorizedOperation", _) => {
            ErrorKind::Denied
        }
        ("UnknownOperationException", _) | (_, Some(404)) => ErrorKind::NoSuchOperation,
        ("ClientException" | "ValidationException", None | Some(400..=499)) => ErrorKind::Refused,
        _ => ErrorKind::Unavailable,
    }
}

fn text(code: Option<&str>, message: Option<&str>) -> String {
    match (
        code.filter(|s| !s.is_empty()),
        message.filter(|s| !s.is_empty()),
    ) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "no reason given".to_owned(),
    }
}
