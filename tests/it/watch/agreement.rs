//! What a watch says of the first in line, held against what `head` then does, in random worlds.

use std::time::Duration;

use batch_emulator::{Emulator, JobSpec, PositionTime, Queue, Status};
use fastrand::Rng;
use serde_json::{Value, json};
use support::{Function, NO_CAPACITY, NO_ROLE, OWN_FAULT, QUEUE, first_for};

use super::watch_one;

const WORLDS: u64 = 400;

/// A queue whose jobs and settings are drawn.
fn world(random: &mut Rng) -> Function {
    let emulator = Emulator::new();
    emulator.add_queue(Queue::new(QUEUE));
    let blocked_for = *random.choice(&["0", "10m", "1h"]).unwrap();
    let dry_run = *random.choice(&["false", "false", "false", "true"]).unwrap();
    let reasons = *random
        .choice(&["MISCONFIGURATION:*", "CAPACITY:*"])
        .unwrap();
    let function = Function::on(
        emulator,
        &[
            ("BLOCKED_FOR", blocked_for),
            ("DRY_RUN", dry_run),
            ("BLOCKED_REASONS", reasons),
        ],
    );
    for _ in 0..random.usize(0..3) {
        let spec = drawn_job(random, &function.emulator);
        let id = function.emulator.add_job(spec);
        if random.u8(..8) == 0 {
            function.emulator.set_status(&id, Status::Starting);
        }
    }
    function
}

fn drawn_job(random: &mut Rng, emulator: &Emulator) -> JobSpec {
    let minutes = *random.choice(&[0, 5, 11, 59, 61, 600]).unwrap();
    let reason = *random
        .choice(&[OWN_FAULT, OWN_FAULT, NO_CAPACITY, NO_ROLE, "New words", ""])
        .unwrap();
    let position_time = match random.u8(..6) {
        0 => PositionTime::Missing,
        1 => PositionTime::At(random.i64(..2_000_000_000)),
        2 => PositionTime::Actual,
        _ => first_for(emulator, Duration::from_mins(minutes)),
    };
    let spec = JobSpec {
        status_reason: Some(reason.to_owned()),
        position_time,
        is_cancelled: random.u8(..8) == 0,
        ..JobSpec::new(Status::Runnable).queue(QUEUE)
    };
    let spec = spec.age(Duration::from_mins(
        *random.choice(&[1, 30, 1_000]).unwrap(),
    ));
    let spec = match random.u8(..6) {
        0 => spec.tag("batch-cancel:protect", "yes"),
        _ => spec,
    };
    match random.u8(..5) {
        0 => spec.array(&[Status::Runnable, Status::Runnable]),
        _ => spec,
    }
}

/// What a request with `head` says of the first in line: that it is cancelled, or why not.
fn said(report: &Value) -> (bool, String) {
    let Some(job) = report["jobs"].get(0) else {
        return (false, report["ignored"].as_str().unwrap().to_owned());
    };
    let outcome = job["outcome"].as_str().unwrap();
    let message = job["message"].as_str().unwrap_or_default();
    match outcome {
        "cancelled" => (true, message.to_owned()),
        "tooSoon" => (false, message.to_owned()),
        "wouldCancel" => (false, "everything is a dry run: DRY_RUN is true".to_owned()),
        _ if message.is_empty() => (false, outcome.to_owned()),
        _ => (false, format!("{outcome}: {message}")),
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_says_what_a_request_for_the_head_then_does() {
    let mut random = Rng::with_seed(24);
    let (mut cancelled, mut left) = (0, 0);
    for number in 0..WORLDS {
        let function = world(&mut random);
        let head = watch_one(&function).await["head"].clone();
        let request = json!({"select": {"jobQueue": QUEUE, "head": true}});
        let report = function.invoke(request).await.unwrap();
        if head.is_null() {
            let why = report["ignored"].as_str().unwrap();
            assert!(why.ends_with("is RUNNABLE"), "world {number}: {report}");
            continue;
        }
        let (is_cancelled, why) = said(&report);
        assert_eq!(
            head["wouldCancel"], is_cancelled,
            "world {number}: {head}, {report}"
        );
        let shown_why = head["why"].as_str().unwrap();
        if is_cancelled {
            cancelled += 1;
            let (_, pattern) = shown_why.rsplit_once(' ').unwrap();
            assert!(why.contains(pattern), "world {number}: {shown_why}; {why}");
        } else {
            left += 1;
            assert_eq!(shown_why, why, "world {number}: {head}, {report}");
        }
    }
    assert_eq!((cancelled, left), (18, 226));
}
