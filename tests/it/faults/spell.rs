//! A spell of trouble: what goes wrong during an event, how Batch behaves where AWS leaves a choice, and what is rare in a
//! request. What is rare is dealt out by the spell's number, so that no run is without it.

mod drawn;

use std::time::Duration;

use batch_emulator::{Behaviour, BulkCalls, Exit, Faults, ItemError, Operation, Tokens};
use drawn::{behaviour, faults};
use fastrand::Rng;

/// The forms in which an endpoint does not know the bulk calls.
const ABSENT: [BulkCalls; 5] = [
    BulkCalls::NotFound,
    BulkCalls::UnknownOperation,
    BulkCalls::MissingToken,
    BulkCalls::UndeterminedOperation,
    BulkCalls::UndeterminedOperationXml,
];

pub(crate) const ITEM_ERRORS: [ItemError; 5] = [
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

/// Everything rare has come once in so many spells.
pub(crate) const CYCLE: u64 = 32;

/// Places in the cycle.
const DRY_RUN: u64 = 5;
const OF_BULK: [u64; 8] = [0, 1, 2, 3, 4, 13, 28, 30];
const TOKENS: [u64; 2] = [22, 23];

/// What goes wrong during an event.
#[derive(Clone, Debug)]
pub(crate) struct Spell {
    number: u64,
    pub(crate) faults: Faults,
    pub(crate) behaviour: Behaviour,
    /// The probability that a job changes its status just before a call that names it, and before one that would end it.
    pub(crate) moves: f64,
    pub(crate) moves_at_end: f64,
    pub(crate) dry_run: bool,
    pub(crate) fail_on_incomplete: bool,
    pub(crate) wait_seconds: u64,
    pub(crate) deadline: Duration,
    /// Which switches that name jobs are on.
    named: [bool; 6],
}

/// Whether something of this probability is so.
pub(crate) fn chance(random: &mut Rng, share: f64) -> bool {
    random.f64() < share
}

/// A time of up to so many seconds.
pub(crate) fn time(random: &mut Rng, seconds: f64) -> Duration {
    Duration::from_secs_f64(random.f64() * seconds)
}

impl Spell {
    /// The spell of this number.
    pub(crate) fn of(number: u64, random: &mut Rng) -> Self {
        let deadline = match random.u8(..10) {
            0..=3 => Duration::from_mins(1),
            4..=6 => Duration::from_mins(5),
            _ => Duration::from_millis(100) + time(random, 10.0),
        };
        let mut spell = Self {
            number,
            faults: faults(random),
            behaviour: behaviour(random),
            moves: if chance(random, 0.3) { 0.1 } else { 0.0 },
            moves_at_end: 0.0,
            dry_run: false,
            fail_on_incomplete: chance(random, 0.3),
            wait_seconds: if chance(random, 0.2) {
                random.u64(1..=20)
            } else {
                0
            },
            deadline,
            named: [0.2, 0.2, 0.15, 0.15, 0.15, 0.2].map(|share| chance(random, share)),
        };
        spell.deal(random);
        // What a call has done already, and does not show yet, must not be undone from outside.
        if !spell.faults.flag_delay.is_zero() {
            (spell.moves, spell.moves_at_end) = (0.0, 0.0);
        }
        spell
    }

    /// Whether the token of a next page goes wrong.
    pub(crate) fn is_of_tokens(&self) -> bool {
        TOKENS.contains(&self.place())
    }

    /// The place in the cycle. Neighbours lie apart in it.
    fn place(&self) -> u64 {
        self.number.wrapping_mul(13) % CYCLE
    }

    /// Whether a dry run is to terminate.
    pub(crate) fn dry_run_terminates(&self) -> Option<bool> {
        self.dry_run
            .then_some((self.number / CYCLE).is_multiple_of(2))
    }

    /// Whether what goes wrong needs several jobs in a call.
    pub(crate) fn is_of_bulk(&self) -> bool {
        OF_BULK.contains(&self.place())
    }

    /// Whether it is one spell in so many that has something rare of a door's own.
    pub(crate) fn is_one_in(&self, many: u64) -> bool {
        (self.number / CYCLE + self.number).is_multiple_of(many)
    }

    /// What is rare, or may be missed by a call or two, and is dealt out by number.
    fn deal(&mut self, random: &mut Rng) {
        let place = self.place();
        self.dry_run = place == DRY_RUN;
        // A dry run, or one that has no time, would miss the rest.
        if !self.dry_run {
            self.deadline = self.deadline.max(Duration::from_secs(8));
        }
        let faults = &mut self.faults;
        match place {
            0..=4 => faults.bulk_calls = ABSENT[usize::try_from(place).unwrap()],
            6 => faults.slow = BULK.map(|operation| (operation, SLOW[1])).into(),
            7 => faults.slow = SINGLE.map(|operation| (operation, SLOW[0])).into(),
            8 => drop(faults.slow.insert(Operation::DescribeJobs, SLOW[0])),
            9 => (faults.slow_rate, faults.slow_for) = (0.3, SLOW[1]),
            10 => faults.hang_rate = 0.3,
            11 => faults.reset_after_rate = 0.3,
            12 => faults.cut_short_rate = 0.3,
            13 => {
                (faults.omit_done_rate, faults.omit_undone_rate) = (0.4, 0.4);
                self.named[3] = true;
            }
            14 => faults.denied.extend(SINGLE),
            15 => faults.denied.extend(BULK),
            16 => faults.denied.extend(SINGLE.into_iter().chain(BULK)),
            17 => faults.denied.extend([Operation::DescribeJobs]),
            18 => (faults.calls_per_second, faults.burst) = (Some(2.0), Some(1)),
            19 => faults.visibility_delay = Duration::from_secs(5),
            20 => faults.flag_delay = Duration::from_secs(3),
            21 => faults.throttle_rate = 0.95,
            22 => faults.tokens = Tokens::Expired,
            23 => faults.tokens = Tokens::Repeated,
            24 => faults.fails_describe_rate = 0.2,
            25 | 26 => {
                faults.flag_delay = Duration::ZERO;
                self.moves_at_end = 0.6;
                (faults.refuse_started_rate, faults.refuse_ended_rate) = (1.0, 1.0);
            }
            27 => (faults.runs_anyway_rate, self.named[5]) = (0.5, true),
            28 => self.named = [true; 6],
            29 => self.behaviour.terminate_delay = Duration::from_secs(4),
            30 => (faults.item_throttle_rate, faults.item_server_error_rate) = (0.3, 0.3),
            31 => self.behaviour.cancel_delay = time(random, 5.0) + Duration::from_secs(1),
            _ => {}
        }
    }

    /// Sets the switches that name jobs, of which each is a tenth of these in some spells.
    pub(crate) fn name_jobs<'a>(
        &mut self,
        random: &mut Rng,
        ids: impl IntoIterator<Item = &'a str>,
    ) {
        let [denied, errors, ignored, omitted, unseen, escaped] = self.named;
        let faults = &mut self.faults;
        let ids: Vec<&str> = ids.into_iter().collect();
        // Where there are few, none is left in peace.
        let most = if ids.len() < 20 { 33 } else { 60 };
        for id in ids {
            let id = id.to_owned();
            match random.u8(..most) {
                0..=5 if denied => {
                    faults.denied_jobs.insert(id);
                }
                6..=11 if errors => {
                    let error = *random.choice(&ITEM_ERRORS).unwrap();
                    faults.item_errors.insert(id, error);
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
                24..=26 if unseen => {
                    faults.fails_describe.insert(id);
                }
                27..=32 if escaped => {
                    let exits = [Exit::Succeeded, Exit::Failed];
                    let exit = *random.choice(&exits).unwrap();
                    faults.runs_anyway.insert(id, exit);
                }
                _ => {}
            }
        }
    }
}
