//! One log line: a flat JSON object.

use jiff::Timestamp;
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;
use tracing::Level;

/// A log line in the making. Its fields come in the order in which they were added.
#[derive(Debug)]
pub(super) struct Line(Vec<(String, Value)>);

impl Line {
    /// A line of now. Lambda reads the level of a line only if it has an RFC 3339 `timestamp`.
    pub(super) fn new(level: Level, message: &str) -> Self {
        let mut line = Self(Vec::with_capacity(24));
        line.push("timestamp", format!("{:.3}", Timestamp::now()));
        line.push("level", level.as_str());
        line.push("message", message);
        line
    }

    /// Adds a field, unless the line has one of this name.
    pub(super) fn push(&mut self, name: &str, value: impl Into<Value>) {
        if !self.has(name) {
            self.0.push((name.to_owned(), value.into()));
        }
    }

    /// Adds a field if there is a value.
    pub(super) fn push_some(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.push(name, value);
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// The line as JSON. No text in it can end the line, since JSON escapes control characters.
    pub(super) fn into_json(self) -> String {
        serde_json::to_string(&self).unwrap_or_default()
    }
}

impl Serialize for Line {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
