//! The rest-json wire form: requests read once into one struct, errors as Batch words them.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde::{Deserialize, Serialize};

use crate::{
    body::Body,
    faults::{Fault, ItemError},
    operation::Operation,
    spec::{Dependency, DependencyType},
};

/// The members that any of the known operations takes; no two differ in the type of one.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Input {
    pub(crate) job_id: Option<String>,
    pub(crate) jobs: Option<Vec<String>>,
    pub(crate) reason: Option<String>,
    pub(crate) job_queue: Option<String>,
    pub(crate) array_job_id: Option<String>,
    pub(crate) multi_node_job_id: Option<String>,
    pub(crate) job_status: Option<String>,
    pub(crate) max_results: Option<i64>,
    pub(crate) next_token: Option<String>,
    pub(crate) filters: Option<Vec<Filter>>,
    pub(crate) job_queues: Option<Vec<String>>,
    pub(crate) job_name: Option<String>,
    pub(crate) job_definition: Option<String>,
    pub(crate) share_identifier: Option<String>,
    pub(crate) scheduling_priority_override: Option<i32>,
    pub(crate) array_properties: Option<ArraySize>,
    pub(crate) depends_on: Option<Vec<DependsOn>>,
    pub(crate) tags: Option<std::collections::BTreeMap<String, String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Filter {
    pub(crate) name: String,
    pub(crate) values: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ArraySize {
    pub(crate) size: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DependsOn {
    #[serde(default)]
    job_id: Option<String>,
    #[serde(default, rename = "type")]
    kind: Option<DependencyType>,
}

impl From<DependsOn> for Dependency {
    fn from(from: DependsOn) -> Self {
        Self {
            job_id: from.job_id,
            kind: from.kind,
        }
    }
}

impl Input {
    pub(crate) fn read(body: &Bytes) -> Result<Self, ApiError> {
        if body.is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_slice(body).map_err(|error| ApiError {
            status: StatusCode::BAD_REQUEST,
            code: "SerializationException",
            message: error.to_string(),
        })
    }

    /// The job ids that are asked about, for the record.
    pub(crate) fn job_ids(&self) -> Vec<String> {
        match (&self.jobs, &self.job_id) {
            (Some(jobs), _) => jobs.clone(),
            (None, job_id) => job_id.iter().cloned().collect(),
        }
    }
}

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
            _ => None,
        }
    }

    /// What Batch's own code refuses is wrapped in more words than what stops before it.
    fn body(&self, request_id: &str) -> Bytes {
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

/// A complete answer with this body.
pub(crate) fn json(status: StatusCode, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::whole(body));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}

/// The answer to an operation, with the headers that Batch always sends.
pub(crate) fn answer(result: Result<Bytes, ApiError>, request_id: &str) -> Response<Body> {
    let mut response = match result {
        Ok(body) => json(StatusCode::OK, body),
        Err(error) => {
            let mut response = json(error.status, error.body(request_id));
            response
                .headers_mut()
                .insert("x-amzn-errortype", HeaderValue::from_static(error.code));
            response
        }
    };
    if let Ok(id) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert("x-amzn-requestid", id);
    }
    response
}

/// The page that moto's server shows for a path that it does not know.
pub(crate) fn not_found_page() -> Response<Body> {
    let page =
        "<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n";
    let mut response = json(StatusCode::NOT_FOUND, page.into());
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    response
}
