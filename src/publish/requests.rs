//! What was asked, as each event of a report says it.

use std::borrow::Cow;

use serde::Serialize;

use crate::{
    report::Size,
    results::{MessageOutcome, RequestAudit},
    text::{cut, cut_tail},
};

/// The longest list of requests in an event, in bytes. It stands in each part of a report, beside its jobs.
const MAX_REQUESTS: usize = 32_000;

/// The longest reason, in characters: Batch takes no more.
const MAX_REASON: usize = 1024;

/// The longest name, ARN or pattern of a queue, in characters. A name has 128 at most.
const MAX_QUEUE: usize = 256;

/// What was asked: the first requests, as far as there is room for them, and how many more there are.
#[derive(Debug, Serialize)]
pub(super) struct Requests<'a> {
    requests: Vec<RequestDetail<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    more: Option<usize>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestDetail<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<Cow<'a, str>>,
    action: &'static str,
    reason: Cow<'a, str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    job_queues: Vec<Cow<'a, str>>,
}

impl<'a> RequestDetail<'a> {
    fn new(message: &'a MessageOutcome, asked: &'a RequestAudit) -> Self {
        let queues = asked.queues.iter();
        Self {
            message_id: message.id.as_deref().map(cut),
            action: asked.action.as_str(),
            reason: cut_tail(&asked.reason, MAX_REASON),
            job_queues: queues.map(|queue| cut_tail(queue, MAX_QUEUE)).collect(),
        }
    }
}

impl<'a> Requests<'a> {
    /// What these messages asked, but for those that were refused: each of them has an event of its own.
    ///
    /// # Errors
    ///
    /// When something cannot be written as JSON, which does not happen.
    pub(super) fn of(messages: &'a [MessageOutcome]) -> Result<Self, serde_json::Error> {
        let admitted = messages.iter().filter(|message| message.error.is_none());
        let mut asked = admitted.filter_map(|message| Some((message, message.asked.as_ref()?)));
        let mut requests = Vec::new();
        let mut more = 0;
        // The list's bracket; each request has a comma or the other bracket behind it.
        let mut bytes = 1;
        for (message, asked) in asked.by_ref() {
            let request = RequestDetail::new(message, asked);
            bytes += Size::of(&request)?.bytes + 1;
            if bytes > MAX_REQUESTS {
                more = 1;
                break;
            }
            requests.push(request);
        }
        more += asked.count();
        let more = (more > 0).then_some(more);
        Ok(Self { requests, more })
    }
}
