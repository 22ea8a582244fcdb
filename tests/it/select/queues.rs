//! `jobQueues`: several queues in one selection.

mod fifty;
mod head;
mod http;

use std::{collections::BTreeSet, time::Duration};

use batch_emulator::{Emulator, Faults, ItemError, JobSpec, Operation, Queue, Status};
use serde_json::{Value, json};
use support::{Function, events, job, outcomes};

use super::{cancelled, error_of, many, select};

fn name(queue: usize) -> String {
    format!("render-{queue:02}")
}

/// A function of the default pace on an account with this many queues.
fn with_queues(queues: usize, settings: &[(&str, &str)]) -> Function {
    let emulator = Emulator::new();
    for queue in 0..queues {
        emulator.add_queue(Queue::new(name(queue)));
    }
    Function::on(emulator, settings)
}

fn in_queue(queue: usize, status: Status) -> JobSpec {
    job(status).queue(name(queue))
}

fn select_all(more: Value) -> Value {
    let mut selected = more;
    selected["jobQueues"] = json!(["render-*"]);
    select(selected)
}

fn unread(report: &Value) -> Vec<&str> {
    let unread = report["unread"].as_array().into_iter().flatten();
    unread
        .map(|queue| queue["jobQueue"].as_str().unwrap())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn names_arns_and_patterns_stand_for_queues_each_once() {
    let function = with_queues(
        4,
        &[("ALLOWED_QUEUES", "render-00,render-01,render-02,other")],
    );
    let ids: Vec<String> = (0..4)
        .map(|queue| function.emulator.add_job(in_queue(queue, Status::Runnable)))
        .collect();
    let arn = "arn:aws:batch:eu-west-1:123456789012:job-queue/render-01";
    for (queues, expected, described) in [
        (json!(["render-01"]), vec![1], 1),
        (json!(["render-01", arn, "render-01"]), vec![1], 1),
        (json!(["render-02", "render-00"]), vec![0, 2], 1),
        // Patterns stand for what is allowed: the fourth queue is not.
        (json!(["render-*"]), vec![0, 1, 2], 1),
        (json!(["arn:*/render-02"]), vec![2], 1),
        (json!(["render-00", "*-01"]), vec![0, 1], 2),
    ] {
        function.emulator.forget_calls();
        let mut event = select(json!({"jobQueues": queues}));
        event["dryRun"] = true.into();
        let report = function.invoke(event).await.unwrap();
        let found: BTreeSet<String> = outcomes(&report).into_iter().map(|job| job.0).collect();
        let expected: BTreeSet<String> = expected
            .into_iter()
            .map(|i: usize| ids[i].clone())
            .collect();
        assert_eq!(found, expected, "{queues}");
        let calls = function.emulator.count(Operation::DescribeJobQueues);
        assert_eq!(calls, described, "{queues}");
        // Three statuses of each, twice where something matched.
        let calls = function.emulator.count(Operation::ListJobs);
        assert_eq!(calls, 6 * expected.len(), "{queues}");
    }
}

#[tokio::test(start_paused = true)]
async fn queue_that_is_named_must_exist_and_be_allowed_and_a_pattern_must_match() {
    let function = with_queues(2, &[("ALLOWED_QUEUES", "render-*")]);
    function.emulator.add_queue(Queue::new("theirs"));
    function
        .emulator
        .add_queue(Queue::service("render-service"));
    for (queues, expected) in [
        (
            json!(["render-00", "theirs"]),
            "job queue theirs is not in ALLOWED_QUEUES",
        ),
        (
            json!(["render-00", "render-99"]),
            "job queue render-99 does not exist",
        ),
        (json!(["render-00", "render-service"]), "holds service jobs"),
        (json!(["render-*", "rendr-*"]), "matches \"rendr-*\""),
        (json!(["theirs*"]), "matches \"theirs*\""),
        (json!(["render-s*"]), "holds service jobs"),
    ] {
        let error = error_of(&function, select(json!({"jobQueues": queues}))).await;
        assert_eq!(error.error_type, "Refused", "{queues}");
        assert!(
            error.error_message.contains(expected),
            "{}",
            error.error_message
        );
    }
    assert_eq!(function.emulator.count(Operation::ListJobs), 0);
    // A pattern leaves out the queue of service jobs.
    let report = function.invoke(select_all(json!({}))).await.unwrap();
    assert_eq!(
        report["ignored"],
        "no job in job queues render-* matches the selection"
    );
}

#[tokio::test(start_paused = true)]
async fn bad_lists_of_queues_are_refused_with_the_field() {
    let function = with_queues(1, &[]);
    let many: Vec<String> = (0..51).map(name).collect();
    for (selected, expected) in [
        (
            json!({"jobQueues": []}),
            "select.jobQueues: expected 1 to 50 job queues",
        ),
        (
            json!({"jobQueues": many}),
            "select.jobQueues: expected 1 to 50 job queues",
        ),
        (
            json!({"jobQueues": ["a", "b,c"]}),
            "select.jobQueues[1]: expected a job queue's name or ARN, at most 256 letters, digits, - and _",
        ),
        (
            json!({"jobQueues": ["a"], "jobQueue": "a"}),
            "select: exactly one of jobQueue, jobQueues and arrayJobId is required",
        ),
    ] {
        let error = error_of(&function, json!({"select": selected})).await;
        assert_eq!(error.error_type, "InvalidRequest");
        assert_eq!(error.error_message, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn limits_and_the_oldest_are_those_of_all_queues() {
    let function = with_queues(3, &[("MAX_SELECTED", "10")]);
    let mut by_age = Vec::new();
    for number in 0..12 {
        let age = Duration::from_mins(10) + Duration::from_mins(1) * ((number * 7) % 12);
        let queue = usize::try_from(number % 3).unwrap();
        let spec = in_queue(queue, Status::Runnable).age(age);
        by_age.push((age, function.emulator.add_job(spec)));
    }
    by_age.sort();
    by_age.reverse();
    let error = error_of(&function, select_all(json!({}))).await;
    assert!(
        error
            .error_message
            .contains("MAX_SELECTED (parameter MaxSelected), 10"),
        "{}",
        error.error_message
    );
    assert!(cancelled(&function.emulator).is_empty());
    let mut event = select_all(json!({}));
    event["maxJobs"] = 5.into();
    let report = function.invoke(event).await.unwrap();
    assert_eq!(
        report["summary"],
        json!({"jobs": 12, "cancelled": 5, "overLimit": 7})
    );
    let oldest: BTreeSet<String> = by_age[..5].iter().map(|(_, id)| id.clone()).collect();
    assert_eq!(cancelled(&function.emulator), oldest);
}

#[tokio::test(start_paused = true)]
async fn queue_that_cannot_be_read_is_named_and_hides_no_other() {
    for (error, text) in [
        (ItemError::ServerException, "ServerException"),
        (ItemError::AccessDenied, "AccessDeniedException"),
        (ItemError::ClientException, "ClientException"),
    ] {
        let function = with_queues(3, &[]);
        for queue in 0..3 {
            function
                .emulator
                .add_jobs(&many(4, in_queue(queue, Status::Runnable)));
        }
        function.emulator.set_faults(Faults {
            queue_errors: [(name(1), error)].into(),
            ..Faults::default()
        });
        let report = function.invoke(select_all(json!({}))).await.unwrap();
        assert_eq!(
            report["summary"],
            json!({"jobs": 8, "cancelled": 8}),
            "{report}"
        );
        assert_eq!(report["selection"], "partial");
        assert_eq!(report["complete"], false);
        assert_eq!(unread(&report), ["render-01"]);
        assert!(
            report["unread"][0]["error"]
                .as_str()
                .unwrap()
                .contains(text),
            "{report}"
        );
        // Without the whole list nobody knows the oldest.
        let mut event = select_all(json!({}));
        event["maxJobs"] = 2.into();
        function.emulator.add_job(in_queue(0, Status::Runnable));
        let report = function.invoke(event).await.unwrap();
        assert_eq!(report["summary"], json!({"jobs": 0}));
        assert_eq!(unread(&report), ["render-01"]);
    }
}

#[tokio::test(start_paused = true)]
async fn queues_of_which_none_can_be_read_are_refused_if_iam_denies_them() {
    let function = with_queues(2, &[]);
    function.emulator.set_faults(Faults {
        denied: [Operation::ListJobs, Operation::GetJobQueueSnapshot].into(),
        ..Faults::default()
    });
    for head in [false, true] {
        let error = error_of(&function, select_all(json!({"head": head}))).await;
        assert_eq!(error.error_type, "Denied");
    }
}

#[tokio::test(start_paused = true)]
async fn an_alarm_acts_on_its_own_queue_alone() {
    let request = r#"{"select": {"jobQueues": ["*"]}}"#;
    let settings = [("ALLOWED_QUEUES", "*"), ("ALARM_DESCRIPTIONS", "true")];
    let function = with_queues(2, &settings);
    let alarm = events::alarm_action(&name(0), &format!(r#"{{"batchCancel": {request}}}"#));
    let error = error_of(&function, alarm).await;
    assert!(
        error
            .error_message
            .contains("jobQueues: not allowed for an alarm"),
        "{}",
        error.error_message
    );
    assert!(function.emulator.calls().is_empty());
}
