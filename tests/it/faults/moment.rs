//! What an invocation could have found, by what was seen meanwhile.

use std::{collections::BTreeSet, time::Duration};

use batch_emulator::Operation;

use super::{
    account::{Account, Nature, RequestedJob},
    request::Reach,
    sightings::{Head, Shown, Sighting, in_any},
};

/// Times are compared in milliseconds.
const ROUNDING: Duration = Duration::from_millis(2);

/// What an invocation was like.
pub(crate) struct Moment<'a> {
    pub(crate) account: &'a Account,
    pub(crate) sightings: &'a [Sighting],
    /// When it began.
    pub(crate) began: Duration,
    pub(crate) blocked_for: Duration,
}

impl Moment<'_> {
    /// What matched whenever anything was listed must be found; what matched at no such time must not.
    pub(super) fn of_selection(&self, matches: impl Fn(&str, Shown) -> bool) -> Reach {
        let listed = || {
            let by = |sighting: &&Sighting| sighting.by == Some(Operation::ListJobs);
            self.sightings.iter().filter(by)
        };
        let may = in_any(listed(), &matches);
        let whenever: Vec<&Sighting> = self.sightings.first().into_iter().chain(listed()).collect();
        let mut must = in_any(self.sightings.first(), &matches);
        must.retain(|id| {
            let shown = whenever.iter().map(|sighting| sighting.jobs.get(id));
            let statuses = shown.map(|shown| {
                shown
                    .filter(|shown| matches(id, **shown))
                    .map(|shown| shown.status)
            });
            let visible_from = self.account.known(id).unwrap().visible_from;
            // What is tried again goes back to a status that was listed before, and may be missed.
            visible_from <= self.began
                && statuses.clone().all(|status| status.is_some())
                && statuses.is_sorted()
        });
        Reach {
            must,
            may_end: may.clone(),
            may,
            ..Reach::default()
        }
    }

    /// The first jobs of queues.
    pub(super) fn of_heads(&self, queues: &[String]) -> Reach {
        let heads = |sighting: &Sighting| -> Vec<Head> {
            let of = |queue| sighting.heads.get(queue).cloned();
            queues.iter().filter_map(of).collect()
        };
        let shown = |sighting: &&Sighting| sighting.by == Some(Operation::GetJobQueueSnapshot);
        let may: BTreeSet<String> = self
            .sightings
            .iter()
            .filter(shown)
            .flat_map(heads)
            .map(|head| head.id)
            .collect();
        let may_end = may.iter().filter(|id| self.may_block(id)).cloned();
        Reach {
            may_end: may_end.collect(),
            must: may.iter().filter(|id| self.blocks(id)).cloned().collect(),
            may,
            ..Reach::default()
        }
    }

    /// A job of which an event tells.
    pub(super) fn of_event(&self, job: &RequestedJob, told_at: Duration) -> Reach {
        let id = &job.id;
        let age = self.began.saturating_sub(told_at);
        let was_told = age + ROUNDING >= self.blocked_for;
        let was_surely_told = age >= self.blocked_for + ROUNDING || self.blocked_for.is_zero();
        let only = |is: bool| is.then(|| id.clone()).into_iter().collect();
        Reach {
            must: only(job.nature == Nature::Unknown || (was_surely_told && self.blocks(id))),
            may: only(true),
            may_end: only(was_told && self.may_block(id)),
            ..Reach::default()
        }
    }

    fn head_of<'a>(&self, sighting: &'a Sighting, id: &str) -> Option<&'a Head> {
        let known = self.account.known(id)?;
        sighting
            .heads
            .get(&known.queue)
            .filter(|head| head.id == id)
    }

    /// It may be that the job blocks its queue and has been the first for long enough.
    fn may_block(&self, id: &str) -> bool {
        let has_position = self
            .account
            .known(id)
            .is_some_and(|known| known.has_position);
        let is_told = self.blocked_for.is_zero() || has_position;
        let is_first_long_enough = |sighting: &Sighting| {
            let head = self.head_of(sighting, id);
            head.is_some_and(|head| {
                self.blocked_for.is_zero()
                    || head.earliest + self.blocked_for <= self.began + ROUNDING
            })
        };
        let shows_reason =
            |sighting: &Sighting| sighting.jobs.get(id).is_some_and(|shown| shown.is_blocking);
        is_told
            && self.sightings.iter().any(is_first_long_enough)
            && self.sightings.iter().any(shows_reason)
    }

    /// Whatever was seen of it, the job has blocked its queue for long enough, and nothing protects it.
    fn blocks(&self, id: &str) -> bool {
        let Some(known) = self.account.known(id) else {
            return false;
        };
        let is_told = self.blocked_for.is_zero() || known.has_position;
        let blocks = |sighting: &Sighting| {
            let shown = sighting.jobs.get(id);
            let head = self.head_of(sighting, id);
            shown.is_some_and(|shown| {
                shown.is_blocking && !shown.is_cancelled && !shown.is_terminated
            }) && head.is_some_and(|head| {
                self.blocked_for.is_zero()
                    || head.latest + self.blocked_for + ROUNDING <= self.began
            })
        };
        known.nature == Nature::Plain
            && known.visible_from <= self.began
            && is_told
            && self.sightings.iter().all(blocks)
    }
}
