//! Texts from outside, cut where they enter a message: however long a text is, what repeats it stays short.

use std::{borrow::Cow, time::Duration};

use jiff::SignedDuration;

/// The most characters of a message with a text from outside in it. Each takes at most seven bytes in a log line.
pub(crate) const MAX_MESSAGE: usize = 800;

/// How many of them are the last of the text, which say what was expected.
const TAIL: usize = 300;

/// Cuts a message that is longer than [`MAX_MESSAGE`] in its middle: what is wrong stands first, and what was expected last.
pub(crate) fn cut(text: &str) -> Cow<'_, str> {
    cut_to(text, MAX_MESSAGE, TAIL)
}

/// The same for a text that is kept.
pub(crate) fn cut_message(text: Cow<'static, str>) -> Cow<'static, str> {
    match cut(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(cut) => Cow::Owned(cut),
    }
}

/// A length of time such as `2h 30m`, in whole seconds.
pub(crate) fn readable(time: Duration) -> String {
    let whole = Duration::from_secs(time.as_secs());
    SignedDuration::try_from(whole)
        .map_or_else(|_| format!("{whole:?}"), |time| format!("{time:#}"))
}

/// The first `most` characters of a text, the last of which says that there are more.
pub(crate) fn cut_tail(text: &str, most: usize) -> Cow<'_, str> {
    cut_to(text, most, 0)
}

/// A text of at most `most` characters, `tail` of which are the last of a longer one.
pub(crate) fn cut_to(text: &str, most: usize, tail: usize) -> Cow<'_, str> {
    // A text has no more characters than bytes.
    if text.len() <= most || text.chars().count() <= most {
        return Cow::Borrowed(text);
    }
    let start: String = text.chars().take(most - tail - 1).collect();
    let tail_chars: Vec<char> = text.chars().rev().take(tail).collect();
    let tail_chars: String = tail_chars.into_iter().rev().collect();
    Cow::Owned(start + "…" + &tail_chars)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_keeps_its_beginning_and_its_end() {
        let short = "ü".repeat(MAX_MESSAGE);
        assert_eq!(cut(&short), short);
        for filling in ["x", "ü", "🦀", "\0"] {
            let long = format!("unknown field {}, expected jobIds", filling.repeat(300_000));
            let cut = cut(&long);
            assert_eq!(cut.chars().count(), MAX_MESSAGE, "{filling}");
            assert!(cut.starts_with("unknown field "), "{cut}");
            assert!(cut.ends_with(", expected jobIds"), "{cut}");
            assert!(cut.contains('…'), "{cut}");
        }
        assert_eq!(cut_tail("abcdef", 6), "abcdef");
        assert_eq!(cut_tail("abcdefg", 6), "abcde…");
    }
}
