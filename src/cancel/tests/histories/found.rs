//! Histories that once broke an invariant, as [`super::explore`] has printed them.

use super::Move::{Starts, TakesEffect, Vanishes};
use super::Work::{Ends, Fails, Hides, Shows, Silent};
use super::*;
use Ask::{Cancel, Terminate};
use Effect::{Late, Now, Slowly};
use ErrorKind::Denied;
use Item::{Accepts, Refuses};
use Kind::{Array, Single};
use Step::{Answer, Hurry, Move, Time, Work};

/// Takes the steps one by one, and judges each state.
fn holds(jobs: &'static [Kind], ask: Ask, concurrency: usize, steps: &[Step]) {
    let setting = Setting {
        jobs,
        ask,
        concurrency,
        faults: u8::MAX,
        moves: u8::MAX - 1,
        slowest: Duration::from_millis(100),
    };
    let mut state = State::new(&setting);
    for step in steps {
        assert!(
            state.steps(&setting).contains(step),
            "{step:?} cannot follow"
        );
        state = state.after(step, &setting);
        assert_eq!(judge(&state, &setting), None, "after {step:?}");
    }
}

/// What a call without an answer may have done is unconfirmed, also when a later call is refused and the job vanishes.
#[test]
fn job_that_vanishes_after_a_call_without_an_answer_is_unconfirmed() {
    holds(
        &[Single],
        Cancel,
        8,
        &[
            Work(0, Shows),
            Answer(0),
            Work(0, Silent(vec![Some(Late)])),
            Answer(0),
            Work(0, Shows),
            Answer(0),
            Move(0, Vanishes),
            Time,
            Work(0, Fails(Denied)),
            Answer(0),
            Work(0, Shows),
            Answer(0),
            Time,
            Work(0, Shows),
            Answer(0),
            Time,
            Work(0, Shows),
            Answer(0),
        ],
    );
}

/// The call that ended the array has ended its child too, which no look has shown when time is over.
#[test]
fn child_whose_array_is_ended_before_it_is_looked_at_is_unconfirmed() {
    holds(
        &[Array],
        Cancel,
        8,
        &[
            Work(0, Hides(1)),
            Answer(0),
            Work(0, Ends(vec![Accepts(Now)])),
        ],
    );
}

/// The same of a child whose own call was refused.
#[test]
fn child_whose_call_is_refused_while_its_array_is_ended_is_unconfirmed() {
    holds(
        &[Array],
        Cancel,
        8,
        &[
            Work(0, Shows),
            Answer(0),
            Work(0, Ends(vec![Accepts(Now), Refuses(Denied)])),
            Answer(0),
            Work(0, Shows),
        ],
    );
}

/// A terminate that was accepted before the job started, and did not stop it, is no proof of anything.
#[test]
fn job_that_starts_in_spite_of_a_terminate_is_unconfirmed() {
    holds(
        &[Single],
        Terminate,
        8,
        &[
            Work(0, Shows),
            Answer(0),
            Work(0, Ends(vec![Accepts(Slowly)])),
            Answer(0),
            Move(0, Starts),
            Work(0, Shows),
            Answer(0),
            Time,
            Work(0, Shows),
            Answer(0),
            Time,
            Work(0, Shows),
            Answer(0),
        ],
    );
}

/// The array's call takes effect after the child was looked at again.
#[test]
fn child_whose_array_is_ended_late_is_unconfirmed() {
    holds(
        &[Array],
        Cancel,
        8,
        &[
            Work(0, Shows),
            Answer(0),
            Work(0, Ends(vec![Accepts(Late), Refuses(Denied)])),
            Answer(0),
            Work(0, Shows),
            Hurry(50),
            Answer(0),
            Work(0, Shows),
            Move(0, TakesEffect),
            Answer(0),
        ],
    );
}
