//! What can go wrong with a call, in the few kinds that make a difference.

use std::{error::Error, iter, time::Duration};

use aws_runtime::retries::classifiers::THROTTLING_ERRORS;
use aws_sdk_batch::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};
use serde::Serialize;
use thiserror::Error;

use crate::text::cut;

/// What some of AWS's front ends answer with 403 for a path that they do not know, as JSON or as XML.
const UNKNOWN_PATH: &str = "Unable to determine service/operation name";

/// How often a call is sent, or its part for one job, before it is given up.
const MAX_TRIES: u8 = 10;

/// The same while Batch throttles the calls, which tells nothing of the job, and which the pace already makes up for.
const MAX_THROTTLED_TRIES: u8 = 20;

/// A call, or one job of a bulk call, that Batch refused or did not answer. It is written as its message.
#[derive(Clone, Debug, Error, PartialEq, Eq, Serialize)]
#[error("{message}")]
#[serde(transparent)]
pub struct CallError {
    /// What follows from it.
    #[serde(skip)]
    pub kind: ErrorKind,
    /// One readable line.
    pub message: String,
}

/// What follows from an error. A code that is not known is [`ErrorKind::Server`], so that no new one can lose a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Too many calls: nothing was done. Again later, and more slowly.
    Throttled,
    /// IAM denies it: again would be the same.
    Denied,
    /// The endpoint does not know the operation.
    NoSuchOperation,
    /// The request is wrong in Batch's eyes: again would be the same.
    Refused,
    /// Batch does not accept the credentials, which may be renewed: nothing was done. Again later.
    Credentials,
    /// A fault of Batch, which has answered. Again later.
    Server,
    /// No answer, or one that breaks off: the work may have been done.
    NoAnswer,
    /// Batch answered, and does not show what was asked for, which may be another time.
    NotShown,
    /// No time was left to send the call, or to send it again.
    OutOfTime,
}

impl ErrorKind {
    /// Whether the same call can be answered otherwise later.
    pub(crate) fn is_worth_a_retry(self) -> bool {
        match self {
            Self::Throttled
            | Self::Credentials
            | Self::Server
            | Self::NoAnswer
            | Self::NotShown
            | Self::OutOfTime => true,
            Self::Denied | Self::NoSuchOperation | Self::Refused => false,
        }
    }

    /// Whether a call that has now failed this often is sent again.
    pub(crate) fn may_be_retried(self, tries: u8) -> bool {
        let most = match self {
            Self::Throttled => MAX_THROTTLED_TRIES,
            _ => MAX_TRIES,
        };
        self.is_worth_a_retry() && tries < most
    }
}

impl CallError {
    pub(crate) fn new(kind: ErrorKind, message: impl AsRef<str>) -> Self {
        let message = one_line(message.as_ref());
        Self { kind, message }
    }

    /// A call that was given up after this time.
    pub(crate) fn unanswered(after: Duration) -> Self {
        Self::unknown(format!("no answer after {:.1} s", after.as_secs_f64()))
    }

    /// A call that was not sent, or not again after `last`, since no time was left for it. That Batch throttles the calls is
    /// what took the time then.
    pub(crate) fn out_of_time(last: Option<Self>) -> Self {
        let message = match last {
            Some(last) if last.kind == ErrorKind::Throttled => return last,
            Some(last) => format!("out of time: {last}"),
            None => "out of time".to_owned(),
        };
        Self::new(ErrorKind::OutOfTime, message)
    }

    /// A bulk call's answer that leaves out one of its jobs.
    pub(crate) fn left_out() -> Self {
        Self::unknown("Batch's answer leaves the job out")
    }

    /// Something that is not known, and may be another time.
    pub(crate) fn unknown(message: impl AsRef<str>) -> Self {
        Self::new(ErrorKind::NoAnswer, message)
    }

    /// An answer that makes no sense, and would not another time.
    pub(super) fn unreadable(message: impl std::fmt::Display) -> Self {
        let message = format!("Batch's answer cannot be read: {message}");
        Self::new(ErrorKind::Refused, message)
    }

    /// The error of one job inside the answer of a bulk call, or of the call, with its HTTP status.
    pub(super) fn of_code(code: &str, message: Option<&str>, status: Option<u16>) -> Self {
        let message = message.unwrap_or_default();
        let kind = kind_of(code, message, status);
        match (code, message) {
            ("", "") => Self::new(kind, "no reason given"),
            (one, "") | ("", one) => Self::new(kind, one),
            _ => Self::new(kind, format!("{code}: {message}")),
        }
    }
}

impl<E> From<SdkError<E, HttpResponse>> for CallError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        let status = error
            .raw_response()
            .map(|response| response.status().as_u16());
        match (status, error.code()) {
            (None, _) => Self::unknown(format!("no answer: {}", causes(&error))),
            // The answer was cut short, or its body is not what the API promises.
            (Some(200..=299), _) => {
                Self::unknown(format!("Batch's answer cannot be read: {}", causes(&error)))
            }
            (Some(status), None) => {
                let body = error
                    .raw_response()
                    .and_then(|response| response.body().bytes());
                let body = String::from_utf8_lossy(body.unwrap_or_default());
                let kind = kind_of("", &body, Some(status));
                Self::new(kind, format!("HTTP status {status}"))
            }
            (Some(_), Some(code)) => Self::of_code(code, error.message(), status),
        }
    }
}

fn kind_of(code: &str, message: &str, status: Option<u16>) -> ErrorKind {
    match (code, status) {
        // `TooManyRequestsException` is not in Batch's service model, though Batch sends it.
        (code, status) if THROTTLING_ERRORS.contains(&code) || status == Some(429) => {
            ErrorKind::Throttled
        }
        (_, Some(403)) if message.contains(UNKNOWN_PATH) => ErrorKind::NoSuchOperation,
        ("AccessDeniedException" | "AccessDenied" | "UnauthorizedOperation", _) => {
            ErrorKind::Denied
        }
        (
            "ClientException" | "ValidationException" | "ResourceNotFoundException",
            None | Some(400..=499),
        ) => ErrorKind::Refused,
        (
            "UnknownOperationException"
            | "UnknownOperation"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException",
            _,
        )
        | (_, Some(404)) => ErrorKind::NoSuchOperation,
        (_, Some(400 | 401 | 403)) => ErrorKind::Credentials,
        _ => ErrorKind::Server,
    }
}

/// An error and its causes: each says what the one before leaves open.
fn causes(error: &(dyn Error + 'static)) -> String {
    let errors = iter::successors(Some(error), |error| (*error).source());
    let mut texts: Vec<String> = errors.map(ToString::to_string).collect();
    texts.dedup();
    texts.join(": ")
}

fn one_line(text: &str) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    cut(text).chars().map(clean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_statuses_are_classified() {
        use ErrorKind::{Credentials, Denied, NoSuchOperation, Refused, Server, Throttled};
        for (code, message, status, kind) in [
            ("TooManyRequestsException", "", Some(429), Throttled),
            ("ThrottlingException", "", None, Throttled),
            ("SlowDown", "", Some(503), Throttled),
            ("", "", Some(429), Throttled),
            ("AccessDeniedException", "not authorized", Some(403), Denied),
            ("AccessDenied", "", None, Denied),
            (
                "AccessDeniedException",
                "Unable to determine service/operation name to be authorized",
                Some(403),
                NoSuchOperation,
            ),
            (
                "",
                "<AccessDeniedException><Message>Unable to determine service/operation name to be authorized</Message>",
                Some(403),
                NoSuchOperation,
            ),
            (
                "MissingAuthenticationTokenException",
                "",
                Some(403),
                NoSuchOperation,
            ),
            ("UnknownOperationException", "", Some(404), NoSuchOperation),
            ("", "", Some(404), NoSuchOperation),
            ("ResourceNotFoundException", "", Some(404), Refused),
            ("ClientException", "", Some(400), Refused),
            ("ValidationException", "", None, Refused),
            ("ExpiredTokenException", "", Some(403), Credentials),
            ("UnrecognizedClientException", "", Some(403), Credentials),
            ("ServerException", "", Some(500), Server),
            ("NewException", "", None, Server),
            ("", "", Some(503), Server),
        ] {
            assert_eq!(kind_of(code, message, status), kind, "{code:?} {status:?}");
        }
    }
}
