//! Events: recognised first, then decoded to a command. One kind of event is one file; the order of recognition is here.

mod alarm;
mod body;
mod direct;
mod eventbridge;
mod hint;
mod http;
mod pipes;
mod raw_object;
mod sns;
mod sqs;
mod watch;
mod widget;

use jiff::{SignedDuration, Timestamp};
use serde_json::value::RawValue;

use crate::{
    command::{Command, Event, NoRequest, Reply, RequestRefused, Source},
    config::Config,
    request::{OwnRegion, Request},
};
use raw_object::RawObject;

/// What decoding depends on, apart from the event.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// The settings.
    pub config: &'a Config,
    /// The region and account that this function runs in.
    pub own_region: &'a OwnRegion,
    /// When the event arrived.
    pub now: Timestamp,
}

impl Scope<'_> {
    /// An event that is older than `MAX_EVENT_AGE` is ignored.
    fn not_too_old(&self, time: Timestamp) -> Result<(), NoRequest> {
        let max = self.config.max_event_age.map(SignedDuration::try_from);
        let age = self.now.duration_since(time);
        match max {
            Some(Ok(max)) if age > max => Err(NoRequest::Ignored(format!(
                "the event is {age:#} old; MAX_EVENT_AGE is {max:#}"
            ))),
            _ => Ok(()),
        }
    }

    /// What `is_of` another account or region is ignored.
    fn not_foreign(
        &self,
        is_of: &str,
        region: Option<&str>,
        account: Option<&str>,
    ) -> Result<(), NoRequest> {
        match self.own_region.foreign_region(region, account) {
            None => Ok(()),
            Some(place) => Err(NoRequest::Ignored(format!(
                "{is_of} another account or region: {place}"
            ))),
        }
    }
}

/// How deep messages may be nested: an `EventBridge` event in SNS in SQS is three deep.
const MAX_DEPTH: usize = 4;

/// Decodes an event.
///
/// # Errors
///
/// When the event as a whole cannot be acted on. A record of a batch that cannot be read is an error in its message;
/// an HTTP or widget request that cannot be read is a command that refuses it.
pub fn decode(payload: &RawValue, scope: &Scope<'_>) -> Result<Event, RequestRefused> {
    let text = payload.get();
    let body = |text: &str| body::read(text, scope, 0);
    if text.starts_with('[') {
        return pipes::decode(text, body);
    }
    let object = RawObject::read(text).ok_or_else(|| {
        let inner: Option<String> = serde_json::from_str(text).ok();
        hint::unsupported(inner.as_deref().and_then(hint::of_text))
    })?;
    if http::matches(&object) {
        return http::decode(&object, scope);
    }
    if widget::matches(&object) {
        return Ok(widget::decode(&object, scope));
    }
    let records = object.records();
    if sqs::matches(&records) || sns::matches(&records) {
        object.no_fields_beside("the messages")?;
    }
    if sqs::matches(&records) {
        return sqs::decode(&records, body);
    }
    if sns::matches(&records) {
        return Ok(sns::decode(&records, body));
    }
    if watch::matches(&object) {
        let watch = Command::Watch(watch::decode(&object)?);
        return Ok(Event::of(Source::Direct, watch));
    }
    let (source, request) = message(&object, scope, 0)?;
    if let Err(NoRequest::Refused(why)) = request {
        return Err(why);
    }
    let reply = match source {
        Source::Direct => Reply::Report,
        Source::Sqs
        | Source::Sns
        | Source::Pipes
        | Source::EventBridge
        | Source::Alarm
        | Source::Widget
        | Source::Http => Reply::InvocationError,
    };
    Ok(Event::of(source, Command::cancel(request, reply)))
}

/// The source of an event that can come alone or inside another message, and what it asks for.
fn message(
    object: &RawObject<'_>,
    scope: &Scope<'_>,
    depth: usize,
) -> Result<(Source, Result<Request, NoRequest>), RequestRefused> {
    if depth > MAX_DEPTH {
        return Err(RequestRefused::UnsupportedEvent(format!(
            "messages are nested more than {MAX_DEPTH} deep"
        )));
    }
    let hint = hint::of_object(object);
    if hint.is_some() && !direct::matches(object) {
        return Err(hint::unsupported(hint));
    }
    if alarm::matches(object) {
        return Ok((Source::Alarm, alarm::decode(object, scope)));
    }
    if eventbridge::matches(object) {
        return Ok((Source::EventBridge, eventbridge::decode(object, scope)));
    }
    if sns::matches_notification(object) {
        let text = sns::decode_notification(object)?;
        return Ok((Source::Sns, body::read(&text, scope, depth + 1)));
    }
    if direct::matches(object) {
        return Ok((Source::Direct, direct::decode(object, scope)));
    }
    Err(hint::unsupported(hint))
}

/// What an event is recognised by.
const LOOKED_FOR: &str = "jobIds, jobId, select or watch (a request); Items with BatchInput (Step \
    Functions Distributed Map); Records of aws:sqs or aws:sns; a JSON array (EventBridge Pipes); detail-type and detail \
    (EventBridge: Batch Job Queue Blocked, Batch Job State Change, CloudWatch Alarm State Change, or a request as \
    detail); alarmData, or AlarmName with NewStateValue (CloudWatch alarm); requestContext (API Gateway, function URL, \
    ALB); widgetContext (a dashboard)";
