//! Jobs that block their queue: the head of a queue, or the job that an event names. They are looked at, and judged as
//! [`Dwell`] says.

use tokio::time::{Instant, sleep_until};

use super::{Chosen, SelectError, Selection, SelectionQuery, not_looked_at, partial_or_refused};
use crate::{
    batch::{GetJobQueueSnapshot, JobDetail, LOOK_AGAIN, QueueSnapshot},
    jobs::{Decision, Texts},
    look::{Look, Patience, look_at_one},
    plan::{Blocking, Dwell, Message, NotEnded, Plan, Standing, Told, because, blocking, plan_job},
    policy::Policy,
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
    told: Told,
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
    let judgement = Judgement {
        told,
        query,
        policy: session.policy,
    };
    Ok(judgement.judge(&job, standing, &snapshot))
}

/// The job `id`, if it blocks its queue for one of `BLOCKED_REASONS`.
pub(super) async fn blocked_job(
    id: JobId,
    told: Told,
    query: SelectionQuery,
    session: Session<'_>,
) -> Selection {
    let judgement = Judgement {
        told,
        query,
        policy: session.policy,
    };
    let mut looks = LOOK_AGAIN.iter();
    let (job, standing) = loop {
        let (job, standing) = match look_at(id, session).await {
            Ok(seen) => seen,
            Err(decision) => return chosen(id, decision),
        };
        // The job may not show yet why it waits.
        let at = match looks.next() {
            Some(after) if blocking(&job, session.policy) == Blocking::NoReason => {
                Instant::now() + *after
            }
            _ => break (job, standing),
        };
        if session.deadline.is_over(at) {
            break (job, standing);
        }
        sleep_until(at).await;
    };
    if !judgement.depends_on_position(&job, standing) {
        return judgement.judge(&job, standing, &QueueSnapshot::default());
    }
    match session.call(&GetJobQueueSnapshot(&job.job_queue)).await {
        Ok(snapshot) => judgement.judge(&job, standing, &snapshot),
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

/// What a job that may block its queue is judged by.
struct Judgement<'a> {
    told: Told,
    query: SelectionQuery,
    policy: &'a Policy,
}

impl Judgement<'_> {
    /// Whether its position decides, and the queue has to be asked.
    fn depends_on_position(&self, job: &JobDetail, standing: Standing) -> bool {
        let plan = plan_job(self.query.intent, job, standing, self.policy);
        let is_settled = matches!(plan, Plan::Settle(outcome, _) if outcome.ends_blocking());
        !is_settled && matches!(blocking(job, self.policy), Blocking::Matches(_))
    }

    fn judge(&self, job: &JobDetail, standing: Standing, snapshot: &QueueSnapshot) -> Selection {
        let id = job.summary.id;
        let observation = Texts::default().observe(job, Instant::now());
        let plan = plan_job(self.query.intent, job, standing, self.policy);
        // An event that is delivered again gets the same answer.
        if let Plan::Settle(outcome, message) = &plan
            && outcome.ends_blocking()
        {
            let decision = Decision::Settle(*outcome, message.clone(), Some(observation));
            return chosen(id, decision);
        }
        let because = match self.dwell().pattern(job, snapshot) {
            Ok(pattern) => because(job, &pattern),
            Err(NotEnded::NotBlocking(why)) => return ignored(why),
            Err(NotEnded::TooSoon { why, .. }) if self.dwell().is_stale() => {
                let why = format!("job {id} {why}, and the event is too old to wait any longer");
                return ignored(why);
            }
            Err(NotEnded::TooSoon { why, until }) => {
                let message = self.too_soon(&why, until);
                let decision = Decision::Settle(Outcome::TooSoon, Some(message), Some(observation));
                return chosen(id, decision);
            }
        };
        let decision = match plan {
            Plan::Settle(outcome, message) => Decision::Settle(outcome, message, Some(observation)),
            Plan::End => Decision::End(observation, Some(because)),
        };
        let overwritten = job.summary.status_reason.as_deref().unwrap_or_default();
        Selection {
            overwrites: Some(overwritten.chars().take(MAX_OVERWRITTEN).collect()),
            ..chosen(id, decision)
        }
    }

    fn dwell(&self) -> Dwell<'_> {
        Dwell {
            told: self.told,
            now: self.query.before,
            policy: self.policy,
        }
    }

    fn too_soon(&self, why: &str, until: Option<i64>) -> Message {
        let again = match (self.told.at, self.told.comes_again) {
            (Some(_), false) => {
                "; nothing brings this event again: send it through a queue that delays it by \
                 BLOCKED_FOR, as the template does"
            }
            _ => "",
        };
        format!("{}{again}", self.dwell().say_too_soon(why, until)).into()
    }
}
