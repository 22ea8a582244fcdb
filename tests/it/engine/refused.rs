//! What Batch refuses, or does not answer: the outcomes of the jobs at fault and of the others, and how many calls it takes.

use std::{collections::BTreeSet, time::Duration};

use batch_emulator::{BulkCalls, Emulator, Fault, Faults, JobSpec, Operation, Status};
use serde_json::json;
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

/// How many calls a thousand jobs take in an outage of these operations: bulk calls are tried ten times, when throttled
/// twenty times, and never in parts.
#[tokio::test(start_paused = true)]
async fn outage_takes_few_calls() {
    let looks_only = BTreeSet::from([Operation::DescribeJobs]);
    let ends_only: BTreeSet<Operation> = SINGLE.into_iter().chain(BULK).collect();
    let rates = |server_errors, resets, throttled, hanging| Faults {
        server_error_rate: server_errors,
        reset_before_rate: resets,
        throttle_rate: throttled,
        hang_rate: hanging,
        ..Faults::default()
    };
    for (only, faults, outcomes, most_ends, most_looks) in [
        (
            &ends_only,
            rates(1.0, 0.0, 0.0, 0.0),
            vec!["failed"],
            200,
            30,
        ),
        (
            &ends_only,
            rates(0.0, 1.0, 0.0, 0.0),
            vec!["unconfirmed"],
            200,
            110,
        ),
        (
            &ends_only,
            rates(0.0, 0.0, 1.0, 0.0),
            vec!["throttled"],
            400,
            10,
        ),
        (
            &ends_only,
            rates(0.0, 0.0, 0.0, 1.0),
            vec!["cancelled", "unconfirmed"],
            200,
            110,
        ),
        (
            &looks_only,
            rates(1.0, 0.0, 0.0, 0.0),
            vec!["failed"],
            0,
            100,
        ),
        (
            &looks_only,
            rates(0.0, 1.0, 0.0, 0.0),
            vec!["notAttempted"],
            0,
            100,
        ),
        (
            &looks_only,
            rates(0.0, 0.0, 1.0, 0.0),
            vec!["throttled"],
            0,
            200,
        ),
        (
            &looks_only,
            rates(0.0, 0.0, 0.0, 1.0),
            vec!["notAttempted"],
            0,
            100,
        ),
    ] {
        let mut function = Function::new(&[("API_CALLS_PER_SECOND", "20")]);
        function.deadline = Duration::from_mins(15);
        let ids = add_jobs(&function, 1000);
        let faults = Faults {
            only: only.clone(),
            ..faults
        };
        function.emulator.set_faults(faults.clone());
        let report = function.invoke(json!({ "jobIds": ids })).await.unwrap();
        let summary = report["summary"].as_object().unwrap();
        let reported: Vec<&str> = summary.keys().map(String::as_str).collect();
        let expected: Vec<&str> = outcomes.iter().copied().chain(["jobs"]).collect();
        assert_eq!(
            BTreeSet::from_iter(reported),
            BTreeSet::from_iter(expected),
            "{faults:?}"
        );
        let ends = changing_calls(&function.emulator);
        assert!(ends <= most_ends, "{ends} calls that end jobs: {faults:?}");
        let looks = looks(&function.emulator);
        assert!(looks <= most_looks, "{looks} looks: {faults:?}");
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
