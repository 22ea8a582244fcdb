//! The policy of the deployer, which no source can widen.

use std::time::Duration;

use batch_emulator::{Emulator, JobSpec, Operation, Queue, Status};
use serde_json::{Value, json};
use support::{
    Function, OWN_FAULT,
    events::{
        CALLER, Form, alarm_action, alarm_event, eventbridge, job_runnable, notification,
        queue_blocked, service_queue_blocked, sns, sqs,
    },
};

/// The jobs that must be unchanged after every event.
struct Untouchable {
    foreign: String,
    protected: String,
    running: String,
    child: String,
    array: String,
    service: String,
}

/// An allowed queue with jobs that may not be ended, and a queue that is not allowed.
fn account() -> (Emulator, Untouchable) {
    let emulator = Emulator::new();
    emulator.add_queue(Queue::new("mine"));
    emulator.add_queue(Queue::new("theirs"));
    emulator.add_queue(Queue::service("training"));
    let job = |status, queue: &str| {
        JobSpec::new(status)
            .queue(queue)
            .age(Duration::from_hours(3))
    };
    let blocking = |spec: JobSpec| JobSpec {
        status_reason: Some(OWN_FAULT.to_owned()),
        ..spec
    };
    let protected = |spec: JobSpec| spec.tag("batch-cancel:protect", "yes");
    let array =
        emulator.add_job(protected(job(Status::Pending, "mine")).array(&[Status::Runnable; 3]));
    let untouchable = Untouchable {
        foreign: emulator.add_job(blocking(job(Status::Runnable, "theirs"))),
        protected: emulator.add_job(protected(blocking(job(Status::Runnable, "mine")))),
        running: emulator.add_job(job(Status::Running, "mine")),
        child: format!("{array}:1"),
        array,
        service: emulator.add_job(job(Status::Running, "training")),
    };
    (emulator, untouchable)
}

/// Requests for more than is allowed, alone or together with what is allowed.
fn requests(jobs: &Untouchable) -> Vec<Value> {
    let ids = [
        &jobs.foreign,
        &jobs.protected,
        &jobs.running,
        &jobs.child,
        &jobs.array,
    ];
    let service = format!(
        "arn:aws:batch:eu-west-1:123456789012:service-job/{}",
        jobs.service
    );
    let mut requests = vec![
        json!({ "jobIds": ids }),
        json!({ "jobIds": ids, "terminate": true }),
        json!({ "jobIds": ids, "dryRun": false }),
        json!({ "jobIds": [service] }),
        json!({ "jobIds": [service], "terminate": true }),
        json!({"jobIds": [format!("arn:aws:batch:us-east-1:123456789012:job/{}", jobs.foreign)]}),
        json!({"jobIds": [format!("arn:aws:batch:eu-west-1:210987654321:job/{}", jobs.foreign)]}),
    ];
    for select in [
        json!({"jobQueue": "theirs"}),
        json!({"jobQueue": "theirs", "head": true}),
        json!({"jobQueue": "arn:aws:batch:eu-west-1:123456789012:job-queue/theirs"}),
        json!({"jobQueue": "*"}),
        json!({"jobQueue": "mine,theirs"}),
        json!({"jobQueue": "mine", "tags": {"batch-cancel:protect": "yes"}}),
        json!({"jobQueue": "mine", "head": true}),
        json!({ "arrayJobId": jobs.array }),
        json!({"jobQueue": "training"}),
    ] {
        requests.push(json!({ "select": select }));
        requests.push(json!({ "select": select, "maxJobs": 1 }));
        requests.push(json!({ "select": select, "terminate": true }));
    }
    // Settings are not fields of a request.
    for (name, value) in [
        ("allowTerminate", json!(true)),
        ("ALLOWED_QUEUES", json!("*")),
        ("allowedQueues", json!("*")),
        ("protectTag", json!("none")),
        ("maxSelected", json!(1_000_000)),
        ("blockedReasons", json!("*")),
    ] {
        let mut request = json!({ "jobIds": ids });
        request[name] = value;
        requests.push(request);
    }
    requests
}

/// The request from every source.
fn sources(request: &Value) -> Vec<Value> {
    let text = request.to_string();
    let custom = eventbridge(request);
    vec![
        request.clone(),
        sqs([request]),
        sqs([&custom]),
        sqs([notification(&text)]),
        sqs([notification(&custom.to_string())]),
        sns(&text),
        json!([request]),
        custom,
        alarm_action("mine", &json!({ "batchCancel": request }).to_string()),
        Form::V2.post(&text).caller(CALLER).event,
    ]
}

/// Events of AWS Batch and of alarms, which name one job or queue.
fn events(jobs: &Untouchable) -> Vec<Value> {
    let mut events = ["theirs", "mine", "*", "training"]
        .map(alarm_event)
        .to_vec();
    for id in [
        &jobs.foreign,
        &jobs.protected,
        &jobs.running,
        &jobs.child,
        &jobs.array,
    ] {
        events.push(queue_blocked(id, "mine"));
        events.push(job_runnable(id, "mine"));
    }
    events.push(service_queue_blocked(&jobs.service, "mine"));
    for event in &mut events {
        if event["source"] == "aws.batch" {
            event["detail"]["statusReason"] = json!(OWN_FAULT);
        }
    }
    events
}

#[tokio::test(start_paused = true)]
async fn no_source_can_widen_the_policy() {
    let (emulator, jobs) = account();
    let before = emulator.jobs();
    let settings = [
        ("ALLOWED_QUEUES", "mine,training"),
        ("ALARM_DESCRIPTIONS", "true"),
    ];
    let mut attempts = events(&jobs);
    attempts.extend(requests(&jobs).iter().flat_map(sources));
    assert!(attempts.len() > 300);
    for attempt in attempts {
        let function = Function::on(emulator.clone(), &settings);
        // Some are refused and some are reported; either way no job may change.
        let answer = function.invoke(attempt.clone()).await;
        assert_eq!(emulator.jobs(), before, "{attempt}\nled to {answer:?}");
    }
    for operation in Operation::ALL {
        let name = operation.name();
        if ["Cancel", "Terminate"]
            .iter()
            .any(|verb| name.starts_with(verb))
        {
            assert_eq!(emulator.count(operation), 0, "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn selection_above_max_selected_is_refused_from_every_source() {
    for select in [
        json!({"jobQueue": "mine", "statuses": ["RUNNABLE"]}),
        json!({"jobQueue": "mine", "tags": {"user": "ann"}}),
    ] {
        for source in sources(&json!({ "select": select })) {
            let emulator = Emulator::new();
            emulator.add_queue(Queue::new("mine"));
            let spec = JobSpec::new(Status::Runnable)
                .queue("mine")
                .tag("user", "ann");
            emulator.add_jobs(&JobSpec {
                count: 11,
                ..spec.age(Duration::from_hours(3))
            });
            let settings = [
                ("ALLOWED_QUEUES", "*"),
                ("MAX_SELECTED", "10"),
                ("ALARM_DESCRIPTIONS", "true"),
            ];
            let function = Function::on(emulator.clone(), &settings);
            let answer = function.invoke(source.clone()).await;
            assert!(
                emulator.jobs().iter().all(|job| !job.is_cancelled),
                "{source}\nled to {answer:?}"
            );
            assert!(
                emulator.count(Operation::ListJobs) > 0,
                "{source}\nled to {answer:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn alarm_description_narrows_the_selection_only_if_descriptions_are_enabled() {
    let described = |description: &str| alarm_action("mine", description);
    let event = described(r#"All of it. {"batchCancel": {"select": {"statuses": ["RUNNABLE"]}}}"#);
    for (allowed, cancelled) in [("false", 0), ("true", 4)] {
        let emulator = Emulator::new();
        emulator.add_queue(Queue::new("mine"));
        let spec = JobSpec::new(Status::Runnable)
            .queue("mine")
            .age(Duration::from_hours(1));
        emulator.add_jobs(&JobSpec { count: 4, ..spec });
        let function = Function::on(emulator.clone(), &[("ALARM_DESCRIPTIONS", allowed)]);
        function.invoke(event.clone()).await.unwrap();
        let found = emulator
            .jobs()
            .iter()
            .filter(|job| job.is_cancelled)
            .count();
        assert_eq!(found, cancelled, "ALARM_DESCRIPTIONS={allowed}");
    }
    let function = Function::new(&[("ALARM_DESCRIPTIONS", "true"), ("ALLOW_TERMINATE", "true")]);
    for (description, message) in [
        (
            r#"{"batchCancel": {"select": {}, "terminate": true}}"#,
            "batchCancel.terminate",
        ),
        (
            r#"{"batchCancel": {"jobIds": ["1f0c7a52-6d2e-4f6b-9a53-0a7d3c1b9e01"]}}"#,
            "batchCancel: select is required",
        ),
        (
            r#"{"batchCancel": {"select": {"statuse": []}}}"#,
            "batchCancel.select.statuse",
        ),
    ] {
        let error = function
            .invoke(described(description))
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains(message), "{error}");
    }
    assert_eq!(function.emulator.calls().len(), 0);
}
