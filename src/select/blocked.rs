//! Jobs that block their queue: the head of a queue, or the job that an event names.

use tokio::time::Instant;

use super::{
    Chosen, SelectError, Selection, SelectionQuery,
    look::{Look, look},
    not_looked_at, partial_or_refused,
};
use crate::{
    batch::{GetJobQueueSnapshot, JobDetail},
    jobs::{Decision, Texts},
    plan::{Plan, blocked, plan_job},
    report::Outcome,
    request::{AskedId, JobId, Select},
    session::Session,
};

/// The first job of a queue's front, if it matches and blocks the queue for one of `BLOCKED_REASONS`.
pub(super) async fn head(
    queue: &str,
    select: &Select,
    query: SelectionQuery,
    session: Session<'_>,
) -> Result<Selection, SelectError> {
    let snapshot = match session.call(&GetJobQueueSnapshot(queue)).await {
        Ok(snapshot) => snapshot,
        Err(error) => return partial_or_refused(error, Selection::default()),
    };
    let Some(head) = snapshot.first().map(|first| first.id) else {
        return Ok(ignored(format!("no job in {} is RUNNABLE", select.from)));
    };
    let mut seen = None;
    look([head], session, |_, look| seen = Some(look)).await;
    Ok(match seen {
        Some(Look::Seen(job, _)) if !select.matches_described(&job, query.before) => {
            ignored(format!(
                "the first job in {} does not match the selection",
                select.from
            ))
        }
        seen => decide(head, seen, query, session),
    })
}

/// The job `id`, if it blocks its queue for one of `BLOCKED_REASONS`.
pub(super) async fn blocked_job(
    id: JobId,
    query: SelectionQuery,
    session: Session<'_>,
) -> Selection {
    let mut seen = None;
    look([id], session, |_, look| seen = Some(look)).await;
    decide(id, seen, query, session)
}

fn ignored(why: String) -> Selection {
    Selection {
        ignored: Some(why),
        ..Selection::default()
    }
}

fn decide(id: JobId, seen: Option<Look>, query: SelectionQuery, session: Session<'_>) -> Selection {
    let decision = match seen {
        Some(Look::Seen(job, protected)) => match judge(&job, protected, query, session) {
            Ok(decision) => decision,
            Err(why) => return ignored(why),
        },
        Some(Look::Failed(error)) => not_looked_at(&error),
        Some(Look::NotFound) | None => Decision::Settle(Outcome::NotFound, None, None),
    };
    Selection {
        jobs: vec![Chosen {
            id: AskedId::known(id),
            decision,
        }],
        ..Selection::default()
    }
}

/// What to do with a job that may block its queue, or why nothing.
fn judge(
    job: &JobDetail,
    protected: bool,
    query: SelectionQuery,
    session: Session<'_>,
) -> Result<Decision, String> {
    let observation = Texts::default().observe(job, Instant::now());
    let plan = plan_job(query.intent, job, protected, session.policy);
    let is_blocked = blocked(job, session.policy);
    match plan {
        // An event that is delivered again gets the same answer.
        Plan::Settle(
            outcome @ (Outcome::QueueNotAllowed
            | Outcome::Cancelled
            | Outcome::Cancelling
            | Outcome::Terminated
            | Outcome::Terminating),
            message,
        ) => Ok(Decision::Settle(outcome, message, Some(observation))),
        Plan::Settle(outcome, message) => {
            is_blocked.map(|_| Decision::Settle(outcome, message, Some(observation)))
        }
        Plan::End => is_blocked.map(|because| Decision::End(observation, Some(because))),
    }
}
