//! HTTP responses, in the shape that each gateway expects.

use ::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::CONTENT_TYPE};
use aws_lambda_events::{
    alb::AlbTargetGroupResponse,
    apigw::{ApiGatewayProxyResponse, ApiGatewayV2httpResponse},
    encodings::Body,
};
use serde_json::{
    Map, Value, json,
    value::{RawValue, to_raw_value},
};

use super::{JobView, body};
use crate::{
    batch::{CallError, ErrorKind},
    event::{EventError, HttpForm},
    intake::{Invocation, MessageOutcome},
    problem::Problem,
    report::{JobResult, Outcome, Partial, Report, ReportedId},
    request::JobId,
};

/// The longest body through API Gateway and function URLs. Lambda's limit of 6 MB counts its escaped form.
const MAX_BODY: body::SizeLimit = body::SizeLimit {
    plain: 5_000_000,
    escaped: 6_000_000,
};

/// The longest body through a load balancer, whose limit is 1 MB.
const MAX_ALB_BODY: body::SizeLimit = body::SizeLimit {
    plain: 900_000,
    escaped: 1_000_000,
};

/// When to come back after throttling, in seconds.
const RETRY_AFTER: &str = "5";

/// What this function says over HTTP of itself.
const OPENAPI: &str = include_str!("openapi.json");

struct Response {
    status: StatusCode,
    content_type: &'static str,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Response {
    fn json(body: String) -> Self {
        Self {
            status: StatusCode::OK,
            content_type: "application/json",
            headers: Vec::new(),
            body,
        }
    }

    fn problem(problem: Problem, request_id: &str) -> Self {
        Self {
            status: problem.status,
            content_type: "application/problem+json",
            body: problem.body(request_id),
            headers: problem.headers,
        }
    }
}

/// The response that holds a report.
pub(super) fn report(
    report: &Report,
    messages: Vec<MessageOutcome>,
    form: HttpForm,
    invocation: Invocation<'_>,
) -> Result<Box<RawValue>, serde_json::Error> {
    if let Some(refusal) = refusal(messages) {
        return problem(refusal, form, invocation);
    }
    if is_all_throttled(report) {
        let summary = body::summary(report);
        let throttled = unavailable(format!("AWS Batch throttled all calls: {summary}"));
        return problem(throttled, form, invocation);
    }
    let limit = match form {
        HttpForm::Alb { .. } => MAX_ALB_BODY,
        HttpForm::V1 | HttpForm::V2 => MAX_BODY,
    };
    let body = body::report(report, invocation, limit)?;
    shape(Response::json(body.get().to_owned()), form)
}

/// The response about the only job of a request.
pub(super) fn one_result(
    report: Report,
    messages: Vec<MessageOutcome>,
    form: HttpForm,
    invocation: Invocation<'_>,
) -> Result<Box<RawValue>, serde_json::Error> {
    match refusal(messages).map_or_else(|| result_body(report), Err) {
        Ok(body) => shape(Response::json(body), form),
        Err(refusal) => problem(refusal, form, invocation),
    }
}

/// The response that shows a job.
pub(super) fn job(
    id: JobId,
    view: Result<JobView, CallError>,
    form: HttpForm,
    invocation: Invocation<'_>,
) -> Result<Box<RawValue>, serde_json::Error> {
    match job_body(id, view) {
        Ok(body) => shape(Response::json(body), form),
        Err(refusal) => problem(refusal, form, invocation),
    }
}

/// The response that describes the routes.
pub(super) fn openapi(form: HttpForm) -> Result<Box<RawValue>, serde_json::Error> {
    shape(Response::json(OPENAPI.to_owned()), form)
}

/// The response that says why a request was not fulfilled.
pub(super) fn problem(
    problem: Problem,
    form: HttpForm,
    invocation: Invocation<'_>,
) -> Result<Box<RawValue>, serde_json::Error> {
    shape(Response::problem(problem, invocation.request_id), form)
}

/// Why a request as a whole was not fulfilled.
fn refusal(messages: Vec<MessageOutcome>) -> Option<Problem> {
    let error = messages.into_iter().find_map(|message| message.error)?;
    let status = match error {
        EventError::Refused(_) | EventError::Denied(_) => StatusCode::FORBIDDEN,
        _ => StatusCode::BAD_REQUEST,
    };
    Some(Problem::new(status, error.to_string()))
}

/// Whether nothing could be done for throttling. Ids that are none could not have been in any case.
fn is_all_throttled(report: &Report) -> bool {
    let mut jobs = report
        .jobs
        .iter()
        .filter(|job| job.outcome != Outcome::InvalidId)
        .peekable();
    match jobs.peek() {
        Some(_) => jobs.all(|job| job.outcome == Outcome::Throttled),
        None => report.partial == Some(Partial::Throttled),
    }
}

fn unavailable(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).with_header("Retry-After", RETRY_AFTER)
}

/// The result of a request about one job: a success, or a problem that holds the result.
fn result_body(report: Report) -> Result<String, Problem> {
    let Some(job) = report.jobs.into_iter().next() else {
        return Err(Problem::new(StatusCode::NOT_FOUND, "no job"));
    };
    let status = match job.outcome {
        Outcome::InvalidId => StatusCode::BAD_REQUEST,
        Outcome::NotFound => StatusCode::NOT_FOUND,
        Outcome::Running | Outcome::Finished => StatusCode::CONFLICT,
        Outcome::Protected | Outcome::QueueNotAllowed | Outcome::Denied => StatusCode::FORBIDDEN,
        Outcome::Throttled
        | Outcome::NotAttempted
        | Outcome::Unconfirmed
        | Outcome::TooSoon => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        Outcome::Failed => StatusCode::BAD_GATEWAY,
        Outcome::Cancelled
        | Outcome::Cancelling
        | Outcome::Terminated
        | Outcome::Terminating
        | Outcome::WouldCancel
        | Outcome::WouldTerminate
        | Outcome::OverLimit => return Ok(serde_json::to_string(&job).unwrap_or_default()),
    };
    let mut problem = Problem::new(status, detail(&job));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        problem = problem.with_header("Retry-After", RETRY_AFTER);
    }
    if let Ok(Value::Object(members)) = serde_json::to_value(&job) {
        problem.more = members;
    }
    Err(problem)
}

fn detail(job: &JobResult) -> String {
    let name = match &job.job_id {
        ReportedId::Id(id) => id.to_string(),
        ReportedId::Text(text) => text.to_string(),
    };
    let status = job
        .after
        .map(|status| format!(" ({status})"))
        .unwrap_or_default();
    let message = job
        .message
        .as_deref()
        .map(|text| format!(": {text}"))
        .unwrap_or_default();
    format!("{}: job {name}{status}{message}", job.outcome.as_str())
}

/// What Batch shows of a job.
fn job_body(id: JobId, view: Result<JobView, CallError>) -> Result<String, Problem> {
    let job = match view {
        Ok(JobView::Job(job)) => job,
        Ok(JobView::QueueNotAllowed) => {
            let detail = format!("job {id} is in a job queue that is not in ALLOWED_QUEUES");
            return Err(Problem::new(StatusCode::FORBIDDEN, detail));
        }
        Ok(JobView::Unknown) => {
            return Err(Problem::new(
                StatusCode::NOT_FOUND,
                format!("AWS Batch does not know job {id}"),
            ));
        }
        Err(error) => {
            return Err(match error.kind {
                ErrorKind::Throttled => unavailable(error.to_string()),
                ErrorKind::Denied => Problem::new(StatusCode::FORBIDDEN, error.to_string()),
                _ => Problem::new(StatusCode::BAD_GATEWAY, error.to_string()),
            });
        }
    };
    let mut body: Map<String, Value> = Map::new();
    for (name, value) in [
        ("jobId", json!(id.to_string())),
        ("jobName", json!(job.summary.job_name)),
        ("jobQueue", json!(job.job_queue)),
        ("status", json!(job.summary.status.as_str())),
        ("isCancelled", json!(job.summary.is_cancelled)),
        ("isTerminated", json!(job.summary.is_terminated)),
        ("createdAt", json!(job.summary.created_at)),
    ] {
        body.insert(name.to_owned(), value);
    }
    if let Some(reason) = job.summary.status_reason {
        body.insert("statusReason".to_owned(), reason.into());
    }
    Ok(Value::Object(body).to_string())
}

fn shape(response: Response, form: HttpForm) -> Result<Box<RawValue>, serde_json::Error> {
    let mut headers = HeaderMap::new();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static(response.content_type),
    );
    headers.insert("cache-control", HeaderValue::from_static("no-store"));
    for (name, value) in response.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    let status_code = i64::from(response.status.as_u16());
    let body = Some(Body::Text(response.body));
    match form {
        HttpForm::V1 => {
            let mut shaped = ApiGatewayProxyResponse::default();
            shaped.status_code = status_code;
            shaped.headers = headers;
            shaped.body = body;
            to_raw_value(&shaped)
        }
        HttpForm::V2 => {
            let mut shaped = ApiGatewayV2httpResponse::default();
            shaped.status_code = status_code;
            shaped.headers = headers;
            shaped.body = body;
            to_raw_value(&shaped)
        }
        HttpForm::Alb { multi_value } => {
            let mut shaped = AlbTargetGroupResponse::default();
            shaped.status_code = status_code;
            shaped.status_description = Some(response.status.to_string());
            if multi_value {
                shaped.multi_value_headers = headers;
            } else {
                shaped.headers = headers;
            }
            shaped.body = body;
            to_raw_value(&shaped)
        }
    }
}
