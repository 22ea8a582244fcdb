//! The rest-json wire form: requests read once into one struct, and answers.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde::Deserialize;

use crate::{
    body::Body,
    error::{ApiError, UNDETERMINED_OPERATION},
    fault::Fault,
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

/// The answer for a fault that shows as something other than JSON.
pub(crate) fn page_of_fault(fault: Fault) -> Option<Response<Body>> {
    match fault {
        Fault::NotFound => Some(not_found_page()),
        Fault::UndeterminedOperationXml => Some(undetermined_operation_xml()),
        _ => None,
    }
}

/// The page that moto's server shows for a path that it does not know.
fn not_found_page() -> Response<Body> {
    let page =
        "<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n";
    let mut response = json(StatusCode::NOT_FOUND, page.into());
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    response
}

fn undetermined_operation_xml() -> Response<Body> {
    let xml = format!(
        "<AccessDeniedException>\n  <Message>{UNDETERMINED_OPERATION}</Message>\n\
         </AccessDeniedException>\n"
    );
    let mut response = Response::new(Body::whole(xml.into()));
    *response.status_mut() = StatusCode::FORBIDDEN;
    response
}
