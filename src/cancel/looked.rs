//! What a look means for each of its jobs.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{acknowledged::Again, engine::Engine};
use crate::{
    batch::{CallError, Described, ErrorKind, JobDetail, LOOK_AGAIN},
    jobs::{CallResult, JobIndex, Stage},
    look::Look,
    plan::{TagVerdict, outcome_of, verify},
    report::Outcome,
    request::JobId,
};

/// How often to look while waiting for the end of accepted jobs, at most…
const WAIT_LOOK: Duration = Duration::from_secs(2);

/// … and at least, when nothing changes.
const MAX_WAIT_LOOK: Duration = Duration::from_secs(15);

impl Engine<'_> {
    /// A look was answered, or was not.
    pub(super) fn on_looked(
        &mut self,
        ids: Vec<JobId>,
        answer: Result<Described, CallError>,
        now: Instant,
    ) {
        if let Err(error) = &answer {
            let error = Arc::new(error.clone());
            for id in &ids {
                if let Some(index) = self.jobs.index_of(*id) {
                    self.jobs[index].last_error = Some(Arc::clone(&error));
                }
            }
        }
        let mut again = Again::new();
        for (id, look) in self.looks.handle_answer(ids, answer, now) {
            let Some(index) = self.jobs.index_of(id) else {
                continue;
            };
            match look {
                Look::Seen(job, tags) => self.on_seen(index, &job, tags, &mut again, now),
                Look::NotFound => self.on_not_found(index),
                Look::Failed(error) | Look::Unseen(error) => self.on_look_failed(index, error),
            }
        }
        self.end_all_later(again, now);
    }

    fn on_seen(
        &mut self,
        index: JobIndex,
        job: &JobDetail,
        tags: TagVerdict,
        again: &mut Again,
        now: Instant,
    ) {
        self.jobs.observe(index, job, now);
        match self.jobs[index].stage() {
            Stage::ToLookAt => {
                self.jobs[index].last_error = None;
                self.plan(index, job, tags, now);
            }
            Stage::ToVerify(result) => {
                let result = result.clone();
                self.verify(index, job, &result, again, now);
            }
            Stage::Settled { outcome, .. } if outcome.is_under_way() || outcome.is_refused() => {
                self.verify_end(index, job, now);
            }
            // Looked at as the array of another, or a moment too early: it proves nothing.
            Stage::Settled { .. } | Stage::Queued | Stage::Sent => {}
        }
    }

    /// Batch does not know the job, also when asked again.
    fn on_not_found(&mut self, index: JobIndex) {
        let job = &self.jobs[index];
        let outcome = match job.stage() {
            Stage::ToLookAt => Outcome::NotFound,
            Stage::ToVerify(CallResult::Refused) if !job.may_be_done => Outcome::Failed,
            Stage::ToVerify(_) => Outcome::Unconfirmed,
            Stage::Queued | Stage::Sent | Stage::Settled { .. } => return,
        };
        let message = (outcome != Outcome::NotFound)
            .then(|| job.with_last_error("Batch does not show the job any more"));
        self.jobs.settle(index, outcome, message);
    }

    /// The look at a job has failed for good.
    fn on_look_failed(&mut self, index: JobIndex, error: Arc<CallError>) {
        let kind = error.kind;
        let job = &mut self.jobs[index];
        let (outcome, message) = match job.stage() {
            Stage::ToLookAt => (outcome_of(kind), "the look failed"),
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
            Stage::Queued | Stage::Sent | Stage::Settled { .. } => return,
        };
        job.last_error = Some(error);
        let message = job.with_last_error(message);
        self.jobs.settle(index, outcome, Some(message));
    }

    /// Whether a call for a job shows an effect.
    fn verify(
        &mut self,
        index: JobIndex,
        job: &JobDetail,
        result: &CallResult,
        again: &mut Again,
        now: Instant,
    ) {
        let known = &self.jobs[index];
        if let Some((outcome, message)) = verify(known.intent.action, job, known.was_cancelled()) {
            self.jobs[index].unchanged_looks = 0;
            self.jobs.settle(index, outcome, message);
            return self.wait_for_end(index, job.summary.id, now);
        }
        match result {
            CallResult::Accepted => self.look_again(index, job.summary.id, now),
            CallResult::Refused if known.may_be_done => {
                let message = known.with_last_error(
                    "a call was not answered, a later one was refused, and Batch shows the job unchanged",
                );
                self.jobs.settle(index, Outcome::Unconfirmed, Some(message));
            }
            CallResult::Refused => {
                let message = known.with_last_error("Batch refused the call");
                self.jobs.settle(index, Outcome::Failed, Some(message));
            }
            CallResult::Unanswered => self.end_again(index, again),
        }
    }

    /// Batch accepted the call and shows the job unchanged: looks again, and then believes that nothing happened.
    fn look_again(&mut self, index: JobIndex, id: JobId, now: Instant) {
        // Looked at as the array of another.
        if self.due.get(&index).is_some_and(|due| now < *due) {
            return;
        }
        let job = &mut self.jobs[index];
        let after = LOOK_AGAIN.get(usize::from(job.unchanged_looks));
        job.unchanged_looks = job.unchanged_looks.saturating_add(1);
        if let Some(after) = after {
            let due = now + *after;
            self.due.insert(index, due);
            return self.looks.add_later(vec![id], due);
        }
        let message = "Batch accepted the call, and shows the job unchanged";
        self.jobs
            .settle(index, Outcome::Unconfirmed, Some(message.into()));
    }

    /// Batch did not answer the call and shows the job unchanged: sends it again, as often as makes sense.
    fn end_again(&mut self, index: JobIndex, again: &mut Again) {
        let job = &self.jobs[index];
        if ErrorKind::NoAnswer.may_be_retried(job.failed_ends) {
            again.entry(job.failed_ends).or_default().push(index);
            self.jobs.enter(index, Stage::Queued);
        } else {
            let message =
                job.with_last_error("Batch did not answer the call, and shows the job unchanged");
            self.jobs.settle(index, Outcome::Unconfirmed, Some(message));
        }
    }

    /// Looks again at a job that was being ended, for a request that waits for the end, or that its array may have ended.
    fn verify_end(&mut self, index: JobIndex, job: &JobDetail, now: Instant) {
        let known = &mut self.jobs[index];
        if let Some((outcome, message)) = verify(known.intent.action, job, known.was_cancelled()) {
            known.unchanged_looks = known.unchanged_looks.saturating_add(1);
            self.jobs.settle(index, outcome, message);
        }
        self.wait_for_end(index, job.summary.id, now);
    }

    /// Has a job that is being ended looked at again, if its request waits for the end.
    pub(super) fn wait_for_end(&mut self, index: JobIndex, id: JobId, now: Instant) {
        let job = &self.jobs[index];
        let is_under_way = job.outcome().is_some_and(Outcome::is_under_way);
        if !is_under_way || job.intent.dry_run {
            return;
        }
        let pause = WAIT_LOOK.saturating_mul(1 << job.unchanged_looks.min(3));
        let end = self.began + self.jobs.options(index).wait;
        // One time for all jobs of an answer, so that they share the next look as well.
        if now < end {
            self.looks
                .add_later(vec![id], (now + pause.min(MAX_WAIT_LOOK)).min(end));
        }
    }
}
