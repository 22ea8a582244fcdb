//! The lines that say who asked for what, and why, and the outcome: `done`, one an invocation, and `jobs`.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value, json};
use tracing::Level;

use super::{InvocationRecord, Line};
use crate::{
    command::Source,
    policy::queue_name,
    report::{JobResult, Partial, Report, ReportedId, Size},
    results::RequestAudit,
};

/// The most jobs that one log line names.
const JOBS_A_LINE: usize = 500;

/// The most reasons that a line names. Each has at most 1024 characters.
const MAX_REASONS: usize = 20;

/// The most job queues that a line names.
const MAX_QUEUES: usize = 100;

/// The longest reason or name of a queue that a line holds, in characters.
const MAX_TEXT: usize = 1024;

/// The longest list of reasons, of queues or of results in a line, in bytes. What reads lines of `CloudWatch` may hold no
/// more than 256 KiB of one, which was its limit until 2025.
const MAX_LIST: usize = 100_000;

/// A line for every 500 jobs, or fewer if their ids are long.
pub(super) fn jobs(record: &InvocationRecord<'_>) -> impl Iterator<Item = String> {
    let mut rest = record.jobs();
    std::iter::from_fn(move || {
        let (jobs, later) = rest.split_at_checked(on_one_line(rest))?;
        rest = later;
        let mut line = Line::new(Level::INFO, "jobs");
        line.push("requestId", record.invocation.request_id);
        line.push("results", results(jobs));
        (!jobs.is_empty()).then(|| line.into_json())
    })
}

/// How many of the first jobs one line names.
fn on_one_line(jobs: &[JobResult]) -> usize {
    let mut left = MAX_LIST;
    let fits = |job: &&JobResult| {
        let size = Size::of(&JobLine::of(job)).unwrap_or_default();
        let rest = left.checked_sub(size.bytes + size.escapes + 1);
        left = rest.unwrap_or_default();
        rest.is_some()
    };
    jobs.iter().take(JOBS_A_LINE).take_while(fits).count()
}

/// A job in a line. The names of its fields are what a query of Logs Insights asks for, since only those of objects are
/// documented to be reached in a list that `unnest` takes apart.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JobLine<'a> {
    job_id: &'a ReportedId,
    outcome: &'static str,
}

impl<'a> JobLine<'a> {
    fn of(job: &'a JobResult) -> Self {
        Self {
            job_id: &job.job_id,
            outcome: job.outcome.as_str(),
        }
    }
}

/// Ids and outcomes as a JSON array, so that the text of an invalid id cannot look like other entries. The array is a text,
/// since `CloudWatch` takes each entry of an array for a field of the line, and reads but 200 of them.
fn results(jobs: &[JobResult]) -> String {
    let results: Vec<JobLine<'_>> = jobs.iter().map(JobLine::of).collect();
    serde_json::to_string(&results).unwrap_or_default()
}

/// The line about the invocation.
pub(super) fn done(record: &InvocationRecord<'_>) -> String {
    let (refused, unfulfilled) = (record.refused(), record.unfulfilled);
    let is_server_error = record.http_status.is_some_and(|status| status >= 500);
    let is_bad =
        refused > 0 || unfulfilled.and_then(|why| why.error_type).is_some() || is_server_error;
    let level = if is_bad { Level::WARN } else { Level::INFO };
    let mut line = Line::new(level, "done");
    line.push("requestId", record.invocation.request_id);
    line.push_some("source", record.invocation.source.map(Source::as_str));
    line.push_some("requestedBy", record.invocation.requested_by);
    push_asked(&mut line, record);
    line.push_some("httpStatus", record.http_status);
    line.push_some("errorType", record.error_types());
    line.push_some("error", unfulfilled.map(|why| why.error.as_str()));
    line.push_count("refused", refused);
    if let Some(report) = record.report() {
        push_report(&mut line, report, refused);
    }
    if let Some(watch) = record.watch() {
        line.push("measuredQueues", watch.queues.len());
        line.push("blockedQueues", watch.blocked());
        line.push("complete", watch.is_complete());
    }
    line.push_count("reportsNotPublished", record.not_published);
    line.push("calls", record.calls.total().calls);
    let milliseconds = u64::try_from(record.time.as_millis());
    line.push("milliseconds", milliseconds.unwrap_or(u64::MAX));
    line.into_json()
}

/// What was asked for, of refused requests too.
fn push_asked(line: &mut Line, record: &InvocationRecord<'_>) {
    let asked = || record.messages().iter().filter_map(|m| m.asked.as_ref());
    let actions: BTreeSet<&str> = asked().map(|asked| asked.action.as_str()).collect();
    if !actions.is_empty() {
        let actions: Vec<&str> = actions.into_iter().collect();
        line.push("action", actions.join(","));
    }
    let (reasons, more) = distinct(asked().map(|asked| asked.reason.as_str()), MAX_REASONS);
    match reasons.as_slice() {
        [] => {}
        [reason] => line.push("reason", reason.as_str()),
        reasons => line.push("reasons", json!(reasons).to_string()),
    }
    line.push_count("moreReasons", more);
    let selected = asked()
        .flat_map(|asked: &RequestAudit| &asked.queues)
        .map(String::as_str);
    let of_jobs = record.jobs().iter();
    let of_jobs = of_jobs.filter_map(|job| job.job_queue.as_deref());
    let queues = selected.chain(of_jobs).map(queue_name);
    let (queues, more) = distinct(queues, MAX_QUEUES);
    match queues.as_slice() {
        [] => {}
        // The text of a request may be no queue's name.
        queues if queues.iter().any(|queue| queue.contains(',')) => {
            line.push("queues", json!(queues).to_string());
        }
        queues => line.push("queues", queues.join(",")),
    }
    line.push_count("moreQueues", more);
}

fn push_report(line: &mut Line, report: &Report, refused: usize) {
    line.push("jobs", report.count());
    let counts = report.summary().into_iter();
    let counts: Map<String, Value> = counts
        .map(|(outcome, count)| (outcome.as_str().to_owned(), count.into()))
        .collect();
    line.push("counts", counts);
    line.push("complete", report.is_complete() && refused == 0);
    line.push("dryRun", report.dry_run);
    line.push_some("partial", report.partial.map(Partial::as_str));
    let unread = report.unread.iter().map(|unread| unread.job_queue.as_str());
    let unread = unread.collect::<Vec<_>>().join(",");
    line.push_some("unread", (!unread.is_empty()).then_some(unread));
    line.push_some("ignored", report.ignored.as_deref());
}

/// The first `most` different texts, each cut, as far as the line has room for them, and how many more there are.
fn distinct<'a>(texts: impl Iterator<Item = &'a str>, most: usize) -> (Vec<String>, usize) {
    let mut known = BTreeSet::new();
    let mut first: Vec<String> = Vec::new();
    let mut left = Some(MAX_LIST);
    for text in texts {
        if known.insert(text) && first.len() < most {
            let text: String = text.chars().take(MAX_TEXT).collect();
            let size = Size::of(&text).unwrap_or_default();
            left = left.and_then(|left| left.checked_sub(size.bytes + size.escapes + 1));
            first.extend(left.map(|_| text));
        }
    }
    let more = known.len() - first.len();
    (first, more)
}
