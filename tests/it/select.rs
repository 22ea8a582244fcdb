//! Selections: which jobs are found, how many calls that takes, and which jobs are left alone.

mod limits;
mod queues;
mod running;
mod together;

use std::{collections::BTreeSet, time::Duration};

use batch_emulator::{Emulator, JobSpec, Operation, Queue, Status};
use lambda_runtime::Diagnostic;
use serde_json::{Value, json};
use support::{
    Function, NO_CAPACITY, NO_ROLE, OWN_FAULT, QUEUE, QUEUE_ARN, first_for, job, only_outcome,
    outcomes,
};

fn many(count: u32, spec: JobSpec) -> JobSpec {
    JobSpec { count, ..spec }
}

fn select(select: Value) -> Value {
    let mut select = select;
    let names = ["jobQueue", "jobQueues", "arrayJobId"];
    if names.iter().all(|name| select[name].is_null()) {
        select["jobQueue"] = QUEUE.into();
    }
    json!({ "select": select })
}

fn cancelled(emulator: &Emulator) -> BTreeSet<String> {
    let jobs = emulator.jobs().into_iter();
    jobs.filter(|job| job.is_cancelled || job.is_terminated)
        .map(|job| job.job_id)
        .collect()
}

async fn error_of(function: &Function, event: Value) -> Diagnostic {
    function.invoke(event).await.unwrap_err().into()
}

#[tokio::test(start_paused = true)]
async fn jobs_that_have_not_started_are_selected_by_default() {
    let function = Function::new(&[]);
    let mut expected_ids = BTreeSet::new();
    for status in [Status::Submitted, Status::Runnable] {
        expected_ids.insert(function.emulator.add_job(job(status)));
    }
    let running = function.emulator.add_job(job(Status::Running));
    expected_ids.insert(
        function
            .emulator
            .add_job(job(Status::Pending).after(&running)),
    );
    for status in [Status::Starting, Status::Succeeded, Status::Failed] {
        function.emulator.add_job(job(status));
    }
    function.emulator.add_job(
        JobSpec::new(Status::Runnable)
            .queue("other")
            .age(Duration::from_mins(10)),
    );
    for queue in [QUEUE, QUEUE_ARN] {
        let report = function
            .invoke(select(json!({ "jobQueue": queue })))
            .await
            .unwrap();
        let expected = if queue == QUEUE {
            json!({"jobs": 3, "cancelled": 2, "cancelling": 1})
        } else {
            json!({"jobs": 0})
        };
        assert_eq!(report["summary"], expected, "{report}");
        assert_eq!(cancelled(&function.emulator), expected_ids);
    }
}

#[tokio::test(start_paused = true)]
async fn small_queue_takes_one_listing_per_status_and_a_second_sweep_if_jobs_were_found() {
    let function = Function::new(&[]);
    function.invoke(select(json!({}))).await.unwrap();
    assert_eq!(function.emulator.count(Operation::ListJobs), 3);
    function.emulator.add_jobs(&many(60, job(Status::Runnable)));
    function.emulator.forget_calls();
    let report = function
        .invoke(select(json!({"statuses": ["RUNNABLE"]})))
        .await
        .unwrap();
    assert_eq!(report["summary"]["cancelled"], 60);
    assert_eq!(function.emulator.count(Operation::ListJobs), 2);
    assert_eq!(function.emulator.count(Operation::DescribeJobQueues), 1);
    assert_eq!(function.emulator.count(Operation::DescribeJobs), 2);
    assert_eq!(function.emulator.count(Operation::CancelJobs), 2);
}

#[tokio::test(start_paused = true)]
async fn cheaper_of_two_listings_is_used() {
    let function = Function::new(&[("MAX_SELECTED", "100000")]);
    // Few of many jobs: one filtered page, where listing all by status would take twelve.
    function
        .emulator
        .add_jobs(&many(12_000, job(Status::Runnable).name("bulk")));
    function
        .emulator
        .add_jobs(&many(3, job(Status::Runnable).name("rare")));
    let report = function
        .invoke(select(json!({"jobName": "rare"})))
        .await
        .unwrap();
    assert_eq!(report["summary"], json!({"jobs": 3, "cancelled": 3}));
    assert_eq!(function.emulator.count(Operation::ListJobs), 2);
    // Most of the live jobs, and far more that have ended: listing by status is cheaper.
    let other = Function::new(&[("MAX_SELECTED", "100000")]);
    other
        .emulator
        .add_jobs(&many(5_000, job(Status::Succeeded).name("bulk")));
    other
        .emulator
        .add_jobs(&many(900, job(Status::Runnable).name("bulk")));
    let report = other
        .invoke(select(json!({"jobName": "bulk", "statuses": ["RUNNABLE"]})))
        .await
        .unwrap();
    assert_eq!(report["summary"]["cancelled"], 900);
    assert!(
        other.emulator.count(Operation::ListJobs) <= 4,
        "{}",
        other.emulator.count(Operation::ListJobs)
    );
}

#[tokio::test(start_paused = true)]
async fn conditions_are_exact_by_default_and_all_must_hold() {
    let function = Function::new(&[]);
    let add = |name: &str, definition: &str, share: &str, age: u64| {
        function.emulator.add_job(JobSpec {
            job_definition: definition.to_owned(),
            share_identifier: Some(share.to_owned()),
            ..job(Status::Runnable)
                .name(name)
                .age(Duration::from_secs(age))
                .tag("user", name)
        })
    };
    let a = add("train", "torch:3", "ann", 7200);
    let b = add("Train", "torch:4", "bob", 60);
    let c = add("train-2", "torchvision:1", "ann", 60);
    let arn = "arn:aws:batch:eu-west-1:123456789012:job-definition/torch:3";
    for (conditions, expected) in [
        (json!({"jobName": "train"}), vec![&a]),
        (json!({"jobName": "train*"}), vec![&a, &c]),
        (json!({"jobDefinition": "torch"}), vec![&a, &b]),
        (json!({"jobDefinition": "torch:4"}), vec![&b]),
        (json!({ "jobDefinition": arn }), vec![&a]),
        (json!({"jobDefinition": "torch*"}), vec![&a, &b, &c]),
        (json!({"shareIdentifier": "ann"}), vec![&a, &c]),
        (json!({"olderThan": "2h"}), vec![&a]),
        (json!({"olderThan": "PT1M"}), vec![&a, &b, &c]),
        (json!({"tags": {"user": "Train"}}), vec![&b]),
        (json!({"tags": {"user": "Train", "team": "x"}}), vec![]),
        (
            json!({"jobName": "train*", "shareIdentifier": "ann", "olderThan": "1h"}),
            vec![&a],
        ),
    ] {
        let mut event = select(conditions.clone());
        event["dryRun"] = true.into();
        let report = function.invoke(event).await.unwrap();
        let found: BTreeSet<String> = outcomes(&report).into_iter().map(|job| job.0).collect();
        let expected: BTreeSet<String> = expected.into_iter().cloned().collect();
        assert_eq!(found, expected, "{conditions}");
        if expected.is_empty() {
            assert_eq!(report["summary"], json!({"jobs": 0}), "{conditions}");
        }
    }
    assert!(cancelled(&function.emulator).is_empty());
}

#[tokio::test(start_paused = true)]
async fn head_of_a_queue_is_cancelled_only_if_it_blocks_by_its_own_fault() {
    let function = Function::new(&[]);
    let event = || select(json!({"head": true}));
    let report = function.invoke(event()).await.unwrap();
    assert!(
        report["ignored"].is_string(),
        "the queue is empty: {report}"
    );
    let head = function.emulator.add_job(JobSpec {
        position_time: first_for(&function.emulator, Duration::from_hours(1)),
        ..job(Status::Runnable).age(Duration::from_hours(2))
    });
    let next = function.emulator.add_job(job(Status::Runnable));
    for reason in ["", NO_CAPACITY, NO_ROLE, "UNDETERMINED - no idea"] {
        function.emulator.set_status_reason(&head, reason);
        let report = function.invoke(event()).await.unwrap();
        assert!(report["ignored"].is_string(), "{reason:?}: {report}");
        assert!(cancelled(&function.emulator).is_empty());
    }
    function.emulator.set_status_reason(&head, OWN_FAULT);
    let report = function.invoke(event()).await.unwrap();
    assert_eq!(only_outcome(&report), "cancelled");
    let message = report["jobs"][0]["message"].as_str().unwrap();
    assert!(
        message.contains("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT*"),
        "{message}"
    );
    let report = function.invoke(event()).await.unwrap();
    assert!(
        report["ignored"].is_string(),
        "the next job is not at fault: {report}"
    );
    assert_eq!(cancelled(&function.emulator), BTreeSet::from([head]));
    assert!(
        function
            .emulator
            .job(&next)
            .is_some_and(|job| job.status == Status::Runnable)
    );
}

#[tokio::test(start_paused = true)]
async fn children_of_an_array_can_be_selected_and_ended() {
    let function = Function::new(&[("ALLOW_TERMINATE", "true")]);
    let children = [
        Status::Runnable,
        Status::Running,
        Status::Succeeded,
        Status::Runnable,
    ];
    let array = function
        .emulator
        .add_job(job(Status::Pending).array(&children));
    let report = function
        .invoke(select(json!({ "arrayJobId": array })))
        .await
        .unwrap();
    assert_eq!(report["summary"], json!({"jobs": 2, "cancelled": 2}));
    let mut event = select(json!({"arrayJobId": array, "statuses": ["RUNNING"]}));
    event["terminate"] = true.into();
    let report = function.invoke(event).await.unwrap();
    assert_eq!(outcomes(&report)[0].0, format!("{array}:1"));
    assert_eq!(only_outcome(&report), "terminated");
    let plain = function.emulator.add_job(job(Status::Runnable));
    for (id, message) in [
        (plain, "no array job"),
        (
            "00000000-0000-4000-8000-000000000000".to_owned(),
            "does not exist",
        ),
    ] {
        let error = error_of(&function, select(json!({ "arrayJobId": id }))).await;
        assert!(
            error.error_message.contains(message),
            "{}",
            error.error_message
        );
    }
}

#[tokio::test(start_paused = true)]
async fn queue_that_may_not_be_selected_is_not_listed() {
    let function = Function::new(&[("ALLOWED_QUEUES", "allowed-*")]);
    function
        .emulator
        .add_queue(Queue::service("allowed-training"));
    let hidden = function
        .emulator
        .add_job(job(Status::Pending).array(&[Status::Runnable]));
    for (conditions, message) in [
        (json!({ "jobQueue": QUEUE }), "ALLOWED_QUEUES"),
        (json!({ "jobQueue": QUEUE_ARN }), "ALLOWED_QUEUES"),
        (json!({ "jobQueue": QUEUE, "head": true }), "ALLOWED_QUEUES"),
        (json!({ "arrayJobId": hidden }), "ALLOWED_QUEUES"),
        (json!({"jobQueue": "allowed-training"}), "service jobs"),
        (json!({"jobQueue": "allowed-gone"}), "does not exist"),
    ] {
        let error = error_of(&function, select(conditions.clone())).await;
        assert_eq!(error.error_type, "Refused", "{conditions}");
        assert!(
            error.error_message.contains(message),
            "{conditions}: {}",
            error.error_message
        );
    }
    assert_eq!(function.emulator.count(Operation::ListJobs), 0);
    assert_eq!(function.emulator.count(Operation::GetJobQueueSnapshot), 0);
    assert!(cancelled(&function.emulator).is_empty());
}

#[tokio::test(start_paused = true)]
async fn jobs_created_after_the_request_are_not_selected() {
    let function = Function::new(&[]);
    let old = function.emulator.add_job(job(Status::Runnable));
    function.emulator.on(Operation::ListJobs, |emulator, _| {
        emulator.add_job(JobSpec {
            created_at: Some(emulator.now() + Duration::from_secs(5)),
            ..JobSpec::new(Status::Runnable).queue(QUEUE)
        });
    });
    let report = function.invoke(select(json!({}))).await.unwrap();
    assert_eq!(report["summary"], json!({"jobs": 1, "cancelled": 1}));
    assert_eq!(cancelled(&function.emulator), BTreeSet::from([old]));
}
