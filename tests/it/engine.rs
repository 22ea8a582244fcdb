//! The outcome of jobs in every state, and the calls that it takes.

mod calls;
mod refused;
mod rows;
mod time;

use std::time::Duration;

use batch_emulator::{Emulator, Faults, ItemError, JobSpec, Operation, Queue, Status};
use serde_json::{Value, json};
use support::{
    Function, QUEUE,
    events::{CALLER, Form, failures, sqs},
    only_outcome, outcomes,
};

const CHANGING: [Operation; 6] = [
    Operation::CancelJob,
    Operation::CancelJobs,
    Operation::TerminateJob,
    Operation::TerminateJobs,
    Operation::TerminateServiceJob,
    Operation::TerminateServiceJobs,
];

fn changing_calls(emulator: &Emulator) -> usize {
    CHANGING
        .iter()
        .map(|&operation| emulator.count(operation))
        .sum()
}

/// A job in each state, and its expected result: (id in the request, id in the report, outcome, before, after).
fn one_of_each(
    function: &Function,
) -> Vec<(String, String, &'static str, &'static str, &'static str)> {
    let emulator = &function.emulator;
    emulator.add_queue(Queue::new("other-queue"));
    let job = |spec: JobSpec| emulator.add_job(spec.queue(QUEUE));
    let running = job(JobSpec::new(Status::Running));
    let plain = |id: String, outcome, before, after| (id.clone(), id, outcome, before, after);
    let array = job(JobSpec::new(Status::Pending).array(&[
        Status::Running,
        Status::Runnable,
        Status::Succeeded,
    ]));
    let other_array =
        job(JobSpec::new(Status::Pending).array(&[Status::Runnable, Status::Runnable]));
    let nodes = job(JobSpec::new(Status::Runnable));
    let by_arn = job(JobSpec::new(Status::Runnable));
    let unknown = "00000000-0000-4000-8000-000000000000".to_owned();
    vec![
        plain(
            job(JobSpec::new(Status::Submitted)),
            "cancelled",
            "SUBMITTED",
            "FAILED",
        ),
        plain(
            job(JobSpec::new(Status::Pending).after(&running)),
            "cancelling",
            "PENDING",
            "PENDING",
        ),
        plain(
            job(JobSpec::new(Status::Runnable)),
            "cancelled",
            "RUNNABLE",
            "FAILED",
        ),
        plain(
            job(JobSpec::new(Status::Starting)),
            "running",
            "STARTING",
            "STARTING",
        ),
        plain(running, "running", "RUNNING", "RUNNING"),
        plain(
            job(JobSpec::new(Status::Succeeded)),
            "finished",
            "SUCCEEDED",
            "SUCCEEDED",
        ),
        plain(
            job(JobSpec::new(Status::Failed)),
            "finished",
            "FAILED",
            "FAILED",
        ),
        plain(array, "cancelling", "PENDING", "PENDING"),
        plain(
            format!("{other_array}:1"),
            "cancelled",
            "RUNNABLE",
            "FAILED",
        ),
        plain(
            job(JobSpec::new(Status::Runnable).tag("batch-cancel:protect", "yes")),
            "protected",
            "RUNNABLE",
            "RUNNABLE",
        ),
        plain(
            emulator.add_job(JobSpec::new(Status::Runnable).queue("other-queue")),
            "queueNotAllowed",
            "RUNNABLE",
            "RUNNABLE",
        ),
        plain(unknown, "notFound", "", ""),
        plain("not-a-job".to_owned(), "invalidId", "", ""),
        (
            format!("{nodes}#1"),
            nodes,
            "cancelled",
            "RUNNABLE",
            "FAILED",
        ),
        (
            format!("arn:aws:batch:eu-west-1:123456789012:job/{by_arn}")
                .to_uppercase()
                .replace("ARN:AWS:BATCH:EU-WEST-1", "arn:aws:batch:eu-west-1")
                .replace(":JOB/", ":job/"),
            by_arn,
            "cancelled",
            "RUNNABLE",
            "FAILED",
        ),
    ]
}

#[tokio::test(start_paused = true)]
async fn each_job_state_has_its_outcome_from_every_source_and_a_repeat_ends_nothing() {
    for source in ["direct", "sqs", "http"] {
        let function = Function::new(&[("ALLOWED_QUEUES", QUEUE)]);
        let jobs = one_of_each(&function);
        let mut ids: Vec<&str> = jobs.iter().map(|job| job.0.as_str()).collect();
        ids.push(ids[2]);
        let request = json!({ "jobIds": ids, "reason": "a bad submission" });
        let event = match source {
            "direct" => request,
            "sqs" => sqs([&request]),
            _ => Form::V2.post(&request.to_string()).caller(CALLER).event,
        };
        let expected: Vec<_> = jobs
            .iter()
            .map(|job| {
                (
                    job.1.clone(),
                    job.2.to_owned(),
                    job.3.to_owned(),
                    job.4.to_owned(),
                )
            })
            .collect();
        for round in 0..2 {
            function.emulator.forget_calls();
            let answer = function.invoke(event.clone()).await.unwrap();
            match source {
                "direct" => assert_eq!(
                    outcomes(&answer),
                    expected_again(&expected, round),
                    "{source}, round {round}"
                ),
                "http" => {
                    assert_eq!(answer["statusCode"], 200);
                    let body: Value =
                        serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
                    assert_eq!(
                        outcomes(&body),
                        expected_again(&expected, round),
                        "{source}, round {round}"
                    );
                }
                _ => assert_eq!(answer, failures(&[0])),
            }
            let calls = changing_calls(&function.emulator);
            assert_eq!(calls, usize::from(round == 0), "{source}, round {round}");
        }
        for (_, id, outcome, ..) in &jobs {
            let Some(job) = function.emulator.job(id) else {
                continue;
            };
            assert_eq!(
                job.is_cancelled,
                outcome.starts_with("cancel"),
                "{source}: {id} {outcome}"
            );
        }
    }
}

/// In the second round the status `before` is the status `after` of the first round; the outcome is the same.
fn expected_again(
    expected: &[(String, String, String, String)],
    round: usize,
) -> Vec<(String, String, String, String)> {
    let mut expected = expected.to_vec();
    if round > 0 {
        for job in &mut expected {
            job.2.clone_from(&job.3);
        }
    }
    expected
}

#[tokio::test(start_paused = true)]
async fn a_thousand_jobs_take_20_describe_and_20_cancel_calls() {
    let function = Function::new(&[]);
    let ids = function.emulator.add_jobs(&JobSpec {
        count: 1000,
        ..JobSpec::new(Status::Runnable).queue(QUEUE)
    });
    assert_eq!(ids.len(), 1000);
    let report = function.invoke(json!({ "jobIds": ids })).await.unwrap();
    assert_eq!(report["summary"], json!({"jobs": 1000, "cancelled": 1000}));
    assert_eq!(report["complete"], true);
    assert_eq!(function.emulator.count(Operation::DescribeJobs), 20);
    assert_eq!(function.emulator.count(Operation::CancelJobs), 20);
    assert_eq!(function.emulator.calls().len(), 40);
    assert!(function.emulator.most_in_flight() <= 8);
}

#[tokio::test(start_paused = true)]
async fn one_job_needs_no_bulk_call_and_its_reason_names_source_and_request_id() {
    let function = Function::new(&[]);
    let id = function.add(Status::Runnable);
    let report = function
        .invoke(json!({ "jobId": id, "reason": "too\nlarge" }))
        .await
        .unwrap();
    assert_eq!(only_outcome(&report), "cancelled");
    assert_eq!(function.emulator.count(Operation::CancelJob), 1);
    assert_eq!(function.emulator.calls().len(), 3);
    let reason = function.emulator.job(&id).unwrap().status_reason.unwrap();
    assert_eq!(
        reason,
        format!(
            "too large | by direct | batch-cancel {}",
            function.request_id
        )
    );
}

#[tokio::test(start_paused = true)]
async fn missing_bulk_call_is_tried_once_then_each_job_gets_a_single_call() {
    for bulk_calls in [
        batch_emulator::BulkCalls::NotFound,
        batch_emulator::BulkCalls::UnknownOperation,
    ] {
        let function = Function::new(&[]);
        function.emulator.set_faults(Faults {
            bulk_calls,
            ..Faults::default()
        });
        let ids: Vec<String> = (0..120).map(|_| function.add(Status::Runnable)).collect();
        for _ in 0..2 {
            let report = function.invoke(json!({ "jobIds": ids })).await.unwrap();
            assert_eq!(report["summary"], json!({"jobs": 120, "cancelled": 120}));
        }
        let more: Vec<String> = (0..60).map(|_| function.add(Status::Runnable)).collect();
        function.invoke(json!({ "jobIds": more })).await.unwrap();
        assert_eq!(function.emulator.count(Operation::CancelJobs), 1);
        assert_eq!(function.emulator.count(Operation::CancelJob), 180);
    }
}

#[tokio::test(start_paused = true)]
async fn terminate_ends_running_jobs_and_children_only_if_allowed() {
    let function = Function::new(&[("ALLOW_TERMINATE", "true")]);
    let running = function.add(Status::Running);
    let runnable = function.add(Status::Runnable);
    let array = function.emulator.add_job(
        JobSpec::new(Status::Pending)
            .queue(QUEUE)
            .array(&[Status::Running, Status::Runnable]),
    );
    let request = json!({"jobIds": [running, runnable, array], "terminate": true});
    let report = function.invoke(request.clone()).await.unwrap();
    let all: Vec<String> = outcomes(&report).into_iter().map(|job| job.1).collect();
    assert_eq!(all[0], "terminated", "{report}");
    assert_eq!(report["complete"], true);
    for id in [
        running.clone(),
        runnable,
        format!("{array}:0"),
        format!("{array}:1"),
    ] {
        assert_eq!(
            function.emulator.job(&id).unwrap().status,
            Status::Failed,
            "{id}"
        );
    }
    let calls = changing_calls(&function.emulator);
    let again = function.invoke(request.clone()).await.unwrap();
    assert_eq!(changing_calls(&function.emulator), calls, "{again}");

    let strict = Function::new(&[]);
    let error = strict
        .invoke(json!({"jobId": running, "terminate": true}))
        .await
        .unwrap_err();
    assert_eq!(
        lambda_runtime::Diagnostic::from(error).error_type,
        "Refused"
    );
    assert_eq!(strict.emulator.calls().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn dry_run_makes_no_changing_call() {
    for (settings, request) in [
        (vec![], json!({"dryRun": true})),
        (vec![("DRY_RUN", "true")], json!({})),
        (vec![("DRY_RUN", "true")], json!({"dryRun": false})),
    ] {
        let function = Function::new(&settings);
        let (runnable, running) = (
            function.add(Status::Runnable),
            function.add(Status::Running),
        );
        let mut request = request;
        request["jobIds"] = json!([runnable, running]);
        let report = function.invoke(request).await.unwrap();
        let all: Vec<String> = outcomes(&report).into_iter().map(|job| job.1).collect();
        assert_eq!(all, ["wouldCancel", "running"]);
        assert_eq!(report["dryRun"], true);
        assert_eq!(changing_calls(&function.emulator), 0);
        assert_eq!(function.emulator.count(Operation::DescribeJobs), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn child_of_a_protected_array_is_protected() {
    let function = Function::new(&[]);
    let array = function.emulator.add_job(
        JobSpec::new(Status::Pending)
            .queue(QUEUE)
            .tag("batch-cancel:protect", "")
            .array(&[Status::Runnable, Status::Runnable]),
    );
    let ids = [format!("{array}:0"), format!("{array}:1")];
    let report = function.invoke(json!({ "jobIds": ids })).await.unwrap();
    assert_eq!(report["summary"], json!({"jobs": 2, "protected": 2}));
    assert_eq!(
        function.emulator.calls().len(),
        1,
        "the parent is described in the same call"
    );
}

#[tokio::test(start_paused = true)]
async fn max_jobs_takes_the_oldest_and_counts_an_array_by_its_size() {
    let function = Function::new(&[]);
    let aged = |minutes: u64| {
        JobSpec::new(Status::Runnable)
            .queue(QUEUE)
            .age(Duration::from_secs(60 * minutes))
    };
    let young = function.emulator.add_job(aged(1));
    let old = function.emulator.add_job(aged(60));
    let array = function.emulator.add_job(
        JobSpec {
            status: Status::Pending,
            ..aged(90)
        }
        .array(&[Status::Runnable; 5]),
    );
    let middle = function.emulator.add_job(aged(30));
    let report = function
        .invoke(json!({"jobIds": [young, old, array, middle], "maxJobs": 2}))
        .await
        .unwrap();
    let all: Vec<String> = outcomes(&report).into_iter().map(|job| job.1).collect();
    assert_eq!(all, ["overLimit", "cancelled", "overLimit", "cancelled"]);
}

#[tokio::test(start_paused = true)]
async fn denied_failed_and_throttled_jobs_do_not_affect_the_others() {
    let function = Function::new(&[]);
    let ids: Vec<String> = (0..4).map(|_| function.add(Status::Runnable)).collect();
    function.emulator.set_faults(Faults {
        item_errors: [
            (ids[0].clone(), ItemError::AccessDenied),
            (ids[1].clone(), ItemError::ClientException),
            (ids[2].clone(), ItemError::ThrottlingException),
        ]
        .into(),
        ..Faults::default()
    });
    let report = function.invoke(json!({ "jobIds": ids })).await.unwrap();
    let all: Vec<String> = outcomes(&report).into_iter().map(|job| job.1).collect();
    assert_eq!(all, ["denied", "failed", "throttled", "cancelled"]);
}

#[tokio::test(start_paused = true)]
async fn four_bad_messages_of_ten_are_the_only_batch_item_failures() {
    let function = Function::new(&[]);
    let ids: Vec<String> = (0..8).map(|_| function.add(Status::Runnable)).collect();
    function.emulator.set_faults(Faults {
        item_errors: [(ids[7].clone(), ItemError::ThrottlingException)].into(),
        ..Faults::default()
    });
    let mut bodies: Vec<String> = ids[..6]
        .iter()
        .map(|id| json!({ "jobIds": [id] }).to_string())
        .collect();
    bodies.insert(1, "{\"jobIds\": [".to_owned());
    bodies.insert(3, json!({"jobIds": [ids[6]], "dryrun": true}).to_string());
    bodies.insert(5, json!({"jobIds": [ids[0], "not-an-id"]}).to_string());
    bodies.insert(7, ids[7].clone());
    assert_eq!(bodies.len(), 10);
    let answer = function.invoke(sqs(&bodies)).await.unwrap();
    assert_eq!(answer, failures(&[1, 3, 5, 7]));
    for id in &ids[..6] {
        assert_eq!(function.emulator.job(id).unwrap().status, Status::Failed);
    }
    assert_eq!(
        function.emulator.job(&ids[6]).unwrap().status,
        Status::Runnable,
        "the misspelt dry run"
    );
}
