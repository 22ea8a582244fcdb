//! Every way in: what each event leads to, in which form it is answered, and what it costs.

mod batches;
mod chains;
mod errors;
mod http;
mod problems;
mod sizes;

use std::collections::BTreeMap;

use batch_cancel::respond::Failure;
use batch_emulator::Emulator;
use lambda_runtime::Diagnostic;
use serde_json::{Map, Value, json};
use support::{
    Function, events as envelopes,
    samples::{self, Failed, SETTINGS, Sample, table},
};

/// What Lambda is told of a failure.
fn failed(failure: Failure) -> Failed {
    let diagnostic = Diagnostic::from(failure);
    Failed {
        error_type: diagnostic.error_type,
        message: diagnostic.error_message,
    }
}

/// The function on an account in which this sample finds what it names.
fn function_for(sample: &Sample, settings: &[(&str, &str)]) -> Function {
    let emulator = Emulator::new();
    sample.set_up(&emulator);
    let settings: Vec<(&str, &str)> = SETTINGS.iter().chain(settings).copied().collect();
    Function::on(emulator, &settings)
}

#[test]
fn every_sample_is_expected_to_lead_somewhere() {
    samples::assert_complete();
}

#[tokio::test(start_paused = true)]
async fn every_sample_leads_where_it_should() {
    let mut shown: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for sample in table() {
        let function = function_for(&sample, &[]);
        let answer = function.invoke_text(&sample.text()).await.map_err(failed);
        let calls = function.emulator.calls();
        let calls: Vec<&str> = calls.iter().map(|call| call.operation.name()).collect();
        let answer_shown = match &answer {
            Ok(answer) => readable(answer),
            Err(error) => json!({"errorType": error.error_type, "errorMessage": error.message}),
        };
        shown.entry(sample.source()).or_default().insert(
            sample.name.to_owned(),
            json!({"calls": calls, "answer": answer_shown}),
        );
        sample.check(answer, &function.emulator);
    }
    for (source, answers) in shown {
        insta::assert_json_snapshot!(source, answers);
    }
}

/// The answer with an HTTP body as JSON, not as its text; the API's description by its name only.
fn readable(answer: &Value) -> Value {
    if answer.is_string() {
        // Its ages change with the time.
        return json!("a text for a dashboard");
    }
    let mut answer = answer.clone();
    let body = answer.get("body").and_then(Value::as_str);
    if let Some(body) = body.map(str::to_owned) {
        answer["body"] = if body == include_str!("../../src/respond/openapi.json") {
            json!("openapi.json")
        } else {
            serde_json::from_str(&body).unwrap()
        };
    }
    answer
}

#[tokio::test(start_paused = true)]
async fn samples_that_terminate_do_so_where_it_is_allowed() {
    for (name, ended) in [
        (
            "direct-terminate",
            [samples::RUNNABLE, samples::RUNNING].as_slice(),
        ),
        ("eventbridge-service-job-queue-blocked", &[samples::SERVICE]),
    ] {
        let sample = samples::sample(name);
        let function = function_for(&sample, &[("ALLOW_TERMINATE", "true")]);
        let report = function.invoke_text(&sample.text()).await.unwrap();
        assert_eq!(report["source"], sample.source());
        assert_eq!(report["jobs"].as_array().unwrap().len(), ended.len());
        assert_eq!(report["complete"], true);
        for id in ended {
            let job = function.emulator.job(id).unwrap();
            assert_eq!(job.status, batch_emulator::Status::Failed, "{name}: {id}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_of_long_ago_is_ignored_where_there_is_a_limit() {
    let hours_ago = |hours: i64| jiff::Timestamp::now() - jiff::SignedDuration::from_hours(hours);
    for name in [
        "eventbridge-queue-blocked",
        "eventbridge-job-runnable",
        "alarm-eventbridge",
        "alarm-action",
    ] {
        let sample = samples::sample(name);
        for (limit, hours, ignored) in [("PT1H", 2, true), ("PT3H", 2, false), ("0", 48, false)] {
            let mut event = sample.json();
            event["time"] = json!(hours_ago(hours).to_string());
            // An alarm is as old as its new state.
            for alarm in ["detail", "alarmData"] {
                if let Some(time) = event.pointer_mut(&format!("/{alarm}/state/timestamp")) {
                    let written = hours_ago(hours).strftime("%Y-%m-%dT%H:%M:%S%.3f+0000");
                    *time = json!(written.to_string());
                }
            }
            let function = function_for(&sample, &[("MAX_EVENT_AGE", limit)]);
            let direct = function.invoke(event.clone()).await.unwrap();
            assert_eq!(direct["ignored"].is_string(), ignored, "{name}: {direct}");
            let ended = || {
                function
                    .emulator
                    .job(samples::RUNNABLE)
                    .unwrap()
                    .is_cancelled
            };
            assert_eq!(ended(), !ignored, "{name}");
            let body = event.to_string();
            let queued = function.invoke(envelopes::sqs(&[body])).await.unwrap();
            assert_eq!(queued, envelopes::failures(&[]), "{name}");
            assert_eq!(ended(), !ignored, "{name}");
        }
    }
}
