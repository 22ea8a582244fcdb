//! A report, or measured job queues, as JSON, cut to the size that the source can take.

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::{
    batch::CallError,
    command::Invocation,
    queue::{Head, QueueView, Watch},
    report::{Class, JobResult, Report, ReportHead, Size, with_jobs},
};

/// The longest answer, in bytes. The fields before the jobs are not counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct SizeLimit {
    /// As JSON.
    plain: usize,
    /// As a JSON string, the form in which HTTP gateways get it. Each quote is one more byte.
    escaped: usize,
}

impl SizeLimit {
    pub(super) const fn new(plain: usize, escaped: usize) -> Self {
        Self { plain, escaped }
    }

    /// What is left after a text of this size, if that fits.
    fn less(self, size: Size) -> Option<Self> {
        Some(Self {
            plain: self.plain.checked_sub(size.bytes + 1)?,
            escaped: self.escaped.checked_sub(size.bytes + 1 + size.escapes)?,
        })
    }
}

/// The report, cut to about `limit`. Jobs that are done are left out first, and `truncated` counts the missing ones.
pub(super) fn report(
    report: &Report,
    invocation: Invocation<'_>,
    limit: SizeLimit,
) -> Result<Box<RawValue>, serde_json::Error> {
    let is_done = |job: &JobResult| job.outcome.class() == Class::Done;
    let (jobs, truncated) = fitting(&report.jobs, is_done, limit)?;
    let head = ReportHead {
        truncated,
        ..report.head(invocation.request_id, invocation.source_name())
    };
    RawValue::from_string(with_jobs(serde_json::to_string(&head)?, jobs)?)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WatchBody<'a> {
    queues: Vec<&'a QueueView>,
    complete: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a CallError>,
}

/// The queues, cut to about `limit`. Those that nothing is wrong with are left out first, and `truncated`
/// counts the missing ones.
pub(super) fn watch(watch: &Watch, limit: SizeLimit) -> Result<Box<RawValue>, serde_json::Error> {
    let is_quiet =
        |queue: &QueueView| queue.error.is_none() && !queue.first().is_some_and(Head::is_blocked);
    let (queues, truncated) = fitting(&watch.queues, is_quiet, limit)?;
    to_raw_value(&WatchBody {
        queues: queues.collect(),
        complete: watch.is_complete(),
        truncated,
        error: watch.error.as_ref(),
    })
}

/// What fits of a list, and how many of it are missing, if any are. What `may_miss` says is left out first.
pub(super) fn fitting<T: Serialize>(
    all: &[T],
    may_miss: impl Fn(&T) -> bool,
    limit: SizeLimit,
) -> Result<(impl Iterator<Item = &T>, Option<usize>), serde_json::Error> {
    let mut left = Some(limit);
    let mut fits = vec![false; all.len()];
    for last in [false, true] {
        for (item, fits) in all.iter().zip(&mut fits) {
            if may_miss(item) != last {
                continue;
            }
            left = match left {
                Some(left) => left.less(Size::of(item)?),
                None => break,
            };
            *fits = left.is_some();
        }
    }
    let missing = fits.iter().filter(|fits| !**fits).count();
    let fitting = all.iter().zip(fits);
    let fitting = fitting.filter_map(|(item, fits)| fits.then_some(item));
    Ok((fitting, (missing > 0).then_some(missing)))
}
