//! The jobs of a report, in parts that fit into events.

use std::{collections::BTreeSet, ops::Range};

use crate::report::{JobResult, Outcome, Report, Size};

/// The longest detail of an event, in bytes.
const MAX_DETAIL: usize = 200_000;

/// The longest event, in bytes. `EventBridge` takes 256 KiB.
const MAX_ENTRY: usize = 250_000;

/// The jobs of one event in the making: which, and how much they take.
struct Part<'a> {
    jobs: Range<usize>,
    queues: BTreeSet<&'a str>,
    detail: usize,
    resources: usize,
}

impl<'a> Part<'a> {
    /// A part from the job of this index on. Its other fields take `head` bytes.
    fn new(start: usize, head: usize) -> Self {
        Self {
            jobs: start..start,
            queues: BTreeSet::new(),
            detail: head,
            resources: 0,
        }
    }

    fn takes(&self, size: usize, queue: Option<&str>) -> bool {
        let added = queue.filter(|queue| !self.queues.contains(queue));
        let detail = self.detail + size + 1;
        let resources = self.resources + added.map_or(0, str::len);
        detail <= MAX_DETAIL && detail + resources <= MAX_ENTRY
    }

    fn push(&mut self, size: usize, queue: Option<&'a str>) {
        self.jobs.end += 1;
        self.detail += size + 1;
        if let Some(queue) = queue
            && self.queues.insert(queue)
        {
            self.resources += queue.len();
        }
    }
}

/// The indices of a report's jobs in parts, each job in one; at least one part.
pub(super) fn parts(report: &Report, head: usize) -> Result<Vec<Range<usize>>, serde_json::Error> {
    let mut parts = Vec::new();
    let mut part = Part::new(0, head);
    for (index, job) in report.jobs.iter().enumerate() {
        let (size, queue) = (Size::of(job)?.bytes, queue(job));
        if !part.takes(size, queue) && !part.jobs.is_empty() {
            parts.push(part.jobs);
            part = Part::new(index, head);
        }
        part.push(size, queue);
    }
    parts.push(part.jobs);
    Ok(parts)
}

/// The ARNs of the jobs' queues, each once.
pub(super) fn queues(jobs: &[JobResult]) -> BTreeSet<&str> {
    jobs.iter().filter_map(queue).collect()
}

fn queue(job: &JobResult) -> Option<&str> {
    let queue = job.job_queue.as_deref();
    queue.filter(|queue| queue.starts_with("arn:") && job.outcome != Outcome::NotFound)
}
