//! What is decided job by job: thrown for each call, or drawn by seed and id once and for all.

use crate::{
    counts::Switch,
    dice::Dice,
    fault::ItemError,
    operation::Operation,
    status::{Exit, Status},
};

/// Why a job is refused by cancel or terminate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Fault(ItemError),
    /// A cancel comes too late.
    Started,
    Ended,
}

/// How a bulk call leaves a job out of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Omission {
    Done,
    Undone,
}

impl Dice {
    /// Why a job of this status (None: it is unknown) is refused by cancel or terminate: always, or
    /// (in a bulk call) this time.
    pub(crate) fn refuse(
        &mut self,
        operation: Operation,
        id: &str,
        status: Option<Status>,
    ) -> Option<Refusal> {
        let by_name = self.refuse_by_name(operation, id).map(Refusal::Fault);
        by_name
            .or_else(|| self.refuse_by_status(operation, id, status?))
            .or_else(|| self.refuse_by_throw(operation).map(Refusal::Fault))
    }

    fn refuse_by_name(&self, operation: Operation, id: &str) -> Option<ItemError> {
        let faults = self.faults();
        if faults.denied_jobs.contains(id) {
            self.bit(Switch::DeniedJobs);
            return Some(ItemError::AccessDenied);
        }
        if operation.is_bulk() && faults.denied.contains(&operation.iam_action()) {
            self.bit(Switch::Denied);
            return Some(ItemError::AccessDenied);
        }
        let error = faults.item_errors.get(id).copied();
        if error.is_some() {
            self.bit(Switch::ItemErrors);
        }
        error
    }

    fn refuse_by_status(&self, operation: Operation, id: &str, status: Status) -> Option<Refusal> {
        let faults = self.faults();
        if status.is_final() {
            let (switch, rate) = (Switch::RefuseEndedRate, faults.refuse_ended_rate);
            return self.draw(switch, id, rate).then_some(Refusal::Ended);
        }
        if status.is_cancellable() || operation.iam_action() != Operation::CancelJob {
            return None;
        }
        let (switch, rate) = (Switch::RefuseStartedRate, faults.refuse_started_rate);
        self.draw(switch, id, rate).then_some(Refusal::Started)
    }

    fn refuse_by_throw(&mut self, operation: Operation) -> Option<ItemError> {
        if !operation.is_bulk() || !self.applies_to(operation) {
            return None;
        }
        if self.roll(Switch::ItemThrottleRate, self.faults().item_throttle_rate) {
            return Some(ItemError::ThrottlingException);
        }
        let rate = self.faults().item_server_error_rate;
        self.roll(Switch::ItemServerErrorRate, rate)
            .then_some(ItemError::ServerException)
    }

    /// Whether a bulk call leaves a job that it does not refuse out of its answer.
    pub(crate) fn omit(&mut self, operation: Operation, id: &str) -> Option<Omission> {
        if self.faults().omit_done.contains(id) {
            self.bit(Switch::OmitDone);
            return Some(Omission::Done);
        }
        if self.faults().omit_undone.contains(id) {
            self.bit(Switch::OmitUndone);
            return Some(Omission::Undone);
        }
        if !self.applies_to(operation) {
            return None;
        }
        if self.roll(Switch::OmitDoneRate, self.faults().omit_done_rate) {
            return Some(Omission::Done);
        }
        self.roll(Switch::OmitUndoneRate, self.faults().omit_undone_rate)
            .then_some(Omission::Undone)
    }

    /// Whether this id makes a `DescribeJobs` that names it fail.
    pub(crate) fn fails_describe(&self, id: &str) -> bool {
        let faults = self.faults();
        if faults.fails_describe.contains(id) {
            self.bit(Switch::FailsDescribe);
            return true;
        }
        self.draw(Switch::FailsDescribeRate, id, faults.fails_describe_rate)
    }

    /// How a job exits that a cancel does not stop; None if it does.
    pub(crate) fn runs_anyway(&self, id: &str) -> Option<Exit> {
        let faults = self.faults();
        if let Some(exit) = faults.runs_anyway.get(id) {
            self.bit(Switch::RunsAnyway);
            return Some(*exit);
        }
        let switch = Switch::RunsAnywayRate;
        self.draw(switch, id, faults.runs_anyway_rate).then(|| {
            // Not the throw that decided whether, which is below the rate.
            let mut random = self.random_of(switch, id);
            random.f64();
            if random.bool() {
                Exit::Succeeded
            } else {
                Exit::Failed
            }
        })
    }

    /// Whether a switch of this rate bites for an id: the same in every call.
    fn draw(&self, switch: Switch, id: &str, rate: f64) -> bool {
        let bites = rate > 0.0 && self.random_of(switch, id).f64() < rate;
        if bites {
            self.bit(switch);
        }
        bites
    }

    /// Dice of its own for each seed, switch and id (FNV-1a, which is the same in every build).
    fn random_of(&self, switch: Switch, id: &str) -> fastrand::Rng {
        const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x0100_0000_01b3;
        let seed = self.faults().seed.to_le_bytes();
        let bytes = seed
            .iter()
            .chain(switch.name().as_bytes())
            .chain(id.as_bytes());
        let hash = bytes.fold(OFFSET, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(PRIME)
        });
        fastrand::Rng::with_seed(hash)
    }
}
