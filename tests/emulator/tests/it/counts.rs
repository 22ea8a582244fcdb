//! How often each switch bit.

use std::collections::BTreeSet;

use crate::ask::{SECOND, describe, page, post, try_post};
use batch_emulator::{BulkCalls, Emulator, Fault, Faults, ItemError, JobSpec, Operation};
use serde_json::{Value, json};

/// What belongs to another switch, or to all of them.
const NO_SWITCHES: [&str; 4] = ["seed", "only", "burst", "slowFor"];

#[test]
fn every_switch_has_a_count() {
    let Value::Object(faults) = serde_json::to_value(Faults::default()).unwrap() else {
        panic!("faults are an object");
    };
    let switches: BTreeSet<&str> = faults
        .keys()
        .map(String::as_str)
        .filter(|name| !NO_SWITCHES.contains(name))
        .collect();
    let counts = Emulator::new().fault_counts();
    assert_eq!(counts.keys().copied().collect::<BTreeSet<_>>(), switches);
    assert!(counts.values().all(|count| *count == 0));
}

/// Calls that meet these faults: the switches that bit.
async fn bitten(faults: Faults) -> Vec<(&'static str, usize)> {
    let emulator = Emulator::new();
    emulator.set_faults(faults);
    emulator.add_job(JobSpec::default().id("a"));
    let alone = json!({"jobId": "a", "reason": "r"});
    let bulk = json!({"jobs": ["a"], "reason": "r"});
    for (operation, ask) in [
        (Operation::CancelJob, alone),
        (Operation::CancelJobs, bulk),
        (Operation::DescribeJobs, json!({"jobs": ["a"]})),
    ] {
        let call = try_post(&emulator, operation, ask);
        // A hanging call bites too; other tests check the outcome of the calls.
        let _ = tokio::time::timeout(SECOND, call).await;
    }
    let counts = emulator.fault_counts().into_iter();
    counts.filter(|(_, count)| *count > 0).collect()
}

#[tokio::test(start_paused = true)]
async fn calls_are_counted() {
    for (faults, expected) in [
        (Faults::default(), vec![]),
        (
            Faults {
                latency: SECOND / 10,
                jitter: SECOND / 10,
                ..Faults::default()
            },
            vec![("jitter", 3), ("latency", 3)],
        ),
        (
            Faults {
                calls_per_second: Some(0.1),
                ..Faults::default()
            },
            vec![("callsPerSecond", 2)],
        ),
        (
            Faults {
                throttle_rate: 1.0,
                ..Faults::default()
            },
            vec![("throttleRate", 3)],
        ),
        (
            Faults {
                server_error_rate: 1.0,
                ..Faults::default()
            },
            vec![("serverErrorRate", 3)],
        ),
        (
            Faults {
                reset_before_rate: 1.0,
                ..Faults::default()
            },
            vec![("resetBeforeRate", 3)],
        ),
        (
            Faults {
                reset_after_rate: 1.0,
                ..Faults::default()
            },
            vec![("resetAfterRate", 3)],
        ),
        (
            Faults {
                hang_rate: 1.0,
                ..Faults::default()
            },
            vec![("hangRate", 3)],
        ),
        (
            Faults {
                slow: [(Operation::CancelJobs, SECOND / 10)].into(),
                slow_rate: 1.0,
                slow_for: SECOND / 10,
                ..Faults::default()
            },
            vec![("slow", 1), ("slowRate", 3)],
        ),
        (
            Faults {
                bulk_calls: BulkCalls::MissingToken,
                ..Faults::default()
            },
            vec![("bulkCalls", 1)],
        ),
        (
            Faults {
                denied: [Operation::CancelJob].into(),
                ..Faults::default()
            },
            vec![("denied", 2)],
        ),
    ] {
        assert_eq!(bitten(faults.clone()).await, expected, "{faults:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn jobs_are_counted() {
    for (faults, expected) in [
        (
            Faults {
                item_throttle_rate: 1.0,
                ..Faults::default()
            },
            vec![("itemThrottleRate", 1)],
        ),
        (
            Faults {
                item_server_error_rate: 1.0,
                ..Faults::default()
            },
            vec![("itemServerErrorRate", 1)],
        ),
        (
            Faults {
                item_errors: [("a".to_owned(), ItemError::ClientException)].into(),
                ..Faults::default()
            },
            vec![("itemErrors", 2)],
        ),
        (
            Faults {
                denied_jobs: ["a".to_owned()].into(),
                ..Faults::default()
            },
            vec![("deniedJobs", 2)],
        ),
        (
            Faults {
                ignore_cancels: ["a".to_owned()].into(),
                ..Faults::default()
            },
            vec![("ignoreCancels", 2)],
        ),
        (
            Faults {
                flag_delay: SECOND,
                ..Faults::default()
            },
            vec![("flagDelay", 2)],
        ),
    ] {
        assert_eq!(bitten(faults.clone()).await, expected, "{faults:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn hidden_jobs_are_counted_where_somebody_looks_for_them() {
    let emulator = Emulator::new();
    emulator.set_faults(Faults {
        visibility_delay: SECOND,
        ..Faults::default()
    });
    emulator.add_job(JobSpec::default().id("a"));
    assert_eq!(emulator.fault_counts()["visibilityDelay"], 0);
    describe(&emulator, &["a"]).await;
    page(
        &emulator,
        json!({"jobQueue": "default", "jobStatus": "RUNNABLE"}),
    )
    .await;
    assert_eq!(emulator.fault_counts()["visibilityDelay"], 2);
    emulator.advance(SECOND);
    describe(&emulator, &["a"]).await;
    assert_eq!(emulator.fault_counts()["visibilityDelay"], 2);
}

#[tokio::test(start_paused = true)]
async fn answers_that_break_off_are_counted_and_ordered_faults_are_not() {
    let emulator = Emulator::new();
    emulator.set_faults(Faults {
        cut_short_rate: 1.0,
        ..Faults::default()
    });
    let request = http::Request::post("/v1/describejobs")
        .body(json!({"jobs": ["a"]}).to_string().into())
        .unwrap();
    emulator.call(request).await.unwrap();
    emulator.fail_next(Operation::DescribeJobs, Fault::Throttled, 1);
    let ask = json!({"jobs": ["a"]});
    assert_eq!(post(&emulator, Operation::DescribeJobs, ask).await.0, 429);
    let counts = emulator.fault_counts();
    assert_eq!((counts["cutShortRate"], counts["throttleRate"]), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn queue_that_fails_fails_its_listing_and_its_snapshot_alone() {
    let emulator = Emulator::new();
    for queue in ["good", "bad"] {
        emulator.add_job(JobSpec::default().queue(queue));
    }
    emulator.set_faults(Faults {
        queue_errors: [("bad".to_owned(), ItemError::AccessDenied)].into(),
        ..Faults::default()
    });
    for (queue, expected) in [("good", 200), ("bad", 403)] {
        for operation in [Operation::ListJobs, Operation::GetJobQueueSnapshot] {
            let ask = json!({"jobQueue": queue, "jobStatus": "RUNNABLE"});
            let (status, _) = try_post(&emulator, operation, ask).await.unwrap();
            assert_eq!(status, expected, "{queue} {operation:?}");
        }
    }
    assert_eq!(emulator.fault_counts()["queueErrors"], 2);
}
