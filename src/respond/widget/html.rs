//! Escaped text, buttons, numbers, and the frame around them.

use std::fmt::{self, Display, Write};

use crate::request::Status;

/// The style sheet. All its rules are for what is inside of `.bc`.
const STYLE: &str = include_str!("style.css");

/// The whole HTML of a widget. The style sheet comes second: programs that clean HTML may drop one that comes first.
pub(super) fn page(is_narrow: bool, body: &str) -> String {
    let narrow = if is_narrow { " bc-narrow" } else { "" };
    format!("<div class=\"bc{narrow}\"><style>{STYLE}</style>{body}</div>")
}

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
    pub(super) label: &'a str,
    /// The same for who cannot see beside what it stands.
    pub(super) spoken: Option<&'a str>,
    /// It is the one that most viewers will want.
    pub(super) is_primary: bool,
    /// The question that the viewer has to confirm first, if any.
    pub(super) question: Option<&'a str>,
    /// The payload, in JSON.
    pub(super) payload: &'a str,
    /// The ARN of the function.
    pub(super) function: &'a str,
}

impl Display for Button<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let primary = if self.is_primary { " btn-primary" } else { "" };
        write!(
            f,
            "<a class=\"btn{primary}\" role=\"button\" tabindex=\"0\""
        )?;
        if let Some(spoken) = self.spoken {
            write!(f, " aria-label=\"{}\"", Escaped(spoken))?;
        }
        write!(
            f,
            ">{}</a><cwdb-action action=\"call\" display=\"widget\" endpoint=\"{}\"",
            Escaped(self.label),
            Escaped(self.function)
        )?;
        if let Some(question) = self.question {
            write!(f, " confirmation=\"{}\"", Escaped(question))?;
        }
        write!(f, ">{}</cwdb-action>", Escaped(self.payload))
    }
}

/// A number of jobs in words.
pub(super) fn jobs(count: usize) -> String {
    match count {
        1 => "1 job".to_owned(),
        count => format!("{} jobs", number(count)),
    }
}

/// A number with its digits in groups of three.
pub(super) fn number(number: usize) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev();
    let groups: Vec<_> = groups.map(String::from_utf8_lossy).collect();
    groups.join(",")
}

/// A length of time, in its two largest units.
pub(super) fn time(milliseconds: i64) -> String {
    let minutes = milliseconds.max(0) / 60_000;
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes} min"),
        (0, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// The class of a status's colour and pattern.
pub(super) fn pattern(status: Status) -> String {
    format!("bc-{}", status.as_str().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_groups_of_three_digits() {
        for (count, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(number(count), text);
        }
        assert_eq!(
            (jobs(1), jobs(2000)),
            ("1 job".to_owned(), "2,000 jobs".to_owned())
        );
    }

    #[test]
    fn times_have_two_units() {
        let minute = 60_000;
        for (milliseconds, text) in [
            (-5, "0 min"),
            (59 * minute, "59 min"),
            (61 * minute, "1 h 1 min"),
            (50 * 60 * minute, "2 d 2 h"),
        ] {
            assert_eq!(time(milliseconds), text);
        }
    }
}
