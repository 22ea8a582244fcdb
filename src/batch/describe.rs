//! Looks at jobs.

use std::time::Duration;

use super::{
    Batch, CallError, ErrorKind, JobDetail, Operation,
    read::{JobsReader, Rows},
};
use crate::request::JobId;

/// The most ids in one `DescribeJobs` call
/// ([API reference](https://docs.aws.amazon.com/batch/latest/APIReference/API_DescribeJobs.html)).
pub(crate) const DESCRIBE_LIMIT: usize = 100;

/// When to look again at a job that Batch does not show, or shows unchanged: after 1 s and after 3 s. A job just submitted
/// may not show yet, and a change may not either.
pub(crate) const LOOK_AGAIN: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];

/// `DescribeJobs`: what Batch shows of these jobs, at most `DESCRIBE_LIMIT`. It leaves out those that it does not know.
#[derive(Debug)]
pub struct DescribeJobs<'a>(pub &'a [JobId]);

/// What a look shows.
#[derive(Debug, Default, PartialEq)]
pub struct Described {
    /// The jobs that it shows.
    pub jobs: Vec<JobDetail>,
    /// The jobs that it shows in a way that cannot be read, and why. They must not be taken for unknown ones.
    pub unreadable: Vec<(JobId, CallError)>,
}

impl Described {
    fn new(rows: Rows, asked: &[JobId]) -> Self {
        let mut described: Self = rows.jobs.into_iter().collect();
        let mut nameless = None;
        for (id, error) in rows.unreadable {
            match id {
                Some(id) if described.get(id) == Ok(None) => {
                    described.unreadable.push((id, error));
                }
                Some(_) => {}
                None => nameless = Some(error),
            }
        }
        if let Some(error) = nameless {
            // It is one of those that are missing, and nobody knows which.
            let missing = |id: &&JobId| described.get(**id) == Ok(None);
            let missing: Vec<JobId> = asked.iter().filter(missing).copied().collect();
            let missing = missing.into_iter().map(|id| (id, error.clone()));
            described.unreadable.extend(missing);
        }
        described
    }

    /// What it shows of a job; none if Batch does not know it.
    ///
    /// # Errors
    ///
    /// When that cannot be read.
    pub fn get(&self, id: JobId) -> Result<Option<&JobDetail>, CallError> {
        let job = self.jobs.iter().find(|job| job.summary.id == id);
        let error = self.unreadable.iter().find(|(known, _)| *known == id);
        match (job, error) {
            (None, Some((_, error))) => Err(error.clone()),
            (job, _) => Ok(job),
        }
    }
}

impl FromIterator<JobDetail> for Described {
    fn from_iter<I: IntoIterator<Item = JobDetail>>(jobs: I) -> Self {
        Self {
            jobs: jobs.into_iter().collect(),
            unreadable: Vec::new(),
        }
    }
}

impl Operation for DescribeJobs<'_> {
    type Answer = Described;

    fn name(&self) -> &'static str {
        "DescribeJobs"
    }

    fn jobs(&self) -> usize {
        self.0.len()
    }

    async fn send(&self, batch: &Batch) -> Result<Described, CallError> {
        let ids = self.0.iter().map(ToString::to_string).collect();
        let call = batch.client.describe_jobs().set_jobs(Some(ids));
        let reader = JobsReader::of_looks();
        call.customize().interceptor(reader.clone()).send().await?;
        Ok(Described::new(reader.into_rows()?, self.0))
    }
}

/// `DescribeServiceJob`: what Batch shows of a service job; nothing if it does not know it.
#[derive(Debug)]
pub(crate) struct DescribeServiceJob(pub(crate) JobId);

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
