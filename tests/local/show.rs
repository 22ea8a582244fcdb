//! The output: jobs on standard error, the response on standard output.

use std::collections::BTreeMap;

use batch_emulator::{Emulator, JobView};
use serde_json::{Value, value::RawValue};

/// The most jobs to show one by one.
const MANY: usize = 40;

/// The jobs before and after, and the calls.
pub fn jobs(before: &[JobView], emulator: &Emulator) {
    if !before.is_empty() {
        eprintln!("{:<42} {:<10} -> AFTER", "JOB IN THE EMULATOR", "BEFORE");
    }
    for job in before.iter().take(MANY) {
        let after = emulator.job(&job.job_id);
        let (status, flags) = after.map_or(("GONE", ""), |after| {
            let flags = match (after.is_cancelled, after.is_terminated) {
                (true, _) => " (isCancelled)",
                (_, true) => " (isTerminated)",
                _ => "",
            };
            (after.status.as_str(), flags)
        });
        eprintln!(
            "{:<42} {:<10} -> {status}{flags}",
            job.job_id,
            job.status.as_str()
        );
    }
    if before.len() > MANY {
        eprintln!("… and {} more", before.len() - MANY);
    }
    let mut calls: BTreeMap<&str, usize> = BTreeMap::new();
    for call in emulator.calls() {
        *calls.entry(call.operation.name()).or_default() += 1;
    }
    let calls: Vec<String> = calls
        .iter()
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    let calls = if calls.is_empty() {
        "none".to_owned()
    } else {
        calls.join(", ")
    };
    eprintln!("calls to AWS Batch: {calls}\n");
}

/// The response, indented: of an HTTP response its status, its type and its body.
pub fn response(answer: &RawValue) {
    let fields: Value = serde_json::from_str(answer.get()).unwrap_or_default();
    let header = |name: &str| {
        ["headers", "multiValueHeaders"]
            .iter()
            .find_map(|of| fields.get(of)?.get(name))
    };
    if let Some(text) = fields.as_str() {
        return println!("{text}");
    }
    match (
        fields.get("statusCode"),
        fields.get("body").and_then(Value::as_str),
    ) {
        (Some(status), Some(body)) => {
            let kind = header("content-type")
                .map(ToString::to_string)
                .unwrap_or_default();
            println!("HTTP {status} {}", kind.trim_matches(['[', ']', '"']));
            println!("{}", indented(body).unwrap_or_else(|| body.to_owned()));
        }
        _ => println!(
            "{}",
            indented(answer.get()).unwrap_or_else(|| answer.get().to_owned())
        ),
    }
}

/// JSON text, indented, its fields in their order.
fn indented(json: &str) -> Option<String> {
    let mut text = Vec::new();
    let mut reader = serde_json::Deserializer::from_str(json);
    let mut writer = serde_json::Serializer::pretty(&mut text);
    serde_transcode::transcode(&mut reader, &mut writer).ok()?;
    String::from_utf8(text).ok()
}
