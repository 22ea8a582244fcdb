//! The memory that the real binary needs to drain a large queue.
//!
//! `DRAIN_JOBS` is the number of jobs, which `tests/soak drain` sets.

use std::time::Duration;

use batch_emulator::{Emulator, JobSpec, Queue, Status};
use serde_json::json;

use super::process::Process;

/// The most memory for a function of 128 MB, in kB.
const MOST: u64 = 100 * 1024;

#[tokio::test]
async fn queue_is_drained_in_the_memory_of_the_smallest_function() {
    let jobs: u32 = std::env::var("DRAIN_JOBS").map_or(5_000, |text| text.parse().unwrap());
    let emulator = Emulator::new();
    emulator.add_queue(Queue::new("drain"));
    emulator.add_jobs(&JobSpec {
        count: jobs,
        ..JobSpec::new(Status::Runnable)
            .queue("drain")
            .age(Duration::from_hours(1))
    });
    let settings = [
        ("ALLOWED_QUEUES", "drain"),
        ("MAX_SELECTED", "1000000"),
        ("API_CALLS_PER_SECOND", "0"),
    ];
    let mut process = Process::start(&emulator, &settings).await;
    let event = json!({"select": {"jobQueue": "drain"}}).to_string();
    let report = process
        .invoke_within(&event, Duration::from_mins(14))
        .await
        .unwrap();
    let peak = process.peak_memory();
    println!("{jobs} jobs: {peak} kB at the peak");
    assert_eq!(
        report["summary"],
        json!({ "jobs": jobs, "cancelled": jobs })
    );
    assert!(peak < MOST, "{peak} kB");
}
