//! Messages from intake to their outcomes: the same request is looked for once, however many messages ask it.

use super::reason;
use crate::{
    command::{Invocation, Message, NoRequest},
    jobs::{Job, JobIndex, Jobs},
    policy::Policy,
    report::{Class, Outcome, Partial, Report, UnreadQueue},
    request::{Request, Target},
    results::{MessageOutcome, RequestAudit, Results},
    text::cut,
};

/// The most queues that a report names as not read.
const MAX_UNREAD: usize = 100;

/// What is to be found for messages that ask for the same.
pub(super) struct Search {
    /// What they ask for.
    pub(super) request: Result<Request, NoRequest>,
    /// Their outcomes, each with its place in the event. At least one, and nothing is known of them yet.
    pub(super) messages: Vec<(usize, MessageOutcome)>,
    /// The request without what may differ between messages that ask the same; none if nobody can ask the same.
    comparable: Option<Request>,
}

/// What is to be found for these messages, in the order in which it is first asked for.
pub(super) fn searches(messages: Vec<Message>, invocation: Invocation<'_>) -> Vec<Search> {
    let mut searches: Vec<Search> = Vec::new();
    for (place, message) in messages.into_iter().enumerate() {
        let request = message.request.as_ref().ok();
        let comparable = request.and_then(comparable);
        let outcome = MessageOutcome {
            id: message.id,
            group: message.group,
            asked: request.map(|request| RequestAudit::of(request, reason(request, invocation))),
            fail_on_incomplete: request.is_some_and(|request| request.fail_on_incomplete),
            class: Class::Retryable,
            error: None,
            ignored: None,
            is_partial: false,
        };
        let mut known = searches.iter_mut();
        match known.find(|search| comparable.is_some() && search.comparable == comparable) {
            Some(search) => search.messages.push((place, outcome)),
            None => searches.push(Search {
                request: message.request,
                messages: vec![(place, outcome)],
                comparable,
            }),
        }
    }
    searches
}

/// A request without its reason and `failOnIncomplete`; none if its jobs are named, so that none have to be found.
fn comparable(request: &Request) -> Option<Request> {
    let is_named = matches!(&request.target, Target::Jobs(_)) && request.max_jobs.is_none();
    (!is_named).then(|| Request {
        reason: None,
        fail_on_incomplete: false,
        ..request.clone()
    })
}

/// Messages that ask for the same, whose jobs have no outcome yet.
#[derive(Debug)]
pub(crate) struct Pending {
    /// Each with its place in the event.
    pub(super) messages: Vec<(usize, MessageOutcome)>,
    pub(super) request: Result<RequestJobs, NoRequest>,
}

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
}

/// The report of all jobs, and the outcome of each message.
pub(crate) fn results(pending: Vec<Pending>, jobs: Jobs, policy: &Policy) -> Results {
    let requests = pending.iter().filter_map(|p| p.request.as_ref().ok());
    let requests: Vec<&RequestJobs> = requests.collect();
    let is_dry_run = !requests.is_empty() && requests.iter().all(|request| request.dry_run);
    let mut report = Report {
        over_limit: requests.iter().map(|request| request.over_limit).sum(),
        partial: requests.iter().find_map(|request| request.partial),
        unread: unread(requests.iter().flat_map(|request| &request.unread)),
        dry_run: policy.dry_run || is_dry_run,
        ..Report::default()
    };
    let outcomes = pending
        .into_iter()
        .flat_map(|pending| pending.outcomes(&jobs));
    let mut outcomes: Vec<_> = outcomes.collect();
    outcomes.sort_unstable_by_key(|(place, _)| *place);
    let messages: Vec<MessageOutcome> = outcomes.into_iter().map(|(_, message)| message).collect();
    report.jobs = jobs.into_results();
    if report.count() == 0 && report.partial.is_none() {
        report.ignored = messages.iter().find_map(|message| message.ignored.clone());
    }
    Results { report, messages }
}

/// Each queue that could not be read once, as far as a report names them.
fn unread<'a>(all: impl Iterator<Item = &'a UnreadQueue>) -> Vec<UnreadQueue> {
    let mut unread: Vec<UnreadQueue> = Vec::new();
    for queue in all {
        if unread.len() < MAX_UNREAD && !unread.contains(queue) {
            unread.push(queue.clone());
        }
    }
    unread
}

impl Pending {
    /// The outcome of each message, with its place in the event.
    fn outcomes(self, jobs: &Jobs) -> impl Iterator<Item = (usize, MessageOutcome)> {
        let (class, error, ignored, is_partial) = match self.request {
            Ok(request) => (
                request.class(jobs),
                None,
                request.ignored,
                request.partial.is_some(),
            ),
            Err(NoRequest::Ignored(why)) => (Class::Done, None, Some(why), false),
            Err(NoRequest::Refused(why)) => (Class::Rejected, Some(why), None, false),
        };
        let ignored = ignored.map(|why| cut(&why).into_owned());
        self.messages.into_iter().map(move |(place, message)| {
            let outcome = MessageOutcome {
                class,
                error: error.clone(),
                ignored: ignored.clone(),
                is_partial,
                ..message
            };
            (place, outcome)
        })
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
