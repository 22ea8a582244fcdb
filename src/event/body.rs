//! The body of a message: a request, ids alone, or an event in its own right.

use serde_json::value::RawValue;

use super::{RawObject, Scope, hint, message};
use crate::{
    command::NoRequest,
    request::{AskedId, Request, RequestError, from_json, refuse},
};

/// What the text of a message asks for. The message is inside `depth` others.
pub(super) fn read(text: &str, scope: &Scope<'_>, depth: usize) -> Result<Request, NoRequest> {
    let text = text.trim().trim_start_matches('\u{feff}');
    match text.as_bytes().first() {
        Some(b'{') => match RawObject::read(text) {
            Some(object) => message(&object, scope, depth)?.1,
            None => Err(broken(text).into()),
        },
        Some(b'[') => {
            let ids: Vec<String> = from_json(text)?;
            Ok(Request::for_ids(
                ids.iter().map(String::as_str),
                scope.own_region,
            ))
        }
        // EventBridge's input path and SNS filters hand on single values with their quotes.
        Some(b'"') => {
            let text: String = from_json(text)?;
            match hint::of_text(&text) {
                Some(hint) => Err(hint::unsupported(Some(hint)).into()),
                None => ids(&text, scope),
            }
        }
        _ => ids(text, scope),
    }
}

/// What a body asks for that is a JSON string, whose text is read, or JSON in its own right.
pub(super) fn read_value(
    value: &RawValue,
    read: impl Fn(&str) -> Result<Request, NoRequest>,
) -> Result<Request, NoRequest> {
    if value.get().starts_with('"') {
        read(&from_json::<String>(value.get())?)
    } else {
        read(value.get())
    }
}

/// Ids and nothing else, separated by white space.
fn ids(text: &str, scope: &Scope<'_>) -> Result<Request, NoRequest> {
    let all_ids = !text.trim().is_empty()
        && text
            .split_whitespace()
            .all(|word| matches!(AskedId::parse(word, scope.own_region), AskedId::Job { .. }));
    if all_ids {
        return Ok(Request::for_ids(text.split_whitespace(), scope.own_region));
    }
    let message =
        "expected a JSON request, a JSON array of job ids, or job ids separated by white space";
    refuse("", message)
}

/// Why a text that begins with a brace is not a JSON object.
fn broken(text: &str) -> RequestError {
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Err(error) => RequestError::new("", format!("not JSON: {error}")),
        Ok(_) => RequestError::new("", "not a JSON object"),
    }
}
