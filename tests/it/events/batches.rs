//! Several messages in one event: each has its own fate, and a job that several name has one.

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

/// A function, and as many RUNNABLE jobs.
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
async fn of_a_fifo_queue_the_failed_message_and_the_later_ones_of_its_group_come_back() {
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
async fn each_group_of_a_fifo_queue_stands_for_itself() {
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
fn three_wishes(id: &str) -> [String; 3] {
    [
        json!({"jobId": id, "reason": "first"}),
        json!({"jobId": id, "dryRun": true, "reason": "second"}),
        json!({"jobId": id, "terminate": true, "reason": "third"}),
    ]
    .map(|body| body.to_string())
}

#[tokio::test(start_paused = true)]
async fn a_job_that_three_messages_name_is_terminated_once() {
    for status in [Status::Runnable, Status::Running] {
        let function = Function::new(&[("ALLOW_TERMINATE", "true")]);
        let id = function.add(status);
        for round in 0..2 {
            let answer = function.invoke(sqs(three_wishes(&id))).await.unwrap();
            assert_eq!(answer, failures(&[]), "{status:?}, round {round}");
            assert_eq!(function.emulator.count(Operation::TerminateJob), 1);
            assert_eq!(function.emulator.count(Operation::CancelJob), 0);
            let calls = function.emulator.calls().len();
            assert_eq!(calls, 3 + round, "look, act, look; then one look more");
        }
        let job = function.emulator.job(&id).unwrap();
        assert_eq!(job.status, Status::Failed);
        let reason = job.status_reason.unwrap();
        assert!(reason.starts_with("third | by sqs | "), "{reason}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_came_of_a_job_decides_every_message_that_names_it() {
    let (function, ids) = with_jobs(2, &[("ALLOW_TERMINATE", "true")]);
    function.emulator.set_faults(Faults {
        item_errors: [(ids[0].clone(), ItemError::ThrottlingException)].into(),
        ..Faults::default()
    });
    let mut bodies = three_wishes(&ids[0]).to_vec();
    bodies.insert(1, request(&ids[1]));
    for event in [sqs(&bodies), pipes(&bodies)] {
        let answer = function.invoke(event).await.unwrap();
        assert_eq!(answer, failures(&[0, 2, 3]));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_for_real_by_one_message_is_done_though_others_rehearse() {
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
async fn a_record_that_cannot_be_named_fails_the_event_and_nothing_is_called() {
    let (function, ids) = with_jobs(2, &[]);
    let bodies: Vec<String> = ids.iter().map(|id| request(id)).collect();
    for broken in [Value::Null, json!(""), json!(7)] {
        let mut of_queue = sqs(&bodies);
        of_queue["Records"][1]["messageId"] = broken.clone();
        let error = failed(function.invoke(of_queue).await.unwrap_err());
        assert_eq!(error.error_type, "InvalidEvent", "{error:?}");
        assert!(error.message.contains("Records[1].messageId"), "{error:?}");
        let mut of_pipe = pipes(&bodies);
        of_pipe[1]["messageId"] = broken;
        let error = failed(function.invoke(of_pipe).await.unwrap_err());
        assert!(error.message.contains("[1].messageId"), "{error:?}");
    }
    assert!(function.emulator.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_record_of_another_kind_comes_back_and_harms_no_other() {
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
