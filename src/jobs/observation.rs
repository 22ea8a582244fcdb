//! What is kept of the first look at a job: about a hundred bytes, whatever the size of Batch's answer.

use std::{collections::HashSet, sync::Arc};

use tokio::time::Instant;

use crate::{
    batch::{Children, JobDetail},
    request::Status,
};

/// The most characters of a status reason that are kept.
const MAX_REASON: usize = 256;

/// What the first look at a job showed.
#[derive(Clone, Debug)]
pub(crate) struct Observation {
    pub(crate) at: Instant,
    pub(crate) status: Status,
    /// A cancel was accepted before.
    pub(crate) is_cancelled: bool,
    /// The ARN of its job queue.
    pub(crate) job_queue: Arc<str>,
    pub(crate) job_name: Box<str>,
    /// Why it was in its status, at most 256 characters. Ending the job overwrites it.
    pub(crate) status_reason: Option<Arc<str>>,
    /// When it was created, in milliseconds since 1970.
    pub(crate) created_at: Option<i64>,
    /// How many jobs it stands for: an array parent counts as its size.
    pub(crate) size: u32,
    /// An array's children by status, as the last look showed them.
    pub(crate) children: Option<Box<Children>>,
}

/// Texts that many jobs share, each held once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Texts(HashSet<Arc<str>>);

impl Texts {
    /// What is kept of a look.
    pub(crate) fn observe(&mut self, job: &JobDetail, at: Instant) -> Observation {
        let summary = &job.summary;
        let reason = summary.status_reason.as_deref().map(cut);
        Observation {
            at,
            status: summary.status,
            is_cancelled: summary.is_cancelled,
            job_queue: self.hold(&job.job_queue),
            job_name: summary.job_name.as_str().into(),
            status_reason: reason.map(|reason| self.hold(reason)),
            created_at: summary.created_at,
            size: summary.array_size.unwrap_or(1),
            children: children(job),
        }
    }

    fn hold(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return Arc::clone(known);
        }
        let text: Arc<str> = text.into();
        self.0.insert(Arc::clone(&text));
        text
    }
}

/// An array's children by status.
pub(super) fn children(job: &JobDetail) -> Option<Box<Children>> {
    let children = &job.summary.children;
    (!children.is_empty()).then(|| Box::new(children.clone()))
}

fn cut(text: &str) -> &str {
    let longer = text.char_indices().nth(MAX_REASON);
    longer.and_then(|(at, _)| text.get(..at)).unwrap_or(text)
}
