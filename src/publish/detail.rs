//! The events: the report in parts, and a refusal for each message that could not be acted on.

use std::{borrow::Cow, ops::Range};

use serde::Serialize;

use super::{
    parts::{parts, queues},
    requests::Requests,
};
use crate::{
    command::{Invocation, OWN_SOURCE, RequestRefused},
    report::{JobResult, ReportHead, with_jobs},
    results::Results,
    text::cut,
};

/// The version of the events' form.
const VERSION: &str = "1";

const REPORT: &str = "Batch Cancellation Report";

const REFUSED: &str = "Batch Cancellation Refused";

/// What the numbers of a part add to a detail, in bytes.
const PART: usize = 64;

/// An event to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What kind of event it is.
    pub detail_type: &'static str,
    /// Its content, as JSON.
    pub detail: String,
    /// The ARNs of the job queues in it.
    pub resources: Vec<String>,
}

impl Entry {
    /// Its size in bytes, as `EventBridge` counts it.
    #[must_use]
    pub fn size(&self) -> usize {
        let resources: usize = self.resources.iter().map(String::len).sum();
        OWN_SOURCE.len() + self.detail_type.len() + self.detail.len() + resources
    }
}

/// What is published of an invocation.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Publication<'a> {
    /// The report, and why messages were refused.
    Results(&'a Results),
    /// Why the event as a whole was refused.
    Refused(&'a RequestRefused),
}

/// The fields of a report's part, but for the numbers of the part and its jobs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReportDetail<'a> {
    version: &'a str,
    function: &'a str,
    requested_by: &'a str,
    #[serde(flatten)]
    asked: Requests<'a>,
    #[serde(flatten)]
    head: ReportHead<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RefusedDetail<'a> {
    version: &'a str,
    function: &'a str,
    request_id: &'a str,
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    requested_by: Option<&'a str>,
    /// The record's `itemIdentifier`.
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<Cow<'a, str>>,
    error: ErrorDetail<'a>,
}

#[derive(Serialize)]
struct ErrorDetail<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    message: String,
}

/// The events of an invocation, made one by one as they are asked for: those of 100,000 jobs together are as large as all
/// of the function's memory.
pub(crate) struct Entries<'a> {
    invocation: Invocation<'a>,
    /// The fields of each part before the numbers of the part, as JSON.
    head: String,
    jobs: &'a [JobResult],
    parts: Vec<Range<usize>>,
    refusals: Vec<(Option<&'a str>, &'a RequestRefused)>,
    next: usize,
}

/// The events of an invocation: the report in as many parts as its size needs, then the refusals. Nothing if there was
/// nothing to do.
///
/// # Errors
///
/// When something cannot be written as JSON, which does not happen.
pub(crate) fn entries<'a>(
    publication: Publication<'a>,
    invocation: Invocation<'a>,
) -> Result<Entries<'a>, serde_json::Error> {
    let mut entries = Entries {
        invocation,
        head: String::new(),
        jobs: &[],
        parts: Vec::new(),
        refusals: Vec::new(),
        next: 0,
    };
    let results = match publication {
        Publication::Results(results) => results,
        Publication::Refused(why) => {
            entries.refusals.push((None, why));
            return Ok(entries);
        }
    };
    let refusals = results.refusals();
    entries.refusals = refusals
        .map(|(message, why)| (message.id.as_deref(), why))
        .collect();
    let report = &results.report;
    // An empty report beside refusals says nothing; an ignored event neither.
    let is_empty = report.count() == 0 && report.partial.is_none();
    let says_something = !is_empty || entries.refusals.is_empty();
    if report.ignored.is_none() && says_something {
        entries.head = serde_json::to_string(&ReportDetail {
            version: VERSION,
            function: invocation.function_name,
            requested_by: invocation.requested_by.unwrap_or_default(),
            asked: Requests::of(&results.messages)?,
            head: report.head(invocation.request_id, invocation.source_name()),
        })?;
        entries.jobs = &report.jobs;
        entries.parts = parts(report, entries.head.len() + PART)?;
    }
    Ok(entries)
}

impl Entries<'_> {
    /// How many there are, those that were made already included.
    pub(crate) fn count_all(&self) -> usize {
        self.parts.len() + self.refusals.len()
    }

    fn part(&self, index: usize, jobs: Range<usize>) -> Result<Entry, serde_json::Error> {
        let jobs = self.jobs.get(jobs).unwrap_or_default();
        let (part, parts) = (index + 1, self.parts.len());
        let fields = self.head.strip_suffix('}').unwrap_or_default();
        let head = format!("{fields},\"part\":{part},\"parts\":{parts}}}");
        Ok(Entry {
            detail_type: REPORT,
            detail: with_jobs(head, jobs)?,
            resources: queues(jobs).into_iter().map(str::to_owned).collect(),
        })
    }
}

impl Iterator for Entries<'_> {
    type Item = Result<Entry, serde_json::Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let index = self.next;
        self.next += 1;
        if let Some(jobs) = self.parts.get(index) {
            return Some(self.part(index, jobs.clone()));
        }
        let &(message_id, error) = self.refusals.get(index - self.parts.len())?;
        Some(refusal(self.invocation, message_id, error))
    }
}

fn refusal(
    invocation: Invocation<'_>,
    message_id: Option<&str>,
    error: &RequestRefused,
) -> Result<Entry, serde_json::Error> {
    let detail = RefusedDetail {
        version: VERSION,
        function: invocation.function_name,
        request_id: invocation.request_id,
        source: invocation.source_name(),
        requested_by: invocation.requested_by,
        message_id: message_id.map(cut),
        error: ErrorDetail {
            kind: error.error_type(),
            message: error.to_string(),
        },
    };
    Ok(Entry {
        detail_type: REFUSED,
        detail: serde_json::to_string(&detail)?,
        resources: Vec::new(),
    })
}
