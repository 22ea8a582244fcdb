//! A report as JSON, cut to the size that the source can take.

use std::borrow::Cow;

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::value::RawValue;

use crate::{
    intake::Invocation,
    report::{Class, Report},
};

/// The fields of a report before its jobs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    request_id: &'a str,
    source: &'a str,
    dry_run: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    ignored: Option<Cow<'a, str>>,
    complete: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    selection: Option<&'a str>,
    summary: Summary<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated: Option<usize>,
}

/// The number of jobs, and of each outcome.
struct Summary<'a>(&'a Report);

impl Serialize for Summary<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("jobs", &self.0.count())?;
        for (outcome, count) in self.0.summary() {
            map.serialize_entry(outcome.as_str(), &count)?;
        }
        map.end()
    }
}

/// The summary of a report as JSON.
pub(super) fn summary(report: &Report) -> String {
    serde_json::to_string(&Summary(report)).unwrap_or_default()
}

/// The longest answer, in bytes. The fields before the jobs are not counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct SizeLimit {
    /// As JSON.
    pub(super) plain: usize,
    /// As a JSON string, the form in which HTTP gateways get it. Each quote is one more byte.
    pub(super) escaped: usize,
}

impl SizeLimit {
    /// What is left after `text`, if that fits.
    pub(super) fn less(self, text: &str) -> Option<Self> {
        let quotes = text.bytes().filter(|b| matches!(b, b'"' | b'\\')).count();
        Some(Self {
            plain: self.plain.checked_sub(text.len() + 1)?,
            escaped: self.escaped.checked_sub(text.len() + 1 + quotes)?,
        })
    }
}

/// The report, cut to about `limit`. Jobs that are done are left out first, and `truncated` counts the missing ones.
pub(super) fn report(
    report: &Report,
    invocation: Invocation<'_>,
    limit: SizeLimit,
) -> Result<Box<RawValue>, serde_json::Error> {
    let jobs = fitting(report, limit)?;
    let missing = report.jobs.len() - jobs.len();
    let head = Head {
        request_id: invocation.request_id,
        source: invocation.source.as_str(),
        dry_run: report.dry_run,
        ignored: report.ignored.as_deref().map(Cow::from),
        complete: report.is_complete(),
        selection: report.partial.map(|_| "partial"),
        summary: Summary(report),
        truncated: (missing > 0).then_some(missing),
    };
    let mut text = serde_json::to_string(&head)?;
    text.pop();
    text.push_str(",\"jobs\":[");
    for (index, job) in jobs.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(job);
    }
    text.push_str("]}");
    RawValue::from_string(text)
}

/// The jobs that fit, as JSON, in the order of the report. Jobs that are not done come before others.
fn fitting(report: &Report, limit: SizeLimit) -> Result<Vec<String>, serde_json::Error> {
    let mut left = Some(limit);
    let mut texts = Vec::with_capacity(report.jobs.len().min(1 + limit.plain / 100));
    for done in [false, true] {
        for (index, job) in report.jobs.iter().enumerate() {
            if (job.outcome.class() == Class::Done) != done {
                continue;
            }
            let text = serde_json::to_string(job)?;
            left = left.and_then(|left| left.less(&text));
            if left.is_none() {
                break;
            }
            texts.push((index, text));
        }
    }
    texts.sort_unstable_by_key(|(index, _)| *index);
    Ok(texts.into_iter().map(|(_, text)| text).collect())
}
