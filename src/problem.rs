//! HTTP errors as RFC 9457 problem details.

use http::StatusCode;
use serde_json::{Map, Value, json};

/// Why an HTTP request was not fulfilled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The HTTP status.
    pub status: StatusCode,
    /// What went wrong, for people.
    pub detail: String,
    /// Headers of the answer beside its type, such as `Allow`.
    pub headers: Vec<(&'static str, String)>,
    /// Members beside those of RFC 9457.
    pub more: Map<String, Value>,
}

impl Problem {
    /// A problem without anything special.
    #[must_use]
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
            headers: Vec::new(),
            more: Map::new(),
        }
    }

    /// The same with a header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The body of the answer, `application/problem+json`.
    #[must_use]
    pub fn body(&self, request_id: &str) -> Value {
        let mut body = self.more.clone();
        let title = self.status.canonical_reason().unwrap_or("Error");
        for (name, value) in [
            ("type", json!("about:blank")),
            ("title", json!(title)),
            ("status", json!(self.status.as_u16())),
            ("detail", json!(self.detail)),
            ("requestId", json!(request_id)),
        ] {
            body.insert(name.to_owned(), value);
        }
        Value::Object(body)
    }
}
