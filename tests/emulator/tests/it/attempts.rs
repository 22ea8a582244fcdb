//! Attempts and times, as Batch shows them.

use std::time::Duration;

use crate::ask::{SECOND, cancel, describe, post, seeded, terminate};
use batch_emulator::{
    Attempt, Behaviour, Emulator, Exit, JobSpec, Lifecycle, Operation, Queue, QueueType, Status,
};
use serde_json::{Value, json};

const NOW: Duration = Duration::from_secs(1000);

/// An account whose clock starts at `NOW`, with one job.
fn account(job: JobSpec) -> Emulator {
    let emulator = seeded(json!({"now": 1_000_000}));
    emulator.add_job(job.id("a"));
    emulator
}

async fn detail(emulator: &Emulator) -> Value {
    describe(emulator, &["a"]).await.remove(0)
}

async fn summary(emulator: &Emulator, status: &str) -> Value {
    let ask = json!({"jobQueue": "default", "jobStatus": status});
    let (_, answer) = post(emulator, Operation::ListJobs, ask).await;
    let first = answer.pointer("/jobSummaryList/0");
    first.cloned().unwrap_or_default()
}

fn times(job: &Value) -> [Option<i64>; 2] {
    ["startedAt", "stoppedAt"].map(|name| job[name].as_i64())
}

#[tokio::test(start_paused = true)]
async fn a_job_cancelled_before_it_ran_has_an_end_and_no_attempts() {
    let emulator = account(JobSpec::new(Status::Runnable));
    emulator.advance(5 * SECOND);
    cancel(&emulator, "a").await;
    let job = detail(&emulator).await;
    assert_eq!(job["attempts"], json!([]));
    assert_eq!(times(&job), [None, Some(1_005_000)]);
    assert_eq!(job["container"], Value::Null);
    let job = summary(&emulator, "FAILED").await;
    assert_eq!(times(&job), [None, Some(1_005_000)]);
    assert_eq!(job["container"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_lasts_as_long_as_the_job_runs() {
    for (exit, status, code) in [
        (Exit::Succeeded, "SUCCEEDED", 0),
        (Exit::Failed, "FAILED", 1),
    ] {
        let mut spec = JobSpec::new(Status::Starting);
        spec.lifecycle = Lifecycle {
            starting_for: Some(SECOND),
            running_for: Some(10 * SECOND),
            exit,
            ..Lifecycle::default()
        };
        let emulator = account(spec);
        emulator.advance(11 * SECOND);
        let job = detail(&emulator).await;
        assert_eq!(job["status"], status);
        assert_eq!(times(&job), [Some(1_001_000), Some(1_011_000)]);
        let attempt = &job["attempts"][0];
        assert_eq!(times(attempt), times(&job));
        assert_eq!(attempt["container"]["exitCode"], code);
        assert_eq!(
            attempt["statusReason"],
            "Essential container in task exited"
        );
        assert_eq!(
            attempt["container"]["taskArn"],
            "arn:aws:ecs:eu-west-1:123456789012:task/default/a00"
        );
        assert_eq!(
            attempt["container"]["logStreamName"],
            "definition/default/a00"
        );
        assert_eq!(job["container"]["exitCode"], code);
        let job = summary(&emulator, status).await;
        assert_eq!(job["container"], json!({"exitCode": code}));
        assert_eq!(times(&job), [Some(1_001_000), Some(1_011_000)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_running_attempt_shows_on_demand() {
    let emulator = account(JobSpec::new(Status::Running));
    assert_eq!(detail(&emulator).await["attempts"], json!([]));
    assert_eq!(emulator.attempts("a").len(), 1);
    emulator.set_behaviour(Behaviour {
        running_attempts: true,
        ..Behaviour::default()
    });
    let job = detail(&emulator).await;
    assert_eq!(times(&job["attempts"][0]), [Some(1_000_000), None]);
    assert_eq!(job["attempts"][0]["container"]["exitCode"], Value::Null);
    assert!(emulator.attempts("no such").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_terminated_attempt_ends_with_its_job() {
    let emulator = account(JobSpec::new(Status::Running));
    emulator.set_behaviour(Behaviour {
        terminate_delay: 30 * SECOND,
        ..Behaviour::default()
    });
    terminate(&emulator, "a").await;
    emulator.advance(30 * SECOND);
    let job = detail(&emulator).await;
    assert_eq!(times(&job), [Some(1_000_000), Some(1_030_000)]);
    assert_eq!(
        emulator.attempts("a"),
        [Attempt {
            started_at: Some(NOW),
            stopped_at: Some(NOW + 30 * SECOND),
            exit_code: Some(137),
            reason: None,
            status_reason: Some("terminated by the test".to_owned()),
        }]
    );
}

/// Fails after ten seconds, and waits for a minute before it is run again.
fn retried() -> JobSpec {
    let mut spec = JobSpec::new(Status::Running);
    spec.lifecycle = Lifecycle {
        runnable_for: Some(60 * SECOND),
        starting_for: Some(Duration::ZERO),
        running_for: Some(10 * SECOND),
        failed_attempts: 1,
        ..Lifecycle::default()
    };
    spec
}

#[tokio::test(start_paused = true)]
async fn a_failed_attempt_is_followed_by_another() {
    let emulator = account(retried());
    emulator.advance(10 * SECOND);
    let job = detail(&emulator).await;
    assert_eq!(
        (&job["status"], &job["stoppedAt"]),
        (&json!("RUNNABLE"), &Value::Null)
    );
    assert_eq!(job["attempts"][0]["container"]["exitCode"], 1);
    emulator.advance(70 * SECOND);
    let job = detail(&emulator).await;
    assert_eq!(job["status"], "SUCCEEDED");
    let codes: Vec<_> = emulator.attempts("a").iter().map(|a| a.exit_code).collect();
    assert_eq!(codes, [Some(1), Some(0)]);
    assert_eq!(job["container"]["exitCode"], 0);
}

#[tokio::test(start_paused = true)]
async fn a_job_cancelled_between_attempts_ends_well_after_the_last() {
    let emulator = account(retried());
    emulator.advance(40 * SECOND);
    cancel(&emulator, "a").await;
    emulator.advance(3600 * SECOND);
    let job = detail(&emulator).await;
    assert_eq!(
        (&job["status"], &job["isCancelled"]),
        (&json!("FAILED"), &json!(true))
    );
    assert_eq!(job["stoppedAt"], 1_040_000);
    assert_eq!(job["attempts"].as_array().unwrap().len(), 1);
    assert_eq!(job["attempts"][0]["stoppedAt"], 1_010_000);
}

#[tokio::test(start_paused = true)]
async fn a_terminated_job_is_not_run_again() {
    let emulator = account(retried());
    emulator.set_behaviour(Behaviour {
        terminate_delay: 30 * SECOND,
        ..Behaviour::default()
    });
    terminate(&emulator, "a").await;
    emulator.advance(10 * SECOND);
    let job = emulator.job("a").unwrap();
    assert_eq!((job.status, job.is_terminated), (Status::Failed, true));
    assert_eq!(emulator.attempts("a")[0].exit_code, Some(1));
}

#[tokio::test(start_paused = true)]
async fn attempts_and_times_can_be_set_by_hand() {
    let emulator = seeded(json!({"now": 1_000_000, "jobs": [{
    "jobId": "a", "status": "FAILED", "isCancelled": true, "statusReason": "r",
    "startedAt": 1000, "stoppedAt": "1970-01-01T00:00:09Z",
    "attempts": [
        {"startedAt": 1000, "stoppedAt": 2000, "exitCode": 1, "statusReason": "s"},
        {"stoppedAt": 3000, "reason": "CannotPullContainerError: x"},
    ]}]}));
    let job = detail(&emulator).await;
    assert_eq!(times(&job), [Some(1000), Some(9000)]);
    let attempts = job["attempts"].as_array().unwrap();
    assert_eq!(times(&attempts[0]), [Some(1000), Some(2000)]);
    assert_eq!(attempts[0]["statusReason"], "s");
    assert_eq!(times(&attempts[1]), [None, Some(3000)]);
    assert_eq!(attempts[1]["container"]["logStreamName"], Value::Null);
    assert_eq!(attempts[1]["container"]["exitCode"], Value::Null);
    assert_eq!(
        attempts[1]["container"]["reason"],
        "CannotPullContainerError: x"
    );
}

#[tokio::test(start_paused = true)]
async fn attempts_follow_from_status_and_times() {
    for (spec, expected) in [
        (json!({"status": "RUNNABLE"}), vec![]),
        (json!({"status": "FAILED"}), vec![]),
        (
            json!({"status": "FAILED", "startedAt": 5}),
            vec![(Some(5), Some(1))],
        ),
        (
            json!({"status": "SUCCEEDED", "startedAt": 5}),
            vec![(Some(5), Some(0))],
        ),
        (
            json!({"status": "RUNNING", "startedAt": 5}),
            vec![(Some(5), None)],
        ),
        (
            json!({"status": "RUNNING", "startedAt": 5, "attempts": [{"startedAt": 1, "stoppedAt": 2, "exitCode": 3}]}),
            vec![(Some(1), Some(3)), (Some(5), None)],
        ),
        (json!({"status": "STARTING"}), vec![]),
    ] {
        let mut job = spec.clone();
        job["jobId"] = json!("a");
        let emulator = seeded(json!({"jobs": [job]}));
        let attempts: Vec<_> = emulator
            .attempts("a")
            .iter()
            .map(|attempt| {
                let started = attempt.started_at.map(|at| at.as_millis());
                (started, attempt.exit_code)
            })
            .collect();
        assert_eq!(attempts, expected, "{spec}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_moved_by_hand_has_attempts_too() {
    let emulator = account(JobSpec::new(Status::Runnable));
    emulator.set_status("a", Status::Running);
    emulator.set_status("a", Status::Runnable);
    emulator.set_status("a", Status::Succeeded);
    let codes: Vec<_> = emulator.attempts("a").iter().map(|a| a.exit_code).collect();
    assert_eq!(codes, [Some(1), Some(0)]);
}

#[tokio::test(start_paused = true)]
async fn children_have_attempts_and_their_parent_has_none() {
    let emulator = Emulator::new();
    let array = emulator.add_job(JobSpec::default().array(&[
        Status::Running,
        Status::Succeeded,
        Status::Runnable,
    ]));
    let attempts = |index: u32| emulator.attempts(&format!("{array}:{index}"));
    assert_eq!([0, 1, 2].map(|index| attempts(index).len()), [1, 1, 0]);
    terminate(&emulator, &array).await;
    assert_eq!(attempts(0)[0].exit_code, Some(137));
    assert_eq!(emulator.job(&array).unwrap().status, Status::Failed);
    assert!(emulator.attempts(&array).is_empty());
}

#[tokio::test(start_paused = true)]
async fn attempts_on_eks_have_their_own_form() {
    let emulator = Emulator::new();
    emulator.add_queue(Queue {
        kind: QueueType::Eks,
        ..Queue::new("pods")
    });
    let specs = [
        JobSpec::new(Status::Succeeded).id("a").queue("pods"),
        JobSpec {
            eks_attempts: true,
            ..JobSpec::new(Status::Succeeded).id("b")
        },
    ];
    for spec in specs {
        let id = emulator.add_job(spec);
        let job = describe(&emulator, &[&id]).await.remove(0);
        assert_eq!(job["attempts"], Value::Null);
        assert_eq!(job["container"], Value::Null);
        let attempt = &job["eksAttempts"][0];
        assert_eq!(times(attempt), times(&job));
        assert_eq!(attempt["containers"][0]["exitCode"], 0);
        assert_eq!(
            attempt["statusReason"],
            "Essential container in task exited"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_status_reason_can_be_set_and_taken_away() {
    let emulator = account(JobSpec::new(Status::Runnable));
    let reason = || emulator.job("a").unwrap().status_reason;
    emulator.set_status_reason("a", "CAPACITY:x");
    assert_eq!(reason().as_deref(), Some("CAPACITY:x"));
    emulator.set_status_reason("a", None);
    assert_eq!(reason(), None);
    emulator.set_status_reason("no such", "x");
}
