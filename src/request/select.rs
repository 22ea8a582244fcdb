//! Which jobs of a queue or an array a request selects.

use std::{collections::BTreeMap, fmt, time::Duration};

use serde::Deserialize;

use super::{
    Action, AskedId, JobId, NamePattern, OwnRegion, RequestError, Status,
    decode::present,
    length_of_time,
    queues::{job_queue, job_queues},
};

/// The most entries of `jobQueues`.
const MAX_QUEUES: usize = 50;

/// A selection of jobs. A job matches if it meets every condition that is given.
#[derive(Clone, Debug, PartialEq)]
pub struct Select {
    /// Where to list jobs.
    pub from: SelectFrom,
    /// The statuses that match, each once, in the order in which a job passes through them.
    pub statuses: Vec<Status>,
    /// The job's name.
    pub job_name: Option<NamePattern>,
    /// The job definition's ARN, or its name with or without revision.
    pub job_definition: Option<NamePattern>,
    /// The share identifier of the job, in a fair-share queue.
    pub share_identifier: Option<String>,
    /// The least time since the job was created.
    pub older_than: Option<Duration>,
    /// The least time since the job's present attempt came to RUNNING. Time spent queueing does not count.
    pub running_for: Option<Duration>,
    /// Tags that the job must have, all of them.
    pub tags: BTreeMap<String, String>,
    /// Only the first job in line, and only if it blocks the queue for a reason that matches `BLOCKED_REASONS`.
    pub head: bool,
}

/// Where a selection lists jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SelectFrom {
    /// A job queue's name or ARN.
    Queue(String),
    /// Names or ARNs of job queues, or patterns of them with `*`, each once.
    Queues(Vec<String>),
    /// The children of an array job.
    Array(JobId),
}

impl SelectFrom {
    /// The names, ARNs and patterns of job queues.
    #[must_use]
    pub fn queues(&self) -> &[String] {
        match self {
            Self::Queue(queue) => std::slice::from_ref(queue),
            Self::Queues(queues) => queues,
            Self::Array(_) => &[],
        }
    }
}

impl fmt::Display for SelectFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queue(queue) => write!(f, "job queue {queue}"),
            Self::Queues(queues) => write!(f, "job queues {}", queues.join(", ")),
            Self::Array(id) => write!(f, "array job {id}"),
        }
    }
}

/// The fields of `select`, before they are checked.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SelectFields {
    #[serde(default, deserialize_with = "present")]
    job_queue: Option<String>,
    #[serde(default, deserialize_with = "present")]
    job_queues: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    array_job_id: Option<String>,
    #[serde(default, deserialize_with = "present")]
    statuses: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    job_name: Option<String>,
    #[serde(default, deserialize_with = "present")]
    job_definition: Option<String>,
    #[serde(default, deserialize_with = "present")]
    share_identifier: Option<String>,
    #[serde(default, deserialize_with = "present")]
    older_than: Option<String>,
    #[serde(default, deserialize_with = "present")]
    running_for: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    head: bool,
}

impl SelectFields {
    /// Fills in the queue if the selection names no queue or array. Returns whether it names one now.
    pub(super) fn fill_queue(&mut self, queue: Option<&str>) -> bool {
        if self.job_queue.is_none() && self.array_job_id.is_none() {
            self.job_queue = queue.map(str::to_owned);
        }
        self.job_queue.is_some() || self.array_job_id.is_some()
    }

    /// An alarm acts on its own queue alone.
    pub(super) fn refuse_several_queues(&self) -> Result<(), RequestError> {
        match self.job_queues {
            None => Ok(()),
            Some(_) => Err(RequestError::new(
                "jobQueues",
                "not allowed for an alarm, which acts on its own queue alone",
            )),
        }
    }
}

impl Select {
    /// Whether it has conditions that a listing cannot decide, so that each job must be looked at.
    pub(crate) fn needs_looks(&self) -> bool {
        !self.tags.is_empty() || self.job_definition.is_some()
    }

    /// Whether a job that was created at this time is old enough. Both times are milliseconds since 1970. A job without a
    /// time is not.
    pub(crate) fn is_old_enough(&self, created_at: Option<i64>, now: i64) -> bool {
        self.older_than.is_none_or(|age| {
            let latest = before(now, age);
            created_at.is_some_and(|created_at| created_at <= latest)
        })
    }

    /// The latest time at which the present attempt of a job that matches may have come to RUNNING, in milliseconds since
    /// 1970. None if that does not matter.
    pub(crate) fn running_since(&self, now: i64) -> Option<i64> {
        self.running_for.map(|time| before(now, time))
    }

    pub(super) fn new(
        fields: SelectFields,
        action: Action,
        own_region: &OwnRegion,
    ) -> Result<Self, RequestError> {
        let from = match (fields.job_queue, fields.job_queues, fields.array_job_id) {
            (Some(queue), None, None) => SelectFrom::Queue(job_queue("jobQueue", queue)?),
            (None, Some(queues), None) => SelectFrom::Queues(job_queues(queues, MAX_QUEUES)?),
            (None, None, Some(array)) => SelectFrom::Array(array_id(&array, own_region)?),
            _ => {
                return Err(RequestError::new(
                    "",
                    "exactly one of jobQueue, jobQueues and arrayJobId is required",
                ));
            }
        };
        let length = |field, text: Option<String>| {
            let read = |text: String| {
                let refuse = |why| {
                    format!("{text:?} is not a length of time such as 90m, 2h or PT1H: {why}")
                };
                length_of_time(&text).map_err(|why| RequestError::new(field, refuse(why)))
            };
            text.map(read).transpose()
        };
        let running_for = length("runningFor", fields.running_for)?;
        if running_for.is_some() {
            check_running_for(fields.statuses.as_deref(), fields.head, action)?;
        }
        let select = Self {
            from,
            statuses: match running_for {
                Some(_) => vec![Status::Running],
                None => statuses(fields.statuses, action)?,
            },
            job_name: fields
                .job_name
                .map(|n| NamePattern::new("jobName", n))
                .transpose()?,
            job_definition: fields
                .job_definition
                .map(|n| NamePattern::new("jobDefinition", n))
                .transpose()?,
            share_identifier: fields.share_identifier,
            older_than: length("olderThan", fields.older_than)?,
            running_for,
            tags: fields.tags,
            head: fields.head,
        };
        if select.head && matches!(select.from, SelectFrom::Array(_)) {
            return Err(RequestError::new(
                "head",
                "head needs jobQueue or jobQueues, not arrayJobId",
            ));
        }
        Ok(select)
    }
}

fn array_id(text: &str, own_region: &OwnRegion) -> Result<JobId, RequestError> {
    match AskedId::parse(text, own_region) {
        AskedId::Job { id, .. } if id.parent().is_none() && !id.is_service_job() => Ok(id),
        AskedId::Job { .. } => Err(RequestError::new(
            "arrayJobId",
            "expected an array job, not a child or a service job",
        )),
        AskedId::Invalid { why, .. } => Err(RequestError::new("arrayJobId", why.to_string())),
    }
}

fn statuses(asked: Option<Vec<String>>, action: Action) -> Result<Vec<Status>, RequestError> {
    let Some(asked) = asked else {
        return Ok(vec![Status::Submitted, Status::Pending, Status::Runnable]);
    };
    let mut statuses = Vec::new();
    for (index, text) in asked.iter().enumerate() {
        let refuse = |expected: &str| {
            Err(RequestError::new(
                format!("statuses[{index}]"),
                format!("{text:?} {expected}"),
            ))
        };
        match Status::from_batch(text) {
            status @ (Status::Submitted | Status::Pending | Status::Runnable) => {
                statuses.push(status);
            }
            status if status.is_started() && action == Action::Terminate => statuses.push(status),
            status if status.is_started() => return refuse("needs \"terminate\": true"),
            _ => return refuse("is not one of SUBMITTED, PENDING, RUNNABLE, STARTING, RUNNING"),
        }
    }
    if statuses.is_empty() {
        return Err(RequestError::new(
            "statuses",
            "expected at least one status",
        ));
    }
    statuses.sort_unstable();
    statuses.dedup();
    Ok(statuses)
}

/// What `runningFor` needs, and what it leaves no choice about.
fn check_running_for(
    statuses: Option<&[String]>,
    head: bool,
    action: Action,
) -> Result<(), RequestError> {
    let refuse = |field: &str, why: &str| Err(RequestError::new(field, why));
    if action != Action::Terminate {
        return refuse("runningFor", "needs \"terminate\": true");
    }
    if head {
        return refuse(
            "runningFor",
            "the first job of a queue is RUNNABLE: leave out head",
        );
    }
    let is_running = |text: &String| Status::from_batch(text) == Status::Running;
    match statuses {
        Some(statuses) if statuses.is_empty() || !statuses.iter().all(is_running) => refuse(
            "statuses",
            "with runningFor only RUNNING jobs match: leave out statuses",
        ),
        _ => Ok(()),
    }
}

/// So long before a time in milliseconds since 1970.
fn before(now: i64, time: Duration) -> i64 {
    let time = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    now.saturating_sub(time)
}
