//! Every way in: what each event leads to, in which form it is answered, and what it costs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics fails"
)]

#[path = "support/samples.rs"]
mod samples;
mod support;

use std::collections::BTreeMap;

use batch_cancel::respond::Failure;
use batch_emulator::Emulator;
use lambda_runtime::Diagnostic;
use samples::{Failed, SETTINGS, Sample, table};
use serde_json::{Map, Value, json};
use support::Function;

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
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            sample.check(answer, &function.emulator)
        }));
    }
    for (source, answers) in shown {
        insta::assert_json_snapshot!(source, answers);
    }
}

/// The answer with an HTTP body as JSON, not as its text; the API's description by its name only.
fn readable(answer: &Value) -> Value {
    let mut answer = answer.clone();
    let body = answer.get("body").and_then(Value::as_str);
    if let Some(body) = body.map(str::to_owned) {
        answer["body"] = if body == include_str!("../src/respond/openapi.json") {
            json!("openapi.json")
        } else {
            serde_json::from_str(&body).unwrap()
        };
    }
    answer
}
