//! A report as JSON.

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::Report;

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
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("jobs", &self.0.count())?;
        for (outcome, count) in self.0.summary() {
            map.serialize_entry(outcome.as_str(), &count)?;
        }
        map.end()
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
            summary: Summary(self),
            truncated: None,
        }
    }

    /// The summary as JSON.
    #[must_use]
    pub fn summary_json(&self) -> String {
        serde_json::to_string(&Summary(self)).unwrap_or_default()
    }
}

/// A JSON object with the fields of `head`, and `jobs`, each of which is JSON already.
///
/// # Errors
///
/// When `head` cannot be written as JSON, which does not happen.
pub fn with_jobs<'a>(
    head: &impl Serialize,
    jobs: impl IntoIterator<Item = &'a str>,
) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string(head)?;
    text.pop();
    text.push_str(",\"jobs\":[");
    for (index, job) in jobs.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(job);
    }
    text.push_str("]}");
    Ok(text)
}
