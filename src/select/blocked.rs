//! Jobs that block their queue: the head of a queue, or the job that an event names. A healthy queue that scales up shows
//! the same reasons for minutes, so a job is ended only if it blocks now, and is seen to have blocked for `BLOCKED_FOR`.

use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::{Instant, sleep_until};

use super::{
    Chosen, SelectError, Selection, SelectionQuery,
    look::{LOOK_AGAIN, Look, look},
    not_looked_at, partial_or_refused,
};
use crate::{
    batch::{GetJobQueueSnapshot, JobDetail, Position, QueueSnapshot},
    jobs::{Decision, Texts},
    plan::{Blocking, Message, Plan, blocking, plan_job},
    policy::Policy,
    report::Outcome,
    request::{AskedId, JobId, Select},
    session::Session,
};

/// An event or alarm stops waiting for its job's time when it is this many times `BLOCKED_FOR` old…
const PATIENCE: u32 = 3;

/// … and at least this old.
const LEAST_PATIENCE: Duration = Duration::from_mins(30);

/// The longest part of the status reason that the reason sent to Batch repeats, in characters.
const MAX_OVERWRITTEN: usize = 300;

/// What an event tells of a job that blocks its queue.
#[derive(Clone, Copy, Debug, Default)]
pub struct Told {
    /// When the event or alarm happened, in milliseconds since 1970.
    pub at: Option<i64>,
    /// The event named the job, and its age counts: it is the first of the two times that the job is seen to block.
    pub names_job: bool,
    /// Something brings the event again when it comes too soon.
    pub comes_again: bool,
}

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
    let (job, protected) = match look_at(head, session).await {
        Ok(seen) => seen,
        Err(decision) => return Ok(chosen(head, decision)),
    };
    if !select.matches_described(&job, query.before) {
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
    Ok(judgement.judge(&job, protected, &snapshot))
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
    let (job, protected) = loop {
        let (job, protected) = match look_at(id, session).await {
            Ok(seen) => seen,
            Err(decision) => return chosen(id, decision),
        };
        // The job may not show yet why it waits.
        let at = match looks.next() {
            Some(after) if blocking(&job, session.policy) == Blocking::NoReason => {
                Instant::now() + *after
            }
            _ => break (job, protected),
        };
        if session.deadline.is_over(at) {
            break (job, protected);
        }
        sleep_until(at).await;
    };
    if !judgement.depends_on_position(&job, protected) {
        return judgement.judge(&job, protected, &QueueSnapshot::default());
    }
    match session.call(&GetJobQueueSnapshot(&job.job_queue)).await {
        Ok(snapshot) => judgement.judge(&job, protected, &snapshot),
        Err(error) => chosen(id, not_looked_at(&error)),
    }
}

async fn look_at(id: JobId, session: Session<'_>) -> Result<(JobDetail, bool), Decision> {
    let mut seen = None;
    look([id], session, |_, look| seen = Some(look)).await;
    match seen {
        Some(Look::Seen(job, protected)) => Ok((*job, protected)),
        Some(Look::Failed(error)) => Err(not_looked_at(&error)),
        Some(Look::NotFound) | None => Err(Decision::Settle(Outcome::NotFound, None, None)),
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
    fn depends_on_position(&self, job: &JobDetail, protected: bool) -> bool {
        let plan = plan_job(self.query.intent, job, protected, self.policy);
        let is_settled = matches!(plan, Plan::Settle(outcome, _) if outcome.ends_blocking());
        !is_settled && matches!(blocking(job, self.policy), Blocking::Matches(_))
    }

    fn judge(&self, job: &JobDetail, protected: bool, snapshot: &QueueSnapshot) -> Selection {
        let id = job.summary.id;
        let observation = Texts::default().observe(job, Instant::now());
        let plan = plan_job(self.query.intent, job, protected, self.policy);
        // An event that is delivered again gets the same answer.
        if let Plan::Settle(outcome, message) = &plan
            && outcome.ends_blocking()
        {
            let decision = Decision::Settle(*outcome, message.clone(), Some(observation));
            return chosen(id, decision);
        }
        let because = match self.because(job, snapshot) {
            Ok(because) => because,
            Err(Not::Blocking(why)) => return ignored(why),
            Err(Not::Yet(why)) if self.is_stale() => {
                let why = format!("job {id} {why}, and the event is too old to wait any longer");
                return ignored(why);
            }
            Err(Not::Yet(why)) => {
                let message = self.too_soon(&why);
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

    /// Why the job is to be ended, or why not, or not yet.
    fn because(&self, job: &JobDetail, snapshot: &QueueSnapshot) -> Result<Message, Not> {
        let pattern = match blocking(job, self.policy) {
            Blocking::Matches(pattern) => pattern,
            Blocking::NoReason if self.told.names_job => {
                return Err(Not::Yet("shows no reason for waiting yet".to_owned()));
            }
            other => return Err(Not::Blocking(other.why_not(job))),
        };
        let first = snapshot
            .first_place_of(job.summary.id)
            .ok_or_else(|| Not::Yet("is not the first in its queue".to_owned()))?;
        let blocked_for = self.policy.blocked_for;
        if !blocked_for.is_zero() {
            self.is_first_long_enough(first)?;
            self.was_told_long_ago()?;
        }
        let reason = job.summary.status_reason.as_deref().unwrap_or_default();
        let whole = match job.summary.id.parent() {
            Some(array) => format!("; to end its whole array: {{\"jobIds\": [\"{array}\"]}}"),
            None => String::new(),
        };
        Ok(format!("blocked its queue, matched by {pattern}: {reason}{whole}").into())
    }

    fn is_first_long_enough(&self, first: Position) -> Result<(), Not> {
        let Some(age) = first.since.and_then(|since| self.age(since)) else {
            let why = "is the first in its queue, since when is not known";
            return Err(Not::Yet(why.to_owned()));
        };
        if age < self.policy.blocked_for {
            let why = format!("is the first in its queue for {}", readable(age));
            return Err(Not::Yet(why));
        }
        Ok(())
    }

    /// The event is the first time that the job was seen to block. `head` and alarms see it once.
    fn was_told_long_ago(&self) -> Result<(), Not> {
        if !self.told.names_job {
            return Ok(());
        }
        match self.told.at.and_then(|at| self.age(at)) {
            Some(age) if age >= self.policy.blocked_for => Ok(()),
            Some(age) => {
                let why = format!("blocks its queue, by an event of {} ago", readable(age));
                Err(Not::Yet(why))
            }
            None => Err(Not::Yet(
                "blocks its queue, by an event without a time".to_owned(),
            )),
        }
    }

    /// How long ago that was; none if it is in the future.
    fn age(&self, at: i64) -> Option<Duration> {
        let age = self.query.before.checked_sub(at)?;
        u64::try_from(age).ok().map(Duration::from_millis)
    }

    fn is_stale(&self) -> bool {
        let patience = (self.policy.blocked_for * PATIENCE).max(LEAST_PATIENCE);
        let age = self.told.at.and_then(|at| self.age(at));
        age.is_some_and(|age| age > patience)
    }

    fn too_soon(&self, why: &str) -> Message {
        let blocked_for = readable(self.policy.blocked_for);
        let again = match (self.told.at, self.told.comes_again) {
            (Some(_), false) => {
                "; nothing brings this event again: send it through a queue that delays it by \
                 BLOCKED_FOR, as the template does"
            }
            _ => "",
        };
        format!("the job {why}; BLOCKED_FOR is {blocked_for}{again}").into()
    }
}

/// Why a job is not ended.
enum Not {
    /// It does not block its queue for one of `BLOCKED_REASONS`.
    Blocking(String),
    /// Its time has not come.
    Yet(String),
}

fn readable(time: Duration) -> String {
    let whole = Duration::from_secs(time.as_secs());
    SignedDuration::try_from(whole)
        .map_or_else(|_| format!("{whole:?}"), |time| format!("{time:#}"))
}
