//! The front of a queue: who stands where, since when, and by which name.

use crate::ask::{SECOND, cancel, describe, page, post, seeded};
use batch_emulator::{Emulator, JobSpec, Operation, PositionTime, Status};
use serde_json::{Value, json};

/// The jobs at the front of the queue `default`: the end of each ARN, and since when.
async fn front(emulator: &Emulator) -> Vec<(String, Option<i64>)> {
    let ask = json!({"jobQueue": "default"});
    let (_, answer) = post(emulator, Operation::GetJobQueueSnapshot, ask).await;
    let jobs = answer.pointer("/frontOfQueue/jobs");
    let shown = |job: &Value| {
        let arn = job["jobArn"].as_str().unwrap_or_default();
        let id = arn.rsplit('/').next().unwrap_or_default();
        (id.to_owned(), job["earliestTimeAtPosition"].as_i64())
    };
    let jobs = jobs.and_then(Value::as_array);
    jobs.into_iter().flatten().map(shown).collect()
}

fn at(id: &str, seconds: i64) -> (String, Option<i64>) {
    (id.to_owned(), Some(seconds * 1000))
}

#[tokio::test(start_paused = true)]
async fn a_position_is_held_since_the_line_last_moved_ahead_of_it() {
    let emulator = seeded(json!({"now": 0, "jobs": [
        {"jobId": "a"}, {"jobId": "b"}, {"jobId": "c"}, {"jobId": "d"}]}));
    emulator.advance(10 * SECOND);
    cancel(&emulator, "c").await;
    assert_eq!(
        front(&emulator).await,
        [at("a", 0), at("b", 0), at("d", 10)]
    );
    emulator.advance(10 * SECOND);
    emulator.set_status("a", Status::Starting);
    assert_eq!(front(&emulator).await, [at("b", 20), at("d", 20)]);
    emulator.advance(10 * SECOND);
    emulator.set_status("d", Status::Starting);
    emulator.add_job(JobSpec::default().id("e"));
    assert_eq!(front(&emulator).await, [at("b", 20), at("e", 30)]);
}

#[tokio::test(start_paused = true)]
async fn a_job_comes_to_its_place_when_it_becomes_runnable() {
    let emulator = seeded(json!({"now": 0, "jobs": [
        {"jobId": "first", "status": "SUBMITTED", "lifecycle": {"submittedFor": 30}},
        {"jobId": "second"}]}));
    assert_eq!(front(&emulator).await, [at("second", 0)]);
    emulator.advance(60 * SECOND);
    assert_eq!(front(&emulator).await, [at("first", 30), at("second", 30)]);
}

#[tokio::test(start_paused = true)]
async fn the_time_at_a_position_can_be_set_or_left_out() {
    let emulator = seeded(json!({"now": 5000, "jobs": [
        {"jobId": "a", "positionTime": {"at": 0}},
        {"jobId": "b", "positionTime": {"at": 1_795_334_400_000_i64}},
        {"jobId": "c", "positionTime": "missing"},
        {"jobId": "d", "positionTime": "actual"}]}));
    assert_eq!(
        front(&emulator).await,
        [
            at("a", 0),
            at("b", 1_795_334_400),
            ("c".to_owned(), None),
            at("d", 5)
        ]
    );
    let spec = JobSpec {
        position_time: PositionTime::At(7000),
        ..JobSpec::default().id("e")
    };
    emulator.add_job(spec);
    assert_eq!(front(&emulator).await.last(), Some(&at("e", 7)));
}

#[tokio::test(start_paused = true)]
async fn a_job_can_be_shown_as_its_main_node() {
    let emulator = Emulator::new();
    emulator.add_job(JobSpec {
        nodes: Some(2),
        shown_as_node: [Operation::GetJobQueueSnapshot].into(),
        ..JobSpec::default().id("a")
    });
    assert_eq!(front(&emulator).await[0].0, "a#0");
    assert_eq!(describe(&emulator, &["a"]).await[0]["jobId"], "a");
    emulator.add_job(JobSpec {
        shown_as_node: [Operation::DescribeJobs, Operation::ListJobs].into(),
        ..JobSpec::default().id("b")
    });
    assert_eq!(front(&emulator).await[1].0, "b");
    let jobs = describe(&emulator, &["b"]).await;
    assert_eq!(jobs[0]["jobId"], "b#0");
    assert!(jobs[0]["jobArn"].as_str().unwrap().ends_with(":job/b#0"));
    assert_eq!(jobs, describe(&emulator, &["b#0"]).await);
    let runnable = json!({"jobQueue": "default", "jobStatus": "RUNNABLE"});
    assert_eq!(page(&emulator, runnable).await.0, ["b#0", "a"]);
}
