//! Looks at many jobs before anything is decided about them, a few calls at a time.

use std::collections::{BTreeSet, HashMap, VecDeque};

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::{Instant, sleep_until};

use crate::{
    batch::{CallError, DESCRIBE_LIMIT, DescribeJobs, Described, ErrorKind, JobDetail, LOOK_AGAIN},
    plan::Standing,
    request::JobId,
    session::Session,
};

/// What a look has found of a job.
#[derive(Debug)]
pub(super) enum Look {
    /// This, and what its tags and those of its array say.
    Seen(Box<JobDetail>, Standing),
    /// Batch does not know it, also when asked again.
    NotFound,
    /// The look failed.
    Failed(CallError),
}

/// Looks at jobs and hands each to `each`, in no order. The tags of an array count for its children.
pub(super) async fn look(
    ids: impl IntoIterator<Item = JobId>,
    session: Session<'_>,
    mut each: impl FnMut(JobId, Look),
) {
    let ids: BTreeSet<JobId> = ids.into_iter().collect();
    let parents: BTreeSet<JobId> = ids.iter().filter_map(|id| id.parent()).collect();
    let standing = |job: &JobDetail| Standing::of(job, session.policy, session.owner);
    let mut arrays: HashMap<JobId, Result<Standing, CallError>> = HashMap::new();
    let mut keep = |id, job: Result<Option<JobDetail>, CallError>| {
        let array = job.and_then(|job| job.as_ref().map(standing).ok_or_else(array_not_shown));
        arrays.insert(id, array);
    };
    look_at(parents, session, &mut keep).await;
    let mut hand_on = |id: JobId, job: Result<Option<JobDetail>, CallError>| {
        let array = id.parent().map(|parent| arrays.get(&parent).cloned());
        let look = match (job, array) {
            (Err(error), _) | (Ok(Some(_)), Some(Some(Err(error)))) => Look::Failed(error),
            (Ok(None), _) => Look::NotFound,
            (Ok(Some(_)), Some(None)) => Look::Failed(array_not_shown()),
            (Ok(Some(job)), Some(Some(Ok(array)))) => {
                let standing = standing(&job).in_array(array);
                Look::Seen(Box::new(job), standing)
            }
            (Ok(Some(job)), None) => {
                let standing = standing(&job);
                Look::Seen(Box::new(job), standing)
            }
        };
        each(id, look);
    };
    look_at(ids, session, &mut hand_on).await;
}

/// Batch shows a child, and not its array, whose tags nobody knows then.
fn array_not_shown() -> CallError {
    CallError::unknown("Batch does not show its array parent, whose tags count for it")
}

async fn look_at(
    ids: BTreeSet<JobId>,
    session: Session<'_>,
    each: &mut impl FnMut(JobId, Result<Option<JobDetail>, CallError>),
) {
    let mut missing = look_once(ids.into_iter().collect(), session, each).await;
    for after in LOOK_AGAIN {
        let at = Instant::now() + after;
        if missing.is_empty() || session.deadline.is_over(at) {
            break;
        }
        sleep_until(at).await;
        missing = look_once(missing, session, each).await;
    }
    for id in missing {
        each(id, Ok(None));
    }
}

/// Looks at jobs once, and returns those that Batch does not show.
async fn look_once(
    ids: Vec<JobId>,
    session: Session<'_>,
    each: &mut impl FnMut(JobId, Result<Option<JobDetail>, CallError>),
) -> Vec<JobId> {
    let (services, jobs): (Vec<JobId>, Vec<JobId>) =
        ids.into_iter().partition(|id| id.is_service_job());
    let services = services.into_iter().map(|id| vec![id]);
    let chunks = jobs.chunks(DESCRIBE_LIMIT).map(<[JobId]>::to_vec);
    let mut waiting: VecDeque<Vec<JobId>> = services.chain(chunks).collect();
    let mut in_flight = FuturesUnordered::new();
    let mut missing = Vec::new();
    loop {
        while in_flight.len() < session.pace.concurrency()
            && let Some(ids) = waiting.pop_front()
        {
            in_flight.push(async move {
                let answer = describe(&ids, session).await;
                (ids, answer)
            });
        }
        let Some((mut ids, answer)) = in_flight.next().await else {
            return missing;
        };
        match answer {
            Ok(Described { jobs, unreadable }) => {
                let mut unseen: BTreeSet<JobId> = ids.into_iter().collect();
                for (id, error) in unreadable {
                    if unseen.remove(&id) {
                        each(id, Err(error));
                    }
                }
                for job in jobs {
                    if unseen.remove(&job.summary.id) {
                        each(job.summary.id, Ok(Some(job)));
                    }
                }
                missing.extend(unseen);
            }
            // One of the ids is at fault: the halves tell which.
            Err(error) if error.kind == ErrorKind::Refused && ids.len() > 1 => {
                let second = ids.split_off(ids.len() / 2);
                waiting.extend([ids, second]);
            }
            Err(error) => ids.into_iter().for_each(|id| each(id, Err(error.clone()))),
        }
    }
}

async fn describe(ids: &[JobId], session: Session<'_>) -> Result<Described, CallError> {
    match ids {
        &[id] if id.is_service_job() => Ok(session.look(id).await?.into_iter().collect()),
        ids => session.call(&DescribeJobs(ids)).await,
    }
}
