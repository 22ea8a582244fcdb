//! HTTP errors as RFC 9457 problem details.

use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{request::RequestError, text::cut};

/// Why an HTTP request was refused or failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The HTTP status.
    pub status: StatusCode,
    /// What is wrong, in readable words.
    pub detail: String,
    /// Headers of the response, such as `Allow`, apart from its content type.
    pub headers: Vec<(&'static str, String)>,
    /// Members of the body, apart from those of RFC 9457.
    pub more: Map<String, Value>,
}

impl Problem {
    /// A problem without additional headers and members.
    #[must_use]
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: cut(&detail.into()).into_owned(),
            headers: Vec::new(),
            more: Map::new(),
        }
    }

    /// The same problem with one more header.
    pub(crate) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The body of the response, `application/problem+json`.
    #[must_use]
    pub fn body(&self, request_id: &str) -> String {
        let body = Body {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            request_id,
            more: &self.more,
        };
        serde_json::to_string(&body).unwrap_or_default()
    }
}

impl From<RequestError> for Problem {
    fn from(error: RequestError) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error.to_string())
    }
}

/// The members of RFC 9457, `requestId`, and those that the problem adds.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    request_id: &'a str,
    #[serde(flatten)]
    more: &'a Map<String, Value>,
}
