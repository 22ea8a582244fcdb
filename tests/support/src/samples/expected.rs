//! What an answer must be, in a few words, and how an answer is held against it.

use serde_json::{Value, json};

use super::Sample;

/// An invocation that failed, as Lambda is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    pub error_type: String,
    pub message: String,
}

/// What an answer must be. Outcomes stand in the order of the jobs, separated by spaces.
#[derive(Clone, Copy, Debug)]
pub enum Expected {
    /// A report with these outcomes.
    Report(&'static str),
    /// A report without a job, whose reason holds this.
    Ignored(&'static str),
    /// `batchItemFailures` with the records at these places.
    Failures(&'static [usize]),
    /// An HTTP response of status 200 whose body is a report with these outcomes.
    HttpReport(&'static str),
    /// An HTTP response about one job: status and outcome.
    HttpJob(u16, &'static str),
    /// An HTTP response that shows a job in this status.
    HttpShown(&'static str),
    /// The description of the HTTP routes.
    OpenApi,
    /// An HTTP problem: status, and what its detail holds.
    Problem(u16, &'static str),
    /// A text for a dashboard that holds this.
    Shown(&'static str),
    /// An invocation error: its type, and what its message holds.
    Error(&'static str, &'static str),
}

impl Expected {
    /// Holds an answer against it.
    pub fn check(self, sample: &Sample, answer: Result<Value, Failed>) {
        let name = sample.name;
        let answer = match (self, answer) {
            (Self::Error(error_type, message), Err(error)) => {
                assert_eq!(error.error_type, error_type, "{name}: {error:?}");
                assert!(error.message.contains(message), "{name}: {error:?}");
                return;
            }
            (_, Ok(answer)) => answer,
            (expected, Err(error)) => panic!("{name}: {error:?}, and not {expected:?}"),
        };
        match self {
            Self::Report(expected) => check_report(name, sample.source(), &answer, expected),
            Self::Ignored(why) => {
                check_report(name, sample.source(), &answer, "");
                let ignored = answer["ignored"].as_str().unwrap_or_default();
                assert!(ignored.contains(why), "{name}: {answer}");
            }
            Self::Failures(places) => check_failures(sample, &answer, places),
            Self::HttpReport(expected) => {
                let body = check_http(name, &answer, 200, "application/json");
                check_report(name, "http", &body, expected);
            }
            Self::HttpJob(status, outcome) => {
                let body = check_one(name, &answer, status);
                assert_eq!(body["outcome"], outcome, "{name}: {body}");
            }
            Self::HttpShown(status) => {
                let body = check_http(name, &answer, 200, "application/json");
                assert_eq!(body["status"], status, "{name}: {body}");
            }
            Self::OpenApi => {
                let body = check_http(name, &answer, 200, "application/json");
                let version = body["openapi"].as_str().unwrap_or_default();
                assert!(version.starts_with("3.1."), "{name}: {body}");
            }
            Self::Problem(status, detail) => {
                let body = check_one(name, &answer, status);
                let found = body["detail"].as_str().unwrap_or_default();
                assert!(found.contains(detail), "{name}: {body}");
            }
            Self::Shown(text) => {
                let shown = answer.as_str().unwrap_or_default();
                assert!(shown.contains(text), "{name}: {answer}");
            }
            Self::Error(..) => panic!("{name}: {answer}, and not {self:?}"),
        }
    }
}

/// The fields that every report has, and its outcomes.
fn check_report(name: &str, source: &str, report: &Value, expected: &str) {
    assert_eq!(report["source"], source, "{name}: {report}");
    assert!(report["requestId"].is_string(), "{name}: {report}");
    let expected: Vec<&str> = expected.split_whitespace().collect();
    let jobs = report["jobs"]
        .as_array()
        .unwrap_or_else(|| panic!("{name}: no report: {report}"));
    let outcomes: Vec<&Value> = jobs.iter().map(|job| &job["outcome"]).collect();
    assert_eq!(json!(outcomes), json!(expected), "{name}: {report}");
    let mut summary = json!({"jobs": expected.len()});
    for outcome in &expected {
        let count = expected.iter().filter(|other| *other == outcome).count();
        summary[*outcome] = json!(count);
    }
    assert_eq!(report["summary"], summary, "{name}");
    let retryable = ["throttled", "failed", "unconfirmed", "notAttempted"];
    let complete = !expected.iter().any(|outcome| retryable.contains(outcome));
    assert_eq!(report["complete"], complete, "{name}: {report}");
}

fn check_failures(sample: &Sample, answer: &Value, places: &[usize]) {
    let event = sample.json();
    let records = event.get("Records").unwrap_or(&event);
    let expected: Vec<Value> = places
        .iter()
        .map(|&place| json!({"itemIdentifier": records[place]["messageId"]}))
        .collect();
    let expected = json!({"batchItemFailures": expected});
    assert_eq!(answer, &expected, "{}", sample.name);
}

/// A success about one job, or a problem.
fn check_one(name: &str, answer: &Value, status: u16) -> Value {
    if status == 200 {
        return check_http(name, answer, status, "application/json");
    }
    let body = check_http(name, answer, status, "application/problem+json");
    assert_eq!(body["status"], status, "{name}: {body}");
    for member in ["type", "title", "detail", "requestId"] {
        assert!(body[member].is_string(), "{name}: no {member}: {body}");
    }
    body
}

/// The body of an HTTP response with this status and type.
fn check_http(name: &str, answer: &Value, status: u16, content_type: &str) -> Value {
    assert_eq!(answer["statusCode"], status, "{name}: {answer}");
    let single = &answer["headers"]["content-type"];
    let multiple = &answer["multiValueHeaders"]["content-type"];
    assert!(
        *single == content_type || *multiple == json!([content_type]),
        "{name}: {answer}"
    );
    let body = answer["body"]
        .as_str()
        .unwrap_or_else(|| panic!("{name}: no body: {answer}"));
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{name}: {error}: {body}"))
}
