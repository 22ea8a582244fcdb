//! Decodes JSON, with errors that name the field and what was expected.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny},
};
use thiserror::Error;

use crate::text::cut;

/// Why a text is not a valid request. The message names the field and what was expected.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{}{}", if field.is_empty() { String::new() } else { format!("{}: ", cut(field)) }, cut(message))]
pub struct RequestError {
    /// The path of the field, such as `jobIds[3]`; empty for the whole.
    pub field: String,
    /// What is wrong, and what was expected.
    pub message: String,
}

impl RequestError {
    pub(crate) fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }

    /// The same error with `prefix` before its field's path.
    #[must_use]
    pub fn within(mut self, prefix: &str) -> Self {
        self.field = match self.field.as_str() {
            "" => prefix.to_owned(),
            field if field.starts_with('[') => format!("{prefix}{field}"),
            field => format!("{prefix}.{field}"),
        };
        self
    }
}

/// Decodes `T` from JSON text. An error names the field.
pub(crate) fn from_json<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, RequestError> {
    let json = &mut serde_json::Deserializer::from_str(text);
    let value = decode(&mut *json)?;
    // Text behind the value may be a second request, which would be lost.
    json.end()
        .map_err(|error| RequestError::new("", format!("not JSON: {}", plain(&error))))?;
    Ok(value)
}

/// Decodes `T`. An error names the field.
pub(crate) fn decode<'de, T, D>(deserializer: D) -> Result<T, RequestError>
where
    T: Deserialize<'de>,
    D: Deserializer<'de, Error = serde_json::Error>,
{
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let path = error.path().to_string();
        RequestError::new(
            if path == "." { "" } else { &path },
            plain(&error.into_inner()),
        )
    })
}

/// Decodes `T` from a JSON object. Without this check, serde would also read an array as a struct.
pub(crate) fn from_object<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, RequestError> {
    if !text.trim_start().starts_with('{') {
        if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
            let why = plain(&error);
            return Err(RequestError::new("", format!("not JSON: {why}")));
        }
        let found = match text.trim_start().chars().next() {
            Some('[') => "an array",
            Some('"') => "a string",
            Some('t' | 'f') => "true or false",
            Some('n') => "null",
            _ => "a number",
        };
        let message = format!("expected an object, found {found}");
        return Err(RequestError::new("", message));
    }
    from_json(text)
}

/// Serde's message without line and column, which are meaningless in a nested text, and without the value that was found,
/// which must not get into logs.
fn plain(error: &serde_json::Error) -> String {
    let mut text = error.to_string();
    if let Some(at) = text.rfind(" at line ") {
        text.truncate(at);
    }
    for what in ["invalid type: string", "invalid value: string"] {
        if let (Some(rest), Some(expected)) = (text.strip_prefix(what), text.rfind(", expected "))
            && rest.starts_with(" \"")
        {
            text = format!("{what}{}", text.get(expected..).unwrap_or_default());
        }
    }
    text
}

/// Reads a field that must not be `null`. Without this, serde reads `null` as absent.
pub(super) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// A number without a fraction. `2.0` is one: JavaScript and Step Functions may write whole numbers like this.
#[derive(Clone, Copy, Debug)]
pub(super) struct WholeNumber(pub(super) u64);

impl<'de> Deserialize<'de> for WholeNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = WholeNumber;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number")
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<WholeNumber, E> {
                Ok(WholeNumber(value))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<WholeNumber, E> {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "checked to be whole and in the range that f64 holds exactly"
                )]
                if value.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(&value) {
                    Ok(WholeNumber(value as u64))
                } else {
                    Err(E::invalid_type(de::Unexpected::Float(value), &self))
                }
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// Reads `true` or `false` in a query string.
pub(crate) fn flag(field: &str, text: &str) -> Result<bool, RequestError> {
    let why = format!("invalid value: string {text:?}, expected true or false");
    text.parse().map_err(|_| RequestError::new(field, why))
}
