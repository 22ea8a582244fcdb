//! The demo account: a small account in which something is stuck. The sample events in `events/` and the documentation are
//! about its queues and jobs.

use crate::seed::Seed;

/// The account as it is now, in account 123456789012 and region eu-west-1. All its ages are relative to `now`.
///
/// # Panics
///
/// Never: a test reads it.
#[must_use]
#[expect(clippy::expect_used, reason = "the file is a part of this crate")]
pub fn seed() -> Seed {
    Seed::from_json(include_str!("../demo.json")).expect("demo.json is a seed")
}

/// The function's variables that a sample event needs to show what it shows, beside `ALLOWED_QUEUES=*`. `sample` is the name
/// of its file without `.json`.
#[must_use]
pub fn settings(sample: &str) -> &'static [(&'static str, &'static str)] {
    match sample {
        "alarm-action-description" => &[("ALARM_DESCRIPTIONS", "true")],
        "direct-terminate" | "direct-terminate-running-for" | "direct-wait" => {
            &[("ALLOW_TERMINATE", "true")]
        }
        // A service job can only be terminated, and its reason is not among the default ones.
        "eventbridge-service-job-queue-blocked" => &[
            ("ALLOW_TERMINATE", "true"),
            (
                "BLOCKED_REASONS",
                "MISCONFIGURATION:SERVICE_ENVIRONMENT_MAX_RESOURCE*",
            ),
        ],
        // A load balancer names no caller.
        "http-alb-delete" | "http-alb-multi-value-post" | "http-alb-post" => {
            &[("REQUIRE_CALLER", "false")]
        }
        _ => &[],
    }
}
