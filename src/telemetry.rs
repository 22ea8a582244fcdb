//! What is counted and logged: a line for each call to Batch and for each invocation, and `CloudWatch` metrics.
//!
//! Metrics are one line of `CloudWatch`'s embedded metric format an invocation. The crate for it keeps a recorder for the
//! whole process, which tests that run side by side would share; the line itself is one JSON object.

use std::{io::Write, time::SystemTime};

use serde_json::{Map, Value, json};
use tracing::{info, warn};

use crate::{
    event::Source,
    intake::{Invocation, MessageOutcome},
    report::{JobResult, Outcome, Partial, Report},
    session::{CallCount, Calls},
};

/// How many jobs one log line names.
const JOBS_A_LINE: usize = 500;

/// Logs the outcome of an invocation: a line for it, one for every 500 jobs, and one for each message that was refused.
pub fn log_report(
    invocation: Invocation<'_>,
    report: &Report,
    messages: &[MessageOutcome],
    calls: &Calls,
) {
    let request_id = invocation.request_id;
    for message in messages {
        if let Some(error) = &message.error {
            let message_id = message.id.as_deref();
            warn!(request_id, message_id, error_type = error.error_type(), %error, "message refused");
        }
    }
    for jobs in report.jobs.chunks(JOBS_A_LINE) {
        let results: Vec<String> = jobs.iter().map(log_entry).collect();
        info!(request_id, results = results.join(" "), "jobs");
    }
    let counts: usize = calls.counts().values().map(|count| count.calls).sum();
    info!(
        request_id,
        source = invocation.source.as_str(),
        jobs = report.count(),
        summary = %json!(report.summary()),
        complete = report.is_complete(),
        dry_run = report.dry_run,
        partial = report.partial.map(Partial::as_str),
        ignored = report.ignored,
        calls = counts,
        "done"
    );
}

fn log_entry(job: &JobResult) -> String {
    let id = json!(job.job_id);
    format!(
        "{}={}",
        id.as_str().unwrap_or_default(),
        job.outcome.as_str()
    )
}

/// The line that `CloudWatch` reads as metrics, or nothing if there is nothing to count.
#[must_use]
pub fn metrics(
    namespace: &str,
    function: &str,
    source: Source,
    report: Option<&Report>,
    calls: &Calls,
) -> Option<String> {
    let mut values: Map<String, Value> = Map::new();
    for (outcome, count) in report.map(Report::summary).unwrap_or_default() {
        values.insert(metric(outcome), count.into());
    }
    if report.is_some_and(|report| report.ignored.is_some()) {
        values.insert("Ignored".to_owned(), 1.into());
    }
    let counts = calls.counts();
    let sum = |of: fn(&CallCount) -> usize| counts.values().map(of).sum::<usize>();
    for (name, count) in [
        ("Calls", sum(|count| count.calls)),
        ("CallsThrottled", sum(|count| count.throttled)),
        ("CallsFailed", sum(|count| count.failed)),
    ] {
        if count > 0 {
            values.insert(name.to_owned(), count.into());
        }
    }
    if values.is_empty() {
        return None;
    }
    let metrics: Vec<Value> = values
        .keys()
        .map(|name| json!({"Name": name, "Unit": "Count"}))
        .collect();
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let mut line = json!({
        "_aws": {
            "Timestamp": u64::try_from(now.as_millis()).unwrap_or(u64::MAX),
            "CloudWatchMetrics": [{
                "Namespace": namespace,
                "Dimensions": [["FunctionName"], ["FunctionName", "Source"]],
                "Metrics": metrics,
            }],
        },
        "FunctionName": function,
        "Source": source.as_str(),
    });
    if let Value::Object(fields) = &mut line {
        fields.extend(values);
    }
    Some(line.to_string())
}

/// The metric that counts an outcome: `JobsCancelled` counts `cancelled`.
fn metric(outcome: Outcome) -> String {
    let mut name = outcome.as_str().chars();
    let first = name.next().map(|c| c.to_ascii_uppercase());
    "Jobs".chars().chain(first).chain(name).collect()
}

/// Writes a line to standard output, from where Lambda takes it to `CloudWatch`. A closed output is no reason to fail.
pub fn print(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}
