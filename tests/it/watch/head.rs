//! The first job in line of a queue.

use std::time::Duration;

use batch_cancel::queue::REASONS;
use batch_emulator::{
    CapacityUsage, JobSpec, Operation, PositionTime, Queue, QueueStatus, Status, TimeLimitAction,
    TimeLimitEnd, TimeLimitState,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use support::{Function, NO_CAPACITY, NO_ROLE, OWN_FAULT, QUEUE, first_for};

use super::{old_job, watch_one};

/// The code of `OWN_FAULT`.
const RESOURCES: &str = "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT";

/// The first in line, for so long, with this reason.
fn first(function: &Function, minutes: u64, reason: &str) -> String {
    let emulator = &function.emulator;
    emulator.add_job(JobSpec {
        status_reason: Some(reason.to_owned()),
        position_time: first_for(emulator, Duration::from_mins(minutes)),
        ..old_job(Status::Runnable).name("stuck")
    })
}

/// A first job in line, and what is said of it.
struct Case {
    minutes: u64,
    reason: &'static str,
    code: Option<&'static str>,
    would_cancel: bool,
    why: &'static str,
}

const CASES: [Case; 6] = [
    Case {
        minutes: 11,
        reason: OWN_FAULT,
        code: Some(RESOURCES),
        would_cancel: true,
        why: "first for BLOCKED_FOR",
    },
    Case {
        minutes: 9,
        reason: OWN_FAULT,
        code: Some(RESOURCES),
        would_cancel: false,
        why: "not before",
    },
    Case {
        minutes: 90,
        reason: NO_CAPACITY,
        code: Some("CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY"),
        would_cancel: false,
        why: "none of BLOCKED_REASONS",
    },
    Case {
        minutes: 90,
        reason: NO_ROLE,
        code: Some("MISCONFIGURATION:SERVICE_ROLE_PERMISSIONS"),
        would_cancel: false,
        why: "none of BLOCKED_REASONS",
    },
    Case {
        minutes: 90,
        reason: "New words",
        code: None,
        would_cancel: false,
        why: "none of BLOCKED_REASONS",
    },
    Case {
        minutes: 90,
        reason: "",
        code: None,
        would_cancel: false,
        why: "no reason",
    },
];

#[tokio::test(start_paused = true)]
async fn the_first_in_line_says_why_it_waits_what_helps_and_whether_it_would_be_cancelled() {
    for case in CASES {
        let function = Function::new(&[]);
        let id = first(&function, case.minutes, case.reason);
        let head = watch_one(&function).await["head"].clone();
        assert_eq!(head["jobId"], id);
        assert_eq!(head["jobName"], "stuck");
        assert_eq!(head["ageSeconds"], case.minutes * 60);
        assert!(head["since"].as_str().unwrap().ends_with('Z'), "{head}");
        assert_eq!(head["statusReason"], case.reason);
        assert_eq!(head["code"].as_str(), case.code);
        for field in ["meaning", "help"] {
            assert_eq!(head[field].is_string(), case.code.is_some(), "{head}");
        }
        assert_eq!(head["wouldCancel"], case.would_cancel, "{head}");
        assert!(head["why"].as_str().unwrap().contains(case.why), "{head}");
        // The watch is right about it.
        let request = json!({"select": {"jobQueue": QUEUE, "head": true}});
        let report = function.invoke(request).await.unwrap();
        let is_cancelled = report["summary"]["cancelled"] == 1;
        assert_eq!(is_cancelled, case.would_cancel, "{report}");
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
    let plain = old_job(Status::Runnable);
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

const HOUR: u64 = 3600;

/// A queue whose own time limit actions are these, by codes and seconds.
fn with_actions(function: &Function, actions: &[(&str, u64)]) {
    let actions = actions.iter().map(|(reason, seconds)| TimeLimitAction {
        reason: (*reason).to_owned(),
        state: TimeLimitState::Runnable,
        max_time_seconds: i32::try_from(*seconds).unwrap(),
        action: TimeLimitEnd::Cancel,
    });
    function.emulator.add_queue(Queue {
        job_state_time_limit_actions: actions.collect(),
        ..Queue::new(QUEUE)
    });
}

#[tokio::test(start_paused = true)]
async fn what_the_queue_does_by_itself_is_shown_with_the_time_and_who_comes_first() {
    let all = REASONS.map(|reason| (reason.code, HOUR * 4));
    // Ours is opted in for the job's own fault alone, after ten minutes.
    for reason in REASONS {
        let text = format!("{} - text", reason.code);
        for (minutes, order) in [
            (5, "the function may cancel it before that"),
            (90, "the function may cancel it now"),
        ] {
            let order = match reason.code {
                RESOURCES => order,
                _ => "the function leaves it alone",
            };
            let function = Function::new(&[]);
            with_actions(&function, &all);
            first(&function, minutes, &text);
            let watched = watch_one(&function).await;
            let head = &watched["head"];
            let since: Timestamp = head["since"].as_str().unwrap().parse().unwrap();
            let acts: Timestamp = head["batchActsAfter"].as_str().unwrap().parse().unwrap();
            assert_eq!(acts.as_second() - since.as_second(), 4 * 3600, "{head}");
            let help = head["help"].as_str().unwrap();
            let expected = format!("after 4h, this one not before {acts:.0}; {order}.");
            assert!(
                help.starts_with(reason.remedy) && help.ends_with(&expected),
                "{help}"
            );
            let shown = watched["timeLimitActions"].as_array().unwrap();
            assert_eq!(shown.len(), REASONS.len());
            let action = json!({"reason": REASONS[0].code, "seconds": 14_400, "action": "CANCEL"});
            assert_eq!(shown[0], action);
        }
        // Without an action for this reason.
        let others: Vec<(&str, u64)> = all
            .into_iter()
            .filter(|(code, _)| *code != reason.code)
            .collect();
        for actions in [others.as_slice(), &[]] {
            let function = Function::new(&[]);
            with_actions(&function, actions);
            first(&function, 90, &text);
            let head = watch_one(&function).await["head"].clone();
            assert!(head["batchActsAfter"].is_null(), "{head}");
            let help = head["help"].as_str().unwrap();
            assert!(help.contains("no time limit action"), "{help}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_queue_acts_first_where_its_time_is_shorter_than_ours() {
    let function = Function::new(&[("BLOCKED_FOR", "3h")]);
    with_actions(&function, &[(RESOURCES, 7200), (RESOURCES, 600)]);
    first(&function, 5, OWN_FAULT);
    let head = watch_one(&function).await["head"].clone();
    let help = head["help"].as_str().unwrap();
    assert!(
        help.contains("after 10m") && help.ends_with("the function may cancel it only later."),
        "{help}"
    );
    // Since when it is first is not known: nor when the queue acts.
    let function = Function::new(&[]);
    with_actions(&function, &[(RESOURCES, 600)]);
    function.emulator.add_job(JobSpec {
        status_reason: Some(OWN_FAULT.to_owned()),
        position_time: PositionTime::Missing,
        ..old_job(Status::Runnable)
    });
    let head = watch_one(&function).await["head"].clone();
    assert!(head["batchActsAfter"].is_null(), "{head}");
    assert!(
        head["help"]
            .as_str()
            .unwrap()
            .ends_with("such a job after 10m."),
        "{head}"
    );
}

#[tokio::test(start_paused = true)]
async fn state_of_the_queue_and_what_it_uses_are_shown_without_another_call() {
    let function = Function::new(&[]);
    first(&function, 5, OWN_FAULT);
    let watched = watch_one(&function).await;
    let calls = function.emulator.calls().len();
    assert_eq!(watched["timeLimitActions"], json!([]));
    assert_eq!(watched["inUse"], json!([]));
    assert!(
        watched["status"].is_null() && watched["statusReason"].is_null(),
        "{watched}"
    );
    function.emulator.forget_calls();
    function.emulator.add_queue(Queue {
        status: QueueStatus::Invalid,
        status_reason: Some("All environments are gone".to_owned()),
        total_capacity_usage: vec![CapacityUsage {
            capacity_unit: "VCPU".to_owned(),
            quantity: 1.5,
        }],
        ..Queue::new(QUEUE)
    });
    let watched = watch_one(&function).await;
    assert_eq!(watched["status"], "INVALID");
    assert_eq!(watched["statusReason"], "All environments are gone");
    assert_eq!(watched["inUse"], json!([{"unit": "VCPU", "quantity": 1.5}]));
    assert_eq!(function.emulator.calls().len(), calls);
}
