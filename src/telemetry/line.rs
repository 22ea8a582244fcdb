//! One log line: a flat JSON object.

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::Value;
use tracing::Level;

/// A log line in the making. Its fields come in the order in which they were added.
#[derive(Debug, Default)]
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
        if !self.0.iter().any(|(known, _)| known == name) {
            self.0.push((name.to_owned(), value.into()));
        }
    }

    /// Adds a field if there is a value.
    pub(super) fn push_some(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.push(name, value);
        }
    }

    /// Adds a field with a number that is not 0.
    pub(super) fn push_count(&mut self, name: &str, count: usize) {
        self.push_some(name, (count > 0).then_some(count));
    }

    /// Adds the fields of another line.
    pub(super) fn append(&mut self, other: Self) {
        for (name, value) in other.0 {
            self.push(&name, value);
        }
    }

    /// Takes out a field; null if there is none.
    pub(super) fn take(&mut self, name: &str) -> Value {
        let place = self.0.iter().position(|(known, _)| known == name);
        place.map_or(Value::Null, |place| self.0.remove(place).1)
    }

    /// The line as JSON. No text in it can break the line, since JSON escapes control characters.
    pub(super) fn into_json(self) -> String {
        serde_json::to_string(&self).unwrap_or_default()
    }
}

impl Serialize for Line {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}
