//! What went wrong, as one line for a person.

use std::fmt;

/// Why nothing was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserError(String);

/// A result, or why nothing was done.
pub(crate) type Result<T> = std::result::Result<T, UserError>;

impl UserError {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for UserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<T: Into<String>> From<T> for UserError {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

/// An error of the AWS SDK in its service's own words: what the error that wraps it says is of no use to a person.
pub(crate) fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}
