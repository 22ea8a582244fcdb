//! Whether a job blocks its queue, and has done so for long enough to be ended. A healthy queue that scales up shows the
//! same reasons for minutes, so a job is ended only if it blocks now, and is seen to have blocked for `BLOCKED_FOR`.

use std::time::Duration;

use jiff::Timestamp;

use super::{Intent, OutcomeMessage, Plan, TagVerdict, plan_job};
use crate::{
    batch::{JobDetail, Position, QueueSnapshot},
    policy::Policy,
    reasons,
    report::Outcome,
    request::{Cause, Status},
    text::readable,
};

/// An event or alarm stops waiting for its job's time when it is this many times `BLOCKED_FOR` old…
const PATIENCE: u32 = 3;

/// … and at least this old.
const LEAST_PATIENCE: Duration = Duration::from_mins(30);

/// The clocks of AWS Batch and of this function differ by less than this, in milliseconds.
const CLOCKS_DIFFER: i64 = 60_000;

/// Whether a job shows one of `BLOCKED_REASONS` for waiting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Blocking {
    /// It is RUNNABLE, and its status reason matches this pattern.
    Matches(String),
    /// It is RUNNABLE, and shows no reason.
    NoReason,
    /// It is RUNNABLE, for another reason.
    OtherReason,
    /// It is in another status.
    NotRunnable,
}

/// Whether a job shows one of `BLOCKED_REASONS` for waiting. Whether it is the first of its queue is not asked here.
pub(super) fn blocking(job: &JobDetail, policy: &Policy) -> Blocking {
    if job.summary.status != Status::Runnable {
        return Blocking::NotRunnable;
    }
    let reason = job.summary.status_reason.as_deref();
    let Some(reason) = reason.filter(|reason| !reason.is_empty()) else {
        return Blocking::NoReason;
    };
    match policy.blocked_reasons.first_match(reason) {
        Some(pattern) => Blocking::Matches(pattern),
        None => Blocking::OtherReason,
    }
}

impl Blocking {
    fn is_match(&self) -> bool {
        matches!(self, Self::Matches(_))
    }

    /// Why a job does not block its queue for one of `BLOCKED_REASONS`.
    fn why_not(&self, job: &JobDetail) -> String {
        let (id, status) = (job.summary.id, job.summary.status);
        match self {
            Self::NotRunnable => format!("job {id} is {status} now, and blocks no queue"),
            Self::NoReason => format!("job {id} shows no reason for blocking its queue now"),
            Self::Matches(_) | Self::OtherReason => format!(
                "job {id}: its reason matches none of BLOCKED_REASONS (parameter BlockedReasons): {}",
                job.summary.status_reason.as_deref().unwrap_or_default()
            ),
        }
    }
}

/// What follows for a job that may block its queue.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum BlockedVerdict {
    /// It has an outcome already, or is not to be ended, whatever it blocks.
    Settled(Outcome, Option<OutcomeMessage>),
    /// It does not block its queue for one of `BLOCKED_REASONS`, and why.
    NotBlocking(String),
    /// It may block its queue, and its time has not come.
    TooSoon(TooSoon),
    /// It has blocked its queue for long enough.
    Ends {
        /// The pattern of `BLOCKED_REASONS` that its reason matches.
        pattern: String,
        /// What is said of it.
        message: OutcomeMessage,
    },
}

/// Why the time of a job that may block its queue has not come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TooSoon {
    /// As the rest of a sentence about the job.
    pub(crate) why: String,
    /// When it comes, in milliseconds since 1970, if nothing changes.
    pub(crate) until: Option<i64>,
}

/// Since when a job is at its position, in milliseconds since 1970; none if that is not known. A time before the job was
/// created, such as one in seconds, would make a new job look stuck; and one that lies ahead is wrong too.
pub(crate) fn first_since(position: Position, job: &JobDetail, now: i64) -> Option<i64> {
    let created_at = job.summary.created_at?;
    let latest = now.saturating_add(CLOCKS_DIFFER);
    position
        .since
        .filter(|since| (created_at..=latest).contains(since))
}

/// What decides about a job that may block its queue: the same for events, alarms, `head`, watches and panels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockedCase<'a> {
    /// What is asked of the job.
    pub(crate) intent: Intent,
    /// Through what it is asked.
    pub(crate) cause: Cause,
    /// The time, in milliseconds since 1970.
    pub(crate) now: i64,
    pub(crate) policy: &'a Policy,
}

impl BlockedCase<'_> {
    /// What follows for a job: whether it blocks its queue, may be ended, and when.
    pub(crate) fn judge(
        &self,
        job: &JobDetail,
        tags: TagVerdict,
        snapshot: &QueueSnapshot,
    ) -> BlockedVerdict {
        let settled = match plan_job(self.intent, job, tags, self.policy) {
            Plan::Settle(outcome, message) => Some((outcome, message)),
            Plan::End => None,
        };
        // An event that is delivered again gets the same answer.
        if let Some((outcome, message)) = &settled
            && outcome.ends_blocking()
        {
            return BlockedVerdict::Settled(*outcome, message.clone());
        }
        match (self.pattern(job, snapshot), settled) {
            (Err(verdict), _) => verdict,
            (Ok(_), Some((outcome, message))) => BlockedVerdict::Settled(outcome, message),
            (Ok(pattern), None) => BlockedVerdict::Ends {
                message: decided_by(job, &pattern),
                pattern,
            },
        }
    }

    /// Whether a job's position in its queue decides, so that the queue has to be asked.
    pub(crate) fn depends_on_position(&self, job: &JobDetail, tags: TagVerdict) -> bool {
        let nowhere = QueueSnapshot::default();
        let is_asked = blocking(job, self.policy).is_match();
        is_asked && !matches!(self.judge(job, tags, &nowhere), BlockedVerdict::Settled(..))
    }

    /// Whether a job that may block its queue shows no reason for waiting yet.
    pub(crate) fn shows_no_reason(&self, job: &JobDetail) -> bool {
        blocking(job, self.policy) == Blocking::NoReason
    }

    /// The pattern of `BLOCKED_REASONS` for which a job has blocked its queue for long enough; what follows if it has not.
    fn pattern(&self, job: &JobDetail, snapshot: &QueueSnapshot) -> Result<String, BlockedVerdict> {
        let pattern = match blocking(job, self.policy) {
            Blocking::Matches(pattern) => pattern,
            Blocking::NoReason if matches!(self.cause, Cause::Blocked { .. }) => {
                return Err(too_soon("shows no reason for waiting yet", None));
            }
            other => return Err(BlockedVerdict::NotBlocking(other.why_not(job))),
        };
        let first = snapshot
            .first_place_of(job.summary.id)
            .ok_or_else(|| too_soon("is not the first in its queue", None))?;
        if !self.policy.blocked_for.is_zero() {
            self.is_first_long_enough(first, job)?;
            self.is_event_old_enough()?;
        }
        Ok(pattern)
    }

    fn is_first_long_enough(&self, first: Position, job: &JobDetail) -> Result<(), BlockedVerdict> {
        let Some(since) = first_since(first, job, self.now) else {
            let why = "is the first in its queue, since when is not known";
            return Err(too_soon(why, None));
        };
        let age = self.age(since);
        if age < self.policy.blocked_for {
            let why = format!("is the first in its queue for {}", readable(age));
            return Err(too_soon(why, self.after_dwell(since)));
        }
        Ok(())
    }

    /// The event is the first time that the job was seen to block. `head` and alarms see it once.
    fn is_event_old_enough(&self) -> Result<(), BlockedVerdict> {
        let Cause::Blocked { at } = self.cause else {
            return Ok(());
        };
        let Some(at) = at else {
            let why = "blocks its queue, by an event without a time";
            return Err(too_soon(why, None));
        };
        let age = self.age(at);
        if age < self.policy.blocked_for {
            let why = format!("blocks its queue, by an event of {} ago", readable(age));
            return Err(too_soon(why, self.after_dwell(at)));
        }
        Ok(())
    }

    /// How long ago that was; no time at all if it is in the future, by a clock that differs from ours.
    fn age(&self, at: i64) -> Duration {
        let age = self.now.saturating_sub(at);
        u64::try_from(age).map_or(Duration::ZERO, Duration::from_millis)
    }

    /// `BLOCKED_FOR` after this time.
    fn after_dwell(&self, at: i64) -> Option<i64> {
        let blocked_for = i64::try_from(self.policy.blocked_for.as_millis()).ok()?;
        at.checked_add(blocked_for)
    }

    /// Whether the event or alarm is too old to wait for its job's time any longer.
    pub(crate) fn is_stale(&self) -> bool {
        let patience = (self.policy.blocked_for * PATIENCE).max(LEAST_PATIENCE);
        self.cause.at().is_some_and(|at| self.age(at) > patience)
    }

    /// What is said of a job whose time has not come.
    pub(crate) fn say_too_soon(&self, TooSoon { why, until }: &TooSoon) -> String {
        let blocked_for = readable(self.policy.blocked_for);
        let until = until.and_then(|until| Timestamp::from_millisecond(until).ok());
        let until = until.map_or_else(String::new, |until| format!(": not before {until:.0}"));
        format!("the job {why}; BLOCKED_FOR is {blocked_for}{until}")
    }
}

fn too_soon(why: impl Into<String>, until: Option<i64>) -> BlockedVerdict {
    BlockedVerdict::TooSoon(TooSoon {
        why: why.into(),
        until,
    })
}

/// What is said of a job that is ended, since its status reason matches this pattern of `BLOCKED_REASONS`.
fn decided_by(job: &JobDetail, pattern: &str) -> OutcomeMessage {
    let reason = job.summary.status_reason.as_deref().unwrap_or_default();
    let meaning = match reasons::documented(reason) {
        Some(known) => format!(" ({})", known.meaning),
        None => String::new(),
    };
    let whole = match job.summary.id.parent() {
        Some(array) => format!("; to end its whole array: {{\"jobIds\": [\"{array}\"]}}"),
        None => String::new(),
    };
    format!("blocked its queue, matched by {pattern}: {reason}{meaning}{whole}").into()
}
