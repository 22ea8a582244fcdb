//! Lengths of time, in requests and in settings.

use std::time::Duration;

use jiff::{SignedDuration, Span, SpanRelativeTo};

/// The longest length of time. Nothing that this function asks about lasts longer, and sums of a few of them never overflow.
const MAX: Duration = Duration::from_hours(365 * 24);

/// Reads `90m`, `2h`, `1d 12h` or ISO 8601 `PT1H`. Days are 24 hours; months and years have no fixed length and are refused.
///
/// # Errors
///
/// Why it is none, as the rest of a sentence.
pub(crate) fn length_of_time(text: &str) -> Result<Duration, String> {
    let span: Span = text
        .parse()
        .map_err(|error: jiff::Error| error.to_string())?;
    let length: SignedDuration = span
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|error| error.to_string())?;
    at_most_a_year(Duration::try_from(length).map_err(|_| "it is negative".to_owned())?)
}

/// Reads a whole number of seconds, or a length of time.
///
/// # Errors
///
/// As [`length_of_time`].
pub(crate) fn seconds_or_length(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds) => at_most_a_year(Duration::from_secs(seconds)),
        Err(_) => length_of_time(text),
    }
}

fn at_most_a_year(length: Duration) -> Result<Duration, String> {
    if length > MAX {
        return Err("it is longer than a year, 365d".to_owned());
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_one_form_and_end_at_a_year() {
        let minutes = |text: &str| length_of_time(text).map(|length| length.as_secs() / 60);
        for (text, expected) in [
            ("90m", 90),
            ("2h", 120),
            ("PT1H", 60),
            ("1d", 24 * 60),
            ("1d 12h", 36 * 60),
            ("P1D", 24 * 60),
            ("1w", 7 * 24 * 60),
            ("0s", 0),
            ("365d", 365 * 24 * 60),
        ] {
            assert_eq!(minutes(text), Ok(expected), "{text}");
            assert_eq!(seconds_or_length(text), length_of_time(text));
        }
        for text in [
            "",
            "soon",
            "-5m",
            "1mo",
            "1y",
            "90",
            "365d 1s",
            "8761h",
            "P400D",
            "9223372036854775808s",
        ] {
            assert!(length_of_time(text).is_err(), "{text}");
        }
        assert_eq!(seconds_or_length("90"), Ok(Duration::from_secs(90)));
        for text in [
            "31536001",
            "9223372036854775808",
            "18446744073709551616",
            "-1",
            "1.5",
        ] {
            assert!(seconds_or_length(text).is_err(), "{text}");
        }
    }
}
