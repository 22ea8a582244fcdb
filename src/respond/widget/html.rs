//! Escaped text and buttons.

use std::fmt::{self, Display, Write};

/// Text escaped for HTML, also for an attribute in quotes.
pub(super) struct Escaped<T>(pub(super) T);

impl<T: Display> Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.to_string().chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c if c.is_control() => f.write_char(' ')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// A button: it calls the function with a payload, and shows the answer in the widget's place.
pub(super) struct Button<'a> {
    /// The text on it.
    pub(super) label: String,
    /// The question that the viewer has to confirm first, if any.
    pub(super) question: Option<String>,
    /// The payload, in JSON.
    pub(super) payload: &'a str,
    /// The ARN of the function.
    pub(super) function: &'a str,
}

impl Display for Button<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "<a class=\"btn\">{}</a><cwdb-action action=\"call\" display=\"widget\" endpoint=\"{}\"",
            Escaped(&self.label),
            Escaped(self.function)
        )?;
        if let Some(question) = &self.question {
            write!(f, " confirmation=\"{}\"", Escaped(question))?;
        }
        write!(f, ">{}</cwdb-action>", Escaped(self.payload))
    }
}
