//! Several queues over HTTP: the status of what cannot be read, and jobs of the caller alone.

use std::collections::BTreeSet;

use batch_emulator::{Faults, ItemError, Status};
use serde_json::{Value, json};
use support::{Function, events::Form, outcomes};

use super::{in_queue, name, select_all, unread, with_queues};
use crate::select::cancelled;

/// A function of which anybody may ask anything over HTTP, with one job in each queue, and queues that fail.
fn failing(queues: usize, errors: &[(usize, ItemError)]) -> Function {
    let function = with_queues(queues, &[("REQUIRE_CALLER", "false")]);
    for queue in 0..queues {
        function.emulator.add_job(in_queue(queue, Status::Runnable));
    }
    let errors = errors.iter().map(|&(queue, error)| (name(queue), error));
    function.emulator.set_faults(Faults {
        queue_errors: errors.collect(),
        ..Faults::default()
    });
    function
}

async fn post(function: &Function, request: &Value) -> (i64, Value) {
    let answer = function
        .invoke(Form::V2.post(&request.to_string()))
        .await
        .unwrap();
    let body = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    (answer["statusCode"].as_i64().unwrap(), body)
}

#[tokio::test(start_paused = true)]
async fn http_is_503_only_if_nothing_was_read_for_throttling() {
    use ItemError::{AccessDenied, ThrottlingException};
    let both = [(0, ThrottlingException), (1, ThrottlingException)];
    let (status, problem) = post(&failing(2, &both), &select_all(json!({}))).await;
    assert_eq!(status, 503, "{problem}");
    assert_eq!(unread(&problem), ["render-00", "render-01"]);
    // One of three was read: nothing is unavailable, also where nothing may be done for want of the others.
    for max_jobs in [json!(null), json!(1)] {
        let mut request = select_all(json!({}));
        if !max_jobs.is_null() {
            request["maxJobs"] = max_jobs.clone();
        }
        let (status, report) = post(&failing(3, &both), &request).await;
        assert_eq!(status, 200, "{report}");
        assert_eq!(report["complete"], false);
        assert_eq!(unread(&report), ["render-00", "render-01"]);
        assert_eq!(outcomes(&report).len(), usize::from(max_jobs.is_null()));
    }
    // What is denied hides no queue that another try may read.
    for errors in [
        [(0, AccessDenied), (1, ThrottlingException)],
        [(0, ThrottlingException), (1, AccessDenied)],
    ] {
        let (status, report) = post(&failing(2, &errors), &select_all(json!({}))).await;
        assert_eq!(
            (status, &report["selection"]),
            (200, &"partial".into()),
            "{report}"
        );
    }
    let denied = [(0, AccessDenied), (1, AccessDenied)];
    let (status, problem) = post(&failing(2, &denied), &select_all(json!({}))).await;
    assert_eq!(status, 403, "{problem}");
}

#[tokio::test(start_paused = true)]
async fn the_callers_own_jobs_are_found_in_several_queues() {
    let function = with_queues(3, &[("OWNER_TAG", "user")]);
    let mut own = BTreeSet::new();
    for queue in 0..3 {
        let ann = in_queue(queue, Status::Runnable).tag("user", "ann");
        own.insert(function.emulator.add_job(ann));
        let bob = in_queue(queue, Status::Runnable).tag("user", "bob");
        function.emulator.add_job(bob);
    }
    let request = select_all(json!({})).to_string();
    let event = Form::V2
        .post(&request)
        .caller("arn:aws:iam::123456789012:user/ann");
    let answer = function.invoke(event).await.unwrap();
    assert_eq!(answer["statusCode"], 200, "{answer}");
    assert_eq!(cancelled(&function.emulator), own);
}
