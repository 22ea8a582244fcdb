//! What is to be found for the messages of an event: the same request once, however many messages ask it.

use super::reason;
use crate::{
    command::{Invocation, Message, NoRequest},
    report::Class,
    request::{Request, Target},
    results::{Asked, MessageOutcome},
};

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
            asked: request.map(|request| Asked::of(request, reason(request, invocation))),
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
