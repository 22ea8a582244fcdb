//! The truth about every job where only real sockets tell: an endpoint that cannot be reached, and connections that break. All
//! other cases are in `tests/it/truth`.

use std::{net::TcpListener, time::Duration};

use batch_emulator::{Emulator, Fault, JobSpec, Operation, Status};
use serde_json::json;

use super::process::Process;

/// Jobs to cancel.
fn runnable(emulator: &Emulator, count: u32) -> Vec<String> {
    emulator.add_jobs(&JobSpec {
        count,
        ..JobSpec::new(Status::Runnable)
    })
}

#[tokio::test]
async fn jobs_are_not_attempted_if_the_endpoint_cannot_be_reached() {
    let emulator = Emulator::new();
    let ids = runnable(&emulator, 150);
    // A port on which nobody listens any more.
    let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let url = format!("http://{}", address.unwrap());
    let settings = [("ALLOWED_QUEUES", "*"), ("AWS_ENDPOINT_URL_BATCH", &url)];
    let mut process = Process::start(&emulator, &settings).await;
    let event = json!({ "jobIds": ids }).to_string();
    let report = process.invoke_within(&event, Duration::from_secs(4)).await;
    let report = report.unwrap();
    assert_eq!(report["summary"], json!({"jobs": 150, "notAttempted": 150}));
    assert_eq!(report["complete"], false);
    for job in report["jobs"].as_array().unwrap() {
        let message = job["message"].as_str().unwrap();
        assert!(message.contains("onnection refused"), "{message}");
        let is_plain = |c: char| !c.is_control() && c != '{' && c != '}';
        assert!(
            message.len() < 300 && message.chars().all(is_plain),
            "{message}"
        );
    }
    assert!(emulator.calls().is_empty());
}

#[tokio::test]
async fn jobs_are_cancelled_once_if_connections_break_after_the_work() {
    let emulator = Emulator::new();
    let ids = runnable(&emulator, 100);
    emulator.fail_next(Operation::CancelJobs, Fault::ResetAfter, 1);
    emulator.fail_next(Operation::CancelJobs, Fault::CutShort, 1);
    let mut process = Process::start(&emulator, &[("ALLOWED_QUEUES", "*")]).await;
    let report = process.invoke(&json!({ "jobIds": ids }).to_string()).await;
    let report = report.unwrap();
    assert_eq!(report["summary"], json!({"jobs": 100, "cancelled": 100}));
    assert_eq!(report["complete"], true);
    assert_eq!(emulator.count(Operation::CancelJobs), 2);
    for id in &ids {
        assert!(emulator.job(id).unwrap().is_cancelled, "{id}");
    }
}
