//! What is explored: how many jobs of which kind, what is asked, and how much may go wrong.

use super::*;

/// A job, or an array with its only child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Single,
    /// A child, whose array is not asked for.
    Child,
    /// A child of an array that carries the protect tag.
    ProtectedChild,
    /// Another child of the array before.
    Sibling,
    /// An array parent and its child, both asked for.
    Array,
    Service,
}

/// What is asked of the jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    Cancel,
    Terminate,
    DryRun,
    /// To cancel, and to look until the jobs have ended.
    CancelAndWait,
}

impl Ask {
    pub(super) fn intent(self) -> Intent {
        match self {
            Self::Cancel | Self::CancelAndWait => CANCEL,
            Self::Terminate => Intent::new(Action::Terminate, false),
            Self::DryRun => Intent::new(Action::Cancel, true),
        }
    }

    pub(super) fn wait(self) -> Duration {
        match self {
            Self::CancelAndWait => 3 * SECOND,
            _ => Duration::ZERO,
        }
    }
}

/// An exploration.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    pub(super) jobs: &'static [Kind],
    pub(super) ask: Ask,
    /// How many answers may be other than they should.
    pub(super) faults: u8,
    /// How often a job may move by itself.
    pub(super) moves: u8,
    /// How many calls may be in flight.
    pub(super) concurrency: usize,
    /// How long the slowest call has taken.
    pub(super) slowest: Duration,
}

const fn setting(jobs: &'static [Kind], ask: Ask, faults: u8, moves: u8) -> Setting {
    Setting {
        jobs,
        ask,
        faults,
        moves,
        concurrency: 8,
        slowest: Duration::from_millis(100),
    }
}

const fn slow(setting: Setting) -> Setting {
    Setting {
        slowest: Duration::from_secs(25),
        ..setting
    }
}

const fn one_by_one(setting: Setting) -> Setting {
    Setting {
        concurrency: 1,
        ..setting
    }
}

/// As many moves as a job can make.
const FREE: u8 = u8::MAX;

use Ask::{Cancel, CancelAndWait, DryRun, Terminate};
use Kind::{Array, Child, ProtectedChild, Service, Sibling, Single};

/// What `cargo test` explores.
const SMALL: &[Setting] = &[
    setting(&[Single], Cancel, 2, 1),
    setting(&[Single], Terminate, 2, 1),
    setting(&[Single], CancelAndWait, 1, 1),
    setting(&[Single], DryRun, 1, 1),
    setting(&[Child], Cancel, 1, 1),
    setting(&[ProtectedChild], Cancel, 1, 1),
    setting(&[Service], Terminate, 1, 1),
    setting(&[Array], Cancel, 1, 0),
    setting(&[Single, Single], Cancel, 2, 0),
    one_by_one(setting(&[Single, Single], Cancel, 1, 0)),
    slow(setting(&[Single, Single], Cancel, 1, 0)),
    setting(&[Child, Sibling], Cancel, 1, 0),
    setting(&[Single, Single, Single], Cancel, 1, 0),
];

/// What `tests/soak histories` explores.
const WHOLE: &[Setting] = &[
    setting(&[Single], Cancel, 4, FREE),
    setting(&[Single], Terminate, 4, FREE),
    setting(&[Single], CancelAndWait, 3, FREE),
    setting(&[Single], DryRun, 4, FREE),
    setting(&[Service], Terminate, 4, FREE),
    setting(&[Child], Cancel, 3, 1),
    setting(&[Child], Terminate, 2, 2),
    setting(&[ProtectedChild], Cancel, 3, 2),
    setting(&[Array], Cancel, 2, 2),
    setting(&[Array], Terminate, 2, 1),
    setting(&[Single, Single], Cancel, 2, 2),
    setting(&[Single, Single], Terminate, 2, 1),
    one_by_one(setting(&[Single, Single], Cancel, 3, 1)),
    slow(setting(&[Single, Single], Cancel, 2, 1)),
    setting(&[Child, Sibling], Cancel, 2, 1),
    setting(&[Single, Child], Cancel, 2, 1),
    setting(&[Service, Service], Terminate, 2, 1),
    setting(&[Single, Service], Terminate, 2, 1),
    setting(&[Single, Single, Single], Cancel, 2, 1),
    setting(&[Single, Single, Single], Cancel, 3, 0),
];

/// The frontiers by name.
pub(super) const FRONTIER: [(&str, &[Setting]); 2] = [("small", SMALL), ("whole", WHOLE)];
