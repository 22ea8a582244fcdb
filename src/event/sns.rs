//! Amazon SNS: the event of a subscribed function, and the notification that SNS puts into a queue.

use serde::Deserialize;

use super::RawObject;
use crate::{
    command::{Command, Event, NoRequest, Reply, RequestRefused, Source},
    request::{Request, RequestError},
};

const KIND: &str = "SNS event";

/// Where a request stands.
const PLACE: &str = "the text of the message";

#[derive(Deserialize)]
struct Record {
    #[serde(rename = "Sns")]
    sns: Notification,
}

#[derive(Deserialize)]
struct Notification {
    #[serde(rename = "Message")]
    message: String,
}

pub(super) fn matches(records: &[Option<RawObject<'_>>]) -> bool {
    let is_record =
        |record: &RawObject<'_>| record.text("EventSource").as_deref() == Some("aws:sns");
    records.iter().flatten().any(is_record)
}

/// Decodes all records, each through `body`. SNS sends one at a time.
pub(super) fn decode(
    records: &[Option<RawObject<'_>>],
    body: impl Fn(&str) -> Result<Request, NoRequest>,
) -> Event {
    let messages = records.iter().enumerate().map(|(index, record)| {
        let record = record
            .as_ref()
            .ok_or_else(|| RequestError::new("", "expected an object"))
            .and_then(read);
        let record = record.map_err(|error| error.within(&format!("Records[{index}]")));
        let record = record.map_err(RequestRefused::invalid_event(KIND));
        let record = record.map_err(NoRequest::from);
        record.and_then(|record| body(&record.sns.message)).into()
    });
    let messages = messages.collect();
    let reply = Reply::InvocationError;
    Event::of(Source::Sns, Command::Cancel { messages, reply })
}

fn read(record: &RawObject<'_>) -> Result<Record, RequestError> {
    record.no_fields_beside(PLACE)?;
    if let Some(sns) = record.object("Sns") {
        sns.no_fields_beside(PLACE)
            .map_err(|error| error.within("Sns"))?;
    }
    record.decode()
}

/// Recognises the notification that SNS puts into a queue, without raw delivery.
pub(super) fn matches_notification(object: &RawObject<'_>) -> bool {
    object.has("Message") && object.has("TopicArn")
}

/// The text of the message in a notification.
pub(super) fn decode_notification(object: &RawObject<'_>) -> Result<String, RequestRefused> {
    let notification = object
        .no_fields_beside(PLACE)
        .and_then(|()| object.decode());
    let notification: Notification =
        notification.map_err(RequestRefused::invalid_event("SNS notification"))?;
    Ok(notification.message)
}
