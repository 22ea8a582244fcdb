//! The output: a table of the jobs for standard error, events and response for standard output.

#![expect(
    clippy::indexing_slicing,
    reason = "a field that a JSON value does not have is null"
)]

use std::{collections::BTreeMap, fmt::Write};

use batch_cancel::config::queue_name;
use batch_emulator::Call;
use lambda_runtime::Diagnostic;
use serde_json::{Value, value::RawValue};
use support::bus::Bus;

/// The most jobs to show one by one.
const MANY: usize = 40;

const REPORT: &str = "Batch Cancellation Report";
const REFUSED: &str = "Batch Cancellation Refused";

/// What an event led to.
#[derive(Debug)]
pub struct Ran {
    /// The jobs, what else there is to say, and the calls.
    pub table: String,
    /// JSON: the events for `RESULT_BUS` of SQS and Pipes, and the response.
    pub answer: String,
    /// Nothing is left over, rejected or an error.
    pub is_complete: bool,
}

/// What an event led to, from its answer, its events on the bus, its line in the log and its calls.
pub fn ran(
    answer: &Result<Box<RawValue>, Diagnostic>,
    bus: &Bus,
    done: &Value,
    calls: Option<&[Call]>,
) -> Ran {
    let fields = match answer {
        Ok(answer) => serde_json::from_str(answer.get()).unwrap_or_default(),
        Err(_) => Value::Null,
    };
    let failures = fields.get("batchItemFailures").and_then(Value::as_array);
    let jobs = jobs(bus, &fields);
    let mut table = rows(&jobs);
    if failures.is_some() {
        for refused in bus.details(REFUSED) {
            let id = text(&refused, "messageId");
            let (kind, why) = (
                text(&refused["error"], "type"),
                text(&refused["error"], "message"),
            );
            line(
                &mut table,
                &format!("message {id} was refused, {kind}: {why}"),
            );
        }
    }
    if let Some(why) = done["ignored"].as_str() {
        line(&mut table, &format!("ignored: {why}"));
    }
    line(
        &mut table,
        &format!("calls to AWS Batch: {}\n", counted(calls, done)),
    );
    let mut shown = String::new();
    match answer {
        Ok(answer) => {
            if failures.is_some() {
                for event in bus.events() {
                    line(&mut shown, &published(&event));
                }
            }
            response(&mut shown, answer, &fields);
        }
        Err(error) => {
            let Diagnostic {
                error_type,
                error_message,
                ..
            } = error;
            line(
                &mut table,
                &format!("invocation error {error_type}: {error_message}"),
            );
        }
    }
    let is_failed = failures.is_some_and(|failures| !failures.is_empty())
        || fields["statusCode"]
            .as_u64()
            .is_some_and(|status| status >= 400)
        || done["level"] == "WARN"
        || done["complete"] == false;
    Ran {
        table,
        answer: shown,
        is_complete: answer.is_ok() && !is_failed,
    }
}

/// The jobs of the report: as it is published, else as the response has them.
fn jobs(bus: &Bus, fields: &Value) -> Vec<Value> {
    let reports = bus.details(REPORT);
    let body = fields["body"]
        .as_str()
        .and_then(|body| serde_json::from_str(body).ok());
    let response: Value = body.unwrap_or_else(|| fields.clone());
    let mut jobs = Vec::new();
    for report in reports
        .iter()
        .chain(reports.is_empty().then_some(&response))
    {
        if let Some(some) = report["jobs"].as_array() {
            jobs.extend(some.iter().cloned());
        } else if report["outcome"].is_string() {
            jobs.push(report.clone());
        }
    }
    jobs
}

/// The table: as wide as its widest cells.
fn rows(jobs: &[Value]) -> String {
    if jobs.is_empty() {
        return String::new();
    }
    let names = [
        "JOB", "NAME", "QUEUE", "BEFORE", "AFTER", "OUTCOME", "MESSAGE",
    ];
    let mut rows = vec![names.map(str::to_owned)];
    for job in jobs.iter().take(MANY) {
        let fields = [
            "jobId", "jobName", "jobQueue", "before", "after", "outcome", "message",
        ];
        rows.push(fields.map(|field| {
            let text = text(job, field);
            // An invalid id may be anything.
            let text: String = text.chars().filter(|c| !c.is_control()).collect();
            if field == "jobQueue" {
                queue_name(&text).to_owned()
            } else {
                text
            }
        }));
    }
    let mut widths = [0; 7];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut table = String::new();
    for row in &rows {
        let cells = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:<width$}"));
        line(&mut table, cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    if jobs.len() > MANY {
        line(&mut table, &format!("… and {} more", jobs.len() - MANY));
    }
    table
}

/// The calls by operation; of AWS itself, only how many.
fn counted(calls: Option<&[Call]>, done: &Value) -> String {
    let Some(calls) = calls else {
        return done["calls"].to_string();
    };
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for call in calls {
        *counts.entry(call.operation.name()).or_default() += 1;
    }
    let counts: Vec<String> = counts
        .iter()
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    if counts.is_empty() {
        "none".to_owned()
    } else {
        counts.join(", ")
    }
}

/// An entry of `PutEvents` as a subscriber gets it, its fields in their order.
fn published(entry: &Value) -> String {
    let (source, kind) = (&entry["Source"], &entry["DetailType"]);
    let (resources, detail) = (&entry["Resources"], text(entry, "Detail"));
    let event = format!(
        r#"{{"source":{source},"detail-type":{kind},"resources":{resources},"detail":{detail}}}"#
    );
    indented(&event).unwrap_or(event)
}

/// The response, indented: of an HTTP response its status, its type and its body.
fn response(shown: &mut String, answer: &RawValue, fields: &Value) {
    let header = |name: &str| {
        ["headers", "multiValueHeaders"]
            .iter()
            .find_map(|of| fields.get(of)?.get(name))
    };
    if let Some(text) = fields.as_str() {
        return line(shown, text);
    }
    let body = fields.get("body").and_then(Value::as_str);
    if let (Some(status), Some(body)) = (fields.get("statusCode"), body) {
        let kind = header("content-type").map(ToString::to_string);
        let kind = kind.unwrap_or_default();
        let kind = kind.trim_matches(['[', ']', '"']);
        line(shown, &format!("HTTP {status} {kind}"));
        line(shown, &indented(body).unwrap_or_else(|| body.to_owned()));
    } else {
        let answer = answer.get();
        line(
            shown,
            &indented(answer).unwrap_or_else(|| answer.to_owned()),
        );
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

fn text(object: &Value, field: &str) -> String {
    object
        .get(field)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn line(text: &mut String, line: &str) {
    // Writing into a String does not fail.
    let _ = writeln!(text, "{line}");
}
