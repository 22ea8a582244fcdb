//! What is said of queues and arrays beside their jobs: status, time limits, use, and how many
//! children are in which status.

use std::collections::BTreeMap;

use crate::ask::{SECOND, cancel, children, post, queue, seeded};
use batch_emulator::Operation;
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn a_queue_shows_its_status_and_its_time_limit_actions() {
    let limits = json!([{"reason": "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY", "maxTimeSeconds": 600},
        {"reason": "MISCONFIGURATION:SERVICE_ENVIRONMENT_MAX_RESOURCE", "state": "RUNNABLE",
         "maxTimeSeconds": 86_400, "action": "TERMINATE"}]);
    let emulator = seeded(json!({"queues": [
        {"name": "broken", "status": "INVALID", "statusReason": "no compute environment"},
        {"name": "plain"}, {"name": "new", "status": "CREATING"},
        {"name": "limited", "jobStateTimeLimitActions": limits}]}));
    let broken = queue(&emulator, "broken").await;
    assert_eq!(
        (&broken["status"], &broken["statusReason"]),
        (&json!("INVALID"), &json!("no compute environment"))
    );
    let plain = queue(&emulator, "plain").await;
    assert_eq!(
        (&plain["status"], &plain["statusReason"]),
        (&json!("VALID"), &json!("JobQueue Healthy"))
    );
    assert_eq!(plain.get("jobStateTimeLimitActions"), None);
    assert_eq!(queue(&emulator, "new").await.get("statusReason"), None);
    assert_eq!(
        queue(&emulator, "limited").await["jobStateTimeLimitActions"],
        json!([
            {"reason": "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY", "state": "RUNNABLE",
             "maxTimeSeconds": 600, "action": "CANCEL"},
            {"reason": "MISCONFIGURATION:SERVICE_ENVIRONMENT_MAX_RESOURCE", "state": "RUNNABLE",
             "maxTimeSeconds": 86_400, "action": "TERMINATE"}])
    );
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_shows_when_it_was_made_and_what_the_queue_uses() {
    let emulator = seeded(json!({"now": 0, "queues": [{"name": "plain"},
        {"name": "busy", "totalCapacityUsage": [{"capacityUnit": "VCPU", "quantity": 12.5}]}]}));
    emulator.advance(10 * SECOND);
    let snapshot = |name: &'static str| {
        let ask = json!({"jobQueue": name});
        let emulator = emulator.clone();
        async move { post(&emulator, Operation::GetJobQueueSnapshot, ask).await.1 }
    };
    assert_eq!(
        snapshot("busy").await,
        json!({"frontOfQueue": {"jobs": [], "lastUpdatedAt": 10_000}, "queueUtilization": {
            "totalCapacityUsage": [{"capacityUnit": "VCPU", "quantity": 12.5}],
            "lastUpdatedAt": 10_000}})
    );
    assert_eq!(snapshot("plain").await.get("queueUtilization"), None);
}

#[tokio::test(start_paused = true)]
async fn an_array_tells_how_many_of_its_children_are_in_which_status() {
    let emulator = seeded(json!({"queues": [{"name": "default"}], "jobs": [
        {"jobId": "array", "arraySize": 10, "jobQueue": "default",
         "children": ["RUNNING", "RUNNABLE", "STARTING", "SUCCEEDED", "RUNNABLE"],
         "lifecycle": {"startingFor": 30, "runningFor": 60, "exit": "FAILED"}}]}));
    let expected = |counts: &[(&str, u64)]| -> [BTreeMap<String, u64>; 3] {
        let counts: BTreeMap<String, u64> = counts
            .iter()
            .map(|(status, count)| ((*status).to_owned(), *count))
            .collect();
        [counts.clone(), counts.clone(), counts]
    };
    assert_eq!(
        children(&emulator, "array").await,
        expected(&[
            ("RUNNABLE", 4),
            ("RUNNING", 2),
            ("STARTING", 2),
            ("SUCCEEDED", 2)
        ])
    );
    cancel(&emulator, "array").await;
    assert_eq!(
        children(&emulator, "array").await,
        expected(&[
            ("FAILED", 4),
            ("RUNNING", 2),
            ("STARTING", 2),
            ("SUCCEEDED", 2)
        ])
    );
    emulator.advance(45 * SECOND);
    assert_eq!(
        children(&emulator, "array").await,
        expected(&[("FAILED", 4), ("RUNNING", 4), ("SUCCEEDED", 2)])
    );
    emulator.advance(60 * SECOND);
    assert_eq!(
        children(&emulator, "array").await,
        expected(&[("FAILED", 8), ("SUCCEEDED", 2)])
    );
}
