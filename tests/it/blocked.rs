//! Jobs that block their queue: never a healthy one, and a stuck one once.

use std::{collections::BTreeSet, time::Duration};

use batch_emulator::{Emulator, JobSpec, PositionTime, Queue, Status};
use serde_json::{Value, json};
use support::{
    Function, NO_CAPACITY, OWN_FAULT, QUEUE,
    events::{queue_blocked, sqs},
    first_for, job, now, only_outcome,
};
use tokio::time::advance;

fn blocked(reason: &str, position_time: PositionTime) -> JobSpec {
    JobSpec {
        status_reason: Some(reason.to_owned()),
        position_time,
        ..job(Status::Runnable).age(Duration::from_hours(4))
    }
}

/// The event that tells that a job blocks its queue, of so long ago.
fn blocked_event(emulator: &Emulator, id: &str, age: Duration) -> Value {
    let mut event = queue_blocked(id, QUEUE);
    event["time"] = json!((now(emulator) - age).to_string());
    event
}

fn cancelled(emulator: &Emulator) -> BTreeSet<String> {
    let jobs = emulator.jobs().into_iter().filter(|job| job.is_cancelled);
    jobs.map(|job| job.job_id).collect()
}

/// Whether SQS brings the only message again.
async fn comes_again(function: &Function, event: &Value) -> bool {
    let answer = function.invoke(sqs([event.to_string()])).await.unwrap();
    !answer["batchItemFailures"].as_array().unwrap().is_empty()
}

const MINUTES: [Duration; 4] = [
    Duration::from_mins(0),
    Duration::from_mins(9),
    Duration::from_mins(11),
    Duration::from_mins(40),
];

#[tokio::test(start_paused = true)]
async fn a_job_is_cancelled_if_its_event_and_its_place_are_old_enough() {
    for event_age in MINUTES {
        for first in MINUTES {
            let function = Function::new(&[]);
            let id = function
                .emulator
                .add_job(blocked(OWN_FAULT, first_for(&function.emulator, first)));
            let report = function
                .invoke(blocked_event(&function.emulator, &id, event_age))
                .await
                .unwrap();
            let long_enough = Duration::from_mins(10);
            if event_age >= long_enough && first >= long_enough {
                assert_eq!(
                    only_outcome(&report),
                    "cancelled",
                    "{event_age:?} {first:?}"
                );
                let reason = function.emulator.job(&id).unwrap().status_reason.unwrap();
                assert!(reason.starts_with(OWN_FAULT), "{reason}");
                assert!(reason.contains("| Blocked its job queue | by"), "{reason}");
                assert_eq!(report["jobs"][0]["statusReason"], OWN_FAULT);
            } else if event_age > Duration::from_mins(30) {
                let why = report["ignored"].as_str().unwrap();
                assert!(why.contains("too old to wait"), "{why}");
            } else {
                assert_eq!(only_outcome(&report), "tooSoon", "{event_age:?} {first:?}");
                let message = report["jobs"][0]["message"].as_str().unwrap();
                assert!(message.contains("BLOCKED_FOR is 10m"), "{message}");
                assert!(
                    message.contains("nothing brings this event again"),
                    "{message}"
                );
                assert!(
                    comes_again(
                        &function,
                        &blocked_event(&function.emulator, &id, event_age)
                    )
                    .await
                );
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_position_without_a_time_or_behind_others_is_too_soon() {
    let hour = Duration::from_hours(1);
    for position in [PositionTime::Missing, PositionTime::At(0)] {
        let function = Function::new(&[]);
        let id = function.emulator.add_job(blocked(OWN_FAULT, position));
        let report = function
            .invoke(blocked_event(
                &function.emulator,
                &id,
                Duration::from_mins(20),
            ))
            .await;
        assert_eq!(only_outcome(&report.unwrap()), "tooSoon");
        let head = json!({"select": {"jobQueue": QUEUE, "head": true}});
        let report = function.invoke(head).await.unwrap();
        assert_eq!(only_outcome(&report), "tooSoon");
        assert_eq!(report["complete"], false);
    }
    let function = Function::new(&[]);
    function
        .emulator
        .add_job(job(Status::Runnable).age(Duration::from_hours(9)));
    let id = function
        .emulator
        .add_job(blocked(OWN_FAULT, first_for(&function.emulator, hour)));
    let report = function
        .invoke(blocked_event(
            &function.emulator,
            &id,
            Duration::from_mins(20),
        ))
        .await;
    let report = report.unwrap();
    assert_eq!(only_outcome(&report), "tooSoon");
    let message = report["jobs"][0]["message"].as_str().unwrap();
    assert!(message.contains("not the first"), "{message}");
}

/// Times at a position that cannot be: in seconds, before 1970, before the job was created 30 s ago, and far ahead.
fn impossible_times(emulator: &Emulator) -> [i64; 6] {
    let now = now(emulator).as_millisecond();
    let (seconds, hour) = (now / 1000, 3_600_000);
    [1, -hour, seconds, now - hour, now - 31_000, now + hour]
}

#[tokio::test(start_paused = true)]
async fn a_first_place_before_the_job_was_created_is_too_soon() {
    for place in 0..6 {
        let function = Function::new(&[]);
        let emulator = &function.emulator;
        let at = impossible_times(emulator)[place];
        let id = emulator.add_job(JobSpec {
            status_reason: Some(OWN_FAULT.to_owned()),
            position_time: PositionTime::At(at),
            ..job(Status::Runnable).age(Duration::from_secs(30))
        });
        let event = blocked_event(emulator, &id, Duration::from_mins(20));
        let head = json!({"select": {"jobQueue": QUEUE, "head": true}});
        for event in [event, head] {
            let report = function.invoke(event).await.unwrap();
            assert_eq!(only_outcome(&report), "tooSoon", "{at}");
            let message = report["jobs"][0]["message"].as_str().unwrap();
            assert!(message.contains("since when is not known"), "{message}");
        }
        let watched = function.invoke(json!({"watch": {}})).await.unwrap();
        let head = &watched["queues"][0]["head"];
        assert_eq!(head["jobId"], id);
        for unknown in ["since", "ageSeconds"] {
            assert_eq!(head[unknown], Value::Null, "{at}: {head}");
        }
        assert_eq!(head["wouldCancel"], false, "{at}: {head}");
        let panel = json!({"panel": {"jobQueue": QUEUE}, "widgetContext": {}});
        let html = function.invoke(panel).await.unwrap();
        assert!(
            html.as_str().unwrap().contains(">First in line</div>"),
            "{html}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_place_of_a_job_of_unknown_age_is_too_soon() {
    let function = Function::new(&[]);
    let position = first_for(&function.emulator, Duration::from_hours(1));
    function.emulator.add_job(JobSpec {
        created_at: Some(Duration::ZERO),
        ..blocked(OWN_FAULT, position)
    });
    let head = json!({"select": {"jobQueue": QUEUE, "head": true}});
    let report = function.invoke(head).await.unwrap();
    assert_eq!(only_outcome(&report), "tooSoon");
}

#[tokio::test(start_paused = true)]
async fn blocked_for_zero_acts_at_once_on_the_first() {
    let function = Function::new(&[("BLOCKED_FOR", "0")]);
    let first = function
        .emulator
        .add_job(blocked(OWN_FAULT, PositionTime::Missing));
    let report = function
        .invoke(blocked_event(&function.emulator, &first, Duration::ZERO))
        .await
        .unwrap();
    assert_eq!(only_outcome(&report), "cancelled");
}

#[tokio::test(start_paused = true)]
async fn a_reason_that_does_not_show_yet_is_looked_at_again() {
    let function = Function::new(&[]);
    let id = function.emulator.add_job(JobSpec {
        position_time: first_for(&function.emulator, Duration::from_hours(1)),
        ..job(Status::Runnable)
    });
    let event = blocked_event(&function.emulator, &id, Duration::from_mins(20));
    let report = function.invoke(event.clone()).await.unwrap();
    assert_eq!(only_outcome(&report), "tooSoon");
    let looks = function.emulator.calls().len();
    assert_eq!(looks, 3, "looked at once, after 1 s and after 3 s");
    function.emulator.set_status_reason(&id, NO_CAPACITY);
    let report = function.invoke(event).await.unwrap();
    let why = report["ignored"].as_str().unwrap();
    assert!(why.contains("none of BLOCKED_REASONS"), "{why}");
}

/// nextflow-io/nextflow#7479: while a queue scales up, healthy jobs show a reason for minutes.
#[tokio::test(start_paused = true)]
async fn a_queue_that_scales_up_loses_no_job_and_a_stuck_one_is_cancelled_once() {
    let function = Function::new(&[]);
    let emulator = &function.emulator;
    let waited = JobSpec {
        position_time: first_for(emulator, Duration::from_hours(3)),
        ..job(Status::Runnable).age(Duration::from_hours(3))
    };
    let mut healthy = vec![emulator.add_job(waited)];
    healthy.extend(
        (1..100).map(|_| emulator.add_job(job(Status::Runnable).age(Duration::from_mins(5)))),
    );
    let stuck = emulator.add_job(job(Status::Runnable));
    // Each message: its job, and when the queue delivers it next.
    let delay = Duration::from_mins(10);
    let visibility = Duration::from_mins(6);
    let mut messages: Vec<(Value, Duration)> = Vec::new();
    let step = Duration::from_secs(10);
    let mut first_cancel = None;
    for tick in 0..720_u32 {
        let time = step * tick;
        match time.as_secs() {
            seconds @ 0..180 if seconds % 60 == 0 => {
                for id in healthy.iter().chain([&stuck]) {
                    emulator.set_status_reason(id, OWN_FAULT);
                    let event = blocked_event(emulator, id, Duration::ZERO);
                    let direct = function.invoke(event.clone()).await.unwrap();
                    assert_eq!(only_outcome(&direct), "tooSoon", "{time:?}");
                    messages.push((event, time + delay));
                }
            }
            180 => {
                for id in &healthy {
                    emulator.set_status_reason(id, None);
                }
            }
            seconds @ 181..=300 => {
                let started = usize::try_from((seconds - 180) / 10 * 9).unwrap();
                for id in healthy.iter().take(started) {
                    emulator.set_status(id, Status::Running);
                }
            }
            _ => {}
        }
        let mut waiting = Vec::new();
        for (event, due) in messages {
            if due > time {
                waiting.push((event, due));
            } else if comes_again(&function, &event).await {
                waiting.push((event, time + visibility));
            }
        }
        messages = waiting;
        if first_cancel.is_none() && !cancelled(emulator).is_empty() {
            first_cancel = Some(time);
        }
        advance(step).await;
    }
    assert_eq!(cancelled(emulator), BTreeSet::from([stuck.clone()]));
    assert!(first_cancel.unwrap() >= Duration::from_mins(10));
    let reason = emulator.job(&stuck).unwrap().status_reason.unwrap();
    assert!(reason.starts_with(OWN_FAULT), "{reason}");
    assert!(messages.is_empty(), "{} messages are left", messages.len());
}

#[tokio::test(start_paused = true)]
async fn a_wrong_pattern_cannot_drain_a_queue() {
    let settings = [("BLOCKED_REASONS", "CAPACITY:*")];
    let function = Function::new(&settings);
    let emulator = function.emulator.clone();
    emulator.add_queue(Queue::new(QUEUE));
    let ids: Vec<String> = (0..100_u32)
        .map(|number| {
            emulator.add_job(JobSpec {
                status_reason: Some(NO_CAPACITY.to_owned()),
                ..job(Status::Runnable).age(Duration::from_secs((400 - number).into()))
            })
        })
        .collect();
    let other = Function::on(emulator.clone(), &settings);
    let head = json!({"select": {"jobQueue": QUEUE, "head": true}});
    let (hours, step) = (Duration::from_hours(3), Duration::from_mins(2));
    let steps = hours.as_secs() / step.as_secs();
    for _ in 0..steps {
        let before = cancelled(&emulator).len();
        for (function, id) in [&function, &other].into_iter().zip(ids.iter().skip(before)) {
            for age in [Duration::ZERO, Duration::from_mins(25)] {
                function
                    .invoke(sqs([blocked_event(&emulator, id, age).to_string()]))
                    .await
                    .unwrap();
            }
            function.invoke(head.clone()).await.unwrap();
        }
        assert!(cancelled(&emulator).len() <= before + 1);
        advance(step).await;
    }
    // One in BLOCKED_FOR, as long as the first was first.
    assert_eq!(cancelled(&emulator).len(), 17);
}
