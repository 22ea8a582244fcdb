//! Where a selection lists jobs: the job queues that it names or whose names match its patterns, or an array.

use std::collections::HashSet;

use thiserror::Error;

use super::error::Unread;
use crate::{
    batch::{CallError, ErrorKind, JobQueue, ListOf},
    command::RequestRefused,
    plan::{TagVerdict, not_owner},
    policy::{Queues, queue_name},
    request::{JobId, Select, SelectFrom},
    session::{QueueError, Session, to_list},
};

/// What to list.
#[derive(Debug, Default)]
pub(super) struct Sources {
    pub(super) of: Vec<ListOf>,
    /// What else was asked for, and could not be found out.
    pub(super) unread: Vec<Unread>,
}

/// Why nothing can be listed.
#[derive(Debug, Error)]
pub(super) enum Stop {
    #[error("{0}")]
    Refused(#[from] RequestRefused),
    #[error("{0}")]
    Call(#[from] CallError),
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

/// What to list, if it exists and the policy allows it.
pub(super) async fn sources(select: &Select, session: Session<'_>) -> Result<Sources, Stop> {
    let one = match &select.from {
        SelectFrom::Queue(name) => ListOf::Queue(session.queue_to_list(name).await?.arn),
        SelectFrom::Queues(asked) => return queues(asked, session).await,
        SelectFrom::Array(id) => {
            check_array(*id, session).await?;
            ListOf::Array(*id)
        }
    };
    let (of, unread) = (vec![one], Vec::new());
    Ok(Sources { of, unread })
}

/// Job queues by their names, ARNs and patterns, in this order, each once. Patterns leave out queues of service jobs.
async fn queues(asked: &[String], session: Session<'_>) -> Result<Sources, Stop> {
    let (patterns, names): (Vec<&String>, Vec<&String>) =
        asked.iter().partition(|text| text.contains('*'));
    let names: Vec<String> = names.into_iter().cloned().collect();
    let mut found: Vec<JobQueue> = Vec::new();
    let mut unread: Vec<Unread> = Vec::new();
    for (queue, name) in session.queues(&names).await.into_iter().zip(names) {
        match queue.and_then(|queue| to_list(&name, queue)) {
            Ok(queue) => found.push(queue),
            // Batch answers so for what is no name: it would not be otherwise another time.
            Err(QueueError::Call(error)) if error.kind == ErrorKind::Refused => {
                return Err(Stop::Refused(RequestRefused::NoQueue(error.message)));
            }
            Err(QueueError::Call(error)) => unread.push((Some(name), error)),
            Err(refused) => return Err(refused.into()),
        }
    }
    if !patterns.is_empty() {
        let (allowed, error) = session.allowed_queues().await;
        for pattern in patterns {
            let matching = Queues::parse(pattern);
            let matches = |queue: &&JobQueue| matching.contain(&queue.arn);
            let matching: Vec<&JobQueue> = allowed.iter().filter(matches).collect();
            match &error {
                Some(error) => unread.push((Some(pattern.clone()), error.clone())),
                None if matching.is_empty() => return Err(Stop::Refused(none_matches(pattern))),
                None if matching.iter().all(|queue| queue.is_of_service_jobs) => {
                    return Err(QueueError::OfServiceJobs(pattern.clone()).into());
                }
                None => {}
            }
            let listed = matching.into_iter();
            found.extend(listed.filter(|queue| !queue.is_of_service_jobs).cloned());
        }
    }
    let mut known = HashSet::new();
    found.retain(|queue| known.insert(queue.arn.clone()));
    let of = found.into_iter().map(|queue| ListOf::Queue(queue.arn));
    let of = of.collect();
    Ok(Sources { of, unread })
}

fn none_matches(pattern: &str) -> RequestRefused {
    RequestRefused::NoQueue(format!(
        "no job queue that exists and is in ALLOWED_QUEUES (parameter AllowedJobQueues) matches {pattern:?}"
    ))
}

/// Whether the children of an array may be listed.
async fn check_array(id: JobId, session: Session<'_>) -> Result<(), Stop> {
    let refuse = |why: String| Err(Stop::Refused(RequestRefused::Refused(why)));
    let Some(array) = session.look(id).await? else {
        return refuse(format!("job {id} does not exist"));
    };
    if !session.policy.allowed_queues.contain(&array.job_queue) {
        let queue = queue_name(&array.job_queue).to_owned();
        let why = format!("job {id}: {}", QueueError::NotAllowed(queue));
        return Err(Stop::Refused(RequestRefused::NoQueue(why)));
    }
    let tags = TagVerdict::of(&array, session.policy, session.owner);
    if let Some(why) = not_owner(tags.ownership, session.policy) {
        return refuse(format!("job {id}: notOwner: {why}"));
    }
    if array.summary.array_size.is_none() {
        return refuse(format!("job {id} is no array job"));
    }
    Ok(())
}
