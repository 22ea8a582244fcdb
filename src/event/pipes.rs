//! Amazon `EventBridge` Pipes: a JSON array of SQS records, or of whatever the pipe's input template makes of its records.

use serde_json::value::RawValue;

use super::{Ask, Asks, Event, EventError, Message, Reply, Source, sqs};
use crate::request::{RequestError, from_json};

/// Decodes an array: SQS records by their own rules, anything else as the text of a message.
pub(super) fn decode(
    text: &str,
    body: impl Fn(&str) -> Result<Asks, EventError>,
) -> Result<Event, EventError> {
    let elements: Vec<&RawValue> = from_json(text)?;
    if elements.is_empty() {
        return Err(EventError::Unsupported(
            "unsupported event: an empty array".to_owned(),
        ));
    }
    let of_sqs = elements.iter().any(|element| sqs::is_record(element.get()));
    let messages = elements.iter().enumerate().map(|(index, element)| {
        let at = format!("[{index}]");
        if of_sqs {
            return sqs::message(element.get(), &at, &body);
        }
        let asks = match element.get().as_bytes().first() {
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
            asks,
        })
    });
    Ok(Event {
        source: Source::Pipes,
        by: Source::Pipes.as_str().to_owned(),
        ask: Ask::Cancel(messages.collect::<Result<_, _>>()?),
        reply: if of_sqs {
            Reply::BatchItemFailures
        } else {
            Reply::Raise
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
