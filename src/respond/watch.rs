//! Measured job queues as JSON, cut to the size that a direct caller can take.

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::MAX_REPORT;
use crate::{
    queue::{Head, QueueView, Watch},
    report::Size,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    queues: Vec<Box<RawValue>>,
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
    let mut left = Some(MAX_REPORT);
    let mut fitting = Vec::with_capacity(watch.queues.len());
    for quiet in [false, true] {
        for (index, queue) in watch.queues.iter().enumerate() {
            if is_quiet(queue) != quiet {
                continue;
            }
            let text = to_raw_value(queue)?;
            left = left.and_then(|left| left.less(Size::of_text(text.get())));
            if left.is_none() {
                break;
            }
            fitting.push((index, text));
        }
    }
    fitting.sort_unstable_by_key(|(index, _)| *index);
    let missing = watch.queues.len() - fitting.len();
    to_raw_value(&Answer {
        queues: fitting.into_iter().map(|(_, text)| text).collect(),
        complete: watch.is_complete(),
        truncated: (missing > 0).then_some(missing),
        error: watch.error.as_ref().map(|error| error.message.as_str()),
    })
}
