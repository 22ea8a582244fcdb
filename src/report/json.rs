//! A report as JSON.

use std::{io, iter};

use serde::{Serialize, Serializer};

use super::{JobResult, Report, UnreadQueue};

/// The fields of a report before its jobs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReportHead<'a> {
    /// Lambda's id of the invocation.
    pub request_id: &'a str,
    /// The name of the source.
    pub source: &'a str,
    /// Everything in it was a dry run.
    pub dry_run: bool,
    /// Why there was nothing to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignored: Option<&'a str>,
    /// Nothing is left for anybody to do.
    pub complete: bool,
    /// `partial` if not all jobs of a selection could be found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selection: Option<&'a str>,
    /// The queues of which not all jobs could be found.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub unread: &'a [UnreadQueue],
    /// The number of jobs, and of each outcome.
    pub summary: Summary<'a>,
    /// How many jobs are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncated: Option<usize>,
}

/// The number of jobs, and of each outcome.
#[derive(Debug)]
pub struct Summary<'a>(&'a Report);

impl Serialize for Summary<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let counts = self.0.summary().into_iter();
        let counts = counts.map(|(outcome, count)| (outcome.as_str(), count));
        serializer.collect_map(iter::once(("jobs", self.0.count())).chain(counts))
    }
}

impl Report {
    /// The fields before the jobs.
    #[must_use]
    pub fn head<'a>(&'a self, request_id: &'a str, source: &'a str) -> ReportHead<'a> {
        ReportHead {
            request_id,
            source,
            dry_run: self.dry_run,
            ignored: self.ignored.as_deref(),
            complete: self.is_complete(),
            selection: self.partial.map(|_| "partial"),
            unread: &self.unread,
            summary: Summary(self),
            truncated: None,
        }
    }

    pub(crate) fn summary_json(&self) -> String {
        serde_json::to_string(&Summary(self)).unwrap_or_default()
    }
}

/// A JSON object with the fields of `head`, and these jobs. The head is a JSON object with one field at least.
///
/// # Errors
///
/// When a job cannot be written as JSON, which does not happen.
pub fn with_jobs<'a>(
    head: String,
    jobs: impl IntoIterator<Item = &'a JobResult>,
) -> Result<String, serde_json::Error> {
    let mut text = head.into_bytes();
    text.pop();
    text.extend_from_slice(b",\"jobs\":");
    serde_json::Serializer::new(&mut text).collect_seq(jobs)?;
    text.push(b'}');
    String::from_utf8(text).map_err(serde::ser::Error::custom)
}

/// How long something is as JSON, in bytes. It is written to be measured, and not kept: a report has room for itself and
/// for one of its parts, but not for the texts of all jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) bytes: usize,
    /// How many of them are one more within a JSON string.
    pub(crate) escapes: usize,
}

impl Size {
    /// The size of a value.
    ///
    /// # Errors
    ///
    /// When it cannot be written as JSON, which does not happen.
    pub(crate) fn of(value: &impl Serialize) -> Result<Self, serde_json::Error> {
        let mut size = Self::default();
        serde_json::to_writer(&mut size, value)?;
        Ok(size)
    }
}

impl io::Write for Size {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let escapes = text.iter().filter(|byte| matches!(byte, b'"' | b'\\'));
        self.escapes += escapes.count();
        self.bytes += text.len();
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
