//! Amazon SNS: the event of a subscribed function, and the notification that SQS holds without raw delivery.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Ask, Asks, Event, EventError, Message, Object, Reply, Source};
use crate::request::{RequestError, from_json, from_object};

const KIND: &str = "SNS event";

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

pub(super) fn matches(object: &Object<'_>) -> bool {
    let records = object.get("Records").map(RawValue::get);
    let records: Vec<Object<'_>> = records
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    records
        .iter()
        .any(|record| record.text("EventSource").as_deref() == Some("aws:sns"))
}

/// Decodes all records, each through `body`. SNS sends one at a time.
pub(super) fn decode(
    object: &Object<'_>,
    body: impl Fn(&str) -> Result<Asks, EventError>,
) -> Result<Event, EventError> {
    let records = object.get("Records").map_or("[]", RawValue::get);
    let records: Vec<&RawValue> = from_json(records).map_err(broken_in("Records".to_owned()))?;
    let messages = records.iter().enumerate().map(|(index, record)| {
        let record: Result<Record, EventError> =
            from_object(record.get()).map_err(broken_in(format!("Records[{index}]")));
        Message {
            id: None,
            group: None,
            asks: record.and_then(|record| body(&record.sns.message)),
        }
    });
    Ok(Event {
        source: Source::Sns,
        by: Source::Sns.as_str().to_owned(),
        ask: Ask::Cancel(messages.collect()),
        reply: Reply::Raise,
    })
}

/// The notification that SNS puts into a queue.
pub(super) fn matches_notification(object: &Object<'_>) -> bool {
    object.has("Message") && object.has("TopicArn")
}

/// The message in a notification.
pub(super) fn decode_notification(text: &str) -> Result<String, EventError> {
    let notification: Notification = from_object(text).map_err(|error| EventError::Envelope {
        kind: "SNS notification",
        error,
    })?;
    Ok(notification.message)
}

fn broken_in(at: String) -> impl FnOnce(RequestError) -> EventError {
    move |error| EventError::Envelope {
        kind: KIND,
        error: error.within(&at),
    }
}
