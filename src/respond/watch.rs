//! Measured job queues as JSON, cut to the size that a direct caller can take.

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::{MAX_REPORT, body::fitting};
use crate::queue::{Head, QueueView, Watch};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    queues: Vec<&'a QueueView>,
    complete: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

/// The queues, cut to about the length of a report. Those that nothing is wrong with are left out first, and `truncated`
/// counts the missing ones.
pub(super) fn watch(watch: &Watch) -> Result<Box<RawValue>, serde_json::Error> {
    let is_quiet =
        |queue: &QueueView| queue.error.is_none() && !queue.first().is_some_and(Head::is_blocked);
    let (queues, truncated) = fitting(&watch.queues, is_quiet, MAX_REPORT)?;
    to_raw_value(&Answer {
        queues: queues.collect(),
        complete: watch.is_complete(),
        truncated,
        error: watch.error.as_ref().map(|error| error.message.as_str()),
    })
}
