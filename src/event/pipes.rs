//! Amazon `EventBridge` Pipes: a JSON array of SQS records, or of what the pipe's input template makes of its records.

use serde_json::value::RawValue;

use super::{RawObject, body, sqs};
use crate::{
    command::{Command, Content, Event, Message, Reply, RequestRefused, Source},
    request::{RequestError, from_json},
};

/// Decodes an array: SQS records by their own rules, anything else as the body of a message.
pub(super) fn decode(
    text: &str,
    read: impl Fn(&str) -> Result<Content, RequestRefused>,
) -> Result<Event, RequestRefused> {
    let elements: Vec<&RawValue> = from_json(text)?;
    if elements.is_empty() {
        return Err(RequestRefused::Unsupported(
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
            return sqs::message(record.as_ref(), &at, &read);
        }
        let content = element_content(element, record.as_ref(), &read);
        Ok(Message::of(content.map_err(|error| within(error, &at))))
    });
    let messages = messages.collect::<Result<_, RequestRefused>>()?;
    let reply = if of_sqs {
        Reply::BatchItemFailures
    } else {
        Reply::InvocationError
    };
    Ok(Event::of(
        Source::Pipes,
        Command::Cancel { messages, reply },
    ))
}

/// What an element asks for: the body of a message, or an object in which an input template has put the body.
fn element_content(
    element: &RawValue,
    record: Option<&RawObject<'_>>,
    read: impl Fn(&str) -> Result<Content, RequestRefused>,
) -> Result<Content, RequestRefused> {
    match record {
        Some(record) if is_template(record) => body::read_value(sqs::record_body(record)?, read),
        Some(_) => read(element.get()),
        None if element.get().starts_with(['"', '[']) => body::read_value(element, read),
        None => Err(RequestError::new("", "expected an SQS record, a request or job ids").into()),
    }
}

/// Whether an object is what an input template such as `{"id": <$.messageId>, "body": <$.body>}` makes of a record. No
/// message that is understood by itself has a field of this name.
fn is_template(object: &RawObject<'_>) -> bool {
    object.names().any(|name| name == "body")
}

fn within(error: RequestRefused, at: &str) -> RequestRefused {
    match error {
        RequestRefused::Request(error) => error.within(at).into(),
        RequestRefused::Envelope { kind, error } => {
            RequestRefused::envelope(kind)(error.within(at))
        }
        RequestRefused::Unsupported(text) => RequestRefused::Unsupported(format!("{at}: {text}")),
        other => other,
    }
}
