//! Jobs that block their queue: the head of a queue, or the job that an event names. They are looked at, and judged as
//! [`BlockedCase`] says.

use futures_util::stream::{FuturesOrdered, StreamExt};
use tokio::time::{Instant, sleep_until};

use super::{
    Chosen, Selection, SelectionQuery, Sources, error::MAY_BE_OLDER, not_looked_at, of_read,
    refuse_too_many,
};
use crate::{
    batch::{
        CallError, GetJobQueueSnapshot, JobDetail, LOOK_AGAIN, ListOf, QueueSnapshot, oldest_first,
    },
    command::RequestRefused,
    jobs::{Decision, Texts},
    look::{Look, Patience, look_at_one},
    plan::{BlockedCase, BlockedVerdict, OutcomeMessage, TagVerdict, TooSoon},
    policy::{Policy, queue_name},
    report::Outcome,
    request::{AskedId, JobId, Select},
    session::Session,
};

/// The longest part of the status reason that the reason sent to Batch repeats, in characters.
const MAX_OVERWRITTEN: usize = 300;

/// The first jobs of queues, each if it matches and blocks its queue for one of `BLOCKED_REASONS`.
pub(super) async fn heads(
    Sources { of, mut unread }: Sources,
    select: &Select,
    query: SelectionQuery,
    session: Session<'_>,
) -> Result<Selection, RequestRefused> {
    let queues = of.into_iter().filter_map(ListOf::into_queue);
    let heads = queues.map(async |queue| (head(&queue, select, query, session).await, queue));
    let mut heads: FuturesOrdered<_> = heads.collect();
    let (mut jobs, mut ignored) = (Vec::new(), Vec::new());
    while let Some((head, queue)) = heads.next().await {
        match head {
            Ok(Ok(job)) => jobs.push(job),
            Ok(Err(why)) => ignored.push(why),
            Err(error) => unread.push((Some(queue), error)),
        }
    }
    let is_read = !jobs.is_empty() || !ignored.is_empty();
    let found = of_read(unread, is_read)?;
    // Without all of them nobody knows the oldest.
    if found.partial.is_some() && query.max_jobs.is_some() {
        return Ok(found);
    }
    let is_nothing = jobs.is_empty() && found.partial.is_none();
    Ok(Selection {
        jobs: limit(jobs, query, session.policy)?,
        ignored: is_nothing.then(|| ignored.join("; ")),
        ..found
    })
}

/// At most `maxJobs` of the jobs are ended, the oldest, and at most `MAX_SELECTED`.
fn limit(
    mut jobs: Vec<Chosen>,
    query: SelectionQuery,
    policy: &Policy,
) -> Result<Vec<Chosen>, RequestRefused> {
    let age = |job: &Chosen| match (&job.decision, &job.id) {
        (Decision::End(seen, _), AskedId::Job { id, .. }) => {
            Some(oldest_first(seen.created_at, *id))
        }
        _ => None,
    };
    let mut ages: Vec<_> = jobs.iter().filter_map(age).collect();
    ages.sort_unstable();
    let max_jobs = query.max_jobs.unwrap_or(usize::MAX);
    if ages.len().min(max_jobs) > policy.max_selected {
        return Err(refuse_too_many(ages.len(), policy));
    }
    // A head that could not be looked at may be older.
    let unseen = |job: &&Chosen| match &job.decision {
        Decision::Settle(outcome, _, None) => *outcome != Outcome::NotFound,
        _ => false,
    };
    let unseen = jobs.iter().filter(unseen).count();
    let is_sure = unseen == 0 || ages.len() + unseen <= max_jobs;
    let youngest = ages.into_iter().nth(max_jobs);
    for job in &mut jobs {
        let is_over = youngest.is_some_and(|youngest| age(job).is_some_and(|age| age >= youngest));
        let Decision::End(seen, _) = &job.decision else {
            continue;
        };
        if !is_sure {
            let why = Some(MAY_BE_OLDER.into());
            job.decision = Decision::Settle(Outcome::NotAttempted, why, Some(seen.clone()));
        } else if is_over {
            job.decision = Decision::Settle(Outcome::OverLimit, None, Some(seen.clone()));
        }
    }
    Ok(jobs)
}

/// The first job of a queue's front, if it matches and blocks the queue for one of `BLOCKED_REASONS`; else why not.
async fn head(
    queue: &str,
    select: &Select,
    query: SelectionQuery,
    session: Session<'_>,
) -> Result<Result<Chosen, String>, CallError> {
    let snapshot = session.call(&GetJobQueueSnapshot(queue)).await?;
    let queue = queue_name(queue);
    let Some(head) = snapshot.first().map(|first| first.id) else {
        return Ok(Err(format!("no job in job queue {queue} is RUNNABLE")));
    };
    let (job, tags) = match look_at(head, session).await {
        Ok(seen) => seen,
        Err(decision) => return Ok(Ok(Chosen::new(head, decision))),
    };
    if !tags.is_own() || !select.matches_seen(&job, query.before) {
        let why = format!("the first job in job queue {queue} does not match the selection");
        return Ok(Err(why));
    }
    Ok(judge(query, session, &job, tags, &snapshot))
}

/// The job `id`, if it blocks its queue for one of `BLOCKED_REASONS`.
pub(crate) async fn select_blocked(
    id: JobId,
    query: SelectionQuery,
    session: Session<'_>,
) -> Selection {
    let session = session.until(session.deadline.first_of(2));
    let case = case(query, session);
    let mut looks = LOOK_AGAIN.iter();
    let (job, tags) = loop {
        let (job, tags) = match look_at(id, session).await {
            Ok(seen) => seen,
            Err(decision) => return only(Ok(Chosen::new(id, decision))),
        };
        // The job may not show yet why it waits.
        let at = match looks.next() {
            Some(after) if case.shows_no_reason(&job) => Instant::now() + *after,
            _ => break (job, tags),
        };
        if session.deadline.is_over(at) {
            break (job, tags);
        }
        sleep_until(at).await;
    };
    if !case.depends_on_position(&job, tags) {
        return only(judge(query, session, &job, tags, &QueueSnapshot::default()));
    }
    match session.call(&GetJobQueueSnapshot(&job.job_queue)).await {
        Ok(snapshot) => only(judge(query, session, &job, tags, &snapshot)),
        Err(error) => only(Ok(Chosen::new(id, not_looked_at(&error)))),
    }
}

async fn look_at(id: JobId, session: Session<'_>) -> Result<(JobDetail, TagVerdict), Decision> {
    match look_at_one(id, Patience::Again, session).await {
        Look::Seen(job, tags) => Ok((*job, tags)),
        Look::Failed(error) | Look::Unseen(error) => Err(not_looked_at(&error)),
        Look::NotFound => Err(Decision::Settle(Outcome::NotFound, None, None)),
    }
}

/// The selection of a job, or why there is none.
fn only(found: Result<Chosen, String>) -> Selection {
    let (job, ignored) = match found {
        Ok(job) => (Some(job), None),
        Err(why) => (None, Some(why)),
    };
    Selection {
        jobs: job.into_iter().collect(),
        ignored,
        ..Selection::default()
    }
}

fn case(query: SelectionQuery, session: Session<'_>) -> BlockedCase<'_> {
    BlockedCase {
        intent: query.intent,
        cause: query.cause,
        now: query.before,
        policy: session.policy,
    }
}

/// What is done with a job that may block its queue; why nothing, if it does not.
fn judge(
    query: SelectionQuery,
    session: Session<'_>,
    job: &JobDetail,
    tags: TagVerdict,
    snapshot: &QueueSnapshot,
) -> Result<Chosen, String> {
    let case = case(query, session);
    let id = job.summary.id;
    let seen = Texts::default().observe(job, Instant::now());
    let decision = match case.judge(job, tags, snapshot) {
        BlockedVerdict::NotBlocking(why) => return Err(why),
        BlockedVerdict::TooSoon(TooSoon { why, .. }) if case.is_stale() => {
            let why = format!("job {id} {why}, and the event is too old to wait any longer");
            return Err(why);
        }
        BlockedVerdict::TooSoon(too_soon) => {
            let message = say_too_soon(case, &too_soon, query.comes_again);
            Decision::Settle(Outcome::TooSoon, Some(message), Some(seen))
        }
        BlockedVerdict::Settled(outcome, message) => Decision::Settle(outcome, message, Some(seen)),
        BlockedVerdict::Ends { message, .. } => Decision::End(seen, Some(message)),
    };
    let overwritten = job.summary.status_reason.as_deref().unwrap_or_default();
    Ok(Chosen {
        overwrites: Some(overwritten.chars().take(MAX_OVERWRITTEN).collect()),
        ..Chosen::new(id, decision)
    })
}

fn say_too_soon(case: BlockedCase<'_>, too_soon: &TooSoon, comes_again: bool) -> OutcomeMessage {
    let again = match (case.cause.at(), comes_again) {
        (Some(_), false) => {
            "; nothing brings this event again: send it through a queue that delays it by \
             BLOCKED_FOR, as the template does"
        }
        _ => "",
    };
    format!("{}{again}", case.say_too_soon(too_soon)).into()
}
