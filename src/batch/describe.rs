//! Looks at jobs.

use std::time::Duration;

use super::{Batch, CallError, ErrorKind, JobDetail, Operation, read::JobsReader};
use crate::request::JobId;

/// The most ids in one `DescribeJobs` call
/// ([API reference](https://docs.aws.amazon.com/batch/latest/APIReference/API_DescribeJobs.html)).
pub const DESCRIBE_LIMIT: usize = 100;

/// When to look again at a job that Batch does not show, or shows unchanged: after 1 s and after 3 s. A job just submitted
/// may not show yet, and a change may not either.
pub const LOOK_AGAIN: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];

/// `DescribeJobs`: what Batch shows of these jobs, at most [`DESCRIBE_LIMIT`]. It leaves out those that it does not know.
#[derive(Debug)]
pub struct DescribeJobs<'a>(pub &'a [JobId]);

impl Operation for DescribeJobs<'_> {
    type Answer = Vec<JobDetail>;

    fn name(&self) -> &'static str {
        "DescribeJobs"
    }

    fn jobs(&self) -> usize {
        self.0.len()
    }

    async fn send(&self, batch: &Batch) -> Result<Vec<JobDetail>, CallError> {
        let ids = self.0.iter().map(ToString::to_string).collect();
        let call = batch.client.describe_jobs().set_jobs(Some(ids));
        let reader = JobsReader::default();
        call.customize().interceptor(reader.clone()).send().await?;
        reader.into_jobs()
    }
}

/// `DescribeServiceJob`: what Batch shows of a service job; nothing if it does not know it.
#[derive(Debug)]
pub struct DescribeServiceJob(pub JobId);

impl Operation for DescribeServiceJob {
    type Answer = Option<JobDetail>;

    fn name(&self) -> &'static str {
        "DescribeServiceJob"
    }

    async fn send(&self, batch: &Batch) -> Result<Option<JobDetail>, CallError> {
        let call = batch.client.describe_service_job();
        match call.job_id(self.0.to_string()).send().await {
            Ok(job) => Ok(Some(JobDetail::of_service_job(self.0, job))),
            Err(error) => match CallError::from(error) {
                error if error.kind == ErrorKind::Refused => Ok(None),
                error => Err(error),
            },
        }
    }
}
