//! Amazon SQS, standard and FIFO: each record is a message of its own.

use serde_json::value::RawValue;

use super::{RawObject, body};
use crate::{
    command::{Command, Event, Message, NoRequest, Reply, RequestRefused, Source},
    request::{Request, RequestError, refuse},
};

const KIND: &str = "SQS event";

pub(super) fn matches(records: &[Option<RawObject<'_>>]) -> bool {
    records.iter().flatten().any(is_record)
}

/// Whether a record is one of SQS.
fn is_record(record: &RawObject<'_>) -> bool {
    record.text("eventSource").as_deref() == Some("aws:sqs")
}

/// Decodes all records, each body through `read`.
pub(super) fn decode(
    records: &[Option<RawObject<'_>>],
    read: impl Fn(&str) -> Result<Request, NoRequest>,
) -> Result<Event, RequestRefused> {
    let messages = records
        .iter()
        .enumerate()
        .map(|(index, record)| message(record.as_ref(), &format!("Records[{index}]"), &read))
        .collect::<Result<_, _>>()?;
    let reply = Reply::BatchItemFailures;
    Ok(Event::of(Source::Sqs, Command::Cancel { messages, reply }))
}

/// Decodes one record, whose fields are read one by one: AWS's own type requires more than is needed, and would lose a
/// record that lacks it.
///
/// # Errors
///
/// When the record has no `messageId`. It cannot be returned in `batchItemFailures` then, so the whole batch has to fail:
/// nothing else would bring the record back.
pub(super) fn message(
    record: Option<&RawObject<'_>>,
    at: &str,
    read: impl Fn(&str) -> Result<Request, NoRequest>,
) -> Result<Message, RequestRefused> {
    let broken = |error: RequestError| RequestRefused::invalid_event(KIND)(error.within(at));
    let record = record.ok_or_else(|| broken(RequestError::new("", "expected an object")))?;
    let id = record.text("messageId").filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| broken(RequestError::new("messageId", "expected a string")))?;
    let body = if is_record(record) {
        record_body(record)
    } else {
        let why = "expected aws:sqs, as in the other records of the batch";
        refuse("eventSource", why)
    };
    let body = body.map_err(|error| broken(error).into());
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
        request: body.and_then(|value| body::read_value(value, read)),
    })
}

/// The body of a record: a text, or, from a pipe whose input template has `<$.body>` without quotes, the JSON in it.
///
/// Options beside the body are an error.
pub(super) fn record_body<'a>(record: &RawObject<'a>) -> Result<&'a RawValue, RequestError> {
    record.no_fields_beside("the body")?;
    let value = record.get("body");
    let is_text_or_json = |value: &&RawValue| value.get().starts_with(['"', '{', '[']);
    value
        .filter(is_text_or_json)
        .ok_or_else(|| RequestError::new("body", "expected a string, an object or an array"))
}
