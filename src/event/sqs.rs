//! Amazon SQS, standard and FIFO: each record is a message of its own.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Ask, Asks, Event, EventError, Message, Object, Reply, Source};
use crate::request::{RequestError, from_json, from_object};

const KIND: &str = "SQS event";

/// A record, as far as it is used. AWS's own type requires more than is needed, and would lose a record for it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    body: String,
}

pub(super) fn matches(object: &Object<'_>) -> bool {
    records(object).is_ok_and(|records| records.iter().any(|record| is_record(record.get())))
}

/// Whether a record is one of SQS.
pub(super) fn is_record(record: &str) -> bool {
    Object::read(record)
        .is_some_and(|record| record.text("eventSource").as_deref() == Some("aws:sqs"))
}

fn records<'a>(object: &Object<'a>) -> Result<Vec<&'a RawValue>, RequestError> {
    let records = object.get("Records").map_or("[]", RawValue::get);
    from_json(records).map_err(|error: RequestError| error.within("Records"))
}

/// Decodes all records, each through `body`.
pub(super) fn decode(
    object: &Object<'_>,
    body: impl Fn(&str) -> Result<Asks, EventError>,
) -> Result<Event, EventError> {
    let records = records(object).map_err(|error| EventError::Envelope { kind: KIND, error })?;
    let messages = records
        .iter()
        .enumerate()
        .map(|(index, record)| message(record.get(), &format!("Records[{index}]"), &body))
        .collect::<Result<_, _>>()?;
    Ok(Event {
        source: Source::Sqs,
        by: Source::Sqs.as_str().to_owned(),
        ask: Ask::Cancel(messages),
        reply: Reply::BatchItemFailures,
    })
}

/// Decodes one record. Only one that cannot even be named in `batchItemFailures` spoils the whole batch, since nothing
/// else would bring it back.
pub(super) fn message(
    text: &str,
    at: &str,
    body: impl Fn(&str) -> Result<Asks, EventError>,
) -> Result<Message, EventError> {
    let broken = |error: RequestError| EventError::Envelope {
        kind: KIND,
        error: error.within(at),
    };
    let record =
        Object::read(text).ok_or_else(|| broken(RequestError::new("", "expected an object")))?;
    let id = record.text("messageId").filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| broken(RequestError::new("messageId", "expected a string")))?;
    let asks = if is_record(text) {
        from_object(text)
            .map_err(broken)
            .and_then(|record: Record| body(&record.body))
    } else {
        Err(broken(RequestError::new(
            "eventSource",
            "expected aws:sqs, as in the batch's other records",
        )))
    };
    let fifo = record
        .text("eventSourceARN")
        .is_some_and(|arn| arn.strip_suffix(".fifo").is_some());
    let group = record
        .object("attributes")
        .and_then(|attributes| attributes.text("MessageGroupId"));
    Ok(Message {
        id: Some(id),
        // Standard queues may carry a group too, for fairness between tenants; it says nothing about order.
        group: group.filter(|_| fifo),
        asks,
    })
}
