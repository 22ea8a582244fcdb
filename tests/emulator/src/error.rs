//! Errors as Batch words them.

use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;

use crate::{
    behaviour::UnknownServiceJob,
    fault::{Fault, ItemError},
    operation::Operation,
};

/// What AWS's front ends say of a path that leads to no operation.
pub(crate) const UNDETERMINED_OPERATION: &str =
    "Unable to determine service/operation name to be authorized";

/// An error answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl ApiError {
    /// The caller's fault, 400.
    pub(crate) fn client(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: "ClientException",
            message: message.into(),
        }
    }

    pub(crate) fn throttled() -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            code: "TooManyRequestsException",
            message: "Too Many Requests".to_owned(),
        }
    }

    pub(crate) fn server() -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            code: "ServerException",
            message: "Internal server error. Please retry this request.".to_owned(),
        }
    }

    pub(crate) fn denied(operation: Operation, resource: &str) -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            code: "AccessDeniedException",
            message: format!(
                "User: arn:aws:sts::123456789012:assumed-role/batch-cancel/batch-cancel is not \
                 authorized to perform: batch:{} on resource: {resource}",
                operation.iam_action()
            ),
        }
    }

    pub(crate) fn unknown_service_job(answer: &UnknownServiceJob, id: &str) -> Self {
        match answer {
            UnknownServiceJob::ClientException(text) => Self::client(text.replace("{id}", id)),
            UnknownServiceJob::ResourceNotFound(text) => Self {
                status: StatusCode::NOT_FOUND,
                code: "ResourceNotFoundException",
                message: text.replace("{id}", id),
            },
        }
    }

    pub(crate) fn unknown_operation() -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            code: "UnknownOperationException",
            message: "Unknown operation".to_owned(),
        }
    }

    fn missing_token() -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            code: "MissingAuthenticationTokenException",
            message: "Missing Authentication Token".to_owned(),
        }
    }

    fn undetermined_operation() -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            code: "AccessDeniedException",
            message: UNDETERMINED_OPERATION.to_owned(),
        }
    }

    /// The error that a singular call gets where the same job would be refused in a bulk call.
    pub(crate) fn of_item(error: ItemError, operation: Operation, arn: &str) -> Self {
        match error {
            ItemError::ThrottlingException => Self::throttled(),
            ItemError::ServerException => Self::server(),
            ItemError::AccessDenied => Self::denied(operation, arn),
            ItemError::ClientException | ItemError::ValidationException => {
                Self::client("The job cannot be cancelled or terminated")
            }
        }
    }

    /// The answer for a fault that shows as an HTTP status.
    pub(crate) fn of_fault(fault: Fault, operation: Operation) -> Option<Self> {
        match fault {
            Fault::Throttled => Some(Self::throttled()),
            Fault::ServerError => Some(Self::server()),
            Fault::Denied => Some(Self::denied(operation, "*")),
            Fault::UnknownOperation => Some(Self::unknown_operation()),
            Fault::MissingToken => Some(Self::missing_token()),
            Fault::UndeterminedOperation => Some(Self::undetermined_operation()),
            _ => None,
        }
    }

    /// What Batch's own code refuses is wrapped in more words than what stops before it.
    pub(crate) fn body(&self, request_id: &str) -> Bytes {
        #[derive(Serialize)]
        struct Message<'a> {
            message: &'a str,
        }
        let wrapped;
        let message = match self.code {
            "ClientException" | "ServerException" => {
                wrapped = format!(
                    "Error executing request, Exception : {}, RequestId: {request_id}",
                    self.message
                );
                &wrapped
            }
            _ => &self.message,
        };
        serde_json::to_vec(&Message { message })
            .unwrap_or_default()
            .into()
    }
}
