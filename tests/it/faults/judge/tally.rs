//! Counts over the scenarios of a door: what never happened was not tested.

use std::{collections::BTreeMap, fmt};

use batch_cancel::report::Outcome;
use batch_emulator::{Call, Emulator};

use crate::faults::door::Door;

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

/// Counts over all scenarios.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) scenarios: usize,
    /// The jobs in the reports.
    pub(crate) jobs: usize,
    pub(crate) events: usize,
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
    pub(crate) fn outcome(&mut self, outcome: &str) {
        *self.outcomes.entry(outcome.to_owned()).or_default() += 1;
    }

    /// Counts calls, which are forgotten then. Switches are counted since the start.
    pub(crate) fn take(&mut self, emulator: &Emulator, calls: &[Call]) {
        self.calls += calls.len();
        self.switches = emulator.fault_counts();
        for fault in calls.iter().filter_map(|call| call.fault) {
            *self.faults.entry(format!("{fault:?}")).or_default() += 1;
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.scenarios += other.scenarios;
        self.jobs += other.jobs;
        self.events += other.events;
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

    /// Every switch bit, every form of fault met a call, and every outcome was reported, but for what cannot be at this door.
    pub(crate) fn must_be_varied(&self, door: Door) {
        let switches = self.switches.iter().filter(|(_, count)| **count > 0);
        let met: Vec<&str> = switches
            .map(|(name, _)| *name)
            .chain(self.faults.keys().map(String::as_str))
            .chain(self.outcomes.keys().map(String::as_str))
            .collect();
        // For `notOwner` each caller would need a name.
        let outcomes = Outcome::ALL
            .iter()
            .filter(|outcome| **outcome != Outcome::NotOwner);
        let outcomes = outcomes.map(|outcome| outcome.as_str());
        let names = self.switches.keys().copied().chain(outcomes).chain(FAULTS);
        let missing: Vec<&str> = names
            .filter(|name| !met.contains(name) && door.cannot_meet(name).is_none())
            .collect();
        assert!(missing.is_empty(), "{missing:?} never happened in {self}");
        let impossible: Vec<&&str> = met
            .iter()
            .filter(|name| door.cannot_meet(name).is_some())
            .collect();
        assert!(impossible.is_empty(), "{impossible:?} can happen in {self}");
        assert!(!door.is_killed() || self.kills > 0, "{self}");
        assert!(!door.is_of_messages() || self.failed_messages > 0, "{self}");
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            scenarios,
            jobs,
            events,
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
            "{jobs} jobs of {events} events in {scenarios} processes, {calls} calls, {kills} killed, \
             {failed_messages} messages returned, wrong {} {failures:?}; switches {switches:?}; \
             faults {faults:?}; reported {outcomes:?}",
            failures.len()
        )
    }
}
