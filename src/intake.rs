//! From the messages of an event to the jobs of an invocation, and back to the outcome of each message.

mod message;

use std::{num::NonZeroUsize, time::Duration};

use futures_util::stream::{self, StreamExt};

use crate::{
    command::{Invocation, Message, NoRequest, RequestRefused},
    jobs::{Decision, Jobs, RequestOptions},
    plan::Intent,
    request::{Cause, Request, Target, audit_reason},
    select::{Chosen, Selection, SelectionQuery, select, select_blocked, select_ids},
    session::Session,
};
pub(crate) use message::{Pending, results};
use message::{RequestJobs, searches};

/// Takes in all messages, as far as the policy admits them, and finds the jobs of their requests: several requests at a
/// time, so that a long listing holds up no other.
pub(crate) async fn intake(
    messages: Vec<Message>,
    invocation: Invocation<'_>,
    session: Session<'_>,
) -> (Jobs, Vec<Pending>) {
    let searches = searches(messages, invocation);
    let is_alone = searches.len() == 1;
    let searches = searches.into_iter().enumerate();
    let searches = searches.map(|(number, search)| async move {
        let found = admit(search.request, is_alone, invocation, session).await;
        (number, search.messages, found)
    });
    let at_a_time = session.pace.concurrency();
    let mut found: Vec<_> = stream::iter(searches)
        .buffer_unordered(at_a_time)
        .collect()
        .await;
    found.sort_unstable_by_key(|(number, ..)| *number);
    let mut jobs = Jobs::default();
    let pending = found.into_iter().map(|(_, messages, found)| Pending {
        messages,
        request: found.map(|found| found.add_to(invocation, &mut jobs)),
    });
    let pending = pending.collect();
    (jobs, pending)
}

/// A request that the policy admits: its jobs, and what it says of them.
struct Admitted {
    selection: Selection,
    intent: Intent,
    reason: String,
    wait: Duration,
    reselects_on_retry: bool,
}

/// Why the jobs of a request are ended: as it says, else through what it came.
fn reason(request: &Request, invocation: Invocation<'_>) -> String {
    let default = || {
        let source = invocation.source_name();
        format!("Cancelled on request through {source}")
    };
    request.reason.clone().unwrap_or_else(default)
}

/// The jobs of a request, if the policy admits it.
async fn admit(
    request: Result<Request, NoRequest>,
    is_alone: bool,
    invocation: Invocation<'_>,
    session: Session<'_>,
) -> Result<Admitted, NoRequest> {
    let request = request?;
    let policy = session.policy;
    policy.admit(&request).map_err(RequestRefused::Refused)?;
    let reason = reason(&request, invocation);
    let dry_run = request.dry_run || policy.dry_run;
    let intent = match &request.target {
        Target::Select(selected) => {
            Intent::of_selection(request.action, dry_run, selected, invocation.at)
        }
        Target::Jobs(_) | Target::Blocked(_) => Intent::new(request.action, dry_run),
    };
    let is_head = matches!(&request.target, Target::Select(selected) if selected.head);
    let query = SelectionQuery {
        intent,
        max_jobs: request.max_jobs.map(NonZeroUsize::get),
        before: invocation.at,
        cause: request.cause,
        comes_again: invocation.comes_again,
        is_alone,
    };
    let selection = choose(request.target, query, session).await?;
    Ok(Admitted {
        selection,
        intent,
        reason,
        wait: request.wait,
        reselects_on_retry: query.max_jobs.is_some() || is_head,
    })
}

/// The jobs of a request.
async fn choose(
    target: Target,
    query: SelectionQuery,
    session: Session<'_>,
) -> Result<Selection, NoRequest> {
    Ok(match target {
        Target::Jobs(ids) if query.max_jobs.is_none() => Selection {
            unseen: ids,
            ..Selection::default()
        },
        Target::Jobs(ids) => select_ids(ids, query, session).await,
        Target::Blocked(id) => select_blocked(id, query, session).await,
        Target::Select(selected) => match (select(&selected, query, session).await, query.cause) {
            // An alarm tells of whatever queue it watches: one that is not allowed here, or gone, is nobody's mistake.
            (Err(RequestRefused::NoQueue(why)), Cause::Alarm { .. }) => {
                return Err(NoRequest::Ignored(why));
            }
            (selection, _) => selection?,
        },
    })
}

impl Admitted {
    /// Adds the jobs of a request to those of the invocation.
    fn add_to(self, invocation: Invocation<'_>, jobs: &mut Jobs) -> RequestJobs {
        let (selection, intent) = (self.selection, self.intent);
        let requested_by = invocation.requested_by.unwrap_or_default();
        let options = |reason: &str| RequestOptions {
            reason: audit_reason(reason, requested_by, invocation.request_id).into(),
            wait: self.wait,
        };
        let number = jobs.add_request(options(&self.reason));
        let unseen = selection.unseen.into_iter().map(|id| Chosen {
            id,
            decision: Decision::Look,
            overwrites: None,
        });
        let chosen = unseen.chain(selection.jobs);
        let indices = chosen.map(|job| {
            let number = match job.overwrites {
                Some(text) => jobs.add_request(options(&format!("{text} | {}", self.reason))),
                None => number,
            };
            jobs.add(job.id, intent, number, job.decision)
        });
        RequestJobs {
            jobs: indices.collect(),
            over_limit: selection.over_limit,
            partial: selection.partial,
            unread: selection.unread,
            ignored: selection.ignored,
            dry_run: intent.dry_run,
            reselects_on_retry: self.reselects_on_retry,
        }
    }
}
