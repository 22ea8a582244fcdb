//! Patterns of names, in requests and in settings.

use std::fmt;

use wildmatch::WildMatchPattern;

use super::RequestError;

/// The crate wants a character that stands for any one character. No pattern of ours has it.
const ANY_ONE: char = '\0';

/// It matches nothing in AWS Batch and IAM, whose names hold no such character.
const NOTHING: &str = "\u{fffd}";

/// A text with `*` for any text, which is the only wildcard. Case counts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pattern(WildMatchPattern<'*', ANY_ONE>);

impl Pattern {
    pub(crate) fn new(text: &str) -> Self {
        // JSON can hold the character; a variable of the environment cannot.
        Self(WildMatchPattern::new(&text.replace(ANY_ONE, NOTHING)))
    }

    /// Whether the whole of `text` matches.
    pub(crate) fn matches(&self, text: &str) -> bool {
        self.0.matches(text)
    }

    /// Whether it begins with `arn:`, and so is one of ARNs.
    pub(crate) fn is_of_arns(&self) -> bool {
        self.0.pattern_chars().starts_with(&['a', 'r', 'n', ':'])
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A name, or the beginning of one followed by `*`.
#[derive(Clone, Debug, PartialEq)]
pub struct NamePattern {
    text: String,
    pattern: Pattern,
}

impl NamePattern {
    pub(super) fn new(field: &str, text: String) -> Result<Self, RequestError> {
        let stem = text.strip_suffix('*').unwrap_or(&text);
        if text.is_empty() || stem.contains(['*', '?', ANY_ONE]) {
            let why = format!("{text:?} is not a name, or the beginning of one followed by *");
            return Err(RequestError::new(field, why));
        }
        Ok(Self {
            pattern: Pattern::new(&text),
            text,
        })
    }

    /// Whether `name` matches.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.pattern.matches(name)
    }

    /// Whether the job definition with this ARN matches, by ARN, by `name:revision` or by name.
    pub(crate) fn matches_definition(&self, arn: &str) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_only_wildcard_is_the_asterisk() {
        for (pattern, text, expected) in [
            ("ops*", "ops-1", true),
            ("*", "", true),
            ("**s-1", "ops-1", true),
            ("", "", true),
            ("ops?1", "ops-1", false),
            ("ops?1", "ops?1", true),
            ("ops\u{0}1", "ops-1", false),
            ("ops\u{0}*", "ops-1", false),
            ("Ops*", "ops-1", false),
        ] {
            assert_eq!(Pattern::new(pattern).matches(text), expected, "{pattern:?}");
        }
        for name in ["", "a?", "a\u{0}*", "a*b", "**"] {
            let error = NamePattern::new("jobName", name.to_owned()).unwrap_err();
            assert_eq!(error.field, "jobName", "{name:?}");
        }
    }
}
