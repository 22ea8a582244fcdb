//! What is counted and logged: a line for each call to Batch and for each invocation, and `CloudWatch` metrics.
//!
//! Metrics are one line of `CloudWatch`'s embedded metric format an invocation. The crate for it keeps a recorder for the
//! whole process, which tests that run side by side would share; the line itself is one JSON object.

use std::{
    collections::BTreeMap,
    io::Write,
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use serde_json::{Map, Value, json};
use tokio::time::Instant;
use tracing::{debug, info, warn};

use crate::{
    batch::{CallError, ErrorKind},
    gather::Fate,
    report::{JobResult, Outcome, Partial, Report},
};

/// How many jobs one log line names.
const JOBS_A_LINE: usize = 500;

/// The calls to Batch of one invocation.
#[derive(Debug, Default)]
pub struct Calls(Mutex<BTreeMap<&'static str, Count>>);

/// How often an operation was called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// All calls.
    pub calls: usize,
    /// Those that were throttled.
    pub throttled: usize,
    /// Those that failed otherwise.
    pub failed: usize,
}

impl Calls {
    /// Counts and logs a call for `jobs` jobs that was answered, or given up, now.
    pub fn count(
        &self,
        operation: &'static str,
        jobs: usize,
        began: Instant,
        error: Option<&CallError>,
    ) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(operation).or_default();
        count.calls += 1;
        let milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        match error {
            None => debug!(operation, jobs, milliseconds, "called AWS Batch"),
            Some(error) => {
                if error.kind == ErrorKind::Throttled {
                    count.throttled += 1;
                } else {
                    count.failed += 1;
                }
                warn!(operation, jobs, milliseconds, %error, "AWS Batch did not answer as hoped");
            }
        }
    }

    /// How often each operation was called.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<&'static str, Count> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Logs what came of an invocation: a line for it, one for every 500 jobs, and one for each message that was no request.
pub fn log_report(request_id: &str, source: &str, report: &Report, fates: &[Fate], calls: &Calls) {
    for fate in fates {
        if let Some(error) = &fate.error {
            let message_id = fate.id.as_deref();
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
        source,
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
    source: &str,
    report: &Report,
    calls: &Calls,
) -> Option<String> {
    let mut values: Map<String, Value> = Map::new();
    for (outcome, count) in report.summary() {
        values.insert(metric(outcome), count.into());
    }
    if report.ignored.is_some() {
        values.insert("Ignored".to_owned(), 1.into());
    }
    let counts = calls.counts();
    let sum = |of: fn(&Count) -> usize| counts.values().map(of).sum::<usize>();
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
        "Source": source,
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
