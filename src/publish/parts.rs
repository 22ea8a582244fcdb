//! The jobs of a report, in parts that fit into events.

use std::collections::BTreeSet;

use crate::report::{JobResult, Outcome, Report};

/// The longest detail of an event, in bytes.
const MAX_DETAIL: usize = 200_000;

/// The longest event, in bytes. `EventBridge` takes 256 KiB.
const MAX_ENTRY: usize = 250_000;

/// The jobs of one event, as JSON, and their queues.
#[derive(Default)]
pub(super) struct Part<'a> {
    pub(super) jobs: Vec<String>,
    pub(super) queues: BTreeSet<&'a str>,
    detail: usize,
    resources: usize,
}

impl<'a> Part<'a> {
    fn takes(&self, job: &str, queue: Option<&str>) -> bool {
        let added = queue.filter(|queue| !self.queues.contains(queue));
        let detail = self.detail + job.len() + 1;
        let resources = self.resources + added.map_or(0, str::len);
        detail <= MAX_DETAIL && detail + resources <= MAX_ENTRY
    }

    fn push(&mut self, job: String, queue: Option<&'a str>) {
        self.detail += job.len() + 1;
        if let Some(queue) = queue
            && self.queues.insert(queue)
        {
            self.resources += queue.len();
        }
        self.jobs.push(job);
    }
}

/// The jobs of a report in parts, each job in one; at least one part.
pub(super) fn parts(report: &Report, head: usize) -> Result<Vec<Part<'_>>, serde_json::Error> {
    let new = || Part {
        detail: head,
        ..Part::default()
    };
    let mut parts = Vec::new();
    let mut part = new();
    for job in &report.jobs {
        let (text, queue) = (serde_json::to_string(job)?, queue(job));
        if !part.takes(&text, queue) && !part.jobs.is_empty() {
            parts.push(std::mem::replace(&mut part, new()));
        }
        part.push(text, queue);
    }
    parts.push(part);
    Ok(parts)
}

fn queue(job: &JobResult) -> Option<&str> {
    let queue = job.job_queue.as_deref();
    queue.filter(|queue| queue.starts_with("arn:") && job.outcome != Outcome::NotFound)
}
