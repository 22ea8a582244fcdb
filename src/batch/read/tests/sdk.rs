//! What is used of a job that the SDK has read.

use aws_sdk_batch::types::{JobDetail as SdkDetail, JobStatus};

use super::*;

/// What is used of the SDK's job.
pub(super) fn used_of(job: SdkDetail) -> Result<JobDetail, CallError> {
    let ran_to_end = ran_to_end(&job);
    let array = job.array_properties;
    let array_size = array_size(array.as_ref().and_then(|array| array.size.map(i64::from)));
    let summary = array.and_then(|array| array.status_summary);
    let summary = summary.filter(|_| array_size.is_some()).unwrap_or_default();
    let counts = summary.iter();
    let counts = counts.map(|(name, count)| (name.as_str(), i64::from(*count)));
    Ok(JobDetail {
        summary: JobSummary {
            id: job_id(job.job_id.as_deref())?,
            status: status(job.status.as_ref().map(JobStatus::as_str)),
            status_reason: job.status_reason,
            job_name: job.job_name.unwrap_or_default(),
            // The SDK makes an empty text of a required field that is missing.
            job_definition: job.job_definition.filter(|arn| !arn.is_empty()),
            share_identifier: job.share_identifier,
            created_at: time(job.created_at),
            started_at: time_since(job.created_at, job.started_at),
            is_cancelled: job.is_cancelled.unwrap_or_default(),
            is_terminated: job.is_terminated.unwrap_or_default(),
            array_size,
            children: children(counts),
        },
        job_queue: job.job_queue.unwrap_or_default(),
        tags: job.tags.unwrap_or_default(),
        ran_to_end,
    })
}

/// How the attempt went that stopped with the job, if one did.
fn ran_to_end(job: &SdkDetail) -> Option<String> {
    let stopped_at = time(job.stopped_at)?;
    let ecs = job.attempts().iter().map(|attempt| {
        let container = attempt.container();
        let code = container.and_then(|container| container.exit_code);
        (attempt.stopped_at, code, attempt.status_reason())
    });
    let kubernetes = job.eks_attempts().iter().map(|attempt| {
        let mut containers = attempt.containers().iter();
        let code = containers.find_map(|container| container.exit_code);
        (attempt.stopped_at, code, attempt.status_reason())
    });
    let is_near = |at| time(at).is_some_and(|at| at.abs_diff(stopped_at) <= SAME_STOP);
    let (_, exit_code, reason) = ecs.chain(kubernetes).find(|(at, ..)| is_near(*at))?;
    Some(match exit_code {
        Some(code) => format!("exit code {code}"),
        None => reason.unwrap_or("no exit code").to_owned(),
    })
}
