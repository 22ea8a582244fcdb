//! What the answer of a call that ends jobs means for each of them.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use tokio::time::Instant;

use super::{
    end_queue::{EndCall, TrialResult},
    engine::Engine,
};
use crate::{
    batch::{CallError, EndAnswer, EndOperation, ErrorKind},
    jobs::{CallResult, JobIndex, Stage},
    pace::backoff,
    plan::outcome_of,
    request::JobId,
};

/// Jobs whose call is to be sent again, by how often it has failed: those alike go together, as they did before.
pub(super) type Again = BTreeMap<u8, Vec<JobIndex>>;

impl Engine<'_> {
    /// Batch answered for each job.
    pub(super) fn on_acknowledged(&mut self, call: &EndCall, answer: EndAnswer, now: Instant) {
        let mut refused: HashMap<JobId, CallError> = answer.refused.into_iter().collect();
        let accepted: HashSet<JobId> = answer.accepted.into_iter().collect();
        let mut again = Again::new();
        for &(index, id) in &call.jobs {
            match refused.remove(&id) {
                Some(error) => self.on_refused(call.operation, index, id, error.into(), &mut again),
                None if accepted.contains(&id) => {
                    self.end_queue
                        .add_to_trial(call.operation, index, TrialResult::Allowed);
                    self.jobs[index].last_error = None;
                    self.verify_later(index, id, CallResult::Accepted);
                }
                None => {
                    let error = CallError::left_out().into();
                    self.on_refused(call.operation, index, id, error, &mut again);
                }
            }
        }
        self.end_all_later(again, now);
    }

    /// The call as a whole was refused, or not answered.
    pub(super) fn on_end_failed(&mut self, call: EndCall, error: CallError, now: Instant) {
        let is_bulk = call.jobs.len() > 1;
        match error.kind {
            ErrorKind::NoSuchOperation | ErrorKind::Refused if is_bulk => {
                self.end_singly(call, error);
            }
            ErrorKind::Denied if is_bulk && !self.end_queue.is_denied(call.operation) => {
                self.end_singly(call, error);
            }
            _ => {
                let error = Arc::new(error);
                let mut again = Again::new();
                for (index, id) in call.jobs {
                    let error = Arc::clone(&error);
                    self.on_refused(call.operation, index, id, error, &mut again);
                }
                self.end_all_later(again, now);
            }
        }
    }

    fn end_singly(&mut self, call: EndCall, error: CallError) {
        let was_denied = error.kind == ErrorKind::Denied;
        let error = Arc::new(error);
        for &(index, _) in &call.jobs {
            self.jobs[index].last_error = Some(Arc::clone(&error));
            self.jobs.enter(index, Stage::Queued);
        }
        self.end_queue.push_singles(call, was_denied);
    }

    /// Batch refused the call for a job, or did not answer: again later, after a look, or never.
    fn on_refused(
        &mut self,
        operation: EndOperation,
        index: JobIndex,
        id: JobId,
        error: Arc<CallError>,
        again: &mut Again,
    ) {
        let kind = error.kind;
        let job = &mut self.jobs[index];
        job.failed_ends = job.failed_ends.saturating_add(1);
        job.last_error = Some(error);
        let tries = job.failed_ends;
        match kind {
            ErrorKind::NoAnswer | ErrorKind::OutOfTime => {
                job.may_be_done = true;
                self.verify_later(index, id, CallResult::Unanswered);
            }
            // Nothing was done, so the call is sent again without a look.
            ErrorKind::Throttled | ErrorKind::Credentials | ErrorKind::Server
                if kind.may_be_retried(tries) =>
            {
                self.jobs.enter(index, Stage::Queued);
                again.entry(tries).or_default().push(index);
                return;
            }
            ErrorKind::Throttled | ErrorKind::Denied if !self.jobs[index].may_be_done => {
                let message = self.jobs[index].with_last_error("Batch refused the call");
                self.jobs.settle(index, outcome_of(kind), Some(message));
            }
            // The job may have started or ended: a look tells.
            _ => self.verify_later(index, id, CallResult::Refused),
        }
        self.end_queue
            .add_to_trial(operation, index, TrialResult::of(kind));
    }

    fn verify_later(&mut self, index: JobIndex, id: JobId, result: CallResult) {
        self.jobs[index].unchanged_looks = 0;
        self.due.remove(&index);
        self.jobs.enter(index, Stage::ToVerify(result));
        self.looks.add_again(id);
    }

    pub(super) fn end_all_later(&mut self, again: Again, now: Instant) {
        for (tries, indices) in again {
            let at = now + backoff(tries);
            self.timers.push(Reverse((at, indices)));
        }
    }
}
