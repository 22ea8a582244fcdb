//! Sources without a reader of the report get an invocation error for jobs that are left, so that the event is retried.

use std::time::Duration;

use batch_emulator::{Faults, ItemError, JobSpec, Operation, Status};
use serde_json::{Value, json};
use support::{
    Failed, Function, OWN_FAULT, QUEUE,
    events::{Form, eventbridge, failures, sns, sqs},
    failed, outcomes,
};

/// A request from each source that has no reader of the report.
fn unattended(request: &Value) -> [(&'static str, Value); 3] {
    [
        ("eventbridge", eventbridge(request)),
        ("sns", sns(&request.to_string())),
        ("pipes", json!([request])),
    ]
}

/// A function on three RUNNABLE jobs, of which Batch refuses the second with this error, and a request for them.
fn with_a_refusal(error: ItemError) -> (Function, Value) {
    let function = Function::new(&[]);
    let ids = [(); 3].map(|()| function.add(Status::Runnable));
    function.emulator.set_faults(Faults {
        item_errors: [(ids[1].clone(), error)].into(),
        ..Faults::default()
    });
    (function, json!({"jobIds": ids}))
}

fn error(error_type: &str, message: &str) -> Failed {
    Failed {
        error_type: error_type.to_owned(),
        message: message.to_owned(),
    }
}

#[tokio::test(start_paused = true)]
async fn refused_job_is_an_invocation_error_with_the_summary() {
    for (refusal, expected) in [
        (
            ItemError::ThrottlingException,
            error(
                "Incomplete",
                r#"incomplete: {"jobs":3,"cancelled":2,"throttled":1}"#,
            ),
        ),
        (
            ItemError::ServerException,
            error(
                "Incomplete",
                r#"incomplete: {"jobs":3,"cancelled":2,"failed":1}"#,
            ),
        ),
        (
            ItemError::AccessDenied,
            error(
                "Rejected",
                r#"rejected: {"jobs":3,"cancelled":2,"denied":1}"#,
            ),
        ),
    ] {
        let names = ["eventbridge", "sns", "pipes"];
        for (place, name) in names.into_iter().enumerate() {
            let (function, request) = with_a_refusal(refusal);
            let (_, event) = unattended(&request)[place].clone();
            let answer = function.invoke(event).await;
            assert_eq!(failed(answer.unwrap_err()), expected, "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn direct_invocation_returns_the_report_or_with_fail_on_incomplete_an_error() {
    for (refusal, error_type) in [
        (ItemError::ThrottlingException, "Incomplete"),
        (ItemError::AccessDenied, "Rejected"),
    ] {
        let (function, mut request) = with_a_refusal(refusal);
        let report = function.invoke(request.clone()).await.unwrap();
        assert_eq!(outcomes(&report).len(), 3);
        assert_eq!(report["complete"], false);
        request["failOnIncomplete"] = json!(true);
        let answer = function.invoke(request.clone()).await;
        assert_eq!(failed(answer.unwrap_err()).error_type, error_type);
        let items = request["jobIds"].clone();
        let batch = json!({"BatchInput": {"failOnIncomplete": true}, "Items": items});
        let answer = function.invoke(batch).await;
        assert_eq!(failed(answer.unwrap_err()).error_type, error_type);
    }
}

#[tokio::test(start_paused = true)]
async fn sqs_message_is_retried_also_with_fail_on_incomplete() {
    let (function, mut request) = with_a_refusal(ItemError::ThrottlingException);
    request["failOnIncomplete"] = json!(true);
    let answer = function.invoke(sqs([&request])).await;
    assert_eq!(answer.unwrap(), failures(&[0]));
}

#[tokio::test(start_paused = true)]
async fn incomplete_takes_precedence_over_rejected() {
    let (function, mut request) = with_a_refusal(ItemError::ThrottlingException);
    let ids = request["jobIds"].as_array_mut().unwrap();
    ids.push(json!("not-a-job"));
    for (name, event) in unattended(&request) {
        let answer = failed(function.invoke(event).await.unwrap_err());
        assert_eq!(answer.error_type, "Incomplete", "{name}");
        for count in ["\"jobs\":4", "\"invalidId\":1", "\"throttled\":1"] {
            assert!(answer.message.contains(count), "{name}: {answer:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn jobs_with_nothing_to_cancel_are_a_success() {
    let function = Function::new(&[]);
    let protected = JobSpec::new(Status::Runnable)
        .queue(QUEUE)
        .tag("batch-cancel:protect", "yes");
    let ids = [
        function.add(Status::Running),
        function.add(Status::Succeeded),
        function.emulator.add_job(protected),
        "00000000-0000-4000-8000-000000000000".to_owned(),
    ];
    let request = json!({"jobIds": ids, "failOnIncomplete": true});
    let mut events = unattended(&request).to_vec();
    events.push(("direct", request));
    for (name, event) in events {
        let report = function.invoke(event).await.unwrap();
        assert_eq!(report["source"], name);
        assert_eq!(
            report["summary"],
            json!({"jobs": 4, "running": 1, "finished": 1, "protected": 1, "notFound": 1})
        );
    }
    assert_eq!(function.emulator.count(Operation::CancelJob), 0);
    assert_eq!(function.emulator.count(Operation::CancelJobs), 0);
}

#[tokio::test(start_paused = true)]
async fn one_invalid_sns_record_is_an_error_and_the_others_are_done() {
    let function = Function::new(&[]);
    let id = function.add(Status::Runnable);
    let mut topic = sns(&json!({"jobId": id}).to_string());
    let mut broken = topic["Records"][0].clone();
    broken["Sns"]["Message"] = json!("Dear function");
    topic["Records"].as_array_mut().unwrap().push(broken);
    let answer = failed(function.invoke(topic).await.unwrap_err());
    assert_eq!(answer.error_type, "InvalidRequest");
    assert!(function.emulator.job(&id).unwrap().is_cancelled);
}

/// A function with a job that is too soon, the request about it, and a job that may not be cancelled.
fn too_soon() -> (Function, Value, String) {
    let function = Function::new(&[]);
    let first = function.emulator.add_job(JobSpec {
        status_reason: Some(OWN_FAULT.to_owned()),
        ..JobSpec::new(Status::Runnable)
            .queue(QUEUE)
            .age(Duration::from_mins(5))
    });
    let denied = function.add(Status::Runnable);
    function.emulator.set_faults(Faults {
        item_errors: [(denied.clone(), ItemError::AccessDenied)].into(),
        ..Faults::default()
    });
    assert!(!first.is_empty());
    (
        function,
        json!({"select": {"jobQueue": QUEUE, "head": true}}),
        denied,
    )
}

#[tokio::test(start_paused = true)]
async fn what_is_too_soon_hides_nothing_that_is_wrong() {
    let (_, head, denied) = too_soon();
    for (other, error_type) in [
        (json!({"jobId": denied}), "Rejected"),
        (json!({"jobId": "my-job"}), "Rejected"),
        (json!({"jobIds": 7}), "InvalidRequest"),
        (json!({"jobId": denied, "terminate": true}), "Refused"),
    ] {
        for pair in [[&head, &other], [&other, &head]] {
            let mut records = sns("");
            records["Records"] = pair
                .map(|request| sns(&request.to_string())["Records"][0].clone())
                .as_slice()
                .into();
            for event in [json!(pair), records] {
                let (function, ..) = too_soon();
                let error = failed(function.invoke(event.clone()).await.unwrap_err());
                assert_eq!(error.error_type, error_type, "{event}");
                if error_type == "Rejected" {
                    assert!(error.message.contains(r#""tooSoon":1"#), "{error:?}");
                }
            }
            let (function, ..) = too_soon();
            let answer = function.invoke(sqs(pair)).await.unwrap();
            assert_eq!(answer, failures(&[0, 1]), "both come back");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn too_soon_alone_is_an_error_only_for_those_who_ask_for_one() {
    let (function, mut head, _) = too_soon();
    for event in [
        head.clone(),
        json!([head]),
        eventbridge(&head),
        sns(&head.to_string()),
    ] {
        let report = function.invoke(event).await.unwrap();
        assert_eq!(report["summary"], json!({"jobs": 1, "tooSoon": 1}));
        assert_eq!(report["complete"], false);
    }
    head["failOnIncomplete"] = json!(true);
    for event in [head.clone(), eventbridge(&head), sns(&head.to_string())] {
        let answer = failed(function.invoke(event).await.unwrap_err());
        assert_eq!(
            answer,
            error("TooSoon", r#"too soon: {"jobs":1,"tooSoon":1}"#)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn request_as_an_array_of_its_values_is_invalid() {
    let function = Function::new(&[("REQUIRE_CALLER", "false")]);
    let id = function.add(Status::Runnable);
    let values = json!([[id]]);
    for event in [
        eventbridge(&values),
        json!({"BatchInput": [], "Items": [id]}),
        json!({"select": [QUEUE]}),
    ] {
        let answer = function.invoke(event.clone()).await;
        let error = failed(answer.expect_err(&event.to_string()));
        assert_eq!(error.error_type, "InvalidRequest", "{event}");
    }
    let request = Form::V2.post(&values.to_string());
    let answer = function.invoke(request.event).await.unwrap();
    assert_eq!(answer["statusCode"], 400);
    let body = sqs([&values]);
    assert_eq!(function.invoke(body).await.unwrap(), failures(&[0]));
    assert!(function.emulator.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn invalid_request_has_the_same_error_type_from_every_source() {
    for (request, error_type, field) in [
        (json!({"jobIds": 7}), "InvalidRequest", "jobIds"),
        (json!({"jobIds": ["a", 7]}), "InvalidRequest", "jobIds[1]"),
        (json!({"jobId": null}), "InvalidRequest", "jobId"),
        (
            json!({"jobIds": [], "maxJobs": 0}),
            "InvalidRequest",
            "maxJobs",
        ),
        (
            json!({"jobIds": [], "waitSeconds": 841}),
            "InvalidRequest",
            "waitSeconds",
        ),
        (
            json!({"jobIds": [], "dryrun": true}),
            "InvalidRequest",
            "dryrun",
        ),
        (
            json!({"jobIds": [], "dryRun": "yes"}),
            "InvalidRequest",
            "dryRun",
        ),
        (
            json!({"jobIds": [], "terminate": true}),
            "Refused",
            "ALLOW_TERMINATE",
        ),
    ] {
        let function = Function::new(&[]);
        let mut events = unattended(&request).to_vec();
        events.push(("direct", request));
        for (name, event) in events {
            let answer = failed(function.invoke(event).await.unwrap_err());
            assert_eq!(answer.error_type, error_type, "{name}: {answer:?}");
            assert!(answer.message.contains(field), "{name}: {answer:?}");
        }
        assert!(function.emulator.calls().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn known_mistakes_are_told_what_to_send_and_call_nothing() {
    let request = r#"{"jobIds": ["1f0c7a52-6d2e-4f6b-9a53-0a7d3c1b9e01"]}"#;
    let record = json!({
        "version": "1.0",
        "requestContext": {"functionArn": "arn:aws:lambda:eu-west-1:123456789012:function:f", "condition": "RetriesExhausted"},
        "requestPayload": {"jobIds": ["1f0c7a52-6d2e-4f6b-9a53-0a7d3c1b9e01"], "terminate": true},
        "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
        "responsePayload": {"errorMessage": "x", "errorType": "Throttled"},
    });
    let schedule =
        json!({"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": "{}"});
    let failure = json!({"Error": "States.TaskFailed", "Cause": "{}"});
    for (event, hint) in [
        (schedule, "give the schedule an Input"),
        (record, "send what is in its requestPayload"),
        (failure, "ResultPath"),
        (json!({"warmer": true}), "keeps functions warm"),
        (json!({"TaskToken": "AAAA"}), "without .waitForTaskToken"),
        (json!(request), "encoded twice"),
    ] {
        for event in [event.clone(), sns(&event.to_string())] {
            let function = Function::new(&[]);
            let error = failed(function.invoke(event.clone()).await.unwrap_err());
            assert_eq!(error.error_type, "UnsupportedEvent", "{event}");
            assert!(error.message.contains(hint), "{event}: {}", error.message);
            assert!(
                error.message.contains("looked for: jobIds"),
                "{}",
                error.message
            );
            assert!(function.emulator.calls().is_empty(), "{event}");
        }
    }
}
