//! What a look means for each of its jobs.

use std::{cmp::Reverse, collections::BTreeSet, time::Duration};

use tokio::time::Instant;

use super::{
    acknowledged::Again,
    engine::{Engine, Timer},
    retry::may_retry,
};
use crate::{
    batch::{Described, ErrorKind, JobDetail, LOOK_AGAIN},
    jobs::{CallResult, JobIndex, Stage},
    plan::{Standing, verify},
    report::Outcome,
    request::JobId,
};

/// How often to look while waiting for the end of accepted jobs, at most…
const WAIT_LOOK: Duration = Duration::from_secs(2);

/// … and at least, when nothing changes.
const MAX_WAIT_LOOK: Duration = Duration::from_secs(15);

impl Engine<'_> {
    /// Batch answered a look at these ids. It leaves out those that it does not know.
    pub(super) fn on_described(&mut self, ids: Vec<JobId>, seen: Described, now: Instant) {
        self.looks.clear(&ids);
        let mut missing: BTreeSet<JobId> = ids.into_iter().collect();
        let mut again = Again::new();
        for (id, error) in seen.unreadable {
            if missing.remove(&id) {
                self.on_look_failed(vec![id], error, now);
            }
        }
        for job in seen.jobs {
            if missing.remove(&job.summary.id) {
                self.on_job(job, &mut again, now);
            }
        }
        self.end_all_later(again, now);
        let mut later: [Vec<JobId>; LOOK_AGAIN.len()] = Default::default();
        for id in missing {
            if let Some(round) = self.on_missing(id)
                && let Some(ids) = later.get_mut(round)
            {
                ids.push(id);
            }
        }
        for (ids, after) in later.into_iter().zip(LOOK_AGAIN) {
            self.look_later(ids, now + after);
        }
    }

    fn on_job(&mut self, job: JobDetail, again: &mut Again, now: Instant) {
        let id = job.summary.id;
        let standing = Standing::of(&job, self.policy, self.owner);
        for (index, child) in self.parents.learn(id, Ok(standing)) {
            let of_child = Standing::of(&child, self.policy, self.owner);
            self.plan(index, &child, of_child.in_array(standing), now);
        }
        let Some(index) = self.jobs.index_of(id) else {
            return;
        };
        self.jobs.observe(index, &job, now);
        self.jobs[index].failed_looks = 0;
        match self.jobs[index].stage() {
            Stage::ToDescribe => {
                self.jobs[index].unchanged_looks = 0;
                self.jobs[index].last_error = None;
                if id.parent().is_none() {
                    return self.plan(index, &job, standing, now);
                }
                match self.parents.standing(index, job) {
                    None => {}
                    Some((job, Ok(array))) => {
                        self.plan(index, &job, standing.in_array(array), now);
                    }
                    Some((_, Err((outcome, why)))) => {
                        self.jobs.settle(index, outcome, Some(why.into()));
                    }
                }
            }
            Stage::ToVerify(result) => {
                let result = result.clone();
                self.verify(index, &job, &result, again, now);
            }
            Stage::Settled { outcome, .. } if outcome.is_under_way() || outcome.is_refused() => {
                self.verify_end(index, &job, now);
            }
            // Looked at as the parent of another, or a moment too early: it proves nothing.
            Stage::Settled { .. } | Stage::Queued | Stage::Sent => {}
        }
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
        let job = &mut self.jobs[index];
        let after = LOOK_AGAIN.get(usize::from(job.unchanged_looks));
        job.unchanged_looks = job.unchanged_looks.saturating_add(1);
        if let Some(after) = after {
            return self.look_later(vec![id], now + *after);
        }
        let message = "Batch accepted the call, and shows the job unchanged";
        self.jobs
            .settle(index, Outcome::Unconfirmed, Some(message.into()));
    }

    /// Batch did not answer the call and shows the job unchanged: sends it again, as often as makes sense.
    fn end_again(&mut self, index: JobIndex, again: &mut Again) {
        let job = &self.jobs[index];
        if may_retry(ErrorKind::NoAnswer, job.failed_ends) {
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
            self.look_later(vec![id], (now + pause.min(MAX_WAIT_LOOK)).min(end));
        }
    }

    /// Batch does not show a job. Which of the later looks it waits for, if any.
    fn on_missing(&mut self, id: JobId) -> Option<usize> {
        let of_parent = self.on_missing_parent(id);
        let Some(index) = self.jobs.index_of(id) else {
            return of_parent;
        };
        let job = &mut self.jobs[index];
        let round = usize::from(job.unchanged_looks);
        let waits = matches!(job.stage(), Stage::ToDescribe | Stage::ToVerify(_));
        if waits && round < LOOK_AGAIN.len() {
            job.unchanged_looks += 1;
            return Some(round);
        }
        let outcome = match job.stage() {
            Stage::ToDescribe => Outcome::NotFound,
            Stage::ToVerify(CallResult::Refused) => Outcome::Failed,
            Stage::ToVerify(_) => Outcome::Unconfirmed,
            Stage::Queued | Stage::Sent | Stage::Settled { .. } => return of_parent,
        };
        let message = (outcome != Outcome::NotFound)
            .then(|| job.with_last_error("Batch does not show the job any more"));
        self.jobs.settle(index, outcome, message);
        of_parent
    }

    fn on_missing_parent(&mut self, id: JobId) -> Option<usize> {
        let looks = usize::from(self.parents.count_missing(id)?);
        if looks <= LOOK_AGAIN.len() {
            return Some(looks - 1);
        }
        let why = "Batch does not show its array parent, whose tags count for it";
        self.give_up_parent(id, Outcome::NotAttempted, why.to_owned());
        None
    }

    pub(super) fn look_later(&mut self, ids: Vec<JobId>, at: Instant) {
        if !ids.is_empty() {
            self.timers.push(Reverse((at, Timer::Look(ids))));
        }
    }
}
