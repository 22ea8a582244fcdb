//! The first job in line of a queue.

use std::time::Duration;

use batch_emulator::{JobSpec, Operation, PositionTime, Status};
use serde_json::{Value, json};
use support::{Function, QUEUE, first_for};

use super::{CAPACITY, OWN_FAULT, ROLE, job, watch_one};

/// The first in line, for so long, with this reason.
fn first(function: &Function, minutes: u64, reason: &str) -> String {
    let emulator = &function.emulator;
    emulator.add_job(JobSpec {
        status_reason: Some(reason.to_owned()),
        position_time: first_for(emulator, Duration::from_mins(minutes)),
        ..job(Status::Runnable).name("stuck")
    })
}

#[tokio::test(start_paused = true)]
async fn the_first_in_line_says_why_it_waits_what_helps_and_whether_it_would_be_cancelled() {
    for (minutes, reason, code, would_cancel, why) in [
        (
            11,
            OWN_FAULT,
            "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT",
            true,
            "first for BLOCKED_FOR",
        ),
        (
            9,
            OWN_FAULT,
            "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT",
            false,
            "not before",
        ),
        (
            90,
            CAPACITY,
            "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY",
            false,
            "none of BLOCKED_REASONS",
        ),
        (
            90,
            ROLE,
            "MISCONFIGURATION:SERVICE_ROLE_PERMISSIONS",
            false,
            "none of BLOCKED_REASONS",
        ),
        (90, "New words", "", false, "none of BLOCKED_REASONS"),
        (90, "", "", false, "no reason"),
    ] {
        let function = Function::new(&[]);
        let id = first(&function, minutes, reason);
        let head = watch_one(&function).await["head"].clone();
        assert_eq!(head["jobId"], id);
        assert_eq!(head["jobName"], "stuck");
        assert_eq!(head["ageSeconds"], minutes * 60);
        assert!(head["since"].as_str().unwrap().ends_with('Z'), "{head}");
        assert_eq!(head["statusReason"], reason);
        assert_eq!(head["code"].as_str().unwrap_or_default(), code);
        for field in ["meaning", "help"] {
            assert_eq!(head[field].is_string(), !code.is_empty(), "{head}");
        }
        assert_eq!(head["wouldCancel"], would_cancel, "{head}");
        assert!(head["why"].as_str().unwrap().contains(why), "{head}");
        // The watch is right about it.
        let request = json!({"select": {"jobQueue": QUEUE, "head": true}});
        let report = function.invoke(request).await.unwrap();
        let is_cancelled = report["summary"]["cancelled"] == 1;
        assert_eq!(is_cancelled, would_cancel, "{report}");
    }
}

/// What happens to a job meanwhile.
type Change = fn(&Function, &str);

#[tokio::test(start_paused = true)]
async fn a_first_job_that_is_protected_ending_moving_or_without_a_time_is_not_cancelled() {
    let nothing: Change = |_, _| {};
    let moves: Change = |function, id| {
        let id = id.to_owned();
        function
            .emulator
            .on(Operation::DescribeJobs, move |emulator, _| {
                emulator.set_status(&id, Status::Starting);
            });
    };
    let hides: Change = |function, id| {
        let id = id.to_owned();
        function
            .emulator
            .on(Operation::DescribeJobs, move |emulator, _| {
                emulator.forget_job(&id);
            });
    };
    let plain = job(Status::Runnable);
    let protected = plain.clone().tag("batch-cancel:protect", "");
    let array = JobSpec {
        status: Status::Pending,
        ..protected.clone()
    };
    let ending = JobSpec {
        is_cancelled: true,
        ..plain.clone()
    };
    for (spec, change, why) in [
        (protected, nothing, "protected: carries the tag"),
        (
            array.array(&[Status::Runnable; 2]),
            nothing,
            "protected: carries the tag",
        ),
        (ending, nothing, "cancelling"),
        (plain.clone(), moves, "is STARTING now"),
        (plain.clone(), hides, "does not show the job"),
    ] {
        let function = Function::new(&[]);
        let id = function.emulator.add_job(JobSpec {
            status_reason: Some(OWN_FAULT.to_owned()),
            position_time: first_for(&function.emulator, Duration::from_hours(1)),
            ..spec
        });
        change(&function, &id);
        let queue = watch_one(&function).await;
        assert_eq!(queue["error"], Value::Null);
        let head = &queue["head"];
        assert_eq!(head["wouldCancel"], false, "{why}: {head}");
        assert!(head["why"].as_str().unwrap().contains(why), "{why}: {head}");
        assert_eq!(function.emulator.count(Operation::DescribeJobs), 1);
    }
    for position_time in [PositionTime::Missing, PositionTime::At(0)] {
        let function = Function::new(&[]);
        function.emulator.add_job(JobSpec {
            status_reason: Some(OWN_FAULT.to_owned()),
            position_time,
            ..plain.clone()
        });
        let head = watch_one(&function).await["head"].clone();
        assert_eq!(
            (&head["since"], &head["ageSeconds"]),
            (&Value::Null, &Value::Null)
        );
        assert!(
            head["why"]
                .as_str()
                .unwrap()
                .contains("since when is not known"),
            "{head}"
        );
    }
    let function = Function::new(&[("DRY_RUN", "true")]);
    first(&function, 60, OWN_FAULT);
    let head = watch_one(&function).await["head"].clone();
    assert_eq!(head["wouldCancel"], false);
    assert!(head["why"].as_str().unwrap().contains("DRY_RUN"), "{head}");
}
