//! Which jobs a request is about, where its ids alone do not tell: all that is conditional is decided here, before
//! anything is acted on. What comes out is definite: a list of jobs, and what to do with each.

mod blocked;
mod error;
mod limit;
mod list;
mod matches;

use tokio::time::Instant;

use crate::{
    batch::{CallError, ListOf},
    command::RequestRefused,
    jobs::Decision,
    plan::{Intent, Standing, not_owner},
    policy::queue_name,
    report::Partial,
    request::{AskedId, Cause, JobId, Select, SelectFrom},
    session::{QueueError, Session},
};

use error::{not_looked_at, partial, partial_by_look, partial_or_refused, refuse_too_many};
use limit::Finder;

/// The jobs of a request, and what to do with each.
#[derive(Debug, Default)]
pub struct Selection {
    /// The jobs of which nothing is known yet: they are to be looked at.
    pub unseen: Vec<AskedId>,
    /// The jobs about which something is decided already.
    pub jobs: Vec<Chosen>,
    /// How many more match, and are left alone because of `maxJobs`. They were not looked at.
    pub over_limit: usize,
    /// Why not all jobs that match could be found.
    pub partial: Option<Partial>,
    /// Why there is nothing to do.
    pub ignored: Option<String>,
    /// The beginning of the status reason that the reason sent to Batch overwrites, if that is worth repeating.
    pub overwrites: Option<String>,
}

/// A job, and what to do with it.
#[derive(Debug)]
pub struct Chosen {
    /// The job.
    pub id: AskedId,
    /// What to do with it.
    pub decision: Decision,
}

/// A job that a listing shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Candidate {
    id: JobId,
    /// When it was created, in milliseconds since 1970.
    created_at: Option<i64>,
    /// How many jobs it stands for: an array parent counts as its size.
    size: usize,
}

/// A selection to be made.
#[derive(Clone, Copy, Debug)]
pub struct SelectionQuery {
    /// What to do with the jobs.
    pub intent: Intent,
    /// Act on at most this many jobs, the oldest first.
    pub max_jobs: Option<usize>,
    /// Only jobs that were created before then count, in milliseconds since 1970.
    pub before: i64,
    /// Through what it is asked.
    pub cause: Cause,
    /// Something brings the event again when it comes too soon.
    pub comes_again: bool,
}

/// The jobs of `ids`, of which at most `maxJobs` are acted on.
pub async fn select_ids(
    ids: Vec<AskedId>,
    query: SelectionQuery,
    session: Session<'_>,
) -> Selection {
    Finder::new(query, session).limit_ids(ids).await
}

/// The job `id`, if it blocks its queue for one of `BLOCKED_REASONS`.
pub async fn select_blocked(id: JobId, query: SelectionQuery, session: Session<'_>) -> Selection {
    blocked::blocked_job(id, query, session).await
}

/// The jobs that match a selection.
///
/// # Errors
///
/// When the selection is refused. A listing that fails midway or runs out of time is partial.
pub async fn select(
    select: &Select,
    query: SelectionQuery,
    session: Session<'_>,
) -> Result<Selection, RequestRefused> {
    let of = match list_of(select, session).await {
        Ok(of) => of,
        Err(Stop::Refused(why)) => return Err(why),
        Err(Stop::Call(error)) => return partial_or_refused(error, Selection::default()),
    };
    if let (ListOf::Queue(queue), true) = (&of, select.head) {
        return blocked::head(queue, select, query, session).await;
    }
    let max_selected = session.policy.max_selected;
    // What `maxJobs` cuts to few enough need not be counted, and what only a look can tell may leave few of many.
    let looks = select.needs_looks() || is_of_others_too(&of, session);
    let is_counted = query.max_jobs.is_none_or(|max| max > max_selected);
    let most = (is_counted && !looks).then_some(max_selected);
    let listing = if looks {
        session.until(session.deadline.half())
    } else {
        session
    };
    let (candidates, partial) = list::list(select, query, of, most, listing).await?;
    let found = Selection {
        partial,
        ..Selection::default()
    };
    let finder = Finder::new(query, session);
    let mut found = match query.max_jobs {
        // Without the whole list nobody knows the oldest.
        Some(_) if partial.is_some() => found,
        Some(max) => {
            let most = (is_counted && looks).then_some(max_selected);
            finder.oldest(select, candidates, max, most).await?
        }
        None if looks => finder.all(select, candidates, found).await?,
        None => Selection {
            unseen: candidates
                .iter()
                .map(|job| AskedId::known(job.id))
                .collect(),
            ..found
        },
    };
    let is_empty = found.unseen.is_empty() && found.jobs.is_empty();
    if is_empty && found.over_limit == 0 && found.partial.is_none() {
        found.ignored = Some(format!("no job in {} matches the selection", select.from));
    }
    Ok(found)
}

/// Whether a listing shows jobs that are not the caller's. It has no tags, so only looks tell; of an array, one look at the
/// array did.
fn is_of_others_too(of: &ListOf, session: Session<'_>) -> bool {
    session.owner.is_restricted() && matches!(of, ListOf::Queue(_))
}

enum Stop {
    Refused(RequestRefused),
    Call(CallError),
}

impl From<QueueError> for Stop {
    fn from(error: QueueError) -> Self {
        let why = error.to_string();
        Self::Refused(match error {
            QueueError::Call(error) => return Self::Call(error),
            QueueError::NotFound(_) | QueueError::NotAllowed(_) => RequestRefused::NoQueue(why),
            QueueError::OfServiceJobs(_) | QueueError::Token(_) => RequestRefused::Refused(why),
        })
    }
}

impl From<CallError> for Stop {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

/// What to list, if it exists and the policy allows it.
async fn list_of(select: &Select, session: Session<'_>) -> Result<ListOf, Stop> {
    let refuse = |why: String| Stop::Refused(RequestRefused::Refused(why));
    match &select.from {
        SelectFrom::Queue(name) => {
            let queue = session.queue_to_list(name).await;
            queue
                .map(|queue| ListOf::Queue(queue.arn))
                .map_err(Stop::from)
        }
        SelectFrom::Array(id) => {
            let array = session.look(*id).await?;
            let array = array.ok_or_else(|| refuse(format!("job {id} does not exist")))?;
            if !session.policy.allowed_queues.contain(&array.job_queue) {
                let queue = queue_name(&array.job_queue).to_owned();
                let why = format!("job {id}: {}", QueueError::NotAllowed(queue));
                return Err(Stop::Refused(RequestRefused::NoQueue(why)));
            }
            let standing = Standing::of(&array, session.policy, session.owner);
            if let Some(why) = not_owner(standing.ownership, session.policy) {
                return Err(refuse(format!("job {id}: notOwner: {why}")));
            }
            if array.summary.array_size.is_none() {
                return Err(refuse(format!("job {id} is no array job")));
            }
            Ok(ListOf::Array(*id))
        }
    }
}

/// Whether the time of a session is over.
fn is_over(session: Session<'_>) -> bool {
    session.deadline.is_over(Instant::now())
}
