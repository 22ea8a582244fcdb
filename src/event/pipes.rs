//! Amazon `EventBridge` Pipes: a JSON array of SQS records, or of what the pipe's input template makes of its records.

use serde_json::value::RawValue;

use super::{RawObject, body, sqs};
use crate::{
    command::{Command, Event, Message, NoRequest, Reply, RequestRefused, Source},
    request::{Request, from_json, refuse},
};

/// Decodes an array: SQS records by their own rules, anything else as the body of a message.
pub(super) fn decode(
    text: &str,
    read: impl Fn(&str) -> Result<Request, NoRequest>,
) -> Result<Event, RequestRefused> {
    let elements: Vec<&RawValue> = from_json(text)?;
    if elements.is_empty() {
        let why = "unsupported event: an empty array".to_owned();
        return Err(RequestRefused::UnsupportedEvent(why));
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
        let request = element_request(element, record.as_ref(), &read);
        Ok(Message::from(request.map_err(|error| within(error, &at))))
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
fn element_request(
    element: &RawValue,
    record: Option<&RawObject<'_>>,
    read: impl Fn(&str) -> Result<Request, NoRequest>,
) -> Result<Request, NoRequest> {
    match record {
        Some(record) if is_template(record) => body::read_value(sqs::record_body(record)?, read),
        Some(_) => read(element.get()),
        None if element.get().starts_with(['"', '[']) => body::read_value(element, read),
        None => refuse("", "expected an SQS record, a request or job ids"),
    }
}

/// Whether an object is what an input template such as `{"id": <$.messageId>, "body": <$.body>}` makes of a record. No
/// message that is understood by itself has a field of this name.
fn is_template(object: &RawObject<'_>) -> bool {
    object.names().any(|name| name == "body")
}

fn within(error: NoRequest, at: &str) -> NoRequest {
    let NoRequest::Refused(why) = error else {
        return error;
    };
    NoRequest::Refused(match why {
        RequestRefused::InvalidRequest(error) => error.within(at).into(),
        RequestRefused::InvalidEvent { kind, error } => {
            RequestRefused::invalid_event(kind)(error.within(at))
        }
        RequestRefused::UnsupportedEvent(text) => {
            RequestRefused::UnsupportedEvent(format!("{at}: {text}"))
        }
        other => other,
    })
}
