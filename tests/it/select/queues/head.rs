//! The first in line of each of several queues.

use std::time::Duration;

use batch_emulator::{Faults, ItemError, JobSpec, Operation, Status};
use serde_json::json;
use support::{OWN_FAULT, first_for, outcomes};

use super::{in_queue, name, select_all, unread, with_queues};
use crate::select::{cancelled, error_of, many};

#[tokio::test(start_paused = true)]
async fn head_means_the_head_of_each_queue() {
    let function = with_queues(4, &[]);
    let blocked = |queue: usize, age: u64| JobSpec {
        status_reason: Some(format!("{OWN_FAULT} Queue {queue}.")),
        position_time: first_for(&function.emulator, Duration::from_mins(20)),
        ..in_queue(queue, Status::Runnable).age(Duration::from_mins(age))
    };
    let heads: Vec<String> = [(0, 30), (1, 50), (2, 40)]
        .into_iter()
        .map(|(queue, age)| {
            let head = function.emulator.add_job(blocked(queue, age));
            function
                .emulator
                .add_jobs(&many(3, in_queue(queue, Status::Runnable)));
            head
        })
        .collect();
    function.emulator.add_job(in_queue(3, Status::Runnable));
    let mut event = select_all(json!({"head": true}));
    event["dryRun"] = true.into();
    let report = function.invoke(event.clone()).await.unwrap();
    assert_eq!(
        report["summary"],
        json!({"jobs": 3, "wouldCancel": 3}),
        "{report}"
    );
    event["dryRun"] = false.into();
    event["maxJobs"] = 2.into();
    let report = function.invoke(event).await.unwrap();
    assert_eq!(
        report["summary"],
        json!({"jobs": 3, "cancelled": 2, "overLimit": 1}),
        "{report}"
    );
    assert_eq!(
        cancelled(&function.emulator),
        [heads[1].clone(), heads[2].clone()].into()
    );
    // The reason of each repeats what it overwrites.
    for (queue, head) in [(1, &heads[1]), (2, &heads[2])] {
        let reason = function.emulator.job(head).unwrap().status_reason.unwrap();
        assert!(reason.contains(&format!("Queue {queue}.")), "{reason}");
    }
}

#[tokio::test(start_paused = true)]
async fn heads_of_several_queues_are_looked_at_within_the_concurrency() {
    for concurrency in [1, 3] {
        let function = with_queues(8, &[("API_CONCURRENCY", &concurrency.to_string())]);
        function.emulator.set_faults(Faults {
            latency: Duration::from_millis(50),
            ..Faults::default()
        });
        for queue in 0..8 {
            function.emulator.add_job(in_queue(queue, Status::Runnable));
        }
        let report = function.invoke(select_all(json!({"head": true}))).await;
        assert_eq!(report.unwrap()["summary"], json!({"jobs": 0}));
        assert_eq!(function.emulator.count(Operation::DescribeJobs), 8);
        assert_eq!(function.emulator.most_in_flight(), concurrency);
    }
}

#[tokio::test(start_paused = true)]
async fn heads_above_max_selected_are_refused() {
    let function = with_queues(2, &[("MAX_SELECTED", "1")]);
    for queue in 0..2 {
        function.emulator.add_job(JobSpec {
            status_reason: Some(OWN_FAULT.to_owned()),
            position_time: first_for(&function.emulator, Duration::from_mins(20)),
            ..in_queue(queue, Status::Runnable).age(Duration::from_mins(30))
        });
    }
    let error = error_of(&function, select_all(json!({"head": true}))).await;
    assert!(
        error.error_message.contains("matches 2 jobs"),
        "{}",
        error.error_message
    );
    assert!(cancelled(&function.emulator).is_empty());
}

#[tokio::test(start_paused = true)]
async fn head_of_a_queue_that_cannot_be_read_is_named_and_hides_no_other() {
    let function = with_queues(3, &[]);
    let head = function.emulator.add_job(JobSpec {
        status_reason: Some(OWN_FAULT.to_owned()),
        position_time: first_for(&function.emulator, Duration::from_mins(20)),
        ..in_queue(2, Status::Runnable).age(Duration::from_mins(30))
    });
    function.emulator.set_faults(Faults {
        queue_errors: [(name(0), ItemError::AccessDenied)].into(),
        ..Faults::default()
    });
    let report = function
        .invoke(select_all(json!({"head": true})))
        .await
        .unwrap();
    assert_eq!(report["summary"], json!({"jobs": 1, "cancelled": 1}));
    assert_eq!(outcomes(&report)[0].0, head);
    assert_eq!(unread(&report), ["render-00"]);
}

#[tokio::test(start_paused = true)]
async fn head_of_unknown_age_keeps_the_younger_ones_from_being_ended() {
    for (max_jobs, expected) in [(1, "notAttempted"), (2, "cancelled")] {
        let function = with_queues(2, &[]);
        let heads: Vec<String> = [50, 30]
            .into_iter()
            .enumerate()
            .map(|(queue, age)| {
                function.emulator.add_job(JobSpec {
                    status_reason: Some(OWN_FAULT.to_owned()),
                    position_time: first_for(&function.emulator, Duration::from_mins(20)),
                    ..in_queue(queue, Status::Runnable).age(Duration::from_mins(age))
                })
            })
            .collect();
        function.emulator.set_faults(Faults {
            fails_describe: [heads[0].clone()].into(),
            ..Faults::default()
        });
        let mut event = select_all(json!({"head": true}));
        event["maxJobs"] = max_jobs.into();
        let report = function.invoke(event).await.unwrap();
        let found: Vec<(String, String)> = outcomes(&report)
            .into_iter()
            .map(|(id, outcome, ..)| (id, outcome))
            .collect();
        let expected = [
            (heads[0].clone(), "failed".to_owned()),
            (heads[1].clone(), expected.to_owned()),
        ];
        assert_eq!(found, expected, "{report}");
    }
}
