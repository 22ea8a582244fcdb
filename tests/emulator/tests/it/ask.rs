//! Short ways to ask the emulator, in process.

use std::{collections::BTreeMap, time::Duration};

use batch_emulator::{Dropped, Emulator, Faults, JobSpec, Operation, Seed};
use serde_json::{Value, json};

pub const SECOND: Duration = Duration::from_secs(1);

/// An emulator from the JSON of a seed.
pub fn seeded(seed: Value) -> Emulator {
    let seed: Seed = serde_json::from_value(seed).expect("the seed can be read");
    Emulator::from_seed(seed).expect("the seed fits together")
}

/// Posts this to an operation: the status and the JSON of the answer.
pub async fn post(emulator: &Emulator, operation: Operation, body: Value) -> (u16, Value) {
    try_post(emulator, operation, body)
        .await
        .expect("the connection is not reset")
}

/// The same where the connection may be reset.
pub async fn try_post(
    emulator: &Emulator,
    operation: Operation,
    body: Value,
) -> Result<(u16, Value), Dropped> {
    let request = http::Request::post(operation.path())
        .body(body.to_string().into())
        .expect("the request is one");
    let answer = emulator.call(request).await?;
    let status = answer.status().as_u16();
    let body = answer.into_body().into_bytes().expect("a whole body");
    Ok((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
}

pub async fn cancel(emulator: &Emulator, id: &str) {
    let ask = json!({"jobId": id, "reason": "cancelled by the test"});
    let answer = post(emulator, Operation::CancelJob, ask).await;
    assert_eq!(answer, (200, json!({})));
}

pub async fn terminate(emulator: &Emulator, id: &str) {
    let ask = json!({"jobId": id, "reason": "terminated by the test"});
    let answer = post(emulator, Operation::TerminateJob, ask).await;
    assert_eq!(answer, (200, json!({})));
}

/// What `DescribeJobs` shows of these.
pub async fn describe(emulator: &Emulator, ids: &[&str]) -> Vec<Value> {
    let (status, answer) = post(emulator, Operation::DescribeJobs, json!({ "jobs": ids })).await;
    assert_eq!(status, 200, "{answer}");
    answer["jobs"].as_array().cloned().unwrap_or_default()
}

/// Status, isCancelled, isTerminated and statusReason of one job, as `DescribeJobs` shows them.
pub async fn shown(emulator: &Emulator, id: &str) -> (String, bool, bool, String) {
    let all = describe(emulator, &[id]).await;
    let job = all.first().expect("the job is there");
    let flag = |name: &str| {
        assert_ne!(job[name], json!(false), "present only when true");
        job[name] == json!(true)
    };
    (
        job["status"].as_str().unwrap_or_default().to_owned(),
        flag("isCancelled"),
        flag("isTerminated"),
        job["statusReason"].as_str().unwrap_or_default().to_owned(),
    )
}

pub fn state(
    status: &str,
    cancelled: bool,
    terminated: bool,
    reason: &str,
) -> (String, bool, bool, String) {
    (status.to_owned(), cancelled, terminated, reason.to_owned())
}

/// The ids on one page, and its token.
pub async fn page(emulator: &Emulator, ask: Value) -> (Vec<String>, Option<String>) {
    page_of(emulator, Operation::ListJobs, ask).await
}

pub async fn page_of(
    emulator: &Emulator,
    operation: Operation,
    ask: Value,
) -> (Vec<String>, Option<String>) {
    let (status, answer) = post(emulator, operation, ask).await;
    assert_eq!(status, 200, "{answer}");
    let ids = answer["jobSummaryList"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|job| job["jobId"].as_str().expect("an id").to_owned())
        .collect();
    (ids, answer["nextToken"].as_str().map(str::to_owned))
}

/// An account with one runnable job, where these things go wrong.
pub fn one_job(faults: Faults) -> (Emulator, String) {
    let emulator = Emulator::new();
    let id = emulator.add_job(JobSpec::default());
    emulator.set_faults(faults);
    (emulator, id)
}

/// The body of a call that ends a job.
pub fn ask_for(id: &str) -> Value {
    json!({"jobId": id, "reason": "r"})
}

/// What `DescribeJobQueues` shows of this queue.
pub async fn queue(emulator: &Emulator, name: &str) -> Value {
    let ask = json!({"jobQueues": [name]});
    let (_, answer) = post(emulator, Operation::DescribeJobQueues, ask).await;
    answer["jobQueues"][0].clone()
}

/// The children of an array by status: as its `statusSummary` says, looked up and listed, and as they
/// are listed themselves.
pub async fn children(emulator: &Emulator, array: &str) -> [BTreeMap<String, u64>; 3] {
    let counts = |job: &Value| -> BTreeMap<String, u64> {
        let summary = job["arrayProperties"]["statusSummary"].clone();
        let summary: BTreeMap<String, u64> = serde_json::from_value(summary).unwrap();
        summary
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .collect()
    };
    let looked_up = counts(&describe(emulator, &[array]).await[0]);
    let mut listed = BTreeMap::new();
    let mut children = BTreeMap::new();
    for status in [
        "SUBMITTED",
        "PENDING",
        "RUNNABLE",
        "STARTING",
        "RUNNING",
        "SUCCEEDED",
        "FAILED",
    ] {
        let ask = json!({"jobQueue": "default", "jobStatus": status});
        let (_, jobs) = post(emulator, Operation::ListJobs, ask).await;
        if let Some(parent) = jobs["jobSummaryList"].get(0) {
            listed = counts(parent);
        }
        let ask = json!({"arrayJobId": array, "jobStatus": status});
        let (_, jobs) = post(emulator, Operation::ListJobs, ask).await;
        let count = jobs["jobSummaryList"].as_array().unwrap().len();
        if count > 0 {
            children.insert(status.to_owned(), u64::try_from(count).unwrap());
        }
    }
    [looked_up, listed, children]
}
