//! Plans and proofs, case by case.

use std::collections::{BTreeMap, HashMap};

use super::{
    blocked::{Blocking, blocking},
    *,
};
use crate::{
    batch::JobSummary,
    config::Config,
    request::{JobId, OwnRegion, Request, Target},
};

const CANCEL: Intent = Intent::new(Action::Cancel, false);
const TERMINATE: Intent = Intent::new(Action::Terminate, false);

const FREE: TagVerdict = TagVerdict {
    is_protected: false,
    ownership: Ownership::Own,
};
const PROTECTED: TagVerdict = TagVerdict {
    is_protected: true,
    ..FREE
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
        started_at: None,
        array_size: None,
        children: BTreeMap::default(),
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
    match plan_job(intent, seen, FREE, &policy()) {
        Plan::Settle(outcome, _) => Some(outcome),
        Plan::End => None,
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
        plan_job(CANCEL, &seen, PROTECTED, &policy()),
        Plan::Settle(Outcome::Protected, _)
    ));
    seen.job_queue = "arn:aws:batch:eu-west-1:123456789012:job-queue/other".to_owned();
    assert_eq!(outcome(TERMINATE, &seen), Some(Outcome::QueueNotAllowed));
}

#[test]
fn a_blocked_job_matches_by_its_reason_now() {
    let mut seen = job(Status::Runnable);
    assert_eq!(blocking(&seen, &policy()), Blocking::NoReason);
    seen.summary.status_reason =
        Some("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - too large".to_owned());
    let pattern = "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT*";
    let matches = Blocking::Matches(pattern.to_owned());
    assert_eq!(blocking(&seen, &policy()), matches);
    seen.summary.status = Status::Running;
    assert_eq!(blocking(&seen, &policy()), Blocking::NotRunnable);
    seen.summary.status = Status::Runnable;
    seen.summary.status_reason = Some("CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - none".to_owned());
    assert_eq!(blocking(&seen, &policy()), Blocking::OtherReason);
}

#[test]
fn a_job_that_ran_in_spite_of_an_accepted_cancel_is_finished() {
    let mut ran = job(Status::Failed);
    ran.summary.is_cancelled = true;
    ran.summary.status_reason = Some("Essential container in task exited".to_owned());
    assert_eq!(outcome(CANCEL, &ran), Some(Outcome::Cancelled));
    ran.ran_to_end = Some("exit code 1".to_owned());
    let expected = "ran to its end although a cancel was accepted: exit code 1";
    for found in [
        plan_job(CANCEL, &ran, FREE, &policy()),
        verify(Action::Cancel, &ran, false)
            .map(|(outcome, message)| Plan::Settle(outcome, message))
            .unwrap(),
    ] {
        assert_eq!(
            found,
            Plan::Settle(Outcome::Finished, Some(expected.into()))
        );
    }
    ran.summary.is_terminated = true;
    assert_eq!(outcome(TERMINATE, &ran), Some(Outcome::Terminated));
}

/// The intent of a selection that terminates, made at the time 1000.
fn terminate(select: &str) -> Intent {
    let request = format!(r#"{{"select": {select}, "terminate": true}}"#);
    let request = Request::from_json(&request, &OwnRegion::default()).unwrap();
    let Target::Select(select) = request.target else {
        panic!("{request:?}");
    };
    Intent::of_selection(Action::Terminate, false, &select, 1_000)
}

/// A job in each state: waiting, STARTING, RUNNING since 500 and RUNNING since 900.
fn in_each_state() -> [JobDetail; 4] {
    let mut jobs = [
        job(Status::Runnable),
        job(Status::Starting),
        job(Status::Running),
        job(Status::Running),
    ];
    jobs[2].summary.started_at = Some(500);
    jobs[3].summary.started_at = Some(900);
    jobs
}

#[test]
fn jobs_in_another_state_than_a_request_asks_for_are_left_alone() {
    let waiting = terminate(r#"{"jobQueue": "q"}"#);
    let starting = terminate(r#"{"jobQueue": "q", "statuses": ["RUNNABLE", "STARTING"]}"#);
    let long = terminate(r#"{"jobQueue": "q", "runningFor": "PT0.2S"}"#);
    let longer = terminate(r#"{"jobQueue": "q", "runningFor": "PT0.5S"}"#);
    for (intent, expected) in [
        (CANCEL, [true, false, false, false]),
        (TERMINATE, [true, true, true, true]),
        (waiting, [true, false, false, false]),
        (starting, [true, true, false, false]),
        (long, [false, false, true, false]),
        (longer, [false, false, true, false]),
        (waiting.and(TERMINATE), [true, true, true, true]),
        (TERMINATE.and(waiting), [true, true, true, true]),
        (CANCEL.and(longer), [true, false, true, false]),
        (starting.and(longer), [true, true, true, false]),
    ] {
        let ends = in_each_state().map(|job| outcome(intent, &job).is_none());
        assert_eq!(ends, expected, "{intent:?}");
    }
    let dry = Intent::new(Action::Terminate, true);
    assert_eq!(dry.and(CANCEL), CANCEL);
    assert_eq!(CANCEL.and(dry), CANCEL);
}

#[test]
fn an_accepted_call_is_believed_only_when_it_shows() {
    assert_eq!(verify(Action::Cancel, &job(Status::Runnable), false), None);
    assert_eq!(
        verify(Action::Terminate, &job(Status::Running), false),
        None
    );
    let after = |seen: &JobDetail| verify(Action::Cancel, seen, false).map(|(outcome, _)| outcome);
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
