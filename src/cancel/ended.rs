//! What the answer of a call that ends jobs means for each of them.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, HashSet},
};

use tokio::time::Instant;

use super::run::{Run, may_try_again, outcome_of};
use crate::{
    batch::{CallError, EndAnswer, ErrorKind},
    jobs::{JobIndex, Stage},
    report::Outcome,
    request::JobId,
};

impl Run<'_> {
    /// Batch answered for each job.
    pub(super) fn ended(&mut self, jobs: &[(JobIndex, JobId)], answer: EndAnswer, now: Instant) {
        let mut refused: HashMap<JobId, CallError> = answer.refused.into_iter().collect();
        let accepted: HashSet<JobId> = answer.accepted.into_iter().collect();
        let mut again: BTreeMap<u8, Vec<JobIndex>> = BTreeMap::new();
        for &(place, id) in jobs {
            if let Some(error) = refused.remove(&id) {
                self.refused(place, id, &error, &mut again);
            } else if accepted.contains(&id) {
                self.accepted(place, id);
            } else {
                let error = CallError::left_out();
                self.refused(place, id, &error, &mut again);
            }
        }
        self.end_later(again, now);
    }

    fn accepted(&mut self, place: JobIndex, id: JobId) {
        if let Some(job) = self.jobs.get_mut(place) {
            job.tries = 0;
            job.unchanged_looks = 0;
        }
        self.set_stage(
            place,
            Stage::Accepted {
                unless_shown: Outcome::Unconfirmed,
                why: "Batch accepted the call, and shows the job unchanged".into(),
            },
        );
        self.looks.push_again(id);
    }

    /// The call as a whole was not accepted.
    pub(super) fn end_failed(
        &mut self,
        jobs: &[(JobIndex, JobId)],
        error: &CallError,
        now: Instant,
    ) {
        let mut again = BTreeMap::new();
        for &(place, id) in jobs {
            match error.kind {
                // Perhaps the fault of the bulk call, or of one of its jobs: the same again, one by one.
                ErrorKind::NoSuchOperation | ErrorKind::Refused if jobs.len() > 1 => {
                    if let Some((operation, reason, id)) = self.how_to_end(place) {
                        self.set_stage(place, Stage::Queued);
                        self.acts.push_alone(operation, reason, place, id);
                    }
                }
                _ => self.refused(place, id, error, &mut again),
            }
        }
        self.end_later(again, now);
    }

    /// Batch did not accept the call for a job: again later, or never.
    fn refused(
        &mut self,
        place: JobIndex,
        id: JobId,
        error: &CallError,
        again: &mut BTreeMap<u8, Vec<JobIndex>>,
    ) {
        let Some(job) = self.jobs.get_mut(place) else {
            return;
        };
        job.tries = job.tries.saturating_add(1);
        job.last_error = Some(error.kind);
        if may_try_again(error.kind, job.tries) {
            again.entry(job.tries).or_default().push(place);
            self.set_stage(place, Stage::Queued);
        } else if error.kind != ErrorKind::Throttled && error.kind.is_worth_a_retry() {
            // The work may have been done all the same: a look tells.
            job.tries = 0;
            job.unchanged_looks = u8::MAX;
            let why = Cow::from(error.to_string());
            self.set_stage(
                place,
                Stage::Accepted {
                    unless_shown: Outcome::Failed,
                    why,
                },
            );
            self.looks.push_again(id);
        } else {
            self.settled(
                place,
                outcome_of(error.kind),
                Some(error.to_string().into()),
            );
        }
    }
}
