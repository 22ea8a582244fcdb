//! Several messages in one event: each has its own result, and a job that several of them name has one outcome.

use batch_emulator::{Faults, ItemError, JobSpec, Operation, Status};
use serde_json::{Value, json};
use support::{
    Function, QUEUE,
    events::{failures, fifo, pipes, sqs},
    failed,
};

fn request(id: &str) -> String {
    json!({"jobId": id}).to_string()
}

/// A function, and this many RUNNABLE jobs.
fn with_jobs(count: u32, settings: &[(&str, &str)]) -> (Function, Vec<String>) {
    let function = Function::new(settings);
    let spec = JobSpec {
        count,
        ..JobSpec::new(Status::Runnable).queue(QUEUE)
    };
    let ids = function.emulator.add_jobs(&spec);
    (function, ids)
}

#[tokio::test(start_paused = true)]
async fn fifo_returns_the_failed_message_and_the_later_ones_of_its_group() {
    let (function, ids) = with_jobs(9, &[]);
    function.emulator.set_faults(Faults {
        item_errors: [(ids[4].clone(), ItemError::ThrottlingException)].into(),
        ..Faults::default()
    });
    let groups = ["a", "b", "c"];
    let messages: Vec<(&str, String)> = ids
        .iter()
        .zip(groups.iter().cycle())
        .map(|(id, group)| (*group, request(id)))
        .collect();
    let answer = function.invoke(fifo(messages)).await.unwrap();
    assert_eq!(
        answer,
        failures(&[4, 7]),
        "of group b the second and the third"
    );
    for (place, id) in ids.iter().enumerate() {
        let job = function.emulator.job(id).unwrap();
        assert_eq!(job.is_cancelled, place != 4, "{place}");
    }
}

#[tokio::test(start_paused = true)]
async fn fifo_groups_are_independent() {
    let (function, ids) = with_jobs(4, &[]);
    let bad = "not a request".to_owned();
    let messages = [
        ("a", request(&ids[0])),
        ("b", bad.clone()),
        ("c", request(&ids[1])),
        ("b", request(&ids[2])),
        ("a", bad),
        ("c", request(&ids[3])),
    ];
    let answer = function.invoke(fifo(messages)).await.unwrap();
    assert_eq!(answer, failures(&[1, 3, 4]));
}

/// A cancel, a dry run and a terminate of one job, each with a reason of its own.
fn three_requests(id: &str) -> [String; 3] {
    [
        json!({"jobId": id, "reason": "first"}),
        json!({"jobId": id, "dryRun": true, "reason": "second"}),
        json!({"jobId": id, "terminate": true, "reason": "third"}),
    ]
    .map(|body| body.to_string())
}

#[tokio::test(start_paused = true)]
async fn job_named_by_three_messages_is_terminated_once() {
    for status in [Status::Runnable, Status::Running] {
        let function = Function::new(&[("ALLOW_TERMINATE", "true")]);
        let id = function.add(status);
        for round in 0..2 {
            let answer = function.invoke(sqs(three_requests(&id))).await.unwrap();
            assert_eq!(answer, failures(&[]), "{status:?}, round {round}");
            assert_eq!(function.emulator.count(Operation::TerminateJob), 1);
            assert_eq!(function.emulator.count(Operation::CancelJob), 0);
            let calls = function.emulator.calls().len();
            assert_eq!(
                calls,
                3 + round,
                "describe, terminate, describe; in the second round one describe"
            );
        }
        let job = function.emulator.job(&id).unwrap();
        assert_eq!(job.status, Status::Failed);
        let reason = job.status_reason.unwrap();
        assert!(reason.starts_with("third | by sqs | "), "{reason}");
    }
}

#[tokio::test(start_paused = true)]
async fn outcome_of_a_job_applies_to_every_message_that_names_it() {
    let (function, ids) = with_jobs(2, &[("ALLOW_TERMINATE", "true")]);
    function.emulator.set_faults(Faults {
        item_errors: [(ids[0].clone(), ItemError::ThrottlingException)].into(),
        ..Faults::default()
    });
    let mut bodies = three_requests(&ids[0]).to_vec();
    bodies.insert(1, request(&ids[1]));
    for event in [sqs(&bodies), pipes(&bodies)] {
        let answer = function.invoke(event).await.unwrap();
        assert_eq!(answer, failures(&[0, 2, 3]));
    }
}

#[tokio::test(start_paused = true)]
async fn real_request_takes_precedence_over_a_dry_run() {
    let (function, ids) = with_jobs(2, &[]);
    let bodies = [
        json!({"jobIds": ids, "dryRun": true}),
        json!({"jobId": ids[1]}),
    ]
    .map(|body| body.to_string());
    assert_eq!(function.invoke(sqs(&bodies)).await.unwrap(), failures(&[]));
    let ended = |id: &String| function.emulator.job(id).unwrap().is_cancelled;
    assert_eq!((ended(&ids[0]), ended(&ids[1])), (false, true));
}

#[tokio::test(start_paused = true)]
async fn record_without_message_id_fails_the_event_and_nothing_is_called() {
    let (function, ids) = with_jobs(2, &[]);
    let bodies: Vec<String> = ids.iter().map(|id| request(id)).collect();
    for broken in [Value::Null, json!(""), json!(7)] {
        let mut sqs_event = sqs(&bodies);
        sqs_event["Records"][1]["messageId"] = broken.clone();
        let error = failed(function.invoke(sqs_event).await.unwrap_err());
        assert_eq!(error.error_type, "InvalidEvent", "{error:?}");
        assert!(error.message.contains("Records[1].messageId"), "{error:?}");
        let mut pipes_event = pipes(&bodies);
        pipes_event[1]["messageId"] = broken;
        let error = failed(function.invoke(pipes_event).await.unwrap_err());
        assert!(error.message.contains("[1].messageId"), "{error:?}");
    }
    assert!(function.emulator.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn record_of_another_kind_is_returned_and_does_not_affect_others() {
    let (function, ids) = with_jobs(2, &[]);
    let bodies: Vec<String> = ids.iter().map(|id| request(id)).collect();
    for (field, broken) in [
        ("eventSource", json!("aws:s3")),
        ("body", json!(7)),
        ("body", Value::Null),
    ] {
        let mut event = sqs(&bodies);
        event["Records"][0][field] = broken;
        let answer = function.invoke(event).await.unwrap();
        assert_eq!(answer, failures(&[0]), "{field}");
    }
    let ended = |id: &String| function.emulator.job(id).unwrap().is_cancelled;
    assert_eq!((ended(&ids[0]), ended(&ids[1])), (false, true));
}
