//! The switches of a scenario's emulator: what goes wrong, and how Batch behaves where AWS leaves a choice.

use std::time::Duration;

use batch_emulator::{Behaviour, BulkCalls, Exit, Faults, ItemError, Operation, TerminateMark};
use fastrand::Rng;

use super::{RequestedJob, chance, time};

/// The forms in which an endpoint does not know the bulk calls.
const ABSENT: [BulkCalls; 5] = [
    BulkCalls::NotFound,
    BulkCalls::UnknownOperation,
    BulkCalls::MissingToken,
    BulkCalls::UndeterminedOperation,
    BulkCalls::UndeterminedOperationXml,
];

const ITEM_ERRORS: [ItemError; 5] = [
    ItemError::ValidationException,
    ItemError::ClientException,
    ItemError::ThrottlingException,
    ItemError::ServerException,
    ItemError::AccessDenied,
];

/// Longer than a look may take, than a bulk call may take, and than most invocations.
const SLOW: [Duration; 3] = [
    Duration::from_secs(6),
    Duration::from_secs(30),
    Duration::from_secs(100),
];

const BULK: [Operation; 3] = [
    Operation::CancelJobs,
    Operation::TerminateJobs,
    Operation::TerminateServiceJobs,
];

const SINGLE: [Operation; 3] = [
    Operation::CancelJob,
    Operation::TerminateJob,
    Operation::TerminateServiceJob,
];

/// The switches that name no job.
pub(crate) fn faults(seed: u64, random: &mut Rng) -> Faults {
    // One scenario in five has all rates at once.
    let all = chance(random, 0.2);
    let mut rate = |share: f64| {
        if all || chance(random, 0.3) {
            share
        } else {
            0.0
        }
    };
    let mut faults = Faults {
        seed,
        throttle_rate: rate(0.3),
        item_throttle_rate: rate(0.3),
        item_server_error_rate: rate(0.1),
        server_error_rate: rate(0.1),
        reset_before_rate: rate(0.05),
        reset_after_rate: rate(0.05),
        cut_short_rate: rate(0.05),
        hang_rate: rate(0.02),
        slow_rate: rate(0.05),
        refuse_started_rate: rate(0.5),
        refuse_ended_rate: rate(0.5),
        omit_done_rate: rate(0.05),
        omit_undone_rate: rate(0.05),
        fails_describe_rate: rate(0.01),
        runs_anyway_rate: rate(0.2),
        ..Faults::default()
    };
    faults.slow_for = *random.choice(&SLOW).unwrap();
    faults.latency = Duration::from_millis(random.u64(0..60));
    faults.jitter = Duration::from_millis(random.u64(0..60));
    if chance(random, 0.2) {
        faults.calls_per_second = Some(50.0);
        faults.burst = Some(5);
    }
    if chance(random, 0.25) {
        faults.bulk_calls = *random.choice(&ABSENT).unwrap();
    }
    if chance(random, 0.15) {
        faults.visibility_delay = time(random, 5.0);
    }
    if chance(random, 0.15) {
        faults.flag_delay = time(random, 5.0);
    }
    operations(random, &mut faults);
    faults
}

/// Operations that are always slow, or always denied.
fn operations(random: &mut Rng, faults: &mut Faults) {
    if chance(random, 0.12) {
        let held_back = *random.choice(&SLOW).unwrap();
        faults.slow = BULK.map(|operation| (operation, held_back)).into();
    }
    if chance(random, 0.02) {
        faults.slow.insert(Operation::DescribeJobs, SLOW[0]);
    }
    // IAM has one action for the single and the bulk call. That the bulk call alone is denied is how an unknown path may
    // look.
    match random.u8(..100) {
        0..=3 => faults.denied.extend(SINGLE),
        4..=6 => faults.denied.extend(BULK),
        7..=10 => faults.denied.extend(SINGLE.into_iter().chain(BULK)),
        11 => faults.denied.extend([Operation::DescribeJobs]),
        _ => {}
    }
}

/// The switches that name jobs, of which each is a tenth of the jobs in some scenarios.
pub(crate) fn name_jobs(random: &mut Rng, faults: &mut Faults, requested: &[RequestedJob]) {
    let mut is_on = |share: f64| chance(random, share);
    let [denied, errors, ignored, omitted, unseen, escaped] =
        [0.2, 0.2, 0.15, 0.15, 0.15, 0.2].map(&mut is_on);
    for job in requested {
        let id = job.id.clone();
        match random.u8(..60) {
            0..=5 if denied => {
                faults.denied_jobs.insert(id);
            }
            6..=11 if errors => {
                faults
                    .item_errors
                    .insert(id, *random.choice(&ITEM_ERRORS).unwrap());
            }
            12..=17 if ignored => {
                faults.ignore_cancels.insert(id);
            }
            18..=20 if omitted => {
                faults.omit_done.insert(id);
            }
            21..=23 if omitted => {
                faults.omit_undone.insert(id);
            }
            24 if unseen => {
                faults.fails_describe.insert(id);
            }
            25..=30 if escaped => {
                let exits = [Exit::Succeeded, Exit::Failed];
                faults
                    .runs_anyway
                    .insert(id, *random.choice(&exits).unwrap());
            }
            _ => {}
        }
    }
}

/// What Batch does where its documentation is silent.
pub(crate) fn behaviour(random: &mut Rng) -> Behaviour {
    let mut delay = || {
        if chance(random, 0.2) {
            time(random, 5.0)
        } else {
            Duration::ZERO
        }
    };
    let (cancel_delay, terminate_delay) = (delay(), delay());
    let marks = [
        TerminateMark::Cancelled,
        TerminateMark::Terminated,
        TerminateMark::Both,
    ];
    Behaviour {
        cancel_delay,
        terminate_delay,
        terminate_mark: *random.choice(&marks).unwrap(),
        child_tags: random.bool(),
        running_attempts: random.bool(),
        ..Behaviour::default()
    }
}
