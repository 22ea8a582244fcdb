//! A job as AWS Batch shows it, in a listing and in a look.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
};

use aws_sdk_batch::{
    operation::describe_service_job::DescribeServiceJobOutput, types::ServiceJobStatus,
};
use jiff::Timestamp;

use super::CallError;
use crate::{
    request::{JobId, Status},
    text::cut_tail,
};

/// The most characters of a name or reason that are kept. A reason of ours, the longest that Batch takes, is shorter, and
/// has what shows that it is ours last.
const MAX_SHOWN: usize = 1100;

/// What both a listing and a look show of a job.
#[derive(Clone, Debug, PartialEq)]
pub struct JobSummary {
    /// The job.
    pub id: JobId,
    /// Its status.
    pub status: Status,
    /// Why it is in this status.
    pub status_reason: Option<String>,
    /// Its name.
    pub job_name: String,
    /// Its job definition's ARN. Listings leave it out of RUNNABLE jobs.
    pub job_definition: Option<String>,
    /// The share that it was submitted under, in a fair-share queue.
    pub share_identifier: Option<String>,
    /// When it was created, in milliseconds since 1970.
    pub created_at: Option<i64>,
    /// When its last attempt went from STARTING to RUNNING, in milliseconds since 1970. A job that is tried again keeps it
    /// until it is RUNNING once more
    /// ([API reference](https://docs.aws.amazon.com/batch/latest/APIReference/API_JobSummary.html)).
    pub started_at: Option<i64>,
    /// A cancel was accepted, which does not say that the job did not run.
    pub is_cancelled: bool,
    /// A terminate was accepted.
    pub is_terminated: bool,
    /// How many children it has, if it is an array parent.
    pub array_size: Option<u32>,
    /// How many of its children are in each status, if it is an array parent and Batch shows that.
    pub children: Children,
}

/// The number of an array's children in each status that any of them has.
pub type Children = BTreeMap<Status, u32>;

impl JobSummary {
    /// Whether the job's present attempt has been RUNNING since this time, in milliseconds since 1970, or before.
    pub(crate) fn runs_since(&self, latest: i64) -> bool {
        let is_early = |started_at| started_at <= latest;
        self.status == Status::Running && self.started_at.is_some_and(is_early)
    }
}

/// What jobs are sorted by to have the oldest first, by the time since which they are what they are. One whose time is not
/// known counts as the youngest.
pub(crate) fn oldest_first(since: Option<i64>, id: JobId) -> (bool, Option<i64>, JobId) {
    (since.is_none(), since, id)
}

/// What a look shows of a job.
#[derive(Clone, Debug, PartialEq)]
pub struct JobDetail {
    /// What a listing shows too.
    pub summary: JobSummary,
    /// The ARN of its job queue.
    pub job_queue: String,
    /// Its tags. Batch gives an array's children none.
    pub tags: HashMap<String, String>,
    /// How its last attempt went, if that stopped with the job: the job ran to its end.
    pub ran_to_end: Option<String>,
}

impl JobDetail {
    /// The service job `id`, as Batch shows it.
    pub(super) fn of_service_job(id: JobId, job: DescribeServiceJobOutput) -> Self {
        Self {
            summary: JobSummary {
                id,
                status: status(job.status.as_ref().map(ServiceJobStatus::as_str)),
                status_reason: job.status_reason.map(|text| shown(text.into())),
                job_name: shown(job.job_name.unwrap_or_default().into()),
                job_definition: None,
                share_identifier: job.share_identifier,
                created_at: time(job.created_at),
                started_at: time_since(job.created_at, job.started_at),
                is_cancelled: false,
                is_terminated: job.is_terminated.unwrap_or_default(),
                array_size: None,
                children: Children::new(),
            },
            job_queue: job.job_queue.unwrap_or_default(),
            tags: job.tags.unwrap_or_default(),
            ran_to_end: None,
        }
    }
}

/// An id in an answer of Batch. One that cannot be read makes the answer an error: left out, its job would be taken for
/// one that does not exist.
pub(super) fn job_id(text: Option<&str>) -> Result<JobId, CallError> {
    let text = text.unwrap_or_default();
    JobId::from_batch(text)
        .ok_or_else(|| CallError::unreadable(format!("{text:?} is not a job id")))
}

pub(super) fn status(name: Option<&str>) -> Status {
    name.map_or(Status::Unknown, Status::from_batch)
}

/// Batch and its SDK write 0 for a time that there is none of. One before 1970, or that no calendar has, is none either.
pub(super) fn time(milliseconds: Option<i64>) -> Option<i64> {
    milliseconds.filter(|&time| time > 0 && Timestamp::from_millisecond(time).is_ok())
}

/// The time of something that happened to a job. One before the job was created is none: it would make the job look old.
pub(super) fn time_since(created_at: Option<i64>, milliseconds: Option<i64>) -> Option<i64> {
    let created_at = time(created_at).unwrap_or_default();
    time(milliseconds).filter(|&time| time >= created_at)
}

/// A name or a reason as it is kept. Batch allows fewer characters of each, so this only bounds what a message repeats.
pub(super) fn shown(text: Cow<'_, str>) -> String {
    match cut_tail(&text, MAX_SHOWN) {
        Cow::Borrowed(_) => text.into_owned(),
        Cow::Owned(cut) => cut,
    }
}

/// Only a parent has a size; a child shows none, or zero.
pub(super) fn array_size(size: Option<i64>) -> Option<u32> {
    size.and_then(|size| u32::try_from(size).ok())
        .filter(|&size| size > 0)
}

/// How many of an array's children have started and not ended.
pub(crate) fn started(children: &Children) -> u32 {
    let children = children.iter().filter(|(status, _)| status.is_started());
    children.fold(0, |sum, (_, count)| sum.saturating_add(*count))
}

/// Children by status, of an array parent.
pub(super) fn children<'a>(summary: impl IntoIterator<Item = (&'a str, i64)>) -> Children {
    let known = summary.into_iter().filter_map(|(name, count)| {
        let status = Status::from_batch(name);
        let count = u32::try_from(count).ok().filter(|&count| count > 0)?;
        (status != Status::Unknown).then_some((status, count))
    });
    known.collect()
}
