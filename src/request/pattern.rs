//! Patterns of names in a selection.

use wildmatch::WildMatch;

use super::RequestError;

/// A name, or the beginning of one followed by `*`.
#[derive(Clone, Debug, PartialEq)]
pub struct NamePattern {
    text: String,
    pattern: WildMatch,
}

impl NamePattern {
    pub(super) fn new(field: &str, text: String) -> Result<Self, RequestError> {
        let stem = text.strip_suffix('*').unwrap_or(&text);
        if text.is_empty() || stem.contains(['*', '?']) {
            return Err(RequestError::new(
                field,
                format!("{text:?} is not a name, or the beginning of one followed by *"),
            ));
        }
        Ok(Self {
            pattern: WildMatch::new(&text),
            text,
        })
    }

    /// Whether `name` matches.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.pattern.matches(name)
    }

    /// Whether the job definition with this ARN matches, by ARN, by `name:revision` or by name.
    #[must_use]
    pub fn matches_definition(&self, arn: &str) -> bool {
        let named = arn
            .rsplit_once(":job-definition/")
            .map_or(arn, |(_, name)| name);
        let name = named.rsplit_once(':').map_or(named, |(name, _)| name);
        [arn, named, name]
            .iter()
            .any(|candidate| self.matches(candidate))
    }

    /// The pattern as it is written in the request.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}
