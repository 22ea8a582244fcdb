//! Selections of one event are made side by side: none waits for another's pages, and all keep the pace together.

use std::time::Duration;

use batch_emulator::{Call, Emulator, Faults, Operation, Status};
use serde_json::json;
use support::{Function, QUEUE, events, job};

use super::many;

/// Settings for long listings.
const MANY: [(&str, &str); 1] = [("MAX_SELECTED", "100000")];

/// Calls that may go out at once after a rest.
const BURST: usize = 4;

fn account(queues: usize, jobs: u32) -> Emulator {
    let emulator = Emulator::new();
    for queue in 0..queues {
        emulator.add_jobs(&many(jobs, job(Status::Runnable).queue(name(queue))));
    }
    emulator.set_faults(Faults {
        latency: Duration::from_millis(500),
        ..Faults::default()
    });
    emulator
}

fn name(queue: usize) -> String {
    format!("queue-{queue}")
}

/// How long it takes to list so many queues by one event, without the changing calls.
async fn listed(queues: usize, jobs: u32, settings: &[(&str, &str)]) -> (Duration, Vec<Call>) {
    let settings = [settings, &MANY].concat();
    let function = Function::on(account(queues, jobs), &settings);
    let bodies = (0..queues).map(|queue| json!({"select": {"jobQueue": name(queue)}}));
    let began = function.emulator.now();
    let answer = function.invoke(events::sqs(bodies)).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": []}));
    let calls = function.emulator.calls();
    let listings = calls
        .iter()
        .filter(|call| call.operation == Operation::ListJobs);
    let last = listings.filter_map(|call| call.answered_at).max().unwrap();
    (last.saturating_sub(began), calls)
}

#[tokio::test(start_paused = true)]
async fn eight_listings_take_no_longer_than_one() {
    let (one, _) = listed(1, 1_001, &[]).await;
    let (eight, _) = listed(8, 1_001, &[]).await;
    assert_eq!((one, eight), (Duration::from_millis(4500), one));
}

#[tokio::test(start_paused = true)]
async fn a_short_listing_does_not_wait_for_a_long_one() {
    let emulator = account(0, 0);
    emulator.add_jobs(&many(6_000, job(Status::Runnable).queue("long")));
    emulator.add_job(job(Status::Runnable).queue("short"));
    let function = Function::on(emulator, &MANY);
    let select = |queue| json!({"select": {"jobQueue": queue}});
    let event = events::sqs([select("long"), select("short")]);
    function.invoke(event).await.unwrap();
    let calls = function.emulator.calls();
    let last_of = |queue: &str| {
        let of_queue = |call: &&Call| {
            call.operation == Operation::ListJobs
                && String::from_utf8_lossy(&call.body).contains(&format!("{queue}\""))
        };
        calls
            .iter()
            .filter(of_queue)
            .filter_map(|call| call.answered_at)
            .max()
            .unwrap()
    };
    let (short, long) = (last_of("short"), last_of("long"));
    assert!(
        short + Duration::from_secs(2) < long,
        "{short:?}, and the long one {long:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn together_they_keep_the_pace() {
    let (_, calls) = listed(8, 800, &[("API_CALLS_PER_SECOND", "10")]).await;
    let times: Vec<Duration> = calls.iter().map(|call| call.at).collect();
    for (first, at) in times.iter().enumerate() {
        let within = times
            .iter()
            .skip(first)
            .take_while(|time| **time < *at + Duration::from_secs(1));
        let within = within.count();
        assert!(
            within <= 10 + BURST,
            "{within} calls in the second after {at:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn equal_selections_list_their_queue_once() {
    let function = Function::new(&[]);
    function.emulator.add_jobs(&many(30, job(Status::Runnable)));
    let select = |reason: String| json!({"select": {"jobQueue": QUEUE}, "reason": reason});
    let bodies = (0..10).map(|number| select(format!("message {number}")));
    let answer = function.invoke(events::sqs(bodies)).await.unwrap();
    assert_eq!(answer, events::failures(&[]));
    assert_eq!(function.emulator.count(Operation::DescribeJobQueues), 1);
    assert_eq!(function.emulator.calls().len(), 10);
    assert!(function.emulator.jobs().iter().all(|job| job.is_cancelled));
}

/// The jobs over the limit are counted once, and a message that wants an error gets one.
#[tokio::test(start_paused = true)]
async fn equal_selections_with_a_limit_are_one() {
    let function = Function::new(&[]);
    function
        .emulator
        .add_jobs(&many(300, job(Status::Runnable)));
    let request = json!({"select": {"jobQueue": QUEUE}, "maxJobs": 10});
    let event = json!([request.clone(), request.clone(), request]);
    let report = function.invoke(event).await.unwrap();
    assert_eq!(
        report["summary"],
        json!({"jobs": 300, "cancelled": 10, "overLimit": 290})
    );
}

/// Requests that differ in what they do are two.
#[tokio::test(start_paused = true)]
async fn selections_that_differ_are_made_apart() {
    for other in [
        json!({"select": {"jobQueue": QUEUE}, "dryRun": true}),
        json!({"select": {"jobQueue": QUEUE, "statuses": ["RUNNABLE"]}}),
        json!({"select": {"jobQueue": QUEUE}, "maxJobs": 1000}),
        json!({"select": {"jobQueue": QUEUE}, "terminate": true}),
    ] {
        let function = Function::new(&[("ALLOW_TERMINATE", "true")]);
        function.emulator.add_job(job(Status::Runnable));
        let bodies = [json!({"select": {"jobQueue": QUEUE}}), other];
        function.invoke(events::sqs(&bodies)).await.unwrap();
        let queues = function.emulator.count(Operation::DescribeJobQueues);
        assert_eq!(queues, 2, "{bodies:?}");
    }
}
