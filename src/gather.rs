//! From the messages of an event to the jobs of an invocation, and back to what became of each message.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::{
    cancel::Tools,
    event::{Asks, EventError, Message},
    jobs::{Conditions, Job, Jobs, Place},
    plan::Want,
    policy::Policy,
    report::{Class, Outcome},
    request::{AskedId, Request, Select, Target, audit_reason},
    select::{Picked, SelectError, Selection, Wanted, select},
};

/// Who asked, in which invocation, and when.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// The name of the source.
    pub source: &'a str,
    /// The caller if there is one, else the source.
    pub by: &'a str,
    /// Lambda's id of the invocation.
    pub request_id: &'a str,
    /// When the event arrived, in milliseconds since 1970.
    pub at: i64,
}

/// What a message was taken for.
#[derive(Debug)]
pub struct Gathered {
    id: Option<String>,
    group: Option<String>,
    asks: Result<Vec<Asked>, EventError>,
    ignored: Option<String>,
}

/// One request of a message.
#[derive(Debug)]
struct Asked {
    number: u32,
    places: Vec<Place>,
    /// Asked again, it would pick other jobs.
    picks_anew: bool,
    fail_on_incomplete: bool,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fate {
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
pub async fn gather(
    messages: Vec<Message>,
    from: Asker<'_>,
    tools: Tools<'_>,
) -> (Jobs, Vec<Gathered>) {
    let mut jobs = Jobs::default();
    let mut gathered = Vec::with_capacity(messages.len());
    let left: Duration = tools.stop_at.saturating_duration_since(Instant::now());
    let finding = Tools {
        stop_at: Instant::now() + left / 2,
        ..tools
    };
    for message in messages {
        let mut ignored = None;
        let asks = match message.asks {
            Ok(Asks::Nothing(why)) => {
                ignored = Some(why);
                Ok(Vec::new())
            }
            Ok(Asks::Requests(requests)) => {
                take_all(
                    &mut jobs,
                    requests,
                    from,
                    finding,
                    tools.stop_at,
                    &mut ignored,
                )
                .await
            }
            Err(error) => Err(error),
        };
        gathered.push(Gathered {
            id: message.id,
            group: message.group,
            asks,
            ignored,
        });
    }
    (jobs, gathered)
}

async fn take_all(
    jobs: &mut Jobs,
    requests: Vec<Request>,
    from: Asker<'_>,
    finding: Tools<'_>,
    stop_at: Instant,
    ignored: &mut Option<String>,
) -> Result<Vec<Asked>, EventError> {
    for request in &requests {
        finding.policy.admit(request).map_err(EventError::Refused)?;
    }
    let mut asked = Vec::with_capacity(requests.len());
    for mut request in requests {
        request.explain(|| format!("Cancelled on request through {}", from.source));
        let reason: Arc<str> = audit_reason(&request.reason, from.by, from.request_id).into();
        asked.push(match &request.target {
            Target::Select(selected) => {
                let found = match find(selected, &request, from, finding).await {
                    // An alarm tells of whatever queue it watches: one that is not ours is no mistake of anybody.
                    Err(SelectError::NotAllowed(why)) if request.is_told_by_alarm => {
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
                    Tools { stop_at, ..finding },
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
    from: Asker<'_>,
    finding: Tools<'_>,
) -> Result<Selection, SelectError> {
    let max_selected = finding.policy.max_selected;
    let is_cut = request
        .max_jobs
        .is_some_and(|max| max.get() <= max_selected);
    let wanted = Wanted {
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
    from: Asker<'_>,
    tools: Tools<'_>,
    mut found: Selection,
) -> Asked {
    // Without the whole list nobody knows the oldest, and a head that was not read is none.
    if found.partial.is_some() && request.max_jobs.is_some() {
        found.jobs.clear();
    }
    if request.max_jobs.is_some() {
        found
            .jobs
            .sort_unstable_by_key(|job: &Picked| (job.created_at, job.id));
    }
    let now = Instant::now();
    let conditions = Conditions {
        select: Arc::new(selected.clone()),
        before: from.at,
        max_selected: tools.policy.max_selected,
        // Half of what is left: the other half is for acting on what was found.
        find_until: now + tools.stop_at.saturating_duration_since(now) / 2,
    };
    let ids = found.jobs.iter().map(|job| AskedId::known(job.id));
    let asked = take(jobs, request, ids, reason, Some(conditions), tools.policy);
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
) -> Asked {
    let is_head = conditions
        .as_ref()
        .is_some_and(|conditions| conditions.select.head);
    let number = jobs.add_request(request, reason, conditions);
    let want = Want {
        action: request.action,
        dry_run: request.dry_run || policy.dry_run,
        only_if_blocked: is_head || matches!(request.target, Target::Blocked(_)),
    };
    Asked {
        number,
        places: ids.map(|id| jobs.ask(id, want, number)).collect(),
        picks_anew: request.max_jobs.is_some() || is_head,
        fail_on_incomplete: request.fail_on_incomplete,
    }
}

/// What became of each message, once every job has its outcome.
#[must_use]
pub fn fates(gathered: Vec<Gathered>, jobs: &Jobs) -> Vec<Fate> {
    gathered
        .into_iter()
        .map(|message| message.fate(jobs))
        .collect()
}

impl Gathered {
    fn fate(self, jobs: &Jobs) -> Fate {
        let asks = self.asks.as_deref().unwrap_or_default();
        let refused = asks.iter().find_map(|asked| jobs.refusal(asked.number));
        let refused = refused.map(|why| EventError::Refused(why.to_owned()));
        let class = asks.iter().map(|asked| asked.class(jobs)).max();
        let fail_on_incomplete = asks.iter().any(|asked| asked.fail_on_incomplete);
        let error = self.asks.err().or(refused);
        Fate {
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

impl Asked {
    fn class(&self, jobs: &Jobs) -> Class {
        let known = || self.places.iter().filter_map(|&place| jobs.get(place));
        if self.picks_anew && known().any(|job| job.was_called) {
            return Class::Done;
        }
        if jobs.is_partial(self.number) {
            return Class::Retryable;
        }
        let classes = known().filter_map(Job::outcome).map(Outcome::class);
        classes.max().unwrap_or(Class::Done)
    }
}
