//! A process after a slow spell: the event that follows is handled as in a new process. A table of cases, each with a process
//! and an emulator of its own, in real time.

use std::time::Duration;

use batch_emulator::{Emulator, Faults, JobSpec, Operation, Status};
use serde_json::{Value, json};
use support::{QUEUE, events::CALLER, events::Form};

use super::process::Process;

/// The jobs of an event: they need one look, one call and one look.
const JOBS: u32 = 50;

/// A slow spell: the calls that are slow, and for how long.
type Spell = &'static [(Operation, Duration)];

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// The time of an event in milliseconds, whether it comes over HTTP, and the slow spell of the event before.
const CASES: [(u64, bool, Spell); 6] = [
    (5_000, false, &[(Operation::DescribeJobs, ms(1_000))]),
    (5_000, false, &[(Operation::DescribeJobs, ms(4_000))]),
    (60_000, false, &[(Operation::CancelJobs, ms(20_000))]),
    (
        60_000,
        false,
        &[
            (Operation::DescribeJobs, ms(1_000)),
            (Operation::CancelJobs, ms(17_000)),
        ],
    ),
    (60_000, true, &[(Operation::DescribeJobs, ms(3_200))]),
    (60_000, true, &[(Operation::CancelJobs, ms(9_000))]),
];

/// A request to cancel new jobs.
fn event(emulator: &Emulator, over_http: bool) -> String {
    let ids = emulator.add_jobs(&JobSpec {
        count: JOBS,
        ..JobSpec::new(Status::Runnable).queue(QUEUE)
    });
    let request = json!({ "jobIds": ids });
    if over_http {
        let post = Form::V2.post(&request.to_string()).caller(CALLER);
        return post.event.to_string();
    }
    request.to_string()
}

/// The counts by outcome of an answer.
fn summary(answer: &Value) -> Value {
    let body = answer["body"].as_str();
    let report = body.map_or(answer.clone(), |body| serde_json::from_str(body).unwrap());
    report["summary"].clone()
}

fn slow(spell: Spell) -> Faults {
    Faults {
        slow: spell.iter().copied().collect(),
        ..Faults::default()
    }
}

async fn run((time, over_http, spell): (u64, bool, Spell)) {
    let emulator = Emulator::new();
    let mut process = Process::start(&emulator, &[("ALLOWED_QUEUES", "*")]).await;
    emulator.set_faults(slow(spell));
    let first = event(&emulator, over_http);
    process.invoke_within(&first, ms(time)).await.unwrap();
    emulator.set_faults(Faults::default());
    emulator.forget_calls();
    let second = event(&emulator, over_http);
    let answer = process.invoke_within(&second, ms(time)).await.unwrap();
    assert_eq!(summary(&answer), json!({"jobs": JOBS, "cancelled": JOBS}));
    assert_eq!(emulator.calls().len(), 3);
    process.terminate().await;
}

#[tokio::test]
async fn event_after_a_slow_spell_is_handled_as_in_a_new_process() {
    let running = CASES.map(|case| (case, tokio::spawn(run(case))));
    let mut failed = Vec::new();
    for (case, running) in running {
        if running.await.is_err() {
            failed.push(case);
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

/// With looks of 1 s, a look, a call and a look fit into the time of a function with a time-out of 5 s.
#[tokio::test]
async fn slow_looks_are_sent_as_long_as_there_is_time() {
    const SLOW: Spell = &[(Operation::DescribeJobs, ms(1_000))];
    let emulator = Emulator::new();
    let mut process = Process::start(&emulator, &[("ALLOWED_QUEUES", "*")]).await;
    emulator.set_faults(slow(SLOW));
    for _ in 0..3 {
        let event = event(&emulator, false);
        let answer = process.invoke_within(&event, ms(5_000)).await.unwrap();
        assert_eq!(summary(&answer), json!({"jobs": JOBS, "cancelled": JOBS}));
    }
    process.terminate().await;
}
