//! A job queue, measured as far as it can be.

use futures_util::stream::{self, StreamExt};
use serde::Serialize;

use super::{
    count::{Counts, first_page},
    head::{Head, read_front},
};
use crate::{
    batch::{CallError, InUse, JobQueue, TimeLimitAction},
    policy::queue_name,
    request::Status,
    session::Session,
};

/// A job queue, measured as far as it could be.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueView {
    /// Its name; of a queue that is not there, what was asked for.
    pub job_queue: String,
    /// Its ARN.
    pub job_queue_arn: Option<String>,
    /// Whether it accepts jobs: ENABLED or DISABLED.
    pub state: Option<String>,
    /// What it is if it is not VALID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Why it is not VALID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<String>,
    /// What Batch does by itself with a job that blocks it.
    pub time_limit_actions: Vec<TimeLimitAction>,
    /// What its jobs use now, if Batch shows that.
    pub in_use: Vec<InUse>,
    /// Why it is not measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<&'static str>,
    /// How many jobs are in each status.
    #[serde(flatten)]
    pub counts: Counts,
    /// The first in line. Outer none: it could not be read. Inner none: no job waits.
    pub head: Option<Option<Head>>,
    /// What could not be read, and why.
    pub error: Option<CallError>,
}

impl QueueView {
    /// The first in line, if one is known.
    #[must_use]
    pub fn first(&self) -> Option<&Head> {
        self.head.as_ref()?.as_ref()
    }

    pub(super) fn is_read(&self) -> bool {
        self.skipped.is_some() || self.head.is_some() || !self.counts.jobs.is_empty()
    }

    pub(super) fn of(queue: JobQueue) -> Self {
        let skipped = "its jobs are service jobs, which have no counts here";
        let is_valid = ["VALID", ""].contains(&queue.status.as_str());
        Self {
            job_queue: queue_name(&queue.arn).to_owned(),
            job_queue_arn: Some(queue.arn),
            state: Some(queue.state),
            status: (!is_valid).then_some(queue.status),
            status_reason: queue.status_reason.filter(|_| !is_valid),
            skipped: queue.is_of_service_jobs.then_some(skipped),
            time_limit_actions: queue.time_limit_actions,
            ..Self::default()
        }
    }

    /// A queue that cannot be measured.
    pub(super) fn missing(name: String, error: CallError) -> Self {
        Self {
            job_queue: name,
            error: Some(error),
            ..Self::default()
        }
    }

    /// The ARN, if it is to be measured.
    fn arn(&self) -> Option<&str> {
        self.job_queue_arn
            .as_deref()
            .filter(|_| self.skipped.is_none())
    }

    pub(super) async fn measure_head(mut self, now: i64, session: Session<'_>) -> Self {
        if let Some(arn) = self.arn() {
            let actions = &self.time_limit_actions;
            match Box::pin(read_front(arn, actions, now, session)).await {
                Ok((head, in_use)) => (self.head, self.in_use) = (Some(head), in_use),
                Err(error) => self.error = Some(error),
            }
        }
        self
    }

    /// Counts the jobs in each status, with so many calls in flight.
    pub(super) async fn measure_counts(mut self, in_flight: usize, session: Session<'_>) -> Self {
        let Some(arn) = self.arn().map(str::to_owned) else {
            return self;
        };
        let mut counts = Counts::default();
        let pages = Status::LIVE.map(|status| Box::pin(first_page(&arn, status, session)));
        let pages = stream::iter(pages).buffered(in_flight);
        let mut pages = pages.zip(stream::iter(Status::LIVE));
        while let Some((page, status)) = pages.next().await {
            match page {
                Ok(page) => counts.add(status, &page),
                Err(error) => {
                    self.error.get_or_insert(error);
                    break;
                }
            }
        }
        drop(pages);
        self.counts = counts;
        self
    }
}

/// Measures a queue: `now` is in milliseconds since 1970.
pub(super) async fn measure(queue: JobQueue, now: i64, session: Session<'_>) -> QueueView {
    let view = QueueView::of(queue).measure_head(now, session).await;
    view.measure_counts(session.pace.concurrency(), session)
        .await
}
