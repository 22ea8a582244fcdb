//! From the messages of an event to the jobs of an invocation, and back to the outcome of each message.

mod message;
mod search;

use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use jiff::Timestamp;

use crate::{
    event::{Content, EventError, Message, Source},
    jobs::{Decision, Jobs, RequestOptions},
    plan::{Intent, Told},
    request::{Request, Target, audit_reason},
    select::{SelectError, Selection, SelectionQuery, select, select_blocked, select_ids},
    session::Session,
};
pub use message::{Asked, MessageOutcome, PendingMessage, finish};
use message::{PendingContent, RequestJobs};
use search::searches;

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

/// Takes in all messages, as far as the policy admits them, and finds the jobs of their requests: several requests at a
/// time, so that a long listing holds up no other. Finding them may take half of the time there is.
pub async fn intake(
    messages: Vec<Message>,
    invocation: Invocation<'_>,
    session: Session<'_>,
) -> (Jobs, Vec<PendingMessage>) {
    let searches = searches(messages, invocation).into_iter().enumerate();
    let searches = searches.map(|(number, (search, content))| async move {
        (number, search, find(content, invocation, session).await)
    });
    let at_a_time = session.pace.concurrency();
    let mut found: Vec<_> = stream::iter(searches)
        .buffer_unordered(at_a_time)
        .collect()
        .await;
    found.sort_unstable_by_key(|(number, ..)| *number);
    let mut jobs = Jobs::default();
    let mut pending: Vec<(usize, PendingMessage)> = Vec::new();
    for (_, search, found) in found {
        let content = found.map(|found| match found {
            Found::Ignored(why) => PendingContent::Ignored(why),
            Found::Jobs(found) => PendingContent::Request(add(*found, invocation, &mut jobs)),
        });
        pending.extend(search.found(content));
    }
    pending.sort_unstable_by_key(|(place, _)| *place);
    let pending = pending.into_iter().map(|(_, message)| message);
    (jobs, pending.collect())
}

/// What a message leads to.
enum Found {
    /// Nothing is to be done, and why.
    Ignored(String),
    /// Something is to be done with jobs.
    Jobs(Box<FoundJobs>),
}

/// The jobs of a request, and what it says of them.
struct FoundJobs {
    selection: Selection,
    intent: Intent,
    reason: String,
    wait: Duration,
    reselects_on_retry: bool,
    fail_on_incomplete: bool,
}

async fn find(
    content: Result<Content, EventError>,
    invocation: Invocation<'_>,
    session: Session<'_>,
) -> Result<Found, EventError> {
    match content? {
        Content::Request(request) => find_jobs(request, invocation, session).await,
        Content::Ignored(why) => Ok(Found::Ignored(why)),
    }
}

/// Why the jobs of a request are ended: as it says, else through what it came.
fn reason(request: &Request, invocation: Invocation<'_>) -> String {
    let default = || {
        let source = invocation.source.as_str();
        format!("Cancelled on request through {source}")
    };
    request.reason.clone().unwrap_or_else(default)
}

async fn find_jobs(
    request: Request,
    invocation: Invocation<'_>,
    session: Session<'_>,
) -> Result<Found, EventError> {
    let reason = reason(&request, invocation);
    let policy = session.policy;
    policy.admit(&request).map_err(EventError::Refused)?;
    let dry_run = request.dry_run || policy.dry_run;
    let intent = match &request.target {
        Target::Select(selected) => {
            Intent::of_selection(request.action, dry_run, selected, invocation.at)
        }
        Target::Jobs(_) | Target::Blocked(_) => Intent::new(request.action, dry_run),
    };
    let is_head = matches!(&request.target, Target::Select(selected) if selected.head);
    let reselects_on_retry = request.max_jobs.is_some() || is_head;
    let (wait, fail_on_incomplete) = (request.wait, request.fail_on_incomplete);
    let selection = match choose(request, intent, invocation, session).await? {
        Ok(selection) => selection,
        Err(why) => return Ok(Found::Ignored(why)),
    };
    Ok(Found::Jobs(Box::new(FoundJobs {
        selection,
        intent,
        reason,
        wait,
        reselects_on_retry,
        fail_on_incomplete,
    })))
}

/// Adds the jobs of a request to those of the invocation.
fn add(found: FoundJobs, invocation: Invocation<'_>, jobs: &mut Jobs) -> RequestJobs {
    let FoundJobs {
        selection,
        intent,
        reason,
        wait,
        reselects_on_retry,
        fail_on_incomplete,
    } = found;
    let options = |reason: &str| RequestOptions {
        reason: audit_reason(reason, invocation.requested_by, invocation.request_id).into(),
        wait,
    };
    let number = jobs.add_request(options(&reason));
    let mut indices = Vec::with_capacity(selection.unseen.len() + selection.jobs.len());
    for id in selection.unseen {
        indices.push(jobs.add(id, intent, number, Decision::Look));
    }
    for job in selection.jobs {
        let number = match job.overwrites {
            Some(text) => jobs.add_request(options(&format!("{text} | {reason}"))),
            None => number,
        };
        indices.push(jobs.add(job.id, intent, number, job.decision));
    }
    RequestJobs {
        jobs: indices,
        over_limit: selection.over_limit,
        partial: selection.partial,
        unread: selection.unread,
        ignored: selection.ignored,
        dry_run: intent.dry_run,
        reselects_on_retry,
        fail_on_incomplete,
    }
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
            unseen: ids,
            ..Selection::default()
        },
        Target::Jobs(ids) => select_ids(ids, query, session).await,
        Target::Blocked(id) => select_blocked(id, told, query, session).await,
        Target::Select(selected) => match select(&selected, told, query, session).await {
            // An alarm tells of whatever queue it watches: one that is not allowed here, or gone, is nobody's mistake.
            Err(SelectError::NotAllowed(why) | SelectError::NoSuchQueue(why))
                if request.from_alarm =>
            {
                return Ok(Err(why));
            }
            selection => selection?,
        },
    };
    Ok(Ok(selection))
}

impl From<SelectError> for EventError {
    fn from(error: SelectError) -> Self {
        match error {
            SelectError::Refused(why)
            | SelectError::NoSuchQueue(why)
            | SelectError::NotAllowed(why) => Self::Refused(why),
            SelectError::Denied(why) => Self::Denied(why),
        }
    }
}
