//! The reason that Batch keeps with a job: why it was ended, by whom, and by which invocation.

/// Marks a status reason as written by this function, in any invocation.
pub(crate) const AUDIT_MARKER: &str = "| batch-cancel ";

/// The longest reason that Batch takes, in characters
/// ([API reference](https://docs.aws.amazon.com/batch/latest/APIReference/API_CancelJob.html)).
const MAX_REASON: usize = 1024;

/// The most characters of a caller's name. The ARN of a role session has at most about 200.
const MAX_BY: usize = 512;

/// `<reason> | by <by> | batch-cancel <request id>`, of which only the reason is shortened. Control characters
/// become spaces, for logs and consoles.
pub(crate) fn audit_reason(reason: &str, by: &str, request_id: &str) -> String {
    let by: String = by.chars().take(MAX_BY).collect();
    let suffix = clean(&format!(" | by {by} {AUDIT_MARKER}{request_id}"));
    let left = MAX_REASON.saturating_sub(suffix.chars().count());
    let reason: String = clean(reason).chars().take(left).collect();
    reason + &suffix
}

fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_says_why_by_whom_and_when() {
        assert_eq!(
            audit_reason("too\nmany", "arn:aws:iam::123456789012:user/ann", "af3b"),
            "too many | by arn:aws:iam::123456789012:user/ann | batch-cancel af3b"
        );
    }

    #[test]
    fn only_the_reason_is_shortened_and_never_within_a_character() {
        let reason = audit_reason(&"ü🦀".repeat(2000), "sqs", "af3b");
        assert_eq!(reason.chars().count(), MAX_REASON);
        assert!(reason.ends_with(" | by sqs | batch-cancel af3b"));
        assert!(audit_reason("x", &"y".repeat(5000), "af3b").chars().count() <= MAX_REASON);
    }
}
