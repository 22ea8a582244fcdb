//! What is decided job by job.

use crate::{counts::Switch, dice::Dice, fault::ItemError, operation::Operation};

impl Dice {
    /// Why a job is refused by cancel or terminate: always, or (in a bulk call) this time.
    pub(crate) fn refuse(&mut self, operation: Operation, id: &str) -> Option<ItemError> {
        let bulk = operation.is_bulk();
        let faults = self.faults();
        if faults.denied_jobs.contains(id) {
            self.bit(Switch::DeniedJobs);
            return Some(ItemError::AccessDenied);
        }
        if bulk && faults.denied.contains(&operation.iam_action()) {
            self.bit(Switch::Denied);
            return Some(ItemError::AccessDenied);
        }
        if let Some(error) = faults.item_errors.get(id) {
            self.bit(Switch::ItemErrors);
            return Some(*error);
        }
        if !bulk || !self.applies_to(operation) {
            return None;
        }
        if self.roll(Switch::ItemThrottleRate, self.faults().item_throttle_rate) {
            return Some(ItemError::ThrottlingException);
        }
        self.roll(
            Switch::ItemServerErrorRate,
            self.faults().item_server_error_rate,
        )
        .then_some(ItemError::ServerException)
    }
}
