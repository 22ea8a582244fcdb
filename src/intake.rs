//! From the messages of an event to the jobs of an invocation, and back to what became of each message.

use std::sync::Arc;

use tokio::time::Instant;

use crate::{
    event::{Content, EventError, Message, Source},
    jobs::{Conditions, Job, JobIndex, Jobs},
    plan::Intent,
    policy::Policy,
    report::{Class, Outcome, Report},
    request::{AskedId, Request, Select, Target, audit_reason},
    select::{Candidate, SelectError, Selection, SelectionQuery, select},
    session::{Deadline, Session},
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
}

/// What a message was taken for.
#[derive(Debug)]
pub struct PendingMessage {
    id: Option<String>,
    group: Option<String>,
    asks: Result<Vec<RequestJobs>, EventError>,
    ignored: Option<String>,
}

/// One request of a message.
#[derive(Debug)]
struct RequestJobs {
    number: u32,
    places: Vec<JobIndex>,
    /// A retry would select other jobs.
    reselects_on_retry: bool,
    fail_on_incomplete: bool,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageOutcome {
    /// What the message is called in `batchItemFailures`.
    pub id: Option<String>,
    /// The message group of a FIFO queue's record.
    pub group: Option<String>,
    /// Whether it should come again.
    pub class: Class,
    /// Why it could not be acted on.
    pub error: Option<EventError>,
    /// Whoever sent it wants an error if anything is left.
    pub fail_on_incomplete: bool,
    /// Why it asked for nothing.
    pub ignored: Option<String>,
}

/// Takes in all messages, as far as the policy admits them, and finds the jobs that they select. Finding may take half of
/// the time there is.
pub async fn intake(
    messages: Vec<Message>,
    from: Invocation<'_>,
    session: Session<'_>,
) -> (Jobs, Vec<PendingMessage>) {
    let mut jobs = Jobs::default();
    let mut pending = Vec::with_capacity(messages.len());
    let finding = Session {
        deadline: session.deadline.half(),
        ..session
    };
    for message in messages {
        let mut ignored = None;
        let requests = match message.content {
            Ok(Content::Ignored(why)) => {
                ignored = Some(why);
                Ok(Vec::new())
            }
            Ok(Content::Request(request)) => {
                take_all(
                    &mut jobs,
                    vec![request],
                    from,
                    finding,
                    session.deadline,
                    &mut ignored,
                )
                .await
            }
            Err(error) => Err(error),
        };
        pending.push(PendingMessage {
            id: message.id,
            group: message.group,
            asks: requests,
            ignored,
        });
    }
    (jobs, pending)
}

async fn take_all(
    jobs: &mut Jobs,
    requests: Vec<Request>,
    from: Invocation<'_>,
    finding: Session<'_>,
    deadline: Deadline,
    ignored: &mut Option<String>,
) -> Result<Vec<RequestJobs>, EventError> {
    for request in &requests {
        finding.policy.admit(request).map_err(EventError::Refused)?;
    }
    let mut asked = Vec::with_capacity(requests.len());
    for request in requests {
        let default = format!("Cancelled on request through {}", from.source.as_str());
        let reason = request.reason.as_deref().unwrap_or(&default);
        let reason: Arc<str> = audit_reason(reason, from.requested_by, from.request_id).into();
        asked.push(match &request.target {
            Target::Select(selected) => {
                let found = match find(selected, &request, from, finding).await {
                    // An alarm tells of whatever queue it watches: one that is not ours is no mistake of anybody.
                    Err(SelectError::NotAllowed(why)) if request.from_alarm => {
                        *ignored = Some(why);
                        continue;
                    }
                    found => found?,
                };
                if found.jobs.is_empty() && found.partial.is_none() {
                    *ignored = Some(format!("nothing in {} is meant", selected.from));
                }
                take_selection(
                    jobs,
                    &request,
                    selected,
                    reason,
                    from,
                    finding.until(deadline),
                    found,
                )
            }
            Target::Jobs(ids) => take(
                jobs,
                &request,
                ids.iter().cloned(),
                reason,
                None,
                finding.policy,
            ),
            Target::Blocked(id) => {
                let ids = [AskedId::known(*id)].into_iter();
                take(jobs, &request, ids, reason, None, finding.policy)
            }
        });
    }
    Ok(asked)
}

/// Lists what a selection means.
async fn find(
    selected: &Select,
    request: &Request,
    from: Invocation<'_>,
    finding: Session<'_>,
) -> Result<Selection, SelectError> {
    let max_selected = finding.policy.max_selected;
    let is_cut = request
        .max_jobs
        .is_some_and(|max| max.get() <= max_selected);
    let wanted = SelectionQuery {
        select: selected,
        action: request.action,
        before: from.at,
        // What only a look can tell may leave few enough of many.
        max: (!is_cut && !selected.needs_looks()).then_some(max_selected),
    };
    select(wanted, finding).await
}

impl From<SelectError> for EventError {
    fn from(error: SelectError) -> Self {
        match error {
            SelectError::Refused(why) | SelectError::NotAllowed(why) => Self::Refused(why),
            SelectError::Denied(why) => Self::Denied(why),
        }
    }
}

fn take_selection(
    jobs: &mut Jobs,
    request: &Request,
    selected: &Select,
    reason: Arc<str>,
    from: Invocation<'_>,
    session: Session<'_>,
    mut found: Selection,
) -> RequestJobs {
    // Without the whole list nobody knows the oldest, and a head that was not read is none.
    if found.partial.is_some() && request.max_jobs.is_some() {
        found.jobs.clear();
    }
    if request.max_jobs.is_some() {
        found
            .jobs
            .sort_unstable_by_key(|job: &Candidate| (job.created_at, job.id));
    }
    let now = Instant::now();
    let conditions = Conditions {
        select: Arc::new(selected.clone()),
        before: from.at,
        max_selected: session.policy.max_selected,
        // Half of what is left: the other half is for acting on what was found.
        find_until: now + session.deadline.instant().saturating_duration_since(now) / 2,
    };
    let ids = found.jobs.iter().map(|job| AskedId::known(job.id));
    let asked = take(jobs, request, ids, reason, Some(conditions), session.policy);
    if let Some(partial) = found.partial {
        jobs.mark_partial(asked.number, partial);
    }
    asked
}

fn take(
    jobs: &mut Jobs,
    request: &Request,
    ids: impl Iterator<Item = AskedId>,
    reason: Arc<str>,
    conditions: Option<Conditions>,
    policy: &Policy,
) -> RequestJobs {
    let is_head = conditions
        .as_ref()
        .is_some_and(|conditions| conditions.select.head);
    let number = jobs.add_request(request, reason, conditions);
    let intent = Intent {
        action: request.action,
        dry_run: request.dry_run || policy.dry_run,
        only_if_blocked: is_head || matches!(request.target, Target::Blocked(_)),
    };
    RequestJobs {
        number,
        places: ids.map(|id| jobs.ask(id, intent, number)).collect(),
        reselects_on_retry: request.max_jobs.is_some() || is_head,
        fail_on_incomplete: request.fail_on_incomplete,
    }
}

/// The report of all jobs, and the outcome of each message.
#[must_use]
pub fn finish(
    pending: Vec<PendingMessage>,
    jobs: Jobs,
    policy: &Policy,
) -> (Report, Vec<MessageOutcome>) {
    let messages = pending.into_iter().map(|message| message.outcome(&jobs));
    let messages: Vec<MessageOutcome> = messages.collect();
    let mut report = jobs.into_report();
    report.dry_run |= policy.dry_run;
    if report.count() == 0 {
        let ignored = messages.iter().find_map(|message| message.ignored.clone());
        report.ignored = report.ignored.or(ignored);
    }
    (report, messages)
}

impl PendingMessage {
    fn outcome(self, jobs: &Jobs) -> MessageOutcome {
        let asks = self.asks.as_deref().unwrap_or_default();
        let refused = asks.iter().find_map(|asked| jobs.refusal(asked.number));
        let refused = refused.map(|why| EventError::Refused(why.to_owned()));
        let class = asks.iter().map(|asked| asked.class(jobs)).max();
        let fail_on_incomplete = asks.iter().any(|asked| asked.fail_on_incomplete);
        let error = self.asks.err().or(refused);
        MessageOutcome {
            class: match error {
                None => class.unwrap_or(Class::Done),
                Some(_) => Class::Rejected,
            },
            fail_on_incomplete,
            id: self.id,
            group: self.group,
            error,
            ignored: self.ignored,
        }
    }
}

impl RequestJobs {
    fn class(&self, jobs: &Jobs) -> Class {
        let known = || self.places.iter().filter_map(|&place| jobs.get(place));
        if self.reselects_on_retry && known().any(|job| job.was_called) {
            return Class::Done;
        }
        if jobs.is_partial(self.number) {
            return Class::Retryable;
        }
        let classes = known().filter_map(Job::outcome).map(Outcome::class);
        classes.max().unwrap_or(Class::Done)
    }
}
