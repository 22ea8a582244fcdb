//! What follows from what was seen of a job: pure decisions, nothing waits.

use std::borrow::Cow;

use crate::{
    batch::JobDetail,
    policy::Policy,
    report::Outcome,
    request::{AUDIT_MARKER, Action, Status},
};

type Message = Option<Cow<'static, str>>;

/// What is wanted of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intent {
    /// What to do.
    pub action: Action,
    /// Only to say what would be done.
    pub dry_run: bool,
    /// Only if the reason for which the job blocks its queue is one of `BLOCKED_REASONS`.
    pub only_if_blocked: bool,
}

impl Intent {
    /// Which of two wishes for one job counts: what is real before a dry run, terminate before cancel.
    #[must_use]
    pub fn rank(self) -> (bool, bool) {
        (!self.dry_run, self.action == Action::Terminate)
    }
}

/// What to do about a job that was looked at.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// Nothing: this is what came of it.
    Settle(Outcome, Message),
    /// Nothing: the condition under which it was to be ended does not hold.
    Ignore(String),
    /// End it, or say so in a dry run. The message says what decided.
    Act(Message),
}

/// What to do about a job, before anything was done.
#[must_use]
pub fn plan(intent: Intent, seen: &JobDetail, protected: bool, policy: &Policy) -> Plan {
    if !policy.allowed_queues.contain(&seen.job_queue) {
        return Plan::Settle(
            Outcome::QueueNotAllowed,
            Some("its job queue is not in ALLOWED_QUEUES".into()),
        );
    }
    let existing_outcome = existing_outcome(intent.action, seen);
    let mut because = None;
    if intent.only_if_blocked
        && !matches!(existing_outcome, Some((outcome, _)) if outcome != Outcome::Finished)
    {
        match blocked(seen, policy) {
            Ok(pattern) => because = Some(pattern.into()),
            Err(why) => return Plan::Ignore(why),
        }
    }
    if let Some((outcome, message)) = existing_outcome {
        return Plan::Settle(outcome, message);
    }
    if protected {
        let message = format!("carries the tag {}", policy.protect_tag);
        return Plan::Settle(Outcome::Protected, Some(message.into()));
    }
    if intent.action == Action::Cancel && seen.summary.status.is_started() {
        return Plan::Settle(
            Outcome::Running,
            Some("only terminate ends a job that has started".into()),
        );
    }
    Plan::Act(because)
}

/// Which of `BLOCKED_REASONS` the job's status reason matches, or why the job does not block its queue by its own fault.
fn blocked(seen: &JobDetail, policy: &Policy) -> Result<String, String> {
    if seen.summary.status != Status::Runnable {
        return Err(format!(
            "job {} is {} now, and blocks no queue",
            seen.summary.id, seen.summary.status
        ));
    }
    let Some(reason) = seen
        .summary
        .status_reason
        .as_deref()
        .filter(|reason| !reason.is_empty())
    else {
        return Err(format!(
            "job {} shows no reason for blocking its queue now",
            seen.summary.id
        ));
    };
    match policy.blocked_reasons.find(reason) {
        Some(pattern) => Ok(format!("blocked its queue, matched by {pattern}: {reason}")),
        None => Err(format!(
            "job {}: its reason matches none of BLOCKED_REASONS: {reason}",
            seen.summary.id
        )),
    }
}

/// What already came of a job, by an earlier request or by itself, so that nothing is left to do.
fn existing_outcome(action: Action, seen: &JobDetail) -> Option<(Outcome, Message)> {
    if seen.summary.status.is_final() {
        return Some(ended(action, seen));
    }
    if seen.summary.is_terminated {
        return Some((Outcome::Terminating, None));
    }
    // Cancelling an array leaves its running children alone, so to terminate it is still something to do.
    let has_children = action == Action::Terminate && seen.summary.array_size.is_some();
    if seen.summary.is_cancelled && !seen.summary.status.is_started() && !has_children {
        return Some((Outcome::Cancelling, None));
    }
    None
}

/// What came of a job that is SUCCEEDED or FAILED.
fn ended(action: Action, seen: &JobDetail) -> (Outcome, Message) {
    let ours = seen
        .summary
        .status_reason
        .as_deref()
        .is_some_and(|reason| reason.contains(AUDIT_MARKER));
    let outcome = match seen.summary.status {
        Status::Failed if seen.summary.is_terminated => Outcome::Terminated,
        Status::Failed if seen.summary.is_cancelled => Outcome::Cancelled,
        Status::Failed if ours && action == Action::Terminate => Outcome::Terminated,
        Status::Failed if ours => Outcome::Cancelled,
        _ => Outcome::Finished,
    };
    let reason = seen
        .summary
        .status_reason
        .as_deref()
        .filter(|_| outcome == Outcome::Finished && seen.summary.status == Status::Failed);
    (outcome, reason.map(|reason| reason.to_owned().into()))
}

/// What came of a job for which Batch accepted the call; nothing if Batch shows it unchanged. What it showed before the
/// call proves nothing.
#[must_use]
pub fn verify(action: Action, seen: &JobDetail, was_cancelled: bool) -> Option<(Outcome, Message)> {
    if seen.summary.status.is_final() {
        let (outcome, message) = ended(action, seen);
        return Some(match outcome {
            Outcome::Finished => (
                outcome,
                Some("ended by itself before the call took effect".into()),
            ),
            _ => (outcome, message),
        });
    }
    if seen.summary.is_terminated {
        return Some((Outcome::Terminating, None));
    }
    if action == Action::Cancel && seen.summary.status.is_started() {
        return Some((
            Outcome::Running,
            Some("started before the cancel reached it".into()),
        ));
    }
    let proves = action == Action::Cancel || !was_cancelled;
    if seen.summary.is_cancelled && proves && !seen.summary.status.is_started() {
        return Some((Outcome::Cancelling, None));
    }
    None
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::{batch::JobSummary, config::Config, request::JobId};

    const CANCEL: Intent = Intent {
        action: Action::Cancel,
        dry_run: false,
        only_if_blocked: false,
    };
    const TERMINATE: Intent = Intent {
        action: Action::Terminate,
        ..CANCEL
    };
    const BLOCKED: Intent = Intent {
        only_if_blocked: true,
        ..CANCEL
    };

    fn policy() -> Policy {
        Config::from_lookup(|name| (name == "ALLOWED_QUEUES").then(|| "q".to_owned()))
            .unwrap()
            .policy
    }

    fn job(status: Status) -> JobDetail {
        let summary = JobSummary {
            id: JobId::from_batch("0c9d8f6e-3a1b-4c2d-8e4f-5a6b7c8d9e0f").unwrap(),
            status,
            is_cancelled: false,
            is_terminated: false,
            job_name: "n".to_owned(),
            status_reason: None,
            created_at: None,
            array_size: None,
            job_definition: None,
            share_identifier: None,
        };
        JobDetail {
            summary,
            job_queue: "arn:aws:batch:eu-west-1:123456789012:job-queue/q".to_owned(),
            tags: HashMap::new(),
            ran_to_end: None,
        }
    }

    fn outcome(intent: Intent, seen: &JobDetail) -> Option<Outcome> {
        match plan(intent, seen, false, &policy()) {
            Plan::Settle(outcome, _) => Some(outcome),
            Plan::Act(_) => None,
            Plan::Ignore(why) => panic!("ignored: {why}"),
        }
    }

    #[test]
    fn each_status_is_judged_for_each_action() {
        use Status::{Failed, Pending, Runnable, Running, Starting, Submitted, Succeeded, Unknown};
        for status in [Submitted, Pending, Runnable, Unknown] {
            assert_eq!(outcome(CANCEL, &job(status)), None);
            assert_eq!(outcome(TERMINATE, &job(status)), None);
        }
        for status in [Starting, Running] {
            assert_eq!(outcome(CANCEL, &job(status)), Some(Outcome::Running));
            assert_eq!(outcome(TERMINATE, &job(status)), None);
        }
        for status in [Succeeded, Failed] {
            assert_eq!(outcome(CANCEL, &job(status)), Some(Outcome::Finished));
        }
    }

    #[test]
    fn what_was_done_before_is_recognised() {
        let mut failed = job(Status::Failed);
        failed.summary.status_reason = Some("too many | by me | batch-cancel 1-2".to_owned());
        assert_eq!(outcome(CANCEL, &failed), Some(Outcome::Cancelled));
        assert_eq!(outcome(TERMINATE, &failed), Some(Outcome::Terminated));
        failed.summary.is_cancelled = true;
        assert_eq!(outcome(TERMINATE, &failed), Some(Outcome::Cancelled));
        failed.summary.is_terminated = true;
        assert_eq!(outcome(CANCEL, &failed), Some(Outcome::Terminated));
        let mut pending = job(Status::Pending);
        pending.summary.is_cancelled = true;
        assert_eq!(outcome(CANCEL, &pending), Some(Outcome::Cancelling));
        assert_eq!(outcome(TERMINATE, &pending), Some(Outcome::Cancelling));
        pending.summary.array_size = Some(3);
        assert_eq!(
            outcome(TERMINATE, &pending),
            None,
            "running children are left to end"
        );
    }

    #[test]
    fn a_queue_that_is_not_allowed_and_a_protected_job_are_left_alone() {
        let mut seen = job(Status::Runnable);
        assert!(matches!(
            plan(CANCEL, &seen, true, &policy()),
            Plan::Settle(Outcome::Protected, _)
        ));
        seen.job_queue = "arn:aws:batch:eu-west-1:123456789012:job-queue/other".to_owned();
        assert_eq!(outcome(TERMINATE, &seen), Some(Outcome::QueueNotAllowed));
    }

    #[test]
    fn a_blocked_job_is_judged_by_its_reason_now() {
        let mut seen = job(Status::Runnable);
        assert!(matches!(
            plan(BLOCKED, &seen, false, &policy()),
            Plan::Ignore(_)
        ));
        seen.summary.status_reason =
            Some("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - too large".to_owned());
        assert!(matches!(
            plan(BLOCKED, &seen, false, &policy()),
            Plan::Act(Some(_))
        ));
        seen.summary.status_reason =
            Some("CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - none".to_owned());
        assert!(matches!(
            plan(BLOCKED, &seen, false, &policy()),
            Plan::Ignore(_)
        ));
        assert!(matches!(
            plan(BLOCKED, &job(Status::Running), false, &policy()),
            Plan::Ignore(_)
        ));
        let mut cancelled = job(Status::Failed);
        cancelled.summary.is_cancelled = true;
        assert_eq!(
            outcome(BLOCKED, &cancelled),
            Some(Outcome::Cancelled),
            "the same answer when delivered again"
        );
    }

    #[test]
    fn an_accepted_call_is_believed_only_when_it_shows() {
        assert_eq!(verify(Action::Cancel, &job(Status::Runnable), false), None);
        assert_eq!(
            verify(Action::Terminate, &job(Status::Running), false),
            None
        );
        let after =
            |seen: &JobDetail| verify(Action::Cancel, seen, false).map(|(outcome, _)| outcome);
        assert_eq!(after(&job(Status::Running)), Some(Outcome::Running));
        assert_eq!(after(&job(Status::Failed)), Some(Outcome::Finished));
        assert_eq!(after(&job(Status::Succeeded)), Some(Outcome::Finished));
        let mut seen = job(Status::Pending);
        seen.summary.is_cancelled = true;
        assert_eq!(after(&seen), Some(Outcome::Cancelling));
        assert_eq!(
            verify(Action::Terminate, &seen, true),
            None,
            "it showed that before the call"
        );
        seen.summary.status = Status::Failed;
        assert_eq!(after(&seen), Some(Outcome::Cancelled));
    }
}
