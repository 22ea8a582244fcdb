//! How often each switch of [`Faults`](crate::Faults) bit, so that a run can fail whose switches
//! never did.

use std::{cell::Cell, collections::BTreeMap};

use crate::emulator::Emulator;

/// Declares the switches, with their names in JSON.
macro_rules! switches {
    ($($switch:ident = $name:literal,)*) => {
        /// A switch that can bite.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Switch {
            $($switch,)*
        }

        const NAMES: [&str; [$($name),*].len()] = [$($name),*];
    };
}

switches! {
    Latency = "latency",
    Jitter = "jitter",
    Slow = "slow",
    SlowRate = "slowRate",
    CallsPerSecond = "callsPerSecond",
    ThrottleRate = "throttleRate",
    ItemThrottleRate = "itemThrottleRate",
    ItemServerErrorRate = "itemServerErrorRate",
    ItemErrors = "itemErrors",
    RefuseStartedRate = "refuseStartedRate",
    RefuseEndedRate = "refuseEndedRate",
    OmitDone = "omitDone",
    OmitDoneRate = "omitDoneRate",
    OmitUndone = "omitUndone",
    OmitUndoneRate = "omitUndoneRate",
    FailsDescribe = "failsDescribe",
    FailsDescribeRate = "failsDescribeRate",
    ServerErrorRate = "serverErrorRate",
    ResetBeforeRate = "resetBeforeRate",
    ResetAfterRate = "resetAfterRate",
    CutShortRate = "cutShortRate",
    HangRate = "hangRate",
    BulkCalls = "bulkCalls",
    Tokens = "tokens",
    Denied = "denied",
    DeniedJobs = "deniedJobs",
    QueueErrors = "queueErrors",
    VisibilityDelay = "visibilityDelay",
    FlagDelay = "flagDelay",
    IgnoreCancels = "ignoreCancels",
    RunsAnyway = "runsAnyway",
    RunsAnywayRate = "runsAnywayRate",
}

impl Switch {
    /// Its name in JSON, `throttleRate`.
    pub(crate) fn name(self) -> &'static str {
        NAMES.get(self as usize).copied().unwrap_or_default()
    }
}

/// How often each switch bit.
#[derive(Debug, Default)]
pub(crate) struct Counts([Cell<usize>; NAMES.len()]);

impl Counts {
    pub(crate) fn bit(&self, switch: Switch) {
        if let Some(count) = self.0.get(switch as usize) {
            count.set(count.get() + 1);
        }
    }
}

impl Emulator {
    /// How often each switch of [`Faults`](crate::Faults) bit since the start, by its name in JSON
    /// (`throttleRate`), with 0 for those that never did. Counted are calls, and for switches about
    /// jobs, jobs; not what [`Emulator::fail_next`] ordered. `visibilityDelay` counts the times that
    /// a look or a listing did not find a job. The same is `GET /_emulator/faults/counts`.
    #[must_use]
    pub fn fault_counts(&self) -> BTreeMap<&'static str, usize> {
        let state = self.state();
        let counts = state.dice.counts().0.iter().map(Cell::get);
        NAMES.into_iter().zip(counts).collect()
    }
}
