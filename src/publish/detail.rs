//! The events: the report in parts, and a refusal for each message that could not be acted on.

use serde::Serialize;

use super::parts::parts;

use crate::{
    event::{EventError, OWN_SOURCE, Source},
    intake::{Invocation, MessageOutcome},
    report::{Report, ReportHead, with_jobs},
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
pub struct Publication<'a> {
    /// The name of the function.
    pub function: &'a str,
    /// Lambda's id of the invocation.
    pub request_id: &'a str,
    /// Where the event came from, if it could be decoded.
    pub source: Option<Source>,
    /// The caller if there is one, else the source.
    pub requested_by: Option<&'a str>,
    /// The outcome of each job.
    pub report: Option<&'a Report>,
    /// The outcome of each message.
    pub messages: &'a [MessageOutcome],
    /// Why the event as a whole could not be acted on.
    pub error: Option<&'a EventError>,
}

impl<'a> Publication<'a> {
    /// What is published of an invocation that ended in this report.
    #[must_use]
    pub fn of_report(
        function: &'a str,
        invocation: Invocation<'a>,
        report: &'a Report,
        messages: &'a [MessageOutcome],
    ) -> Self {
        Self {
            function,
            request_id: invocation.request_id,
            source: Some(invocation.source),
            requested_by: Some(invocation.requested_by),
            report: Some(report),
            messages,
            error: None,
        }
    }

    fn source(&self) -> &'static str {
        self.source.map_or("unknown", Source::as_str)
    }
}

/// The fields of a report's part before its jobs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReportDetail<'a> {
    version: &'a str,
    function: &'a str,
    requested_by: &'a str,
    part: usize,
    parts: usize,
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
    message_id: Option<&'a str>,
    error: ErrorDetail<'a>,
}

#[derive(Serialize)]
struct ErrorDetail<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    message: String,
}

/// The events of an invocation: the report in as many parts as its size needs, then the refusals. Nothing if there was
/// nothing to do.
///
/// # Errors
///
/// When something cannot be written as JSON, which does not happen.
pub fn entries(publication: &Publication<'_>) -> Result<Vec<Entry>, serde_json::Error> {
    let mut entries = Vec::new();
    let errors = publication.messages.iter().filter_map(|message| {
        let error = message.error.as_ref()?;
        Some((message.id.as_deref(), error))
    });
    let whole = publication.error.map(|error| (None, error));
    let refusals: Vec<(Option<&str>, &EventError)> = errors.chain(whole).collect();
    if let Some(report) = publication.report {
        // An empty report beside refusals says nothing; an ignored event neither.
        let is_empty = report.count() == 0 && report.partial.is_none();
        let says_something = !is_empty || refusals.is_empty();
        if report.ignored.is_none() && says_something {
            entries.extend(report_parts(publication, report)?);
        }
    }
    for (message_id, error) in refusals {
        entries.push(refusal(publication, message_id, error)?);
    }
    Ok(entries)
}

fn report_parts(
    publication: &Publication<'_>,
    report: &Report,
) -> Result<Vec<Entry>, serde_json::Error> {
    let detail = |part, parts| ReportDetail {
        version: VERSION,
        function: publication.function,
        requested_by: publication.requested_by.unwrap_or_default(),
        part,
        parts,
        head: report.head(publication.request_id, publication.source()),
    };
    let head = serde_json::to_string(&detail(1, 1))?.len() + PART;
    let parts = parts(report, head)?;
    let count = parts.len();
    let entries = parts.into_iter().enumerate().map(|(index, part)| {
        let jobs = part.jobs.iter().map(String::as_str);
        Ok(Entry {
            detail_type: REPORT,
            detail: with_jobs(&detail(index + 1, count), jobs)?,
            resources: part.queues.into_iter().map(str::to_owned).collect(),
        })
    });
    entries.collect()
}

fn refusal(
    publication: &Publication<'_>,
    message_id: Option<&str>,
    error: &EventError,
) -> Result<Entry, serde_json::Error> {
    let detail = RefusedDetail {
        version: VERSION,
        function: publication.function,
        request_id: publication.request_id,
        source: publication.source(),
        requested_by: publication.requested_by,
        message_id,
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
