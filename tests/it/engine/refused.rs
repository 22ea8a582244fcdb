//! What Batch refuses, or does not answer: the outcomes of the jobs at fault and of the others, and how many calls it takes.

use std::time::Duration;

use batch_emulator::{BulkCalls, Emulator, Fault, Faults, JobSpec, Operation, Status};
use serde_json::{Value, json};
use support::{Function, QUEUE, outcomes};

use super::changing_calls;

const SINGLE: [Operation; 2] = [Operation::CancelJob, Operation::TerminateJob];
const BULK: [Operation; 2] = [Operation::CancelJobs, Operation::TerminateJobs];

fn add_jobs(function: &Function, count: u32) -> Vec<String> {
    function.emulator.add_jobs(&JobSpec {
        count,
        ..JobSpec::new(Status::Runnable).queue(QUEUE)
    })
}

fn looks(emulator: &Emulator) -> usize {
    emulator.count(Operation::DescribeJobs)
}

#[tokio::test(start_paused = true)]
async fn a_thousand_denied_jobs_take_about_seventy_calls() {
    for (denied, bulk_calls, single_calls) in
        [(SINGLE.to_vec(), 20, 0), ([SINGLE, BULK].concat(), 20, 50)]
    {
        let function = Function::new(&[]);
        let ids = add_jobs(&function, 1000);
        function.emulator.set_faults(Faults {
            denied: denied.into_iter().collect(),
            ..Faults::default()
        });
        let report = function.invoke(json!({ "jobIds": ids })).await.unwrap();
        assert_eq!(report["summary"], json!({"jobs": 1000, "denied": 1000}));
        assert_eq!(function.emulator.count(Operation::CancelJobs), bulk_calls);
        assert_eq!(function.emulator.count(Operation::CancelJob), single_calls);
        assert_eq!(looks(&function.emulator), 10);
    }
}

#[tokio::test(start_paused = true)]
async fn denied_bulk_call_alone_means_single_calls_for_all() {
    let function = Function::new(&[]);
    let ids = add_jobs(&function, 200);
    function.emulator.set_faults(Faults {
        denied: BULK.into(),
        ..Faults::default()
    });
    let report = function.invoke(json!({ "jobIds": ids })).await.unwrap();
    assert_eq!(report["summary"], json!({"jobs": 200, "cancelled": 200}));
    assert_eq!(function.emulator.count(Operation::CancelJobs), 1);
    assert_eq!(function.emulator.count(Operation::CancelJob), 200);
}

#[tokio::test(start_paused = true)]
async fn one_denied_job_among_fifty_harms_no_other() {
    for whole_call_is_denied in [false, true] {
        let function = Function::new(&[]);
        let ids = add_jobs(&function, 50);
        function.emulator.set_faults(Faults {
            denied_jobs: [ids[7].clone()].into(),
            ..Faults::default()
        });
        if whole_call_is_denied {
            function
                .emulator
                .fail_next(Operation::CancelJobs, Fault::Denied, 1);
        }
        let report = function.invoke(json!({ "jobIds": ids })).await.unwrap();
        assert_eq!(
            report["summary"],
            json!({"jobs": 50, "denied": 1, "cancelled": 49})
        );
        assert_eq!(outcomes(&report)[7].1, "denied");
    }
}

#[tokio::test(start_paused = true)]
async fn child_that_its_array_ended_is_cancelled_though_its_own_call_was_refused() {
    let function = Function::new(&[]);
    let array = function.emulator.add_job(
        JobSpec::new(Status::Pending)
            .queue(QUEUE)
            .array(&[Status::Runnable, Status::Runnable]),
    );
    let child = format!("{array}:0");
    function.emulator.set_faults(Faults {
        denied_jobs: [child.clone()].into(),
        ..Faults::default()
    });
    let report = function
        .invoke(json!({ "jobIds": [child, array] }))
        .await
        .unwrap();
    assert_eq!(report["summary"], json!({"jobs": 2, "cancelled": 2}));
}

#[tokio::test(start_paused = true)]
async fn id_that_fails_a_look_harms_no_other_also_when_looks_fail_in_other_ways() {
    let function = Function::new(&[("API_CALLS_PER_SECOND", "20")]);
    let ids = add_jobs(&function, 1000);
    function.emulator.set_faults(Faults {
        seed: 1,
        fails_describe: [ids[7].clone(), ids[555].clone()].into(),
        server_error_rate: 0.3,
        only: [Operation::DescribeJobs].into(),
        ..Faults::default()
    });
    let report = function.invoke(json!({ "jobIds": ids })).await.unwrap();
    assert_eq!(
        report["summary"],
        json!({"jobs": 1000, "failed": 2, "cancelled": 998})
    );
    // 20 looks, and for each of the two 7 levels of halves; half as many again for those that fail.
    assert!(
        looks(&function.emulator) <= 80,
        "{}",
        looks(&function.emulator)
    );
}

#[tokio::test(start_paused = true)]
async fn child_whose_array_no_look_shows_was_not_attempted() {
    let function = Function::new(&[]);
    let array = function.emulator.add_job(
        JobSpec::new(Status::Pending)
            .queue(QUEUE)
            .array(&[Status::Runnable, Status::Runnable]),
    );
    function.emulator.forget_job(&array);
    let child = format!("{array}:0");
    let report = function.invoke(json!({ "jobId": child })).await.unwrap();
    assert_eq!(report["summary"], json!({"jobs": 1, "notAttempted": 1}));
}

/// What 600 jobs come to while all calls of one kind fail in one way, and how many calls it takes.
struct Outage {
    faults: Faults,
    outcomes: Value,
    ends: usize,
    looks: usize,
}

/// Bulk calls are tried ten times, when throttled twenty times, and never in parts.
fn outages() -> [Outage; 8] {
    let of_ends = |faults| Faults {
        only: SINGLE.into_iter().chain(BULK).collect(),
        ..faults
    };
    let of_looks = |faults| Faults {
        only: [Operation::DescribeJobs].into(),
        ..faults
    };
    let none = Faults::default;
    let server_errors = || Faults {
        server_error_rate: 1.0,
        ..none()
    };
    let resets = || Faults {
        reset_before_rate: 1.0,
        ..none()
    };
    let throttled = || Faults {
        throttle_rate: 1.0,
        ..none()
    };
    let hanging = || Faults {
        hang_rate: 1.0,
        ..none()
    };
    let outage = |faults, outcomes, ends, looks| Outage {
        faults,
        outcomes,
        ends,
        looks,
    };
    [
        outage(of_ends(server_errors()), json!({"failed": 600}), 120, 18),
        outage(of_ends(resets()), json!({"unconfirmed": 600}), 120, 66),
        outage(of_ends(throttled()), json!({"throttled": 600}), 240, 6),
        // It hangs before Batch acts or after.
        outage(of_ends(hanging()), json!({"cancelled": 600}), 29, 21),
        outage(of_looks(server_errors()), json!({"failed": 600}), 0, 60),
        outage(of_looks(resets()), json!({"notAttempted": 600}), 0, 60),
        outage(of_looks(throttled()), json!({"throttled": 600}), 0, 120),
        outage(of_looks(hanging()), json!({"notAttempted": 600}), 0, 60),
    ]
}

#[tokio::test(start_paused = true)]
async fn outage_takes_few_calls() {
    for outage in outages() {
        let mut function = Function::new(&[("API_CALLS_PER_SECOND", "20")]);
        function.deadline = Duration::from_mins(15);
        let ids = add_jobs(&function, 600);
        function.emulator.set_faults(outage.faults.clone());
        let report = function.invoke(json!({ "jobIds": ids })).await.unwrap();
        let mut outcomes = report["summary"].clone();
        outcomes.as_object_mut().unwrap().remove("jobs");
        assert_eq!(outcomes, outage.outcomes, "{:?}", outage.faults);
        let calls = (
            changing_calls(&function.emulator),
            looks(&function.emulator),
        );
        assert_eq!(calls, (outage.ends, outage.looks), "{:?}", outage.faults);
    }
}

#[tokio::test(start_paused = true)]
async fn outage_of_single_calls_takes_ten_calls_a_job() {
    let mut function = Function::new(&[("API_CALLS_PER_SECOND", "0")]);
    function.deadline = Duration::from_mins(15);
    let ids = add_jobs(&function, 100);
    function.emulator.set_faults(Faults {
        bulk_calls: BulkCalls::NotFound,
        server_error_rate: 1.0,
        only: SINGLE.into(),
        ..Faults::default()
    });
    let report = function.invoke(json!({ "jobIds": ids })).await.unwrap();
    assert_eq!(report["summary"], json!({"jobs": 100, "failed": 100}));
    assert_eq!(function.emulator.count(Operation::CancelJob), 1000);
}

#[tokio::test(start_paused = true)]
async fn call_that_hangs_is_given_up_in_time_for_a_look() {
    for seconds in [3, 5, 10, 20] {
        let mut function = Function::new(&[]);
        function.deadline = Duration::from_secs(seconds);
        let ids = add_jobs(&function, 50);
        function
            .emulator
            .fail_next(Operation::CancelJobs, Fault::HangAfter, 1);
        let report = function.invoke(json!({ "jobIds": ids })).await.unwrap();
        assert_eq!(report["summary"], json!({"jobs": 50, "cancelled": 50}));
    }
}
