//! The first job in line: since when, what it waits for, and whether the function would cancel it.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::{
    batch::{CallError, GetJobQueueSnapshot, InUse, JobDetail, QueueSnapshot, TimeLimitAction},
    look::{Look, Patience, look_at_one},
    plan::{BlockedCase, BlockedVerdict, Intent, Plan, TagVerdict, first_since, plan_job},
    policy::{Owner, Policy},
    reasons::{self, BlockedReason},
    report::{Outcome, rfc_3339},
    request::{Action, Cause, JobId, Status},
    session::Session,
    text::readable,
};

/// The most characters of a status reason that are shown.
const MAX_REASON: usize = 256;

/// The first job in line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// The job.
    #[serde(serialize_with = "text")]
    pub job_id: JobId,
    /// Its name.
    pub job_name: Option<String>,
    /// Since when it is first, in milliseconds since 1970.
    #[serde(serialize_with = "rfc_3339")]
    pub since: Option<i64>,
    /// The same as an age, in seconds.
    pub age_seconds: Option<u64>,
    /// What Batch says of why it waits, at most 256 characters.
    pub status_reason: Option<String>,
    /// The documented code in that.
    pub code: Option<&'static str>,
    /// What the code means, and whose fault it is.
    pub meaning: Option<String>,
    /// What helps.
    pub help: Option<String>,
    /// Whether the function would cancel it now by itself, for an alarm or a request with `head`.
    pub would_cancel: bool,
    /// Why, or why not.
    pub why: String,
    /// The earliest time at which a time limit action of the queue ends it, in milliseconds since 1970.
    #[serde(serialize_with = "rfc_3339")]
    pub batch_acts_after: Option<i64>,
    /// The same as `why`, for who shows it in words of their own.
    #[serde(skip)]
    pub acts: Acts,
    /// Whether a request that names it would cancel it.
    #[serde(skip)]
    pub can_be_cancelled: bool,
}

/// Whether the function would cancel the first job in line by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acts {
    /// It would, now.
    Now,
    /// It would later, not before this time in milliseconds since 1970, if that is known.
    Later(Option<i64>),
    /// It would only say so: everything is a dry run.
    DryRun,
    /// It leaves alone a job that waits for this reason, or for none.
    NotForThis,
    /// It leaves the job alone whatever it waits for.
    Never(Outcome),
    /// Batch does not show the job.
    NotShown,
}

impl Head {
    /// Whether its status reason has a documented code.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.code.is_some()
    }
}

/// The first job in line, and what the queue's jobs use.
pub(super) type Front = (Option<Head>, Vec<InUse>);

/// Reads the first job of a queue, by two calls; none if no job waits. `now` is in milliseconds since 1970.
///
/// # Errors
///
/// When one of the calls fails for good.
pub(super) async fn read_front(
    queue_arn: &str,
    actions: &[TimeLimitAction],
    now: i64,
    session: Session<'_>,
) -> Result<Front, CallError> {
    let snapshot = session.call(&GetJobQueueSnapshot(queue_arn)).await?;
    let Some(first) = snapshot.first() else {
        return Ok((None, snapshot.in_use));
    };
    let anyones = Session {
        owner: &Owner::Anyone,
        ..session
    };
    let seen = match look_at_one(first.id, Patience::Once, anyones).await {
        Look::Seen(job, tags) => Some((job, tags)),
        Look::NotFound => None,
        Look::Failed(error) | Look::Unseen(error) => return Err(CallError::clone(&error)),
    };
    let policy = session.policy;
    let intent = Intent::new(Action::Cancel, policy.dry_run);
    let (acts, why) = match &seen {
        Some((job, tags)) => verdict(intent, job, *tags, &snapshot, now, policy),
        None => (Acts::NotShown, "AWS Batch does not show the job".to_owned()),
    };
    let can_be_cancelled = seen
        .as_ref()
        .is_some_and(|(job, tags)| plan_job(intent, job, *tags, policy) == Plan::End);
    let job = seen.as_ref().map(|(job, _)| job.as_ref());
    let since = job.and_then(|job| first_since(first, job, now));
    let age = since.map(|since| now.saturating_sub(since).max(0));
    let summary = job.map(|job| &job.summary);
    let waiting = summary.filter(|summary| summary.status == Status::Runnable);
    let reason = waiting.and_then(|summary| summary.status_reason.as_deref());
    let known = reason.and_then(reasons::documented);
    let action = reason.and_then(|reason| own_action(actions, reason));
    let acts_after = action.and_then(|action| after(since?, action));
    let head = Head {
        job_id: first.id,
        job_name: summary.map(|summary| summary.job_name.clone()),
        since,
        age_seconds: age.and_then(|age| u64::try_from(age / 1000).ok()),
        status_reason: reason.map(|reason| reason.chars().take(MAX_REASON).collect()),
        code: known.map(|known| known.code),
        meaning: known.map(BlockedReason::explanation),
        help: known.map(|known| match action {
            Some(action) => format!("{} {}", known.remedy, say(action, acts_after, acts)),
            None => format!("{} {}", known.remedy, known.without_action()),
        }),
        would_cancel: acts == Acts::Now,
        why,
        batch_acts_after: acts_after,
        acts,
        can_be_cancelled,
    };
    Ok((Some(head), snapshot.in_use))
}

/// The queue's own time limit action for a job that waits for this reason: of several the first to act.
fn own_action<'a>(actions: &'a [TimeLimitAction], reason: &str) -> Option<&'a TimeLimitAction> {
    let is_for = |action: &&TimeLimitAction| reasons::has_code(reason, &action.reason);
    let actions = actions.iter().filter(is_for);
    actions.min_by_key(|action| action.seconds)
}

fn after(since: i64, action: &TimeLimitAction) -> Option<i64> {
    since.checked_add(i64::from(action.seconds).checked_mul(1000)?)
}

/// What the queue's own action does, and which comes first, it or the function.
fn say(action: &TimeLimitAction, acts_after: Option<i64>, acts: Acts) -> String {
    let ends = match action.action.as_str() {
        "CANCEL" => "cancels",
        "TERMINATE" => "terminates",
        _ => "ends",
    };
    let time = readable(Duration::from_secs(action.seconds.into()));
    let says = format!("The queue's own time limit action {ends} such a job after {time}");
    let at = acts_after.and_then(|at| Timestamp::from_millisecond(at).ok());
    let (Some(acts_after), Some(at)) = (acts_after, at) else {
        return format!("{says}.");
    };
    let function = match acts {
        Acts::Now => "the function may cancel it now",
        Acts::Later(Some(until)) if until <= acts_after => "the function may cancel it before that",
        Acts::Later(_) => "the function may cancel it only later",
        Acts::DryRun | Acts::NotForThis | Acts::Never(_) | Acts::NotShown => {
            "the function leaves it alone"
        }
    };
    format!("{says}, this one not before {at:.0}; {function}.")
}

/// Whether the function would cancel a job for an alarm or a request with `head`, and why or why not.
fn verdict(
    intent: Intent,
    job: &JobDetail,
    tags: TagVerdict,
    snapshot: &QueueSnapshot,
    now: i64,
    policy: &Policy,
) -> (Acts, String) {
    let case = BlockedCase {
        intent,
        cause: Cause::Request,
        now,
        policy,
    };
    match case.judge(job, tags, snapshot) {
        BlockedVerdict::Settled(outcome, message) => {
            let why = message.map(|message| format!(": {message}"));
            let why = format!("{}{}", outcome.as_str(), why.unwrap_or_default());
            (Acts::Never(outcome), why)
        }
        BlockedVerdict::NotBlocking(why) => (Acts::NotForThis, why),
        BlockedVerdict::TooSoon(too_soon) => {
            (Acts::Later(too_soon.until), case.say_too_soon(&too_soon))
        }
        BlockedVerdict::Ends { .. } if policy.dry_run => {
            let why = "everything is a dry run: DRY_RUN is true".to_owned();
            (Acts::DryRun, why)
        }
        BlockedVerdict::Ends { pattern, .. } => {
            let why =
                format!("it has been first for BLOCKED_FOR, and its reason matches {pattern}");
            (Acts::Now, why)
        }
    }
}

fn text<S: Serializer>(id: &JobId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}
