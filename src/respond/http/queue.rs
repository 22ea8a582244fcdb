//! A job queue and a page of its jobs as HTTP responses.

use ::http::StatusCode;
use serde::Serialize;

use super::{call_problem, time};
use crate::{
    batch::JobSummary,
    problem::Problem,
    queue::{JobPage, QueueError, QueueView},
    request::Status,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PageBody<'a> {
    job_queue: &'a str,
    jobs: Vec<ListedJob<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListedJob<'a> {
    job_id: String,
    job_name: &'a str,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<String>,
    is_cancelled: bool,
    is_terminated: bool,
}

impl<'a> From<&'a JobSummary> for ListedJob<'a> {
    fn from(job: &'a JobSummary) -> Self {
        Self {
            job_id: job.id.to_string(),
            job_name: &job.job_name,
            status: job.status,
            status_reason: job.status_reason.as_deref(),
            created_at: time(job.created_at),
            started_at: time(job.started_at),
            is_cancelled: job.is_cancelled,
            is_terminated: job.is_terminated,
        }
    }
}

/// A measured queue as JSON.
///
/// # Errors
///
/// Why it is not shown.
pub fn queue(view: Result<QueueView, QueueError>) -> Result<String, Problem> {
    let view = view.map_err(|error| problem(&error))?;
    Ok(serde_json::to_string(&view).unwrap_or_default())
}

/// A page of jobs as JSON.
///
/// # Errors
///
/// Why it is not shown.
pub fn jobs(page: Result<JobPage, QueueError>) -> Result<String, Problem> {
    let page = page.map_err(|error| problem(&error))?;
    let body = PageBody {
        job_queue: &page.job_queue,
        jobs: page.jobs.iter().map(ListedJob::from).collect(),
        next_token: page.next_token.as_deref(),
    };
    Ok(serde_json::to_string(&body).unwrap_or_default())
}

fn problem(error: &QueueError) -> Problem {
    let status = match error {
        QueueError::NotAllowed(_) | QueueError::OfServiceJobs(_) => StatusCode::FORBIDDEN,
        QueueError::NotFound(_) => StatusCode::NOT_FOUND,
        QueueError::Token(_) => StatusCode::BAD_REQUEST,
        QueueError::Call(error) => return call_problem(error),
    };
    Problem::new(status, error.to_string())
}
