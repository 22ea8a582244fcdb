//! A message from intake to its outcome.

use crate::{
    event::EventError,
    jobs::{Job, JobIndex, Jobs},
    policy::Policy,
    report::{Class, Outcome, Partial, Report, UnreadQueue},
    request::{Action, Request, Target},
    text::cut,
};

/// The most queues that a report names as not read.
const MAX_UNREAD: usize = 100;

/// A message whose jobs have no outcome yet.
#[derive(Debug)]
pub struct PendingMessage {
    pub(super) id: Option<String>,
    pub(super) group: Option<String>,
    pub(super) asked: Option<Asked>,
    pub(super) content: Result<PendingContent, EventError>,
}

#[derive(Clone, Debug)]
pub(super) enum PendingContent {
    Request(RequestJobs),
    Ignored(String),
}

/// What a message asks for, admitted or not, for the audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Why, as the request or its source says.
    pub reason: String,
    /// Whether to cancel or to terminate.
    pub action: Action,
    /// The job queues of a selection, by names, ARNs or patterns.
    pub queues: Vec<String>,
}

impl Asked {
    pub(super) fn of(request: &Request, reason: String) -> Self {
        let queues = match &request.target {
            Target::Select(select) => select.from.queues().to_vec(),
            Target::Jobs(_) | Target::Blocked(_) => Vec::new(),
        };
        Self {
            reason,
            action: request.action,
            queues,
        }
    }
}

/// The jobs of a message's request.
#[derive(Clone, Debug)]
pub(super) struct RequestJobs {
    pub(super) jobs: Vec<JobIndex>,
    pub(super) over_limit: usize,
    pub(super) partial: Option<Partial>,
    pub(super) unread: Vec<UnreadQueue>,
    pub(super) ignored: Option<String>,
    pub(super) dry_run: bool,
    /// A retry would select other jobs.
    pub(super) reselects_on_retry: bool,
    pub(super) fail_on_incomplete: bool,
}

/// The outcome of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageOutcome {
    /// Its `itemIdentifier` in `batchItemFailures`.
    pub id: Option<String>,
    /// The message group of a FIFO queue's record.
    pub group: Option<String>,
    /// What it asks for, if it could be read.
    pub asked: Option<Asked>,
    /// Whether it should be delivered again.
    pub class: Class,
    /// Why it could not be acted on.
    pub error: Option<EventError>,
    /// Its sender wants an error if anything is left over.
    pub fail_on_incomplete: bool,
    /// Why it asked for nothing.
    pub ignored: Option<String>,
    /// Its selection could not be brought to its end.
    pub is_partial: bool,
}

/// The report of all jobs, and the outcome of each message.
#[must_use]
pub fn finish(
    pending: Vec<PendingMessage>,
    jobs: Jobs,
    policy: &Policy,
) -> (Report, Vec<MessageOutcome>) {
    let mut report = Report::default();
    let mut requests = 0;
    let mut is_real = false;
    for request in pending.iter().filter_map(PendingMessage::request) {
        requests += 1;
        is_real |= !request.dry_run;
        report.over_limit += request.over_limit;
        report.partial = report.partial.or(request.partial);
        for unread in &request.unread {
            if report.unread.len() < MAX_UNREAD && !report.unread.contains(unread) {
                report.unread.push(unread.clone());
            }
        }
    }
    report.dry_run = policy.dry_run || (requests > 0 && !is_real);
    let messages: Vec<MessageOutcome> = pending
        .into_iter()
        .map(|message| message.outcome(&jobs))
        .collect();
    report.jobs = jobs.into_results();
    if report.count() == 0 && report.partial.is_none() {
        report.ignored = messages.iter().find_map(|message| message.ignored.clone());
    }
    (report, messages)
}

impl PendingMessage {
    fn request(&self) -> Option<&RequestJobs> {
        match &self.content {
            Ok(PendingContent::Request(request)) => Some(request),
            _ => None,
        }
    }

    fn outcome(self, jobs: &Jobs) -> MessageOutcome {
        let is_partial = self.request().is_some_and(|r| r.partial.is_some());
        let (class, fail_on_incomplete, error, ignored) = match self.content {
            Ok(PendingContent::Request(request)) => {
                let class = request.class(jobs);
                (class, request.fail_on_incomplete, None, request.ignored)
            }
            Ok(PendingContent::Ignored(why)) => (Class::Done, false, None, Some(why)),
            Err(error) => (Class::Rejected, false, Some(error), None),
        };
        MessageOutcome {
            id: self.id,
            group: self.group,
            asked: self.asked,
            class,
            error,
            fail_on_incomplete,
            ignored: ignored.map(|why| cut(&why).into_owned()),
            is_partial,
        }
    }
}

impl RequestJobs {
    fn class(&self, jobs: &Jobs) -> Class {
        let known = || self.jobs.iter().map(|&index| &jobs[index]);
        if self.reselects_on_retry && known().any(|job| job.was_called) {
            return Class::Done;
        }
        if self.partial.is_some() {
            return Class::Retryable;
        }
        let classes = known().filter_map(Job::outcome).map(Outcome::class);
        classes.max().unwrap_or(Class::Done)
    }
}
