//! What an event led to: what went wrong, a table of the jobs or queues, and the calls; then the answer.

use std::fmt::Write;

use batch_cancel::{
    Results, queue_name,
    report::Outcome,
    respond::Failure,
    telemetry::{Handled, InvocationRecord},
};
use jiff::Timestamp;
use serde_json::{Value, json, value::RawValue};

use crate::{
    output::{err, out, plain, table},
    queues,
    report::{Job, Report},
};

/// The most jobs to show one by one.
const MANY: usize = 40;

/// What an invocation did.
#[derive(Default)]
pub(crate) struct Shown {
    problems: String,
    table: String,
    calls: String,
    /// Nothing is left over, rejected or an error.
    is_complete: bool,
    report: Option<Report>,
    /// Why the jobs are to be ended.
    reason: Option<String>,
}

impl Shown {
    /// Takes in what an invocation did.
    pub(crate) fn see(&mut self, finished: &InvocationRecord<'_>) {
        let counts = finished.calls.counts();
        let counts: Vec<String> = counts
            .iter()
            .map(|(name, count)| format!("{name} {}", count.calls))
            .collect();
        self.calls = if counts.is_empty() {
            "none".to_owned()
        } else {
            counts.join(", ")
        };
        self.is_complete = finished.unfulfilled.is_none();
        if let Some(status) = finished.http_status {
            let is_error = status >= 400;
            self.is_complete &= !is_error;
            let why = finished.unfulfilled.filter(|_| is_error);
            let why = why.map_or_else(String::new, |why| format!(": {}", why.error));
            line(
                if is_error {
                    &mut self.problems
                } else {
                    &mut self.table
                },
                &format!("HTTP {status}{why}"),
            );
        } else if let Some(why) = finished.unfulfilled {
            let kind = why.error_type.unwrap_or("error");
            line(&mut self.problems, &format!("{kind}: {}", why.error));
        }
        match finished.handled {
            Handled::Results { results, .. } => self.see_results(results, finished),
            Handled::Watch(watch) => {
                self.is_complete &= watch.is_complete();
                let queues = serde_json::to_value(&watch.queues).unwrap_or_default();
                let watch = json!({"queues": queues});
                self.table += &queues::show(&watch, Timestamp::now());
            }
            Handled::Undecoded(_) | Handled::Shown => {}
        }
    }

    fn see_results(&mut self, results: &Results, finished: &InvocationRecord<'_>) {
        let mut asked = results
            .messages
            .iter()
            .filter_map(|message| message.asked.as_ref());
        self.reason = asked.next().map(|asked| asked.reason.clone());
        for (message, why) in results.refusals() {
            if let Some(id) = &message.id {
                let (id, kind) = (plain(id), why.error_type());
                line(
                    &mut self.problems,
                    &format!("message {id} was refused, {kind}: {why}"),
                );
            }
        }
        self.is_complete &= results.report.is_complete() && results.refusal().is_none();
        if let Ok(report) = Report::of(results, finished.invocation) {
            if !report.jobs.is_empty() {
                self.table += &jobs(&report.jobs);
            }
            if let Some(why) = &report.ignored {
                line(&mut self.table, &format!("ignored: {why}"));
            }
            self.report = Some(report);
        }
    }

    /// The report on the jobs, if there is one, and the reason that was given.
    pub(crate) fn found(&self) -> (Option<Report>, Option<String>) {
        (self.report.clone(), self.reason.clone())
    }

    /// Prints all of it, to standard error but for the answer. The exit code.
    pub(crate) fn print(self, answer: &Result<Box<RawValue>, Failure>) -> u8 {
        err(&self.problems);
        err(&self.table);
        err(&format!("calls to AWS Batch: {}\n\n", self.calls));
        match answer {
            Ok(answer) => out(&(body(answer) + "\n")),
            Err(failure) => out(&(as_lambda(failure) + "\n")),
        }
        u8::from(!self.is_complete)
    }
}

/// Prints what a deployed function answered. The exit code.
#[cfg(feature = "function")]
pub(crate) fn answer_of_function(answer: &str) -> u8 {
    let report: Option<Report> = serde_json::from_str(answer).ok();
    let fields: Value = serde_json::from_str(answer).unwrap_or_default();
    let failures = fields.get("batchItemFailures").and_then(Value::as_array);
    let status = fields.get("statusCode").and_then(Value::as_u64);
    let is_failed = failures.is_some_and(|failures| !failures.is_empty())
        || status.is_some_and(|status| status >= 400);
    if let Some(report) = &report {
        err(&jobs(&report.jobs));
        err("\n");
    }
    out(&(indented(answer).unwrap_or_else(|| answer.to_owned()) + "\n"));
    u8::from(is_failed || report.is_some_and(|report| !report.complete))
}

/// The table of the jobs.
fn jobs(jobs: &[Job]) -> String {
    let rows = jobs.iter().take(MANY).map(|job| {
        [
            job.asked().to_owned(),
            job.job_name.clone().unwrap_or_default(),
            queue_name(job.job_queue.as_deref().unwrap_or_default()).to_owned(),
            job.before.clone().unwrap_or_default(),
            job.after.clone().unwrap_or_default(),
            job.outcome.as_str().to_owned(),
            message(job),
        ]
    });
    let headings = [
        "JOB", "NAME", "QUEUE", "BEFORE", "AFTER", "OUTCOME", "MESSAGE",
    ];
    let mut text = table(headings, rows, &[]);
    if jobs.len() > MANY {
        line(&mut text, &format!("… and {} more", jobs.len() - MANY));
    }
    text
}

fn message(job: &Job) -> String {
    let said = job.message.clone().unwrap_or_default();
    if said.is_empty() && job.outcome == Outcome::InvalidId {
        return "not a job id".to_owned();
    }
    said
}

/// The document for standard output: of an HTTP response its body, since a text in a text is not to be read.
fn body(answer: &RawValue) -> String {
    let fields: Value = serde_json::from_str(answer.get()).unwrap_or_default();
    let body = fields.get("body").and_then(Value::as_str);
    let body = body.filter(|_| fields.get("statusCode").is_some());
    let text = body.unwrap_or_else(|| answer.get());
    indented(text).unwrap_or_else(|| text.to_owned())
}

/// JSON text, indented, its fields in their order.
fn indented(text: &str) -> Option<String> {
    let mut indented = Vec::new();
    let mut from = serde_json::Deserializer::from_str(text);
    let mut to = serde_json::Serializer::pretty(&mut indented);
    serde_transcode::transcode(&mut from, &mut to).ok()?;
    String::from_utf8(indented).ok()
}

/// An invocation error as Lambda shows it.
fn as_lambda(failure: &Failure) -> String {
    let diagnostic =
        json!({"errorType": failure.error_type(), "errorMessage": failure.to_string()});
    serde_json::to_string_pretty(&diagnostic).unwrap_or_default()
}

fn line(text: &mut String, line: &str) {
    // Writing into a String does not fail.
    let _ = writeln!(text, "{}", plain(line));
}
