//! `DescribeJobs` and `DescribeServiceJob` (batch.md, 1.3 and 1.5).

use std::collections::BTreeSet;

use bytes::Bytes;
use serde::Serialize;

use super::{Desk, body, required, required_text, show::Detail};
use crate::{clock::millis, error::ApiError, find::Found, status::Status, wire::Input};

/// "A list of up to 100 job IDs".
const MAX_JOBS: usize = 100;

#[derive(Serialize)]
struct Details<'a> {
    jobs: Vec<Detail<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ServiceDetail<'a> {
    job_arn: String,
    job_id: &'a str,
    job_name: &'a str,
    job_queue: &'a str,
    service_job_type: &'static str,
    status: Status,
    created_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    share_identifier: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_terminated: bool,
    tags: &'a std::collections::BTreeMap<String, String>,
}

impl Desk<'_> {
    /// Jobs come in the order in which they were made, as moto's do, and each once: nothing is
    /// promised about the order, so none should be relied on. Unknown ids are left out.
    pub(super) fn describe_jobs(&mut self, input: Input) -> Result<Bytes, ApiError> {
        let ids = required(input.jobs, "jobs")?;
        if ids.is_empty() {
            return Err(ApiError::client("'jobs' cannot be empty"));
        }
        if ids.len() > MAX_JOBS {
            return Err(ApiError::client(format!(
                "Maximum number of jobs supported is  {MAX_JOBS} ."
            )));
        }
        if let Some(id) = ids.iter().find(|id| self.dice.fails_describe(id)) {
            return Err(ApiError::client(format!("Job {id} cannot be described")));
        }
        let mut found = BTreeSet::new();
        for id in &ids {
            let (key, node) = match self.world.find(id) {
                Some(Found::Job(key)) => (key, None),
                Some(Found::Node(key, node)) => (key, Some(node)),
                None => continue,
            };
            let job = self.world.job(key);
            if !job.is_service && self.is_shown(job) {
                found.insert((key, node));
            }
        }
        let jobs = found
            .into_iter()
            .map(|(key, node)| self.world.detail(key, node))
            .collect();
        body(&Details { jobs })
    }

    pub(super) fn describe_service_job(&mut self, input: &Input) -> Result<Bytes, ApiError> {
        let id = required_text(input.job_id.clone(), "jobId")?;
        let job = match self.world.find(&id) {
            Some(Found::Job(key)) => Some(self.world.job(key)),
            _ => None,
        };
        let Some(job) = job.filter(|job| job.is_service && self.is_shown(job)) else {
            let answer = &self.world.behaviour.unknown_service_job;
            return Err(ApiError::unknown_service_job(answer, &id));
        };
        body(&ServiceDetail {
            job_arn: self.world.job_arn(job),
            job_id: &job.id,
            job_name: &job.name,
            job_queue: &self.world.queue(job.queue).arn,
            service_job_type: "SAGEMAKER_TRAINING",
            status: job.status,
            created_at: millis(job.created_at),
            started_at: job.started_at.map(millis),
            stopped_at: job.stopped_at.map(millis),
            status_reason: job.status_reason.as_deref(),
            share_identifier: job.share_identifier.as_deref(),
            is_terminated: job.is_terminated,
            tags: &job.tags,
        })
    }
}
