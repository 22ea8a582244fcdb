//! From a selection to jobs: lists a queue or an array first, to the end, before anything is acted on.

mod sweep;

use tokio::time::Instant;

use crate::{
    batch::{CallError, DescribeJobQueue, ErrorKind, HeadOfQueue, JobDetail, JobSummary, ListOf},
    policy::Policy,
    report::Partial,
    request::{Action, JobId, Select, SelectFrom},
    session::Session,
};
use sweep::Sweep;

/// The jobs that a selection has found.
#[derive(Debug, Default)]
pub struct Selection {
    /// The jobs, each once.
    pub jobs: Vec<Candidate>,
    /// Why the listing could not be brought to its end.
    pub partial: Option<Partial>,
}

/// A job that a listing shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The job.
    pub id: JobId,
    /// When it was created, in milliseconds since 1970.
    pub created_at: Option<i64>,
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
pub struct SelectionQuery<'a> {
    /// The conditions.
    pub select: &'a Select,
    /// What is to be done with the jobs.
    pub action: Action,
    /// Only jobs that were created before then, in milliseconds since 1970, count.
    pub before: i64,
    /// More jobs than this are refused. A listing ends as soon as it has found more.
    pub max: Option<usize>,
}

/// Finds the jobs that are meant, until `session.deadline.instant()` at the latest.
///
/// # Errors
///
/// When the selection is refused. A listing that fails midway or runs out of time is partial.
pub async fn select(
    wanted: SelectionQuery<'_>,
    session: Session<'_>,
) -> Result<Selection, SelectError> {
    let of = match place(wanted.select, session).await {
        Ok(of) => of,
        Err(Stop::Refused(why)) => return Err(why),
        Err(Stop::Call(error)) => return unlisted(error, session),
    };
    let (ListOf::Queue(queue), true) = (&of, wanted.select.head) else {
        return Sweep::new(wanted, of).run(session).await;
    };
    let head = session.call(&HeadOfQueue(queue)).await;
    match head {
        Ok(head) => Ok(Selection {
            jobs: head
                .map(|id| Candidate {
                    id,
                    created_at: None,
                })
                .into_iter()
                .collect(),
            partial: None,
        }),
        Err(error) => unlisted(error, session),
    }
}

/// A call that failed: for good, or so that another try may help.
fn unlisted(error: CallError, session: Session<'_>) -> Result<Selection, SelectError> {
    let partial = partial(&error, session);
    match error.kind {
        ErrorKind::Denied => Err(SelectError::Denied(error.message)),
        ErrorKind::Refused => Err(SelectError::Refused(error.message)),
        _ => Ok(Selection {
            partial: Some(partial),
            ..Selection::default()
        }),
    }
}

/// Why a listing that this error ended is partial.
fn partial(error: &CallError, session: Session<'_>) -> Partial {
    match error.kind {
        ErrorKind::Throttled => Partial::Throttled,
        _ if Instant::now() >= session.deadline.instant() => Partial::OutOfTime,
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
async fn place(select: &Select, session: Session<'_>) -> Result<ListOf, Stop> {
    let refuse = |why: String| Stop::Refused(SelectError::Refused(why));
    match &select.from {
        SelectFrom::Queue(name) => {
            let queue = session.call(&DescribeJobQueue(name)).await?;
            let queue = queue.ok_or_else(|| refuse(format!("job queue {name} does not exist")))?;
            allowed(
                session.policy,
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
            let array = session.look(*id).await?;
            let array = array.ok_or_else(|| refuse(format!("job {id} does not exist")))?;
            let why = format!("the job queue of job {id} is not in ALLOWED_QUEUES");
            allowed(session.policy, &array.job_queue, why)?;
            if array.summary.array_size.is_none() {
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
    /// Whether a job matches as far as a listing tells, its status included. Those that are being ended already do not.
    fn lists(&self, job: &JobSummary, action: Action, before: i64) -> bool {
        let is_ending = match action {
            // Cancelling an array leaves its running children alone.
            Action::Terminate => {
                job.is_terminated || (job.is_cancelled && job.array_size.is_none())
            }
            Action::Cancel => job.is_cancelled || job.is_terminated,
        };
        self.statuses.contains(&job.status) && !is_ending && self.matches(job, before)
    }

    /// Whether a job matches, as far as a look at it tells, which is all but its status.
    #[must_use]
    pub fn shows(&self, job: &JobDetail, before: i64) -> bool {
        let has = |(key, value): (&String, &String)| job.tags.get(key) == Some(value);
        let is_defined = job.summary.job_definition.is_some() || self.job_definition.is_none();
        self.tags.iter().all(has) && is_defined && self.matches(&job.summary, before)
    }

    /// Whether a job matches, as far as its summary tells. A listing leaves some definitions out.
    fn matches(&self, job: &JobSummary, before: i64) -> bool {
        let is_defined = |definition: &String| {
            let wanted = self.job_definition.as_ref();
            wanted.is_none_or(|wanted| wanted.matches_definition(definition))
        };
        let name = self.job_name.as_ref();
        let share = self.share_identifier.as_ref();
        job.created_at.is_none_or(|created_at| created_at < before)
            && self.is_old_enough(job.created_at, before)
            && name.is_none_or(|name| name.matches(&job.job_name))
            && (share.is_none() || share == job.share_identifier.as_ref())
            && job.job_definition.as_ref().is_none_or(is_defined)
    }
}
