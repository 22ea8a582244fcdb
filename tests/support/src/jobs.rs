//! Jobs as most tests add them, and the reasons for which one blocks its queue.

use std::time::Duration;

use batch_emulator::{JobSpec, Status};

use crate::QUEUE;

/// The job's own fault, which is what `BLOCKED_REASONS` matches by default.
pub const OWN_FAULT: &str =
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job needs more than any instance has.";
/// Nobody's fault.
pub const NO_CAPACITY: &str = "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - There are no p5.48xlarge.";
/// The account's fault, as AWS writes it, with an en dash.
pub const NO_ROLE: &str = "MISCONFIGURATION:SERVICE_ROLE_PERMISSIONS – Not authorized.";

/// A job of ten minutes in the queue of a new function's account.
pub fn job(status: Status) -> JobSpec {
    JobSpec::new(status)
        .queue(QUEUE)
        .age(Duration::from_mins(10))
}
