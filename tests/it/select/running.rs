//! `runningFor`: how long the present attempt of a job has run, whatever it did before.

use std::time::Duration;

use batch_emulator::{JobSpec, Operation, Status};
use serde_json::{Value, json};
use support::{
    Function,
    events::{CALLER, Form},
    job, now, only_outcome, outcomes,
};

use super::{error_of, select};

const ALLOWED: [(&str, &str); 1] = [("ALLOW_TERMINATE", "true")];

/// A request to terminate what has run for over an hour.
fn running_for(more: &Value) -> Value {
    let mut selected = json!({"runningFor": "1h"});
    selected
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let mut event = select(selected);
    event["terminate"] = json!(true);
    event
}

/// A job of ten hours ago that came to RUNNING so long ago.
fn started(function: &Function, status: Status, ago: Duration) -> JobSpec {
    let started = now(&function.emulator) - ago;
    let started = u64::try_from(started.as_millisecond()).unwrap();
    JobSpec {
        started_at: Some(Duration::from_millis(started)),
        ..job(status).age(Duration::from_hours(10))
    }
}

#[tokio::test(start_paused = true)]
async fn start_before_the_job_was_created_is_no_start() {
    let function = Function::new(&ALLOWED);
    for ago in [
        Duration::from_hours(11),
        Duration::from_hours(24 * 365 * 50),
    ] {
        let id = function
            .emulator
            .add_job(started(&function, Status::Running, ago));
        let report = function.invoke(running_for(&json!({}))).await.unwrap();
        assert!(report["ignored"].is_string(), "{ago:?}: {report}");
        let shown = Form::V2
            .request("GET", &format!("/jobs/{id}"))
            .caller(CALLER);
        let shown = function.invoke(shown.event).await.unwrap();
        assert!(
            !shown["body"].as_str().unwrap().contains("startedAt"),
            "{shown}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn time_spent_queueing_does_not_count() {
    let function = Function::new(&ALLOWED);
    let add = |status, ago| function.emulator.add_job(started(&function, status, ago));
    let long = add(Status::Running, Duration::from_mins(61));
    add(Status::Running, Duration::from_mins(59));
    // An earlier attempt ran long ago: the present one waits, or starts.
    add(Status::Starting, Duration::from_hours(9));
    add(Status::Runnable, Duration::from_hours(9));
    function
        .emulator
        .add_job(job(Status::Starting).age(Duration::from_hours(10)));
    let report = function.invoke(running_for(&json!({}))).await.unwrap();
    assert_eq!(outcomes(&report)[0].0, long);
    assert_eq!(only_outcome(&report), "terminated");
    // Two sweeps of one status, and a look before and after the only call.
    assert_eq!(function.emulator.count(Operation::ListJobs), 2);
    assert_eq!(function.emulator.count(Operation::DescribeJobs), 2);
}

#[tokio::test(start_paused = true)]
async fn running_children_of_an_array_match() {
    let function = Function::new(&ALLOWED);
    let array =
        function
            .emulator
            .add_job(started(&function, Status::Pending, Duration::ZERO).array(&[
                Status::Running,
                Status::Runnable,
                Status::Running,
            ]));
    let in_array = || running_for(&json!({ "arrayJobId": array }));
    let report = function.invoke(in_array()).await.unwrap();
    assert!(report["ignored"].is_string(), "{report}");
    function.emulator.advance(Duration::from_hours(1));
    function
        .emulator
        .set_status(&format!("{array}:2"), Status::Starting);
    function
        .emulator
        .set_status(&format!("{array}:2"), Status::Running);
    let report = function.invoke(in_array()).await.unwrap();
    assert_eq!(outcomes(&report)[0].0, format!("{array}:0"));
    assert_eq!(only_outcome(&report), "terminated");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_tried_again_before_the_call_is_left_alone() {
    let long = Duration::from_hours(2);
    for status in [Status::Runnable, Status::Starting, Status::Running] {
        for more in [json!({}), json!({"tags": {"user": "ann"}})] {
            let function = Function::new(&ALLOWED);
            let spec = started(&function, Status::Running, long).tag("user", "ann");
            let id = function.emulator.add_job(spec);
            let moved = id.clone();
            function
                .emulator
                .on(Operation::DescribeJobs, move |emulator, _| {
                    if emulator.attempts(&moved).len() == 1 {
                        emulator.set_status(&moved, Status::Runnable);
                        emulator.set_status(&moved, status);
                    }
                });
            let report = function.invoke(running_for(&more)).await.unwrap();
            let left = function.emulator.job(&id).unwrap();
            assert!(!left.is_terminated, "{status:?} {more}");
            if more["tags"].is_object() {
                assert!(report["ignored"].is_string(), "{report}");
            } else {
                assert_eq!(only_outcome(&report), "running", "{status:?}");
                let message = report["jobs"][0]["message"].as_str().unwrap();
                assert!(message.contains("after it was listed"), "{message}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn another_message_that_names_the_job_ends_it_all_the_same() {
    let function = Function::new(&ALLOWED);
    let id =
        function
            .emulator
            .add_job(started(&function, Status::Running, Duration::from_hours(2)));
    let moved = id.clone();
    function
        .emulator
        .on(Operation::DescribeJobs, move |emulator, _| {
            if emulator.attempts(&moved).len() == 1 {
                emulator.set_status(&moved, Status::Runnable);
                emulator.set_status(&moved, Status::Running);
            }
        });
    let named = json!({"jobId": id, "terminate": true});
    let report = function
        .invoke(json!([running_for(&json!({})), named]))
        .await
        .unwrap();
    assert_eq!(only_outcome(&report), "terminated");
}

#[tokio::test(start_paused = true)]
async fn running_for_needs_terminate_and_leaves_no_choice_of_statuses() {
    let function = Function::new(&ALLOWED);
    let statuses = |statuses: &[&str]| running_for(&json!({ "statuses": statuses }));
    for (event, field) in [
        (select(json!({"runningFor": "1h"})), "runningFor: needs"),
        (statuses(&["RUNNABLE", "RUNNING"]), "select.statuses: with"),
        (statuses(&["STARTING"]), "select.statuses: with"),
        (statuses(&[]), "select.statuses: with"),
        (running_for(&json!({"head": true})), "runningFor: the first"),
        (running_for(&json!({"runningFor": "long"})), "runningFor"),
        (running_for(&json!({"runningFor": null})), "runningFor"),
    ] {
        let error = error_of(&function, event.clone()).await;
        assert_eq!(error.error_type, "InvalidRequest");
        let message = error.error_message;
        assert!(message.contains(field), "{event}: {message}");
    }
    assert!(function.emulator.calls().is_empty());
    let report = function.invoke(statuses(&["RUNNING"])).await.unwrap();
    assert!(report["ignored"].is_string(), "{report}");
}
