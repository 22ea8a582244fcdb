//! A report as JSON, cut to the size that the source can take.

use serde_json::value::RawValue;

use crate::{
    intake::Invocation,
    report::{Class, Report, ReportHead, with_jobs},
};

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
    let head = ReportHead {
        truncated: (missing > 0).then_some(missing),
        ..report.head(invocation.request_id, invocation.source.as_str())
    };
    RawValue::from_string(with_jobs(&head, jobs.iter().map(String::as_str))?)
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
