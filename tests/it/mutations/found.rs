//! Cases found by mutation and fuzzing: misplaced options, trailing JSON, events of authorizers.

use batch_emulator::Status;
use serde_json::{Value, json};

use support::{
    Function,
    events::{CALLER, Form, failures, sqs},
};

/// A request to cancel a job, with these fields in its event.
fn delete(form: Form, id: &str, more: &Value) -> Value {
    let request = form.request("DELETE", &format!("/jobs/{id}"));
    let mut event = request.caller(CALLER).event;
    let fields = event.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    event
}

fn rest_delete(id: &str, more: &Value) -> Value {
    delete(Form::V1, id, more)
}

fn http_delete(id: &str, more: &Value) -> Value {
    delete(Form::V2, id, more)
}

#[tokio::test(start_paused = true)]
async fn misplaced_dry_run_is_never_ignored() {
    let function = Function::new(&[]);
    let id = &function.add(Status::Runnable);
    let events = [
        json!({"Items": [id], "dryRun": true}),
        json!({"Items": [id], "dryrun": true}),
        json!({"Items": [id], "dry_run": true}),
        json!({"Items": [id], "batchInput": {"dryRun": true}}),
        json!({"Items": [{"jobId": id, "DryRun": true}]}),
        rest_delete(
            id,
            &json!({"multiValueQueryStringParameters": {"dryRun": "true"}}),
        ),
        rest_delete(
            id,
            &json!({"multiValueQueryStringParameters": {"dryRun": true}}),
        ),
        rest_delete(
            id,
            &json!({"multiValueQueryStringParameters": {}, "queryStringParameters": {"dryRun": "true"}}),
        ),
        rest_delete(id, &json!({"body": "{\"dryRun\": true}"})),
        http_delete(id, &json!({"queryStringParameters": {"dryRun": "true"}})),
        http_delete(id, &json!({"body": "{\"dryRun\": true}"})),
    ];
    for event in events {
        let answer = function.invoke(event.clone()).await;
        let job = function.emulator.job(id).unwrap();
        assert!(!job.is_cancelled, "{event}: {answer:?}");
    }
    let answer = function.invoke(rest_delete(id, &json!({"body": null})));
    assert_eq!(answer.await.unwrap()["statusCode"], 200);
    assert!(function.emulator.job(id).unwrap().is_cancelled);
}

#[tokio::test(start_paused = true)]
async fn trailing_json_after_a_body_is_rejected() {
    let function = Function::new(&[]);
    let [one, other] = [(); 2].map(|()| function.add(Status::Runnable));
    for body in [
        format!("[\"{one}\"]\n[\"{other}\"]"),
        format!("\"{one}\" \"{other}\""),
        format!("{{\"jobId\": \"{one}\"}}\n{{\"jobId\": \"{other}\"}}"),
    ] {
        let answer = function.invoke(sqs([&body])).await.unwrap();
        assert_eq!(answer, failures(&[0]), "{body}");
        let request = Form::V2.post(&body).caller(CALLER);
        let answer = function.invoke(request).await.unwrap();
        assert_eq!(answer["statusCode"], 400, "{body}");
    }
    assert!(function.emulator.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn authorizer_event_is_unsupported() {
    let function = Function::new(&[]);
    let id = &function.add(Status::Runnable);
    let arn = "arn:aws:execute-api:eu-west-1:123456789012:abcdef1234/prod/DELETE/jobs";
    for event in [
        rest_delete(id, &json!({"type": "REQUEST", "methodArn": arn})),
        http_delete(id, &json!({"type": "REQUEST", "routeArn": arn})),
    ] {
        let error: lambda_runtime::Diagnostic = function.invoke(event).await.unwrap_err().into();
        assert_eq!(error.error_type, "UnsupportedEvent");
    }
    assert!(function.emulator.calls().is_empty());
}
