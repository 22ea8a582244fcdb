//! From the messages of an event to the jobs of an invocation, and back to the outcome of each message.

use std::sync::Arc;

use jiff::Timestamp;

use crate::{
    event::{Content, EventError, Message, Source},
    jobs::{Decision, Job, JobIndex, Jobs, RequestOptions},
    plan::{Intent, Told},
    policy::Policy,
    report::{Class, Outcome, Partial, Report},
    request::{Request, Target, audit_reason},
    select::{
        Chosen, SelectError, Selection, SelectionQuery, select, select_blocked, select_ids,
        spared_statuses,
    },
    session::Session,
};

/// One invocation of the function: who asked, and when.
#[derive(Clone, Copy, Debug)]
pub struct Invocation<'a> {
    /// Where the event came from.
    pub source: Source,
    /// The caller if there is one, else the source.
    pub requested_by: &'a str,
    /// Lambda's id of the invocation.
    pub request_id: &'a str,
    /// The function's own ARN.
    pub function_arn: &'a str,
    /// When the event arrived, in milliseconds since 1970.
    pub at: i64,
    /// A message that is left over is delivered again.
    pub comes_again: bool,
}

/// A message whose jobs have no outcome yet.
#[derive(Debug)]
pub struct PendingMessage {
    id: Option<String>,
    group: Option<String>,
    content: Result<PendingContent, EventError>,
}

#[derive(Debug)]
enum PendingContent {
    Request(RequestJobs),
    Ignored(String),
}

/// The jobs of a message's request.
#[derive(Debug)]
struct RequestJobs {
    jobs: Vec<JobIndex>,
    over_limit: usize,
    partial: Option<Partial>,
    ignored: Option<String>,
    dry_run: bool,
    /// A retry would select other jobs.
    reselects_on_retry: bool,
    fail_on_incomplete: bool,
}

/// The outcome of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageOutcome {
    /// Its `itemIdentifier` in `batchItemFailures`.
    pub id: Option<String>,
    /// The message group of a FIFO queue's record.
    pub group: Option<String>,
    /// Whether it should be delivered again.
    pub class: Class,
    /// Why it could not be acted on.
    pub error: Option<EventError>,
    /// Its sender wants an error if anything is left over.
    pub fail_on_incomplete: bool,
    /// Why it asked for nothing.
    pub ignored: Option<String>,
}

/// Takes in all messages, as far as the policy admits them, and finds the jobs of their requests. Finding them may take
/// half of the time there is.
pub async fn intake(
    messages: Vec<Message>,
    invocation: Invocation<'_>,
    session: Session<'_>,
) -> (Jobs, Vec<PendingMessage>) {
    let mut jobs = Jobs::default();
    let mut pending = Vec::with_capacity(messages.len());
    let session = session.until(session.deadline.half());
    for message in messages {
        let content = match message.content {
            Ok(Content::Request(request)) => take_in(request, &mut jobs, invocation, session).await,
            Ok(Content::Ignored(why)) => Ok(PendingContent::Ignored(why)),
            Err(error) => Err(error),
        };
        pending.push(PendingMessage {
            id: message.id,
            group: message.group,
            content,
        });
    }
    (jobs, pending)
}

async fn take_in(
    request: Request,
    jobs: &mut Jobs,
    invocation: Invocation<'_>,
    session: Session<'_>,
) -> Result<PendingContent, EventError> {
    let policy = session.policy;
    policy.admit(&request).map_err(EventError::Refused)?;
    let default = format!(
        "Cancelled on request through {}",
        invocation.source.as_str()
    );
    let reason = request.reason.clone().unwrap_or(default);
    let intent = Intent {
        action: request.action,
        dry_run: request.dry_run || policy.dry_run,
        spares: match &request.target {
            Target::Select(selected) => spared_statuses(selected),
            Target::Jobs(_) | Target::Blocked(_) => &[],
        },
        running_since: match &request.target {
            Target::Select(selected) => selected.running_since(invocation.at),
            Target::Jobs(_) | Target::Blocked(_) => None,
        },
    };
    let is_head = matches!(&request.target, Target::Select(selected) if selected.head);
    let reselects_on_retry = request.max_jobs.is_some() || is_head;
    let (wait, fail_on_incomplete) = (request.wait, request.fail_on_incomplete);
    let selection = match choose(request, intent, invocation, session).await? {
        Ok(selection) => selection,
        Err(why) => return Ok(PendingContent::Ignored(why)),
    };
    let reason = match &selection.overwrites {
        Some(overwritten) => format!("{overwritten} | {reason}"),
        None => reason,
    };
    let reason = audit_reason(&reason, invocation.requested_by, invocation.request_id);
    let reason = Arc::from(reason);
    let number = jobs.add_request(RequestOptions { reason, wait });
    let chosen = selection.jobs.into_iter();
    Ok(PendingContent::Request(RequestJobs {
        jobs: chosen
            .map(|job| jobs.add(job.id, intent, number, job.decision))
            .collect(),
        over_limit: selection.over_limit,
        partial: selection.partial,
        ignored: selection.ignored,
        dry_run: intent.dry_run,
        reselects_on_retry,
        fail_on_incomplete,
    }))
}

/// The jobs of a request, or why an alarm is ignored.
async fn choose(
    request: Request,
    intent: Intent,
    invocation: Invocation<'_>,
    session: Session<'_>,
) -> Result<Result<Selection, String>, EventError> {
    let query = SelectionQuery {
        intent,
        max_jobs: request.max_jobs.map(std::num::NonZeroUsize::get),
        before: invocation.at,
    };
    let told = Told {
        at: request.event_time.map(Timestamp::as_millisecond),
        names_job: matches!(request.target, Target::Blocked(_)),
        comes_again: invocation.comes_again,
    };
    let selection = match request.target {
        Target::Jobs(ids) if query.max_jobs.is_none() => Selection {
            jobs: ids
                .into_iter()
                .map(|id| Chosen {
                    id,
                    decision: Decision::Look,
                })
                .collect(),
            ..Selection::default()
        },
        Target::Jobs(ids) => select_ids(ids, query, session).await,
        Target::Blocked(id) => select_blocked(id, told, query, session).await,
        Target::Select(selected) => match select(&selected, told, query, session).await {
            // An alarm tells of whatever queue it watches: one that is not allowed here is nobody's mistake.
            Err(SelectError::NotAllowed(why)) if request.from_alarm => return Ok(Err(why)),
            selection => selection?,
        },
    };
    Ok(Ok(selection))
}

impl From<SelectError> for EventError {
    fn from(error: SelectError) -> Self {
        match error {
            SelectError::Refused(why) | SelectError::NotAllowed(why) => Self::Refused(why),
            SelectError::Denied(why) => Self::Denied(why),
        }
    }
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
            class,
            error,
            fail_on_incomplete,
            ignored,
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
