//! From the messages of an event to the jobs of an invocation, and back to what became of each message.

use std::sync::Arc;

use crate::{
    event::{Asks, EventError, Message},
    jobs::{Jobs, Place},
    plan::Want,
    policy::Policy,
    report::Class,
    request::{AskedId, Request, Target, audit_reason},
};

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

/// Takes in all messages, as far as the policy admits them.
#[must_use]
pub fn gather(
    messages: Vec<Message>,
    by: &str,
    request_id: &str,
    policy: &Policy,
) -> (Jobs, Vec<Gathered>) {
    let mut jobs = Jobs::default();
    let gathered = messages
        .into_iter()
        .map(|message| {
            let mut ignored = None;
            let asks = message.asks.and_then(|asks| match asks {
                Asks::Nothing(why) => {
                    ignored = Some(why);
                    Ok(Vec::new())
                }
                Asks::Requests(requests) => {
                    for request in &requests {
                        policy.admit(request).map_err(EventError::Refused)?;
                    }
                    let asked = requests.into_iter().map(|request| {
                        let reason = audit_reason(&request.reason, by, request_id);
                        ask(&mut jobs, request, reason.into(), policy)
                    });
                    Ok(asked.collect())
                }
            });
            Gathered {
                id: message.id,
                group: message.group,
                asks,
                ignored,
            }
        })
        .collect();
    (jobs, gathered)
}

fn ask(jobs: &mut Jobs, request: Request, reason: Arc<str>, policy: &Policy) -> Asked {
    let number = jobs.add_request(&request, reason);
    let want = Want {
        action: request.action,
        dry_run: request.dry_run || policy.dry_run,
        only_if_blocked: matches!(request.target, Target::Blocked(_)),
    };
    let ids = match request.target {
        Target::Jobs(ids) => ids,
        Target::Blocked(id) => vec![AskedId::known(id)],
        Target::Select(_) => Vec::new(),
    };
    Asked {
        places: ids
            .into_iter()
            .map(|id| jobs.ask(id, want, number))
            .collect(),
        picks_anew: request.max_jobs.is_some(),
        fail_on_incomplete: request.fail_on_incomplete,
    }
}

/// What became of each message, once every job has its outcome.
#[must_use]
pub fn fates(gathered: Vec<Gathered>, jobs: &Jobs) -> Vec<Fate> {
    gathered
        .into_iter()
        .map(|message| {
            let asks = message.asks.as_deref().unwrap_or_default();
            let class = asks.iter().map(|asked| asked.class(jobs)).max();
            Fate {
                class: match &message.asks {
                    Ok(_) => class.unwrap_or(Class::Done),
                    Err(_) => Class::Rejected,
                },
                fail_on_incomplete: asks.iter().any(|asked| asked.fail_on_incomplete),
                id: message.id,
                group: message.group,
                error: message.asks.err(),
                ignored: message.ignored,
            }
        })
        .collect()
}

impl Asked {
    fn class(&self, jobs: &Jobs) -> Class {
        let known = || self.places.iter().filter_map(|&place| jobs.get(place));
        if self.picks_anew && known().any(|job| job.was_called) {
            return Class::Done;
        }
        let classes = known()
            .filter_map(super::jobs::Job::outcome)
            .map(crate::report::Outcome::class);
        classes.max().unwrap_or(Class::Done)
    }
}
