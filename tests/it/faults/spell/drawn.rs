//! What is drawn for a spell: the switches that name no job, and what Batch does.

use std::time::Duration;

use batch_emulator::{Behaviour, Faults, TerminateMark};
use fastrand::Rng;

use super::{BULK, SLOW, chance, time};

/// The switches that name no job.
pub(super) fn faults(random: &mut Rng) -> Faults {
    // One spell in five has all rates at once.
    let all = chance(random, 0.2);
    let seed = random.u64(..);
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
    if chance(random, 0.15) {
        faults.visibility_delay = time(random, 5.0);
    }
    if chance(random, 0.15) {
        faults.flag_delay = time(random, 5.0);
    }
    if chance(random, 0.1) {
        let held_back = *random.choice(&SLOW).unwrap();
        faults.slow = BULK.map(|operation| (operation, held_back)).into();
    }
    faults
}

/// What Batch does where its documentation is silent.
pub(super) fn behaviour(random: &mut Rng) -> Behaviour {
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
