//! Numbers, times and settings as people say them at a keyboard.

use std::time::Duration;

/// A length of time in its two largest units: `3 d 4 h`, `2 h 1 min`, `4 min`, `48 s`.
pub(crate) fn age(time: Duration) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let seconds = time.as_secs();
    let first = UNITS.iter().position(|(size, _)| seconds >= *size);
    let Some(first) = first.filter(|first| *first < 3) else {
        return format!("{seconds} s");
    };
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (size, unit) in UNITS.iter().skip(first).take(2) {
        let count = rest / size;
        rest %= size;
        // Seconds beside minutes are more than anybody asks.
        if count > 0 && *unit != "s" {
            parts.push(format!("{count} {unit}"));
        }
    }
    parts.join(" ")
}

/// A text in lines of at most 80 columns, the first of which begins at `indent`, as do the others.
pub(crate) fn wrapped(text: &str, indent: usize) -> String {
    let mut lines = String::new();
    let mut column = indent;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > indent && column + 1 + length > 80 {
            lines.push('\n');
            lines.push_str(&" ".repeat(indent));
            column = indent;
        } else if column > indent {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(word);
        column += length;
    }
    lines
}

/// How long something took: `0.4 s`, `3 min 12 s`.
pub(crate) fn took(time: Duration) -> String {
    if time < Duration::from_mins(1) {
        return format!("{:.1} s", time.as_secs_f64());
    }
    let seconds = time.as_secs();
    format!("{} min {} s", seconds / 60, seconds % 60)
}

/// A number with its noun: `1 job`, `412 jobs`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// How the function calls what is a flag here.
const FLAGS: [(&str, &str); 32] = [
    (
        "ALLOWED_QUEUES (parameter AllowedJobQueues)",
        "your account",
    ),
    ("ALLOWED_QUEUES", "your account"),
    ("MAX_SELECTED (parameter MaxSelected)", "--max-selected"),
    ("MAX_SELECTED", "--max-selected"),
    (
        "ALLOW_TERMINATE (parameter AllowTerminate) is false",
        "add --terminate",
    ),
    ("ALLOW_TERMINATE", "--terminate"),
    ("BLOCKED_FOR (parameter BlockedFor)", "--blocked-for"),
    ("BLOCKED_FOR", "--blocked-for"),
    (
        "BLOCKED_REASONS (parameter BlockedReasons)",
        "--blocked-reasons",
    ),
    ("BLOCKED_REASONS", "--blocked-reasons"),
    ("API_CALLS_PER_SECOND", "--calls-per-second"),
    ("API_CONCURRENCY", "--concurrency"),
    ("PROTECT_TAG", "the tag batch-cancel:protect"),
    ("\"terminate\": true", "--terminate"),
    ("only terminate ends", "only --terminate ends"),
    ("the function", "bcancel"),
    ("select.jobQueues", "--queue"),
    ("select.jobQueue", "--queue"),
    ("select.arrayJobId", "--array"),
    ("select.jobName", "--name"),
    ("select.jobDefinition", "--definition"),
    ("select.statuses", "--status"),
    ("select.olderThan", "--older-than"),
    ("select.runningFor", "--running-for"),
    ("select.tags", "--tag"),
    ("select.shareIdentifier", "--share"),
    ("select.head", "--head"),
    ("runningFor", "--running-for"),
    ("maxJobs", "--max-jobs"),
    ("statuses", "--status"),
    ("jobQueues", "--queue"),
    ("waitSeconds", "--wait"),
];

/// A message of the function in the words of the command line.
pub(crate) fn flags(text: &str) -> String {
    let replace = |text: String, (setting, flag): &(&str, &str)| text.replace(setting, flag);
    FLAGS.iter().fold(text.to_owned(), replace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_their_two_largest_units() {
        for (seconds, text) in [
            (0, "0 s"),
            (48, "48 s"),
            (60, "1 min"),
            (240, "4 min"),
            (299, "4 min"),
            (7_260, "2 h 1 min"),
            (7_200, "2 h"),
            (11_520, "3 h 12 min"),
            (273_600, "3 d 4 h"),
            (86_460, "1 d"),
        ] {
            assert_eq!(age(Duration::from_secs(seconds)), text);
        }
        assert_eq!(took(Duration::from_millis(410)), "0.4 s");
        assert_eq!(took(Duration::from_secs(192)), "3 min 12 s");
    }

    #[test]
    fn messages_name_flags() {
        let text = "the selection matches 1001 jobs or more, more than MAX_SELECTED (parameter MaxSelected), 1000; nothing \
                    was done. Narrow the selection, or set maxJobs to at most 1000";
        assert!(flags(text).contains("more than --max-selected, 1000"));
        assert!(flags(text).contains("set --max-jobs to at most 1000"));
    }
}
