//! HTTP responses: a report, one job's result, one job, or a problem.

mod queue;
mod shape;

use std::collections::BTreeSet;

use ::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::body::{self, SizeLimit};
use crate::{
    batch::{CallError, ErrorKind, JobDetail},
    command::{HttpForm, Invocation, RequestRefused},
    problem::Problem,
    report::{JobResult, Outcome, Partial, QUEUE_NOT_ALLOWED, Report},
    request::JobId,
    results::Results,
};

pub use queue::{jobs, queue};
pub(super) use shape::shape;

/// The longest body through API Gateway and function URLs. Lambda's limit of 6 MB applies to its escaped form.
const MAX_BODY: SizeLimit = SizeLimit::new(5_000_000, 6_000_000);

/// The longest body through a load balancer, whose limit is 1 MB.
const MAX_ALB_BODY: SizeLimit = SizeLimit::new(900_000, 1_000_000);

/// The value of `Retry-After`, in seconds.
const RETRY_AFTER: &str = "5";

/// The `OpenAPI` description of the routes.
pub(super) const OPENAPI: &str = include_str!("openapi.json");

/// A report as JSON, or why there is none.
pub(super) fn report(
    results: &Results,
    form: HttpForm,
    invocation: Invocation<'_>,
) -> Result<Result<String, Problem>, serde_json::Error> {
    if let Some(refusal) = refusal(results) {
        return Ok(Err(refusal));
    }
    let report = &results.report;
    if is_all_throttled(report) {
        let summary = report.summary_json();
        let mut throttled = unavailable(format!("AWS Batch throttled all calls: {summary}"));
        if !report.unread.is_empty() {
            let unread = serde_json::to_value(&report.unread)?;
            throttled.more.insert("unread".to_owned(), unread);
        }
        return Ok(Err(throttled));
    }
    let limit = match form {
        HttpForm::Alb { .. } => MAX_ALB_BODY,
        HttpForm::V1 | HttpForm::V2 => MAX_BODY,
    };
    let body = body::report(report, invocation, limit)?;
    Ok(Ok(Box::<str>::from(body).into_string()))
}

/// The result of a request's only job as JSON, or a problem with the result in it.
pub(super) fn one_result(results: &Results) -> Result<String, Problem> {
    refusal(results).map_or_else(|| result_body(&results.report), Err)
}

/// What Batch shows of a job as JSON, if it is in a job queue that `is_allowed`.
///
/// # Errors
///
/// Why it is not shown.
pub fn job(
    id: JobId,
    looked: Result<Option<JobDetail>, CallError>,
    is_allowed: impl Fn(&str) -> bool,
) -> Result<String, Problem> {
    let (status, why) = match looked {
        Ok(Some(job)) if is_allowed(&job.job_queue) => return Ok(shown(id, &job)),
        Ok(Some(_)) => (
            StatusCode::FORBIDDEN,
            format!("job {id}: {QUEUE_NOT_ALLOWED}"),
        ),
        Ok(None) => (
            StatusCode::NOT_FOUND,
            format!("AWS Batch does not know job {id}"),
        ),
        Err(error) => return Err(call_problem(&error)),
    };
    Err(Problem::new(status, why))
}

fn shown(id: JobId, job: &JobDetail) -> String {
    let mut body = json!({
        "jobId": id.to_string(),
        "jobName": job.summary.job_name,
        "jobQueue": job.job_queue,
        "status": job.summary.status.as_str(),
        "isCancelled": job.summary.is_cancelled,
        "isTerminated": job.summary.is_terminated,
        "createdAt": time(job.summary.created_at),
    });
    if let (Some(reason), Some(body)) = (&job.summary.status_reason, body.as_object_mut()) {
        body.insert("statusReason".to_owned(), reason.as_str().into());
    }
    body.to_string()
}

/// The problem of a call that failed for good.
fn call_problem(error: &CallError) -> Problem {
    match error.kind {
        ErrorKind::Throttled => unavailable(error.to_string()),
        ErrorKind::Denied => Problem::new(StatusCode::FORBIDDEN, error.to_string()),
        _ => Problem::new(StatusCode::BAD_GATEWAY, error.to_string()),
    }
}

/// A time in milliseconds since 1970 as RFC 3339.
fn time(milliseconds: Option<i64>) -> Option<String> {
    let time = Timestamp::from_millisecond(milliseconds?).ok()?;
    Some(time.to_string())
}

/// Why the whole request was refused.
fn refusal(results: &Results) -> Option<Problem> {
    let why = results.refusal()?;
    let status = match why {
        RequestRefused::Refused(_) | RequestRefused::NoQueue(_) | RequestRefused::Denied(_) => {
            StatusCode::FORBIDDEN
        }
        _ => StatusCode::BAD_REQUEST,
    };
    Some(Problem::new(status, why.to_string()))
}

/// Whether throttling stopped the whole request. Invalid ids do not count.
fn is_all_throttled(report: &Report) -> bool {
    let outcomes = report.jobs.iter().map(|job| job.outcome);
    let outcomes = outcomes.filter(|outcome| *outcome != Outcome::InvalidId);
    let outcomes: BTreeSet<Outcome> = outcomes.collect();
    if outcomes.is_empty() {
        return report.partial == Some(Partial::Throttled);
    }
    outcomes == BTreeSet::from([Outcome::Throttled])
}

fn unavailable(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).with_header("Retry-After", RETRY_AFTER)
}

/// The result of a request about one job: a success, or a problem with the result in it.
fn result_body(report: &Report) -> Result<String, Problem> {
    let Some(job) = report.jobs.first() else {
        return Err(Problem::new(StatusCode::NOT_FOUND, "no job"));
    };
    let status = match job.outcome {
        Outcome::InvalidId => StatusCode::BAD_REQUEST,
        Outcome::NotFound => StatusCode::NOT_FOUND,
        Outcome::Running | Outcome::Finished => StatusCode::CONFLICT,
        Outcome::Protected | Outcome::QueueNotAllowed | Outcome::NotOwner | Outcome::Denied => {
            StatusCode::FORBIDDEN
        }
        Outcome::Throttled | Outcome::NotAttempted | Outcome::Unconfirmed | Outcome::TooSoon => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        Outcome::Failed => StatusCode::BAD_GATEWAY,
        Outcome::Cancelled
        | Outcome::Cancelling
        | Outcome::Terminated
        | Outcome::Terminating
        | Outcome::WouldCancel
        | Outcome::WouldTerminate
        | Outcome::OverLimit => return Ok(serde_json::to_string(job).unwrap_or_default()),
    };
    let mut problem = Problem::new(status, detail(job));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        problem = problem.with_header("Retry-After", RETRY_AFTER);
    }
    if let Ok(Value::Object(members)) = serde_json::to_value(job) {
        problem.more = members;
    }
    Err(problem)
}

fn detail(job: &JobResult) -> String {
    let name = &job.job_id;
    let status = job.after.map(|status| format!(" ({status})"));
    let message = job.message.as_deref().map(|text| format!(": {text}"));
    let (status, message) = (status.unwrap_or_default(), message.unwrap_or_default());
    format!("{}: job {name}{status}{message}", job.outcome.as_str())
}
