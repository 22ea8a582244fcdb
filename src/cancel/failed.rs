//! What it means for its jobs that a look failed.

use std::sync::Arc;

use tokio::time::Instant;

use super::{engine::Engine, retry::may_retry};
use crate::{
    batch::{CallError, ErrorKind},
    jobs::{CallResult, Stage},
    pace::backoff,
    plan::Message,
    plan::outcome_of,
    report::Outcome,
    request::JobId,
};

impl Engine<'_> {
    /// Batch refused a look, or did not answer it.
    pub(super) fn on_look_failed(&mut self, ids: Vec<JobId>, error: CallError, now: Instant) {
        if error.kind == ErrorKind::Refused && ids.len() > 1 {
            return self.halve(ids);
        }
        if error.kind == ErrorKind::Refused {
            self.looks.clear(&ids);
        }
        let error = Arc::new(error);
        let mut again = Vec::new();
        let mut most_tries = 1;
        for id in ids {
            let of_parent = self.on_parent_failed(id, &error);
            let of_job = self.on_job_failed(id, &error);
            if let Some(tries) = of_parent.max(of_job) {
                most_tries = most_tries.max(tries);
                again.push(id);
            }
        }
        self.look_later(again, now + backoff(most_tries));
    }

    /// One id makes Batch refuse all of them. That it answered is progress, so the tries of each begin anew.
    fn halve(&mut self, ids: Vec<JobId>) {
        for &id in &ids {
            self.parents.clear_failed(id);
            if let Some(index) = self.jobs.index_of(id) {
                self.jobs[index].failed_looks = 0;
            }
        }
        self.looks.push_halves(ids);
    }

    /// How often the look has failed now, if it is to be tried again.
    fn on_parent_failed(&mut self, id: JobId, error: &CallError) -> Option<u8> {
        let tries = self.parents.count_failed(id)?;
        if may_retry(error.kind, tries) {
            return Some(tries);
        }
        let why = format!("its array parent, whose tags count for it: {error}");
        self.give_up_parent(id, outcome_of(error.kind), why);
        None
    }

    /// Nothing can be known of an array: its children have this outcome.
    pub(super) fn give_up_parent(&mut self, parent: JobId, outcome: Outcome, why: String) {
        let message = why.clone().into();
        for (index, _) in self.parents.learn(parent, Err((outcome, why))) {
            self.jobs
                .settle(index, outcome, Some(Message::clone(&message)));
        }
    }

    fn on_job_failed(&mut self, id: JobId, error: &Arc<CallError>) -> Option<u8> {
        let index = self.jobs.index_of(id)?;
        let job = &mut self.jobs[index];
        job.failed_looks = job.failed_looks.saturating_add(1);
        job.last_error = Some(Arc::clone(error));
        if may_retry(error.kind, job.failed_looks) {
            return Some(job.failed_looks);
        }
        let (outcome, message) = match job.stage() {
            Stage::ToDescribe if job.may_be_done => (Outcome::Unconfirmed, "the look failed"),
            Stage::ToDescribe => (outcome_of(error.kind), "the look failed"),
            Stage::ToVerify(CallResult::Accepted) => (
                Outcome::Unconfirmed,
                "Batch accepted the call, and the look at its effect failed",
            ),
            Stage::ToVerify(CallResult::Unanswered) => (
                Outcome::Unconfirmed,
                "Batch did not answer the call, and the look at its effect failed",
            ),
            Stage::ToVerify(CallResult::Refused) => (
                Outcome::Unconfirmed,
                "Batch refused the call, and the look that would show why failed",
            ),
            Stage::Queued | Stage::Sent | Stage::Settled { .. } => return None,
        };
        let message = job.with_last_error(message);
        self.jobs.settle(index, outcome, Some(message));
        None
    }
}
