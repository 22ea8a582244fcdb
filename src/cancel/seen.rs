//! What a look at jobs means for each of them.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::Instant;

use super::{
    looks::Parent,
    run::{LOOK_AGAIN, Run, may_try_again, outcome_of},
};
use crate::{
    batch::{CallError, JobDetail},
    jobs::{JobIndex, Stage},
    pace::backoff,
    plan::verify,
    report::Outcome,
    request::JobId,
};

/// How often to look while waiting for the end of accepted jobs, at most…
const WAIT_LOOK: Duration = Duration::from_secs(2);

/// … and at least, when nothing changes.
const MAX_WAIT_LOOK: Duration = Duration::from_secs(15);

impl Run<'_> {
    /// The jobs of a look, and what was seen of them: those that Batch does not know are left out.
    pub(super) fn saw(&mut self, ids: Vec<JobId>, seen: Vec<JobDetail>, now: Instant) {
        let mut missing: BTreeSet<JobId> = ids.into_iter().collect();
        for seen in seen {
            if missing.remove(&seen.summary.id) {
                self.saw_job(seen, now);
            }
        }
        let mut later: [Vec<JobId>; LOOK_AGAIN.len()] = Default::default();
        for id in missing {
            if let Some(round) = self.missed(id)
                && let Some(ids) = later.get_mut(round)
            {
                ids.push(id);
            }
        }
        for (ids, after) in later.into_iter().zip(LOOK_AGAIN) {
            self.look_later(ids, now + after);
        }
    }

    fn saw_job(&mut self, seen: JobDetail, now: Instant) {
        let protected = self.is_protected(&seen);
        for (place, child) in self.parents.learn(seen.summary.id, Ok(protected)) {
            self.decide(place, &child, protected);
        }
        let Some(place) = self.jobs.place(seen.summary.id) else {
            return;
        };
        self.jobs.note(place, &seen);
        let Some(job) = self.jobs.get_mut(place) else {
            return;
        };
        job.tries = 0;
        match job.stage {
            Stage::ToDescribe => {
                job.unchanged_looks = 0;
                job.last_error = None;
                let of_parent = match seen
                    .summary
                    .id
                    .parent()
                    .and_then(|parent| self.parents.get_mut(parent))
                {
                    Some(Parent::Awaited { children, .. }) => {
                        children.push((place, seen));
                        return;
                    }
                    Some(Parent::Known(Err(why))) => {
                        let why = why.clone();
                        return self.settle(place, Outcome::Failed, Some(why.into()));
                    }
                    Some(Parent::Known(Ok(protected))) => *protected,
                    None => false,
                };
                self.decide(place, &seen, protected || of_parent);
            }
            Stage::Accepted { .. } => self.check(place, &seen, now),
            Stage::Settled { outcome, .. } if is_under_way(outcome) => {
                self.check_again(place, &seen);
            }
            Stage::Settled { .. }
            | Stage::Ignored(_)
            | Stage::Unmeant
            | Stage::Counted
            | Stage::Waiting
            | Stage::Held
            | Stage::Queued
            | Stage::Sent => {}
        }
    }

    fn is_protected(&self, seen: &JobDetail) -> bool {
        let tag = &self.session.policy.protect_tag;
        seen.tags.iter().any(|(key, value)| tag.is(key, value))
    }

    /// Looks whether an accepted call shows.
    fn check(&mut self, place: JobIndex, seen: &JobDetail, now: Instant) {
        let Some(job) = self.jobs.get_mut(place) else {
            return;
        };
        if let Some((outcome, message)) = verify(job.intent.action, seen, job.was_cancelled) {
            job.unchanged_looks = 0;
            self.settled(place, outcome, message);
            self.wait_for_end(place, seen.summary.id);
            return;
        }
        self.nothing_shows(place, seen.summary.id, now);
    }

    /// An accepted call shows nothing: look again, then believe that nothing came of it.
    fn nothing_shows(&mut self, place: JobIndex, id: JobId, now: Instant) {
        let Some(job) = self.jobs.get_mut(place) else {
            return;
        };
        let round = usize::from(job.unchanged_looks);
        job.unchanged_looks = job.unchanged_looks.saturating_add(1);
        if let (Some(after), Stage::Accepted { .. }) = (LOOK_AGAIN.get(round), &job.stage) {
            self.look_later(vec![id], now + *after);
        } else if let Stage::Accepted { unless_shown, why } = job.stage.clone() {
            self.settled(place, unless_shown, Some(why));
        }
    }

    /// Looks again at a job that was being cancelled, for a request that waits for the end.
    fn check_again(&mut self, place: JobIndex, seen: &JobDetail) {
        let Some(job) = self.jobs.get_mut(place) else {
            return;
        };
        if let Some((outcome, message)) = verify(job.intent.action, seen, job.was_cancelled) {
            job.unchanged_looks = job.unchanged_looks.saturating_add(1);
            self.settled(place, outcome, message);
        }
        self.wait_for_end(place, seen.summary.id);
    }

    /// Has a job that is being cancelled looked at again, if its request waits for the end.
    pub(super) fn wait_for_end(&mut self, place: JobIndex, id: JobId) {
        let Some(job) = self.jobs.get(place) else {
            return;
        };
        let wait = self
            .jobs
            .terms(job.request)
            .map_or(Duration::ZERO, |terms| terms.wait);
        if !job.outcome().is_some_and(is_under_way) || job.intent.dry_run {
            return;
        }
        let pause = WAIT_LOOK
            .saturating_mul(1 << job.unchanged_looks.min(3))
            .min(MAX_WAIT_LOOK);
        let end = self.began + wait;
        // One time for all jobs of an answer, so that they share the next look as well.
        if self.now < end {
            self.look_later(vec![id], (self.now + pause).min(end));
        }
    }

    /// Batch does not show a job. Which of the later looks it waits for, if any.
    fn missed(&mut self, id: JobId) -> Option<usize> {
        let mut again = self.missed_parent(id);
        let Some(place) = self.jobs.place(id) else {
            return again;
        };
        let Some(job) = self.jobs.get_mut(place) else {
            return again;
        };
        let round = usize::from(job.unchanged_looks);
        match &job.stage {
            Stage::ToDescribe | Stage::Accepted { .. } if round < LOOK_AGAIN.len() => {
                job.unchanged_looks += 1;
                again = Some(round);
            }
            Stage::ToDescribe => self.settle(place, Outcome::NotFound, None),
            Stage::Accepted { unless_shown, .. } => {
                let outcome = *unless_shown;
                self.settled(
                    place,
                    outcome,
                    Some("Batch does not show the job any more".into()),
                );
            }
            _ => {}
        }
        again
    }

    fn missed_parent(&mut self, id: JobId) -> Option<usize> {
        match self.parents.get_mut(id)? {
            Parent::Known(_) => None,
            Parent::Awaited { tries, .. } if usize::from(*tries) < LOOK_AGAIN.len() => {
                *tries += 1;
                Some(usize::from(*tries - 1))
            }
            Parent::Awaited { .. } => {
                self.parent_unknown(
                    id,
                    "Batch does not show its array parent, whose tags protect it",
                );
                None
            }
        }
    }

    fn parent_unknown(&mut self, parent: JobId, why: &str) {
        for (place, _) in self.parents.learn(parent, Err(why.to_owned())) {
            self.settle(place, Outcome::Failed, Some(why.to_owned().into()));
        }
    }

    /// The look itself failed.
    pub(super) fn look_failed(&mut self, ids: Vec<JobId>, error: &CallError, now: Instant) {
        let mut again = Vec::new();
        let mut tries = 0;
        for id in ids {
            let mut wanted = false;
            if let Some(Parent::Awaited {
                tries: parent_tries,
                ..
            }) = self.parents.get_mut(id)
            {
                *parent_tries = parent_tries.saturating_add(1);
                if may_try_again(error.kind, *parent_tries) {
                    tries = tries.max(*parent_tries);
                    wanted = true;
                } else {
                    self.parent_unknown(
                        id,
                        &format!("its array parent, whose tags protect it: {error}"),
                    );
                }
            }
            if let Some(place) = self.jobs.place(id)
                && let Some(job) = self.jobs.get_mut(place)
            {
                job.tries = job.tries.saturating_add(1);
                if may_try_again(error.kind, job.tries) {
                    if job.stage == Stage::ToDescribe {
                        job.last_error = Some(error.kind);
                    }
                    tries = tries.max(job.tries);
                    wanted = true;
                } else {
                    match job.stage.clone() {
                        Stage::ToDescribe => self.settle(
                            place,
                            outcome_of(error.kind),
                            Some(error.to_string().into()),
                        ),
                        Stage::Accepted { unless_shown, .. } => {
                            let message =
                                format!("Batch accepted the call; looking again failed: {error}");
                            self.settled(place, unless_shown, Some(message.into()));
                        }
                        _ => {}
                    }
                }
            }
            if wanted {
                again.push(id);
            }
        }
        self.look_later(again, now + backoff(tries.max(1)));
    }
}

/// Batch shows the job as cancelled or terminated, and has yet to finish it.
fn is_under_way(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Cancelling | Outcome::Terminating)
}
