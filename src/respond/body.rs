//! A report as JSON, cut to the size that the source can take.

use serde_json::value::RawValue;

use crate::{
    command::Invocation,
    report::{Class, Report, ReportHead, Size, with_jobs},
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
    /// What is left after a text of this size, if that fits.
    pub(super) fn less(self, size: Size) -> Option<Self> {
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
    let fits = fitting(report, limit)?;
    let missing = fits.iter().filter(|fits| !**fits).count();
    let head = ReportHead {
        truncated: (missing > 0).then_some(missing),
        ..report.head(invocation.request_id, invocation.source_name())
    };
    let jobs = report.jobs.iter().zip(fits);
    let jobs = jobs.filter_map(|(job, fits)| fits.then_some(job));
    RawValue::from_string(with_jobs(serde_json::to_string(&head)?, jobs)?)
}

/// Whether each job fits. Jobs that are not done come before others.
fn fitting(report: &Report, limit: SizeLimit) -> Result<Vec<bool>, serde_json::Error> {
    let mut left = Some(limit);
    let mut fits = vec![false; report.jobs.len()];
    for done in [false, true] {
        for (job, fits) in report.jobs.iter().zip(&mut fits) {
            if (job.outcome.class() == Class::Done) != done {
                continue;
            }
            left = match left {
                Some(left) => left.less(Size::of(job)?),
                None => break,
            };
            *fits = left.is_some();
        }
    }
    Ok(fits)
}
