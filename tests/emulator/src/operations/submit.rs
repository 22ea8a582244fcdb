//! `SubmitJob`.

use bytes::Bytes;
use serde::Serialize;

use super::{Desk, body, required_text};
use crate::{
    add::Times,
    error::ApiError,
    queue::QueueState,
    spec::{Dependency, DependencyType, JobSpec},
    status::Status,
    wire::Input,
};

/// "You can specify a maximum of 20 dependencies for a job."
const MAX_DEPENDENCIES: usize = 20;
/// "The array size can be between 2 and 10,000."
const ARRAY_SIZES: std::ops::RangeInclusive<u32> = 2..=10_000;
/// "It can be up to 128 letters long."
const MAX_NAME: usize = 128;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the members' names are Batch's")]
struct Submitted<'a> {
    job_arn: String,
    job_name: &'a str,
    job_id: &'a str,
}

impl Desk<'_> {
    pub(super) fn submit_job(&mut self, input: Input) -> Result<Bytes, ApiError> {
        let job_name = required_text(input.job_name, "jobName")?;
        if !is_name(&job_name) {
            return Err(ApiError::client("Job name should match valid pattern"));
        }
        let job_definition = required_text(input.job_definition, "jobDefinition")?;
        let job_queue = required_text(input.job_queue, "jobQueue")?;
        let queue = self.known_queue(&job_queue)?;
        if self.world.is_service_queue(queue) {
            return Err(ApiError::client(format!(
                "Job queue {job_queue} takes service jobs only"
            )));
        }
        if self.world.queue(queue).queue.state == QueueState::Disabled {
            return Err(ApiError::client(format!(
                "Job queue {job_queue} is not in the ENABLED state"
            )));
        }
        let array_size = input.array_properties.and_then(|array| array.size);
        if array_size.is_some_and(|size| !ARRAY_SIZES.contains(&size)) {
            return Err(ApiError::client("Array size must be between 2 and 10000"));
        }
        let depends_on = input.depends_on.unwrap_or_default();
        let depends_on: Vec<Dependency> = depends_on.into_iter().map(Into::into).collect();
        self.check_dependencies(&depends_on, array_size.is_some())?;
        let spec = JobSpec {
            job_name,
            job_queue,
            job_definition,
            status: Status::Submitted,
            tags: input.tags.unwrap_or_default(),
            share_identifier: input.share_identifier,
            scheduling_priority: input.scheduling_priority_override,
            array_size,
            depends_on,
            lifecycle: self.world.behaviour.submitted,
            ..JobSpec::default()
        };
        let times = Times {
            now: self.now,
            visible_from: self.now + self.dice.faults().visibility_delay,
        };
        let key = self.world.add(&spec, times);
        let job = self.world.job(key);
        body(&Submitted {
            job_arn: self.world.job_arn(job),
            job_name: &job.name,
            job_id: &job.id,
        })
    }

    fn check_dependencies(&self, all: &[Dependency], is_array: bool) -> Result<(), ApiError> {
        if all.len() > MAX_DEPENDENCIES {
            return Err(ApiError::client(format!(
                "A job can have at most {MAX_DEPENDENCIES} dependencies"
            )));
        }
        for dependency in all {
            match (&dependency.job_id, dependency.kind) {
                (None, Some(DependencyType::Sequential)) if is_array => {}
                (None, _) => return Err(ApiError::client("A dependency needs a jobId")),
                (Some(id), _) if self.world.find(id).is_none() => {
                    return Err(ApiError::client(format!("Job {id} does not exist")));
                }
                (Some(_), _) => {}
            }
        }
        Ok(())
    }
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    name.len() <= MAX_NAME
        && bytes
            .next()
            .is_some_and(|first| first.is_ascii_alphanumeric())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}
