//! The transitions between stages: which are possible, and that no other happens unnoticed.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;
use crate::request::Action;

const STAGES: [Stage; 7] = [
    Stage::ToLookAt,
    Stage::Queued,
    Stage::Sent,
    Stage::ToVerify(CallResult::Accepted),
    Stage::ToVerify(CallResult::Unanswered),
    Stage::ToVerify(CallResult::Refused),
    Stage::Settled {
        outcome: Outcome::Cancelling,
        message: None,
    },
];

/// For each stage above, whether a job may go on to each of them, in the same order.
const MAY_ENTER: [[bool; STAGES.len()]; STAGES.len()] = {
    const Y: bool = true;
    const N: bool = false;
    [
        [N, Y, N, N, N, N, Y],
        [N, N, Y, N, N, Y, Y],
        [N, Y, N, Y, Y, Y, Y],
        [N, N, N, N, N, N, Y],
        [N, Y, N, N, N, N, Y],
        [N, N, N, N, N, N, Y],
        [N, N, N, N, N, N, Y],
    ]
};

/// A job in this stage.
fn job_in(stage: &Stage) -> (Jobs, JobIndex) {
    let mut jobs = Jobs::default();
    let request = jobs.add_request(RequestOptions {
        reason: Arc::from("no longer needed"),
        wait: Duration::ZERO,
    });
    let intent = Intent::new(Action::Cancel, false);
    let id = JobId::from_batch("0c9d8f6e-3a1b-4c2d-8e4f-5a6b7c8d9e0f").unwrap();
    let index = jobs.add(AskedId::known(id), intent, request, Decision::Look);
    let path: &[Stage] = match stage {
        Stage::ToLookAt => &[],
        Stage::Queued => &[Stage::Queued],
        Stage::Sent => &[Stage::Queued, Stage::Sent],
        last => &[Stage::Queued, Stage::Sent, last.clone()],
    };
    for stage in path {
        jobs.enter(index, stage.clone());
    }
    assert_eq!(jobs[index].stage(), stage);
    (jobs, index)
}

#[test]
fn stages_follow_each_other_as_the_diagram_says() {
    for (from, row) in STAGES.iter().zip(MAY_ENTER) {
        for (next, expected) in STAGES.iter().zip(row) {
            assert_eq!(from.may_enter(next), expected, "{from:?} to {next:?}");
        }
    }
}

#[cfg(debug_assertions)]
#[test]
fn impossible_transition_panics_in_tests() {
    for (from, row) in STAGES.iter().zip(MAY_ENTER) {
        for (next, expected) in STAGES.iter().zip(row) {
            let (mut jobs, index) = job_in(from);
            let entered = catch_unwind(AssertUnwindSafe(|| jobs.enter(index, next.clone())));
            assert_eq!(entered.is_ok(), expected, "{from:?} to {next:?}");
        }
    }
}
