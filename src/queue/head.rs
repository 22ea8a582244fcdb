//! The first job in line: since when, what it waits for, and whether the function would cancel it.

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::{
    batch::{CallError, GetJobQueueSnapshot, JobDetail, QueueSnapshot},
    look::{Look, Patience, look_at_one},
    plan::{BlockedCase, Intent, Standing, Verdict, first_since},
    policy::{Owner, Policy},
    reasons::{self, BlockedReason},
    request::{Action, Cause, JobId, Status},
    session::Session,
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
    /// Since when it is first, in RFC 3339.
    pub since: Option<String>,
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
    /// The earliest time at which it would, in milliseconds since 1970, if only time is missing. `why` says it too.
    #[serde(skip)]
    pub not_before: Option<i64>,
}

impl Head {
    /// Whether its status reason has a documented code.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.code.is_some()
    }
}

/// Reads the first job of a queue, by two calls; none if no job waits. `now` is in milliseconds since 1970.
///
/// # Errors
///
/// When one of the calls fails for good.
pub(super) async fn read_head(
    queue_arn: &str,
    now: i64,
    session: Session<'_>,
) -> Result<Option<Head>, CallError> {
    let snapshot = session.call(&GetJobQueueSnapshot(queue_arn)).await?;
    let Some(first) = snapshot.first() else {
        return Ok(None);
    };
    let anyones = Session {
        owner: &Owner::Anyone,
        ..session
    };
    let (job, standing) = match look_at_one(first.id, Patience::Once, anyones).await {
        Look::Seen(job, standing) => (Some(job), Some(standing)),
        Look::NotFound => (None, None),
        Look::Failed(error) | Look::Unseen(error) => return Err(CallError::clone(&error)),
    };
    let job = job.as_deref();
    let verdict = match (job, standing) {
        (Some(job), Some(standing)) => verdict(job, standing, &snapshot, now, session.policy),
        _ => Err(WouldNot::from("AWS Batch does not show the job")),
    };
    let since = job.and_then(|job| first_since(first, job, now));
    let age = since.map(|since| now.saturating_sub(since).max(0));
    let since = since.and_then(|since| Timestamp::from_millisecond(since).ok());
    let summary = job.map(|job| &job.summary);
    let waiting = summary.filter(|summary| summary.status == Status::Runnable);
    let reason = waiting.and_then(|summary| summary.status_reason.as_deref());
    let known = reason.and_then(reasons::find);
    Ok(Some(Head {
        job_id: first.id,
        job_name: summary.map(|summary| summary.job_name.clone()),
        since: since.map(|since| since.to_string()),
        age_seconds: age.and_then(|age| u64::try_from(age / 1000).ok()),
        status_reason: reason.map(|reason| reason.chars().take(MAX_REASON).collect()),
        code: known.map(|known| known.code),
        meaning: known.map(BlockedReason::explanation),
        help: known.map(BlockedReason::help),
        would_cancel: verdict.is_ok(),
        not_before: verdict.as_ref().err().and_then(|no| no.not_before),
        why: verdict.unwrap_or_else(|no| no.why),
    }))
}

/// Why the function would not cancel a job.
struct WouldNot {
    why: String,
    not_before: Option<i64>,
}

impl<T: Into<String>> From<T> for WouldNot {
    fn from(why: T) -> Self {
        Self {
            why: why.into(),
            not_before: None,
        }
    }
}

/// Why the function would cancel a job for an alarm or a request with `head`.
///
/// # Errors
///
/// Why it would not.
fn verdict(
    job: &JobDetail,
    standing: Standing,
    snapshot: &QueueSnapshot,
    now: i64,
    policy: &Policy,
) -> Result<String, WouldNot> {
    let case = BlockedCase {
        intent: Intent::new(Action::Cancel, policy.dry_run),
        cause: Cause::Request,
        now,
        policy,
    };
    match case.judge(job, standing, snapshot) {
        Verdict::Settled(outcome, message) => {
            let why = message.map(|message| format!(": {message}"));
            Err(format!("{}{}", outcome.as_str(), why.unwrap_or_default()).into())
        }
        Verdict::NotBlocking(why) => Err(why.into()),
        Verdict::TooSoon(too_soon) => Err(WouldNot {
            why: case.say_too_soon(&too_soon),
            not_before: too_soon.until,
        }),
        Verdict::Ends { .. } if policy.dry_run => {
            Err("everything is a dry run: DRY_RUN is true".into())
        }
        Verdict::Ends { pattern, .. } => Ok(format!(
            "it has been first for BLOCKED_FOR, and its reason matches {pattern}"
        )),
    }
}

fn text<S: Serializer>(id: &JobId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}
