//! Jobs that block their queue: the head of a queue, or the job that an event names. They are looked at, and judged as
//! [`BlockedCase`] says.

use tokio::time::{Instant, sleep_until};

use super::{Chosen, Selection, SelectionQuery, not_looked_at, partial_or_refused};
use crate::{
    batch::{GetJobQueueSnapshot, JobDetail, LOOK_AGAIN, QueueSnapshot},
    command::RequestRefused,
    jobs::{Decision, Texts},
    look::{Look, Patience, look_at_one},
    plan::{BlockedCase, Message, Standing, TooSoon, Verdict},
    report::Outcome,
    request::{AskedId, JobId, Select},
    session::Session,
};

/// The longest part of the status reason that the reason sent to Batch repeats, in characters.
const MAX_OVERWRITTEN: usize = 300;

/// The first job of a queue's front, if it matches and blocks the queue for one of `BLOCKED_REASONS`.
pub(super) async fn head(
    queue: &str,
    select: &Select,
    query: SelectionQuery,
    session: Session<'_>,
) -> Result<Selection, RequestRefused> {
    let snapshot = match session.call(&GetJobQueueSnapshot(queue)).await {
        Ok(snapshot) => snapshot,
        Err(error) => return partial_or_refused(error, Selection::default()),
    };
    let Some(head) = snapshot.first().map(|first| first.id) else {
        return Ok(ignored(format!("no job in {} is RUNNABLE", select.from)));
    };
    let (job, standing) = match look_at(head, session).await {
        Ok(seen) => seen,
        Err(decision) => return Ok(chosen(head, decision)),
    };
    if !standing.is_own() || !select.matches_described(&job, query.before) {
        let why = format!(
            "the first job in {} does not match the selection",
            select.from
        );
        return Ok(ignored(why));
    }
    Ok(judge(query, session, &job, standing, &snapshot))
}

/// The job `id`, if it blocks its queue for one of `BLOCKED_REASONS`.
pub(super) async fn blocked_job(
    id: JobId,
    query: SelectionQuery,
    session: Session<'_>,
) -> Selection {
    let case = case(query, session);
    let mut looks = LOOK_AGAIN.iter();
    let (job, standing) = loop {
        let (job, standing) = match look_at(id, session).await {
            Ok(seen) => seen,
            Err(decision) => return chosen(id, decision),
        };
        // The job may not show yet why it waits.
        let at = match looks.next() {
            Some(after) if case.shows_no_reason(&job) => Instant::now() + *after,
            _ => break (job, standing),
        };
        if session.deadline.is_over(at) {
            break (job, standing);
        }
        sleep_until(at).await;
    };
    if !case.depends_on_position(&job, standing) {
        return judge(query, session, &job, standing, &QueueSnapshot::default());
    }
    match session.call(&GetJobQueueSnapshot(&job.job_queue)).await {
        Ok(snapshot) => judge(query, session, &job, standing, &snapshot),
        Err(error) => chosen(id, not_looked_at(&error)),
    }
}

async fn look_at(id: JobId, session: Session<'_>) -> Result<(JobDetail, Standing), Decision> {
    match look_at_one(id, Patience::Again, session).await {
        Look::Seen(job, standing) => Ok((*job, standing)),
        Look::Failed(error) | Look::Unseen(error) => Err(not_looked_at(&error)),
        Look::NotFound => Err(Decision::Settle(Outcome::NotFound, None, None)),
    }
}

fn ignored(why: String) -> Selection {
    Selection {
        ignored: Some(why),
        ..Selection::default()
    }
}

fn chosen(id: JobId, decision: Decision) -> Selection {
    Selection {
        jobs: vec![Chosen {
            id: AskedId::known(id),
            decision,
        }],
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

/// What is done with a job that may block its queue.
fn judge(
    query: SelectionQuery,
    session: Session<'_>,
    job: &JobDetail,
    standing: Standing,
    snapshot: &QueueSnapshot,
) -> Selection {
    let case = case(query, session);
    let id = job.summary.id;
    let seen = Texts::default().observe(job, Instant::now());
    let decision = match case.judge(job, standing, snapshot) {
        Verdict::NotBlocking(why) => return ignored(why),
        Verdict::TooSoon(TooSoon { why, .. }) if case.is_stale() => {
            let why = format!("job {id} {why}, and the event is too old to wait any longer");
            return ignored(why);
        }
        Verdict::TooSoon(too_soon) => {
            let message = say_too_soon(case, &too_soon, query.comes_again);
            Decision::Settle(Outcome::TooSoon, Some(message), Some(seen))
        }
        Verdict::Settled(outcome, message) => Decision::Settle(outcome, message, Some(seen)),
        Verdict::Ends { message, .. } => Decision::End(seen, Some(message)),
    };
    let overwritten = job.summary.status_reason.as_deref().unwrap_or_default();
    Selection {
        overwrites: Some(overwritten.chars().take(MAX_OVERWRITTEN).collect()),
        ..chosen(id, decision)
    }
}

fn say_too_soon(case: BlockedCase<'_>, too_soon: &TooSoon, comes_again: bool) -> Message {
    let again = match (case.cause.at(), comes_again) {
        (Some(_), false) => {
            "; nothing brings this event again: send it through a queue that delays it by \
             BLOCKED_FOR, as the template does"
        }
        _ => "",
    };
    format!("{}{again}", case.say_too_soon(too_soon)).into()
}
