//! The demo account, and the ages in it.

use std::collections::BTreeSet;

use crate::ask::post;
use batch_emulator::{Emulator, Operation, Seed, Status, demo};
use serde_json::json;

#[test]
fn each_job_of_the_demo_account_has_an_id_of_its_own_and_each_status_is_there() {
    let seed = demo::seed();
    seed.check_ids().unwrap();
    let ids: BTreeSet<&String> = seed.jobs.iter().flat_map(|job| &job.job_id).collect();
    assert_eq!(ids.len(), seed.jobs.len());
    assert!(seed.jobs.len() <= 40);
    let jobs = Emulator::from_seed(seed).unwrap().jobs();
    let statuses: BTreeSet<Status> = jobs.iter().map(|job| job.status).collect();
    let all = Status::ALL.into_iter();
    let all = all.filter(|status| *status != Status::Scheduled);
    assert_eq!(statuses, all.collect());
}

#[tokio::test(start_paused = true)]
async fn ages_count_from_the_time_at_which_the_account_is_made() {
    const HOUR: i64 = 3_600_000;
    let seed = Seed::from_json(
        r#"{"now": 90000000, "queues": [{"name": "q"}], "jobs": [
            {"jobId": "ended", "jobQueue": "q", "status": "FAILED", "age": "9h", "startedAgo": "8h", "stoppedAgo": "7h"},
            {"jobId": "array", "jobQueue": "q", "age": "9h", "arraySize": 1, "children": ["RUNNING"], "startedAgo": "6h"},
            {"jobId": "first", "jobQueue": "q", "age": "9h", "firstFor": "3h"}
        ]}"#,
    );
    let emulator = Emulator::from_seed(seed.unwrap()).unwrap();
    let ended = emulator.job("ended").unwrap();
    assert_eq!(ended.created_at, 16 * HOUR);
    assert_eq!(
        (ended.started_at, ended.stopped_at),
        (Some(17 * HOUR), Some(18 * HOUR))
    );
    assert_eq!(emulator.job("array:0").unwrap().started_at, Some(19 * HOUR));
    assert_eq!(emulator.job("array").unwrap().started_at, None);
    let ask = json!({"jobQueue": "q"});
    let (_, answer) = post(&emulator, Operation::GetJobQueueSnapshot, ask).await;
    let first = &answer["frontOfQueue"]["jobs"][0];
    assert_eq!(first["earliestTimeAtPosition"], 22 * HOUR);
}
