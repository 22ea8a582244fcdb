//! Amazon SQS, standard and FIFO: each record is a message of its own.

use serde::Deserialize;

use super::{Command, Content, Event, EventError, Message, RawObject, Reply, Source};
use crate::request::RequestError;

const KIND: &str = "SQS event";

/// A record, as far as it is used. AWS's own type requires more than is needed, and would lose a record that lacks it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    body: String,
}

pub(super) fn matches(records: &[Option<RawObject<'_>>]) -> bool {
    records.iter().flatten().any(is_record)
}

/// Whether a record is one of SQS.
pub(super) fn is_record(record: &RawObject<'_>) -> bool {
    record.text("eventSource").as_deref() == Some("aws:sqs")
}

/// Decodes all records, each through `body`.
pub(super) fn decode(
    records: &[Option<RawObject<'_>>],
    body: impl Fn(&str) -> Result<Content, EventError>,
) -> Result<Event, EventError> {
    let messages = records
        .iter()
        .enumerate()
        .map(|(index, record)| message(record.as_ref(), &format!("Records[{index}]"), &body))
        .collect::<Result<_, _>>()?;
    Ok(Event {
        source: Source::Sqs,
        requested_by: Source::Sqs.as_str().to_owned(),
        command: Command::Cancel {
            messages,
            reply: Reply::BatchItemFailures,
        },
    })
}

/// Decodes one record. A record without a `messageId` cannot be returned in `batchItemFailures`, so it fails the whole
/// batch: nothing else would bring it back.
pub(super) fn message(
    record: Option<&RawObject<'_>>,
    at: &str,
    body: impl Fn(&str) -> Result<Content, EventError>,
) -> Result<Message, EventError> {
    let broken = |error: RequestError| EventError::Envelope {
        kind: KIND,
        error: error.within(at),
    };
    let record = record.ok_or_else(|| broken(RequestError::new("", "expected an object")))?;
    let id = record.text("messageId").filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| broken(RequestError::new("messageId", "expected a string")))?;
    let content = if is_record(record) {
        let decoded: Result<Record, _> = record.decode();
        decoded
            .map_err(broken)
            .and_then(|record| body(&record.body))
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
        content,
    })
}
