//! The forms in which a call or a job of a bulk call goes wrong.

use serde::{Deserialize, Serialize};

/// Whether the endpoint knows the bulk calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum BulkCalls {
    /// It does.
    #[default]
    Present,
    /// 404 with an HTML page, as moto answers.
    NotFound,
    /// 404 `UnknownOperationException`, as rest-json services answer.
    UnknownOperation,
    /// 403 `MissingAuthenticationTokenException`, as API Gateway answers for a path that it does not
    /// know. Whether Batch's endpoints in regions without bulk calls do so is unverified, as it is
    /// for the other forms.
    MissingToken,
    /// 403 `AccessDeniedException` "Unable to determine service/operation name to be authorized", as
    /// other AWS front ends answer for a path that they do not know.
    UndeterminedOperation,
    /// The same text as XML, without content type and error type, as some of them do.
    UndeterminedOperationXml,
}

impl BulkCalls {
    /// How a bulk call fails; None where the endpoint knows it.
    pub(crate) fn fault(self) -> Option<Fault> {
        match self {
            Self::Present => None,
            Self::NotFound => Some(Fault::NotFound),
            Self::UnknownOperation => Some(Fault::UnknownOperation),
            Self::MissingToken => Some(Fault::MissingToken),
            Self::UndeterminedOperation => Some(Fault::UndeterminedOperation),
            Self::UndeterminedOperationXml => Some(Fault::UndeterminedOperationXml),
        }
    }
}

/// What becomes of the tokens that ask for the next page of a listing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Tokens {
    /// They lead to the next page.
    #[default]
    Good,
    /// 400 `ClientException`, as for a token that has expired.
    Expired,
    /// They lead to the next page, which ends with the same token again.
    Repeated,
}

/// Why a job of a bulk call is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    missing_docs,
    reason = "each variant is Batch's error code of that name"
)]
pub enum ItemError {
    ValidationException,
    ClientException,
    ThrottlingException,
    ServerException,
    AccessDenied,
}

impl ItemError {
    /// The code as Batch writes it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::ValidationException => "ValidationException",
            Self::ClientException => "ClientException",
            Self::ThrottlingException => "ThrottlingException",
            Self::ServerException => "ServerException",
            Self::AccessDenied => "AccessDenied",
        }
    }
}

/// What goes wrong with one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Fault {
    /// 429 `TooManyRequestsException`.
    Throttled,
    /// 500 `ServerException`.
    ServerError,
    /// 403 `AccessDeniedException`.
    Denied,
    /// 404 with an HTML page.
    NotFound,
    /// 404 `UnknownOperationException`.
    UnknownOperation,
    /// 403 `MissingAuthenticationTokenException`.
    MissingToken,
    /// 403 `AccessDeniedException` "Unable to determine service/operation name to be authorized".
    UndeterminedOperation,
    /// The same as XML, without content type and error type.
    UndeterminedOperationXml,
    /// The connection is reset, nothing was done.
    ResetBefore,
    /// The work is done, then the connection is reset.
    ResetAfter,
    /// The work is done, and the answer breaks off.
    CutShort,
    /// The work is done, and the answer held back for [`Faults::slow_for`](crate::Faults::slow_for).
    Slow,
    /// No answer, ever; nothing was done.
    HangBefore,
    /// The work is done, and no answer comes, ever.
    HangAfter,
}
