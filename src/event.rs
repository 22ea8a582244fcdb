//! What an event asks for: recognised first, decoded second, one kind a file. The order of recognition stands here.

mod age;
mod alarm;
mod body;
mod command;
mod direct;
mod error;
mod eventbridge;
mod http;
mod pipes;
mod raw_object;
mod sns;
mod sqs;
mod widget;

use jiff::Timestamp;
use serde_json::value::RawValue;

use crate::{config::Config, request::OwnRegion};
use raw_object::RawObject;

pub use command::{
    Command, Confirmation, Content, Document, Event, Message, Refusal, Reply, Source, WidgetReply,
};
pub use error::EventError;
pub use http::HttpForm;

/// What decoding an event depends on beside the event itself.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// The settings.
    pub config: &'a Config,
    /// The region and account that this function runs in.
    pub own_region: &'a OwnRegion,
    /// When the event arrived.
    pub now: Timestamp,
}

/// How deep messages may be nested: `EventBridge` in SNS in SQS is three.
const MAX_DEPTH: usize = 4;

/// Decodes an event.
///
/// # Errors
///
/// When the event as a whole cannot be acted on. A record of a batch that cannot be read is in its [`Message`], and an
/// HTTP request that cannot is a [`Command::Refuse`].
pub fn decode(payload: &RawValue, scope: &Scope<'_>) -> Result<Event, EventError> {
    let text = payload.get();
    let body = |text: &str| body::read(text, scope, 0);
    if text.starts_with('[') {
        return pipes::decode(text, body);
    }
    let object =
        RawObject::read(text).ok_or_else(|| EventError::Unsupported(UNSUPPORTED.to_owned()))?;
    if http::matches(&object) {
        return http::decode(&object, scope);
    }
    if widget::matches(&object) {
        return Ok(widget::decode(&object, scope));
    }
    let records = object.records();
    if sqs::matches(&records) {
        return sqs::decode(&records, body);
    }
    if sns::matches(&records) {
        return Ok(sns::decode(&records, body));
    }
    let (source, content) = message(&object, scope, 0)?;
    let reply = match source {
        Source::Direct => Reply::Report,
        _ => Reply::InvocationError,
    };
    Ok(Event {
        source,
        requested_by: source.as_str().to_owned(),
        command: Command::cancel(content, reply),
    })
}

/// Decodes what can stand alone or inside another message.
fn message(
    object: &RawObject<'_>,
    scope: &Scope<'_>,
    depth: usize,
) -> Result<(Source, Content), EventError> {
    if depth > MAX_DEPTH {
        return Err(EventError::Unsupported(format!(
            "messages are nested more than {MAX_DEPTH} deep"
        )));
    }
    if alarm::matches(object) {
        return Ok((Source::Alarm, alarm::decode(object, scope)?));
    }
    if eventbridge::matches(object) {
        return Ok((Source::EventBridge, eventbridge::decode(object, scope)?));
    }
    if sns::matches_notification(object) {
        let text = sns::decode_notification(object)?;
        return Ok((Source::Sns, body::read(&text, scope, depth + 1)?));
    }
    if direct::matches(object) {
        return Ok((Source::Direct, direct::decode(object, scope)?));
    }
    Err(EventError::Unsupported(UNSUPPORTED.to_owned()))
}

/// What was looked for in an event of no known kind.
const UNSUPPORTED: &str = "unsupported event; looked for: jobIds, jobId or select (a request); Items with BatchInput (Step \
    Functions Distributed Map); Records of aws:sqs or aws:sns; a JSON array (EventBridge Pipes); detail-type and detail \
    (EventBridge: Batch Job Queue Blocked, Batch Job State Change, CloudWatch Alarm State Change, or a request as \
    detail); alarmData, or AlarmName with NewStateValue (CloudWatch alarm); requestContext (API Gateway, function URL, \
    ALB); widgetContext (a dashboard)";
