//! From a selection to jobs: lists a queue or an array first, to the end, before anything is acted on.

mod sweep;

use tokio::time::Instant;

use crate::{
    batch::{CallError, ErrorKind, ListOf, Listed, Seen},
    call::patiently,
    cancel::Tools,
    look::look,
    policy::Policy,
    report::Partial,
    request::{Action, JobId, Select, SelectFrom},
};
use sweep::Sweep;

/// The jobs that a selection has found.
#[derive(Debug, Default)]
pub struct Selection {
    /// The jobs, each once.
    pub jobs: Vec<Picked>,
    /// Why the listing could not be brought to its end.
    pub partial: Option<Partial>,
}

/// A job that a listing shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picked {
    /// The job.
    pub id: JobId,
    /// When it was created, in milliseconds since 1970.
    pub created_at: i64,
}

/// Why a selection cannot be made at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SelectError {
    /// The policy or Batch is against it, or there is no such queue or array.
    Refused(String),
    /// The queue is not in `ALLOWED_QUEUES`.
    NotAllowed(String),
    /// IAM is against it.
    Denied(String),
}

/// A selection to be made.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The conditions.
    pub select: &'a Select,
    /// What is to be done with the jobs.
    pub action: Action,
    /// Only jobs that were created before then, in milliseconds since 1970, count.
    pub before: i64,
    /// More jobs than this are refused. A listing ends as soon as it has found more.
    pub max: Option<usize>,
}

/// Finds the jobs that are meant, until `tools.stop_at` at the latest.
///
/// # Errors
///
/// When the selection is refused. A listing that fails midway or runs out of time is partial.
pub async fn select(wanted: Wanted<'_>, tools: Tools<'_>) -> Result<Selection, SelectError> {
    let of = match place(wanted.select, tools).await {
        Ok(of) => of,
        Err(Stop::Refused(why)) => return Err(why),
        Err(Stop::Call(error)) => return unlisted(error, tools),
    };
    let (ListOf::Queue(queue), true) = (&of, wanted.select.head) else {
        return Sweep::new(wanted, of).run(tools).await;
    };
    let head = patiently("GetJobQueueSnapshot", 1, tools, || {
        tools.batch.head_of_queue(queue)
    })
    .await;
    match head {
        Ok(head) => Ok(Selection {
            jobs: head
                .map(|id| Picked { id, created_at: 0 })
                .into_iter()
                .collect(),
            partial: None,
        }),
        Err(error) => unlisted(error, tools),
    }
}

/// A call that failed: for good, or so that another try may help.
fn unlisted(error: CallError, tools: Tools<'_>) -> Result<Selection, SelectError> {
    let partial = partial(&error, tools);
    match error.kind {
        ErrorKind::Denied => Err(SelectError::Denied(error.message)),
        ErrorKind::Refused => Err(SelectError::Refused(error.message)),
        ErrorKind::Throttled | ErrorKind::NoSuchOperation | ErrorKind::Unavailable => {
            Ok(Selection {
                partial: Some(partial),
                ..Selection::default()
            })
        }
    }
}

/// Why a listing that this error ended is partial.
fn partial(error: &CallError, tools: Tools<'_>) -> Partial {
    match error.kind {
        ErrorKind::Throttled => Partial::Throttled,
        _ if Instant::now() >= tools.stop_at => Partial::OutOfTime,
        _ => Partial::Failed,
    }
}

enum Stop {
    Refused(SelectError),
    Call(CallError),
}

impl From<CallError> for Stop {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

/// What to list, if it is there and the policy allows it.
async fn place(select: &Select, tools: Tools<'_>) -> Result<ListOf, Stop> {
    let refuse = |why: String| Stop::Refused(SelectError::Refused(why));
    match &select.from {
        SelectFrom::Queue(name) => {
            let describe = || tools.batch.describe_job_queue(name);
            let queue = patiently("DescribeJobQueues", 1, tools, describe).await?;
            let queue = queue.ok_or_else(|| refuse(format!("job queue {name} does not exist")))?;
            allowed(
                tools.policy,
                &queue.arn,
                format!("job queue {name} is not in ALLOWED_QUEUES"),
            )?;
            if queue.is_of_service_jobs {
                return Err(refuse(format!(
                    "job queue {name} holds service jobs, which cannot be selected: name each by its ARN, with \
                     \"terminate\": true"
                )));
            }
            Ok(ListOf::Queue(queue.arn))
        }
        SelectFrom::Array(id) => {
            let array = look(*id, tools).await?;
            let array = array.ok_or_else(|| refuse(format!("job {id} does not exist")))?;
            let why = format!("the job queue of job {id} is not in ALLOWED_QUEUES");
            allowed(tools.policy, &array.job_queue, why)?;
            if array.array_size.is_none() {
                return Err(refuse(format!("job {id} is no array job")));
            }
            Ok(ListOf::Array(*id))
        }
    }
}

fn allowed(policy: &Policy, queue_arn: &str, why: String) -> Result<(), Stop> {
    if policy.allowed_queues.contain(queue_arn) {
        Ok(())
    } else {
        Err(Stop::Refused(SelectError::NotAllowed(why)))
    }
}

impl Select {
    /// Whether a job is meant, as far as a listing tells. Those that are being ended already are not.
    fn lists(&self, job: &Listed, action: Action, before: i64) -> bool {
        let is_ending = match action {
            // Cancelling an array leaves its running children alone.
            Action::Terminate => {
                job.is_terminated || (job.is_cancelled && job.array_size.is_none())
            }
            Action::Cancel => job.is_cancelled || job.is_terminated,
        };
        self.statuses.contains(&job.status)
            && !is_ending
            && self.is_of_time(job.created_at, before)
            && self
                .job_name
                .as_ref()
                .is_none_or(|name| name.matches(&job.job_name))
            && self.is_of_share(job.share_identifier.as_deref())
            && (job.job_definition.is_none()
                || self.is_of_definition(job.job_definition.as_deref()))
    }

    /// Whether a job is meant, as far as a look at it tells, which is all but its status.
    #[must_use]
    pub fn shows(&self, job: &Seen, before: i64) -> bool {
        self.tags
            .iter()
            .all(|(key, value)| job.tags.get(key) == Some(value))
            && self.is_of_time(job.created_at, before)
            && self
                .job_name
                .as_ref()
                .is_none_or(|name| name.matches(&job.job_name))
            && self.is_of_share(job.share_identifier.as_deref())
            && self.is_of_definition(job.job_definition.as_deref())
    }

    fn is_of_time(&self, created_at: i64, before: i64) -> bool {
        created_at < before && self.is_old_enough(created_at, before)
    }

    fn is_of_share(&self, share: Option<&str>) -> bool {
        self.share_identifier.is_none() || self.share_identifier.as_deref() == share
    }

    fn is_of_definition(&self, arn: Option<&str>) -> bool {
        let wanted = self.job_definition.as_ref();
        wanted.is_none_or(|wanted| arn.is_some_and(|arn| wanted.matches_definition(arn)))
    }
}
