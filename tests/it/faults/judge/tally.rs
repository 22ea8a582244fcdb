//! Counts over all scenarios: what never happened was not tested.

use std::{collections::BTreeMap, fmt};

use batch_emulator::{Call, Emulator};

/// Every outcome that a request for ids can have.
const OUTCOMES: [&str; 16] = [
    "cancelled",
    "cancelling",
    "terminated",
    "terminating",
    "running",
    "finished",
    "notFound",
    "protected",
    "queueNotAllowed",
    "wouldCancel",
    "invalidId",
    "denied",
    "throttled",
    "failed",
    "unconfirmed",
    "notAttempted",
];

/// Every form in which a call goes wrong.
const FAULTS: [&str; 14] = [
    "Denied",
    "Throttled",
    "ServerError",
    "ResetBefore",
    "ResetAfter",
    "CutShort",
    "Slow",
    "HangBefore",
    "HangAfter",
    "NotFound",
    "UnknownOperation",
    "MissingToken",
    "UndeterminedOperation",
    "UndeterminedOperationXml",
];

/// What a request to cancel meets, and one to terminate does not.
const OF_CANCEL: [&str; 5] = [
    "running",
    "wouldCancel",
    "refuseStartedRate",
    "runsAnyway",
    "runsAnywayRate",
];

/// What only a run of this many jobs must meet.
const LONG_RUN: usize = 50_000;
const RARE: [&str; 15] = [
    "wouldCancel",
    "terminating",
    "NotFound",
    "UnknownOperation",
    "MissingToken",
    "UndeterminedOperation",
    "UndeterminedOperationXml",
    "bulkCalls",
    "callsPerSecond",
    "omitDone",
    "omitUndone",
    "refuseStartedRate",
    "refuseEndedRate",
    "slow",
    "Slow",
];

/// Counts over all scenarios.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) scenarios: usize,
    pub(crate) jobs: usize,
    calls: usize,
    /// How often each kind of fault met a call.
    faults: BTreeMap<String, usize>,
    /// How often each switch of the emulator bit.
    switches: BTreeMap<&'static str, usize>,
    outcomes: BTreeMap<String, usize>,
    pub(crate) failed_messages: usize,
    pub(crate) kills: usize,
    pub(crate) failures: Vec<u64>,
}

impl Tally {
    pub(crate) fn of(jobs: usize) -> Self {
        Self {
            scenarios: 1,
            jobs,
            ..Self::default()
        }
    }

    pub(crate) fn outcome(&mut self, outcome: &str) {
        *self.outcomes.entry(outcome.to_owned()).or_default() += 1;
    }

    pub(crate) fn take(&mut self, emulator: &Emulator, calls: &[Call]) {
        self.calls = calls.len();
        self.switches = emulator.fault_counts();
        for fault in calls.iter().filter_map(|call| call.fault) {
            *self.faults.entry(format!("{fault:?}")).or_default() += 1;
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.scenarios += other.scenarios;
        self.jobs += other.jobs;
        self.calls += other.calls;
        self.failed_messages += other.failed_messages;
        self.kills += other.kills;
        for (all, one) in [
            (&mut self.faults, &other.faults),
            (&mut self.outcomes, &other.outcomes),
        ] {
            for (name, count) in one {
                *all.entry(name.clone()).or_default() += count;
            }
        }
        for (switch, count) in &other.switches {
            *self.switches.entry(switch).or_default() += count;
        }
    }

    /// Every switch bit, every form of fault met a call, and every outcome was reported.
    pub(crate) fn must_be_varied(&self, terminate: bool) {
        let is_excused = |name: &str| {
            (terminate && OF_CANCEL.contains(&name))
                || (self.jobs < LONG_RUN && RARE.contains(&name))
        };
        for name in OUTCOMES {
            let was_reported = self.outcomes.contains_key(name);
            assert!(was_reported || is_excused(name), "no {name} in {self}");
        }
        for name in FAULTS {
            let was_met = self.faults.contains_key(name);
            assert!(was_met || is_excused(name), "no {name} in {self}");
        }
        // Requests by id list nothing: no token is ever used, and no queue read.
        let of_listings = |name: &str| ["tokens", "queueErrors"].contains(&name);
        let switches = self.switches.iter();
        for (name, count) in switches.filter(|(name, _)| !of_listings(name)) {
            assert!(*count > 0 || is_excused(name), "{name} never bit in {self}");
        }
        assert!(self.kills > 0 && self.failed_messages > 0, "{self}");
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            scenarios,
            jobs,
            calls,
            faults,
            switches,
            outcomes,
            failed_messages,
            kills,
            failures,
        } = self;
        write!(
            f,
            "{jobs} jobs in {scenarios} scenarios, {calls} calls, {kills} processes killed, \
             {failed_messages} messages returned, {} scenarios failed {failures:?}\n\
             switches {switches:?}\nfaults of calls {faults:?}\nreported {outcomes:?}",
            failures.len()
        )
    }
}
