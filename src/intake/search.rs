//! What is to be found for the messages of an event: the same request once, however many messages ask it.

use super::{Asked, Invocation, PendingMessage, message::PendingContent, reason};
use crate::{
    event::{Content, EventError, Message},
    request::{Request, Target},
};

/// The messages that ask for the same.
pub(super) struct Search {
    /// The request without what may differ between messages that ask the same; none if nobody can ask the same.
    request: Option<Request>,
    /// The messages that ask it, at least one.
    messages: Vec<Asking>,
}

/// A message that asks for something.
struct Asking {
    place: usize,
    id: Option<String>,
    group: Option<String>,
    asked: Option<Asked>,
    fail_on_incomplete: bool,
}

/// What is to be found for these messages, in the order in which it is first asked for.
pub(super) fn searches(
    messages: Vec<Message>,
    invocation: Invocation<'_>,
) -> Vec<(Search, Result<Content, EventError>)> {
    let mut searches: Vec<(Search, Result<Content, EventError>)> = Vec::new();
    for (place, message) in messages.into_iter().enumerate() {
        let Message { id, group, content } = message;
        let (asked, fail_on_incomplete, request) = match &content {
            Ok(Content::Request(request)) => (
                Some(Asked::of(request, reason(request, invocation))),
                request.fail_on_incomplete,
                comparable(request),
            ),
            _ => (None, false, None),
        };
        let asking = Asking {
            place,
            id,
            group,
            asked,
            fail_on_incomplete,
        };
        let mut known = searches.iter_mut();
        let same = known.find(|(search, _)| request.is_some() && search.request == request);
        if let Some((search, _)) = same {
            search.messages.push(asking);
        } else {
            let messages = vec![asking];
            searches.push((Search { request, messages }, content));
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

impl Search {
    /// The messages that ask it, each with its place in the event. Jobs that are only counted are counted once.
    pub(super) fn found(
        self,
        content: Result<PendingContent, EventError>,
    ) -> impl Iterator<Item = (usize, PendingMessage)> {
        let messages = self.messages.into_iter().enumerate();
        messages.map(move |(number, message)| {
            let mut content = content.clone();
            if let Ok(PendingContent::Request(request)) = &mut content {
                request.fail_on_incomplete = message.fail_on_incomplete;
                if number > 0 {
                    request.over_limit = 0;
                }
            }
            let pending = PendingMessage {
                id: message.id,
                group: message.group,
                asked: message.asked,
                content,
            };
            (message.place, pending)
        })
    }
}
