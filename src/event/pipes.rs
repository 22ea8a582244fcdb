//! Amazon `EventBridge` Pipes: a JSON array of SQS records, or of what the pipe's input template makes of its records.

use serde_json::value::RawValue;

use super::{Command, Content, Event, EventError, Message, RawObject, Reply, Source, sqs};
use crate::request::{RequestError, from_json};

/// Decodes an array: SQS records by their own rules, anything else as the text of a message.
pub(super) fn decode(
    text: &str,
    body: impl Fn(&str) -> Result<Content, EventError>,
) -> Result<Event, EventError> {
    let elements: Vec<&RawValue> = from_json(text)?;
    if elements.is_empty() {
        return Err(EventError::Unsupported(
            "unsupported event: an empty array".to_owned(),
        ));
    }
    let records: Vec<Option<RawObject<'_>>> = elements
        .iter()
        .map(|element| RawObject::read(element.get()))
        .collect();
    let of_sqs = sqs::matches(&records);
    let messages = elements.iter().zip(&records).enumerate();
    let messages = messages.map(|(index, (element, record))| {
        let at = format!("[{index}]");
        if of_sqs {
            return sqs::message(record.as_ref(), &at, &body);
        }
        let content = match element.get().as_bytes().first() {
            Some(b'{' | b'"') => body(element.get()).map_err(|error| within(error, &at)),
            _ => Err(RequestError::new(
                &at,
                "expected an SQS record, a request or a text of job ids",
            )
            .into()),
        };
        Ok(Message {
            id: None,
            group: None,
            content,
        })
    });
    Ok(Event {
        source: Source::Pipes,
        requested_by: Source::Pipes.as_str().to_owned(),
        command: Command::Cancel {
            messages: messages.collect::<Result<_, _>>()?,
            reply: if of_sqs {
                Reply::BatchItemFailures
            } else {
                Reply::InvocationError
            },
        },
    })
}

fn within(error: EventError, at: &str) -> EventError {
    match error {
        EventError::Request(error) => error.within(at).into(),
        EventError::Envelope { kind, error } => EventError::Envelope {
            kind,
            error: error.within(at),
        },
        other => other,
    }
}
