//! Calls whose answer comes late, never, or without some of its jobs.

use std::{collections::BTreeMap, time::Duration};

use batch_emulator::{Emulator, Fault, Faults, Operation};

use super::{Case, Job, NamedCase, runnable};

pub(super) const CASES: [NamedCase; 8] = [
    ("bulk calls are answered after 6 s", slow_bulk),
    ("single call is answered after 6 s", slow_single),
    ("bulk call is done and never answered", never_answered),
    ("bulk call is never answered and not done", hangs),
    ("bulk call is never answered with 10 s of time", little_time),
    ("connection breaks after the work", broken_answers),
    ("an answer leaves jobs out", left_out),
    ("every answer leaves jobs out", left_out_again),
];

fn cancelled(ids: Vec<String>) -> Vec<Job> {
    ids.into_iter().map(Job::cancelled).collect()
}

fn slow_bulk(emulator: &Emulator) -> Case {
    emulator.set_faults(Faults {
        slow: BTreeMap::from([(Operation::CancelJobs, Duration::from_secs(6))]),
        ..Faults::default()
    });
    Case::new(cancelled(runnable(emulator, 100)))
        .calls(Operation::CancelJobs, 2)
        .calls(Operation::DescribeJobs, 2)
        .takes(12)
}

/// A single call gets 5 s: it is looked at instead of being waited for.
fn slow_single(emulator: &Emulator) -> Case {
    emulator.set_faults(Faults {
        slow: BTreeMap::from([(Operation::CancelJob, Duration::from_secs(6))]),
        ..Faults::default()
    });
    Case::new(cancelled(runnable(emulator, 1)))
        .calls(Operation::CancelJob, 1)
        .calls(Operation::DescribeJobs, 2)
        .takes(5)
}

fn never_answered(emulator: &Emulator) -> Case {
    emulator.fail_next(Operation::CancelJobs, Fault::HangAfter, 1);
    Case::new(cancelled(runnable(emulator, 50)))
        .calls(Operation::CancelJobs, 1)
        .calls(Operation::DescribeJobs, 2)
        .takes(25)
}

/// A look shows the jobs unchanged, and the call is sent again.
fn hangs(emulator: &Emulator) -> Case {
    emulator.fail_next(Operation::CancelJobs, Fault::HangBefore, 1);
    Case::new(cancelled(runnable(emulator, 50)))
        .calls(Operation::CancelJobs, 2)
        .calls(Operation::DescribeJobs, 3)
        .takes(25)
}

/// The call is given up in time for a look, of which the first shows how long it may take.
fn little_time(emulator: &Emulator) -> Case {
    emulator.fail_next(Operation::CancelJobs, Fault::HangAfter, 1);
    let mut case = Case::new(cancelled(runnable(emulator, 50)))
        .calls(Operation::CancelJobs, 1)
        .calls(Operation::DescribeJobs, 2)
        .takes(9);
    case.time = Duration::from_secs(10);
    case
}

fn broken_answers(emulator: &Emulator) -> Case {
    emulator.fail_next(Operation::CancelJobs, Fault::ResetAfter, 1);
    emulator.fail_next(Operation::CancelJobs, Fault::CutShort, 1);
    Case::new(cancelled(runnable(emulator, 100)))
        .calls(Operation::CancelJobs, 2)
        .calls(Operation::DescribeJobs, 2)
}

/// Five jobs are done and one is not, and all six are left out of the answer.
fn left_out(emulator: &Emulator) -> Case {
    let ids = runnable(emulator, 20);
    let (done, undone) = (ids[..5].to_vec(), ids[5..6].to_vec());
    emulator.set_faults(Faults {
        omit_done: done.into_iter().collect(),
        omit_undone: undone.into_iter().collect(),
        ..Faults::default()
    });
    Case::new(cancelled(ids))
        .calls(Operation::CancelJobs, 1)
        .calls(Operation::CancelJob, 1)
        .calls(Operation::DescribeJobs, 3)
}

/// In each answer more than a third of the jobs is missing, half of it done.
fn left_out_again(emulator: &Emulator) -> Case {
    emulator.set_faults(Faults {
        omit_done_rate: 0.2,
        omit_undone_rate: 0.2,
        ..Faults::default()
    });
    Case::new(cancelled(runnable(emulator, 50)))
        .calls(Operation::CancelJobs, 3)
        .calls(Operation::CancelJob, 1)
        .calls(Operation::DescribeJobs, 5)
        .takes(1)
}
