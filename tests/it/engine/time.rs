//! Jobs that change while they are cancelled, effects that show late, and the deadline.

use std::time::Duration;

use batch_emulator::{Faults, JobSpec, Lifecycle, Operation, Status};
use serde_json::json;
use support::{Function, QUEUE, only_outcome, outcomes};
use tokio::time::Instant;

use super::changing_calls;

#[tokio::test(start_paused = true)]
async fn just_submitted_job_is_found_by_describing_it_again() {
    let function = Function::new(&[]);
    function.emulator.set_faults(Faults {
        visibility_delay: Duration::from_millis(2500),
        ..Faults::default()
    });
    let id = function.add(Status::Runnable);
    let report = function.invoke(json!({ "jobId": id })).await.unwrap();
    assert_eq!(only_outcome(&report), "cancelled");
    let began = Instant::now();
    let unknown = function
        .invoke(json!({"jobId": "00000000-0000-4000-8000-000000000000"}))
        .await
        .unwrap();
    assert_eq!(only_outcome(&unknown), "notFound");
    assert_eq!(began.elapsed().as_secs(), 3);
}

#[tokio::test(start_paused = true)]
async fn cancel_without_effect_is_unconfirmed_late_effect_is_cancelled() {
    let function = Function::new(&[]);
    let (lost, late) = (
        function.add(Status::Runnable),
        function.add(Status::Runnable),
    );
    function.emulator.set_faults(Faults {
        ignore_cancels: [lost.clone()].into(),
        flag_delay: Duration::from_millis(2500),
        ..Faults::default()
    });
    let report = function
        .invoke(json!({ "jobIds": [lost, late] }))
        .await
        .unwrap();
    let all: Vec<String> = outcomes(&report).into_iter().map(|job| job.1).collect();
    assert_eq!(all, ["unconfirmed", "cancelled"]);
    assert_eq!(report["complete"], false);
    assert_eq!(changing_calls(&function.emulator), 1);
}

#[tokio::test(start_paused = true)]
async fn job_that_starts_before_the_cancel_call_is_running() {
    let function = Function::new(&[]);
    let id = function.add(Status::Runnable);
    let moving = id.clone();
    function
        .emulator
        .on(Operation::CancelJob, move |emulator, _| {
            emulator.set_status(&moving, Status::Running);
        });
    let report = function.invoke(json!({ "jobId": id })).await.unwrap();
    assert_eq!(outcomes(&report)[0].1, "running");
    assert_eq!(
        (
            outcomes(&report)[0].2.as_str(),
            outcomes(&report)[0].3.as_str()
        ),
        ("RUNNABLE", "RUNNING")
    );
}

#[tokio::test(start_paused = true)]
async fn work_stops_before_the_deadline_and_the_rest_is_not_attempted() {
    let mut function = Function::new(&[("API_CALLS_PER_SECOND", "20")]);
    function.deadline = Duration::from_secs(5);
    let ids = function.emulator.add_jobs(&JobSpec {
        count: 10_000,
        ..JobSpec::new(Status::Runnable).queue(QUEUE)
    });
    let began = Instant::now();
    let report = function.invoke(json!({ "jobIds": ids })).await.unwrap();
    assert_eq!(began.elapsed(), Duration::from_secs(4));
    assert_eq!(report["complete"], false);
    assert_eq!(
        report["summary"],
        json!({"jobs": 10_000, "cancelled": 2_100, "notAttempted": 7_900})
    );
    let jobs = function.emulator.jobs();
    let really = jobs.iter().filter(|job| job.is_cancelled).count();
    assert_eq!(really, 2_100);
}

#[tokio::test(start_paused = true)]
async fn wait_seconds_describes_until_every_accepted_job_is_final() {
    let function = Function::new(&[]);
    let running = function.emulator.add_job(JobSpec {
        lifecycle: Lifecycle {
            running_for: Some(Duration::from_secs(30)),
            ..Default::default()
        },
        ..JobSpec::new(Status::Running).queue(QUEUE)
    });
    let pending = function
        .emulator
        .add_job(JobSpec::new(Status::Pending).queue(QUEUE).after(&running));
    let now = function.invoke(json!({ "jobId": pending })).await.unwrap();
    assert_eq!(only_outcome(&now), "cancelling");
    let report = function
        .invoke(json!({ "jobId": pending, "waitSeconds": 50 }))
        .await
        .unwrap();
    assert_eq!(only_outcome(&report), "cancelled", "{report}");
    assert_eq!(function.emulator.count(Operation::DescribeJobs), 8);
}
