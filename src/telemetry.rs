//! Log lines and metrics: one line for each invocation, one for every 500 jobs, and `CloudWatch` metrics.
//!
//! The metrics of an invocation are one line in `CloudWatch`'s embedded metric format. The crate for that format keeps one
//! recorder for the whole process, which parallel tests would share. The line itself is one JSON object.

mod queues;

use std::{collections::BTreeSet, io::Write, time::SystemTime};

use serde_json::{Map, Value, json};
use tracing::{info, warn};

use crate::{
    event::{EventError, Source},
    intake::MessageOutcome,
    report::{JobResult, Outcome, Partial, Report},
    session::{CallCount, Calls},
    watch::Watch,
};

/// The most jobs that one log line names.
const JOBS_A_LINE: usize = 500;

/// How an invocation ended, for its log lines and metrics.
#[derive(Clone, Debug, Default)]
pub struct Ending<'a> {
    /// The source of the event, if it could be decoded.
    pub source: Option<Source>,
    /// The outcome of each job, if the event asked for jobs.
    pub report: Option<&'a Report>,
    /// The outcome of each message.
    pub messages: &'a [MessageOutcome],
    /// The queues that were measured, if the event asked for that.
    pub watch: Option<&'a Watch>,
    /// The status of the HTTP response, if there was one.
    pub http_status: Option<u16>,
    /// The stable name of the invocation error, or of the refusal.
    pub error_type: Option<&'static str>,
    /// What is wrong, in readable words.
    pub error: Option<String>,
    /// How many events could not be published.
    pub not_published: usize,
    /// The whole event was refused. Messages that were refused are counted by themselves.
    pub is_refused: bool,
}

impl Ending<'_> {
    /// How many requests were refused.
    fn refused(&self) -> usize {
        let errors = self
            .messages
            .iter()
            .filter(|message| message.error.is_some());
        errors.count() + usize::from(self.is_refused)
    }

    /// The names of all errors, each once.
    fn error_types(&self) -> Option<String> {
        let errors = self
            .messages
            .iter()
            .filter_map(|message| message.error.as_ref());
        let types: BTreeSet<&str> = errors
            .map(EventError::error_type)
            .chain(self.error_type)
            .collect();
        let types: Vec<&str> = types.into_iter().collect();
        (!types.is_empty()).then(|| types.join(", "))
    }
}

/// Writes the line about an invocation. `tracing` requires the level to be a constant, hence a macro.
macro_rules! done {
    ($level:ident, $request_id:expr, $ending:expr, $calls:expr) => {{
        let report = $ending.report;
        let refused = $ending.refused();
        let calls: usize = $calls.counts().values().map(|count| count.calls).sum();
        $level!(
            request_id = $request_id,
            source = $ending.source.map(Source::as_str),
            http_status = $ending.http_status,
            error_type = $ending.error_types(),
            error = $ending.error.as_deref(),
            refused = (refused > 0).then_some(refused),
            not_published = ($ending.not_published > 0).then_some($ending.not_published),
            jobs = report.map(Report::count),
            summary = report.map(|report| json!(report.summary()).to_string()),
            queues = $ending.watch.map(|watch| watch.queues.len()),
            blocked = $ending.watch.map(Watch::blocked),
            complete = report
                .map(|report| report.is_complete() && refused == 0)
                .or_else(|| Some($ending.watch?.is_complete())),
            dry_run = report.map(|report| report.dry_run),
            partial = report
                .and_then(|report| report.partial)
                .map(Partial::as_str),
            ignored = report.and_then(|report| report.ignored.as_deref()),
            calls,
            "done"
        );
    }};
}
/// Logs how an invocation ended: a line for it, one for every 500 jobs, and one for each message that was refused.
pub fn log(request_id: &str, ending: &Ending<'_>, calls: &Calls) {
    for message in ending.messages {
        if let Some(error) = &message.error {
            let message_id = message.id.as_deref();
            warn!(request_id, message_id, error_type = error.error_type(), %error, "message refused");
        }
    }
    let jobs = ending.report.map(|report| report.jobs.as_slice());
    for jobs in jobs.unwrap_or_default().chunks(JOBS_A_LINE) {
        info!(request_id, results = results(jobs), "jobs");
    }
    let refused = ending.refused();
    let is_server_error = ending.http_status.is_some_and(|status| status >= 500);
    if refused > 0 || ending.error_type.is_some() || is_server_error {
        done!(warn, request_id, ending, calls);
    } else {
        done!(info, request_id, ending, calls);
    }
}

/// Ids and outcomes as a JSON array of pairs, so that the text of an invalid id cannot look like other entries.
fn results(jobs: &[JobResult]) -> String {
    let results = jobs.iter().map(|job| (&job.job_id, job.outcome.as_str()));
    serde_json::to_string(&results.collect::<Vec<_>>()).unwrap_or_default()
}

/// The lines that `CloudWatch` reads as metrics: one for the invocation unless there is nothing to count, and one for each
/// queue that was measured.
pub fn metrics<'a>(
    namespace: &'a str,
    function: &'a str,
    ending: &Ending<'a>,
    calls: &Calls,
) -> impl Iterator<Item = String> + use<'a> {
    let invocation = invocation_metrics(namespace, function, ending, calls);
    let watch = ending.watch.into_iter();
    let queues = watch.flat_map(|watch| queues::lines(namespace, function, watch));
    invocation.into_iter().chain(queues)
}

fn invocation_metrics(
    namespace: &str,
    function: &str,
    ending: &Ending<'_>,
    calls: &Calls,
) -> Option<String> {
    let values = values(ending, calls);
    if values.is_empty() {
        return None;
    }
    let metrics: Vec<Value> = values
        .keys()
        .map(|name| json!({"Name": name, "Unit": "Count"}))
        .collect();
    let mut dimensions = vec![vec!["FunctionName"]];
    if ending.source.is_some() {
        dimensions.push(vec!["FunctionName", "Source"]);
    }
    let mut line = json!({
        "_aws": {
            "Timestamp": timestamp(),
            "CloudWatchMetrics": [{
                "Namespace": namespace,
                "Dimensions": dimensions,
                "Metrics": metrics,
            }],
        },
        "FunctionName": function,
    });
    if let Value::Object(fields) = &mut line {
        if let Some(source) = ending.source {
            fields.insert("Source".to_owned(), source.as_str().into());
        }
        fields.extend(values);
        fields.extend(properties(ending));
    }
    Some(line.to_string())
}

/// The time in milliseconds since 1970.
fn timestamp() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    u64::try_from(now.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

/// The value of each metric. Zeros are left out.
fn values(ending: &Ending<'_>, calls: &Calls) -> Map<String, Value> {
    let outcomes = ending.report.map(Report::summary).unwrap_or_default();
    let outcomes = outcomes.into_iter();
    let outcomes = outcomes.map(|(outcome, count)| (metric(outcome), count));
    let is_ignored = ending.report.is_some_and(|report| report.ignored.is_some());
    let counts = calls.counts();
    let sum = |of: fn(&CallCount) -> usize| counts.values().map(of).sum::<usize>();
    let others = [
        ("Ignored", usize::from(is_ignored)),
        ("RequestsRefused", ending.refused()),
        ("ReportsNotPublished", ending.not_published),
        ("Calls", sum(|count| count.calls)),
        ("CallsThrottled", sum(|count| count.throttled)),
        ("CallsFailed", sum(|count| count.failed)),
    ];
    let others = others.map(|(name, count)| (name.to_owned(), count));
    let counted = outcomes.chain(others).filter(|(_, count)| *count > 0);
    counted.map(|(name, count)| (name, count.into())).collect()
}

/// Why requests were refused. These are properties and not dimensions, since each value of a dimension makes a metric of
/// its own, which is billed.
fn properties(ending: &Ending<'_>) -> Map<String, Value> {
    let mut properties = Map::new();
    if ending.refused() > 0 {
        if let Some(types) = ending.error_types() {
            properties.insert("ErrorType".to_owned(), types.into());
        }
        if let Some(status) = ending.http_status {
            properties.insert("HttpStatus".to_owned(), status.into());
        }
    }
    properties
}

/// The metric that counts an outcome: `JobsCancelled` counts `cancelled`.
fn metric(outcome: Outcome) -> String {
    let mut name = outcome.as_str().chars();
    let first = name.next().map(|c| c.to_ascii_uppercase());
    "Jobs".chars().chain(first).chain(name).collect()
}

/// Writes a line to standard output, which Lambda sends to `CloudWatch`. A closed output is not an error.
pub fn print(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}
