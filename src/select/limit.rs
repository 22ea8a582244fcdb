//! Conditions that only a look can tell, `maxJobs` and `MAX_SELECTED`: jobs are looked at, planned, counted and cut.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

use tokio::time::Instant;

use super::{
    Candidate, Chosen, Selection, SelectionQuery, error::MAY_BE_OLDER, not_looked_at,
    partial_by_look, refuse_too_many,
};
use crate::{
    batch::{CallError, DESCRIBE_LIMIT, ErrorKind, JobDetail, oldest_first},
    command::RequestRefused,
    jobs::{Decision, Observation, Texts},
    look::{Look, Patience, look_at},
    plan::{Plan, TagVerdict, plan_job},
    report::{Outcome, Partial},
    request::{AskedId, JobId, Select},
    session::Session,
};

/// A job that was looked at and matches.
struct Planned {
    id: JobId,
    size: usize,
    created_at: Option<i64>,
    plan: Plan,
    observation: Observation,
}

impl Planned {
    /// What to do with the job, if there is room for `room` more that are to be ended; and the room that is left.
    fn chosen(self, room: usize) -> (Chosen, usize) {
        let left = room.checked_sub(self.size);
        let (decision, left) = match (self.plan, left) {
            (Plan::Settle(outcome, message), _) => (
                Decision::Settle(outcome, message, Some(self.observation)),
                room,
            ),
            (Plan::End, Some(left)) => (Decision::End(self.observation, None), left),
            (Plan::End, None) => {
                let array = (self.size > 1).then(|| format!("an array of {} jobs", self.size));
                let (array, seen) = (array.map(Into::into), Some(self.observation));
                (Decision::Settle(Outcome::OverLimit, array, seen), room)
            }
        };
        (Chosen::new(self.id, decision), left)
    }
}

/// Looks at jobs, and plans those that match.
pub(super) struct Planner<'a> {
    query: SelectionQuery,
    session: Session<'a>,
    texts: Texts,
}

/// Jobs that were looked at, as far as they were.
#[derive(Default)]
struct LookedAt {
    planned: Vec<Planned>,
    missing: Vec<JobId>,
    /// The jobs whose look failed.
    failed: Vec<(JobId, Arc<CallError>)>,
    /// Why some jobs were not looked at.
    unseen: Option<Arc<CallError>>,
    /// The jobs that were not looked at.
    blank: HashMap<JobId, Arc<CallError>>,
    /// How many jobs match: an array parent counts as its size.
    size: usize,
}

impl LookedAt {
    /// Why this is not all, if some jobs were not looked at.
    fn partial(&self) -> Result<Option<Partial>, RequestRefused> {
        self.unseen.as_deref().map(partial_by_look).transpose()
    }
}

impl<'a> Planner<'a> {
    pub(super) fn new(query: SelectionQuery, session: Session<'a>) -> Self {
        Self {
            query,
            session,
            texts: Texts::default(),
        }
    }

    /// Looks at jobs, and plans those that are included. They come oldest first.
    async fn look(
        &mut self,
        ids: impl IntoIterator<Item = JobId>,
        is_included: impl Fn(&JobDetail, TagVerdict) -> bool,
    ) -> LookedAt {
        let mut found = LookedAt::default();
        let session = self.session;
        look_at(ids, Patience::Again, session, |id, look| match look {
            Look::Seen(job, tags) if is_included(&job, tags) => {
                let planned = self.plan(&job, tags);
                found.size += planned.size;
                found.planned.push(planned);
            }
            Look::Seen(..) => {}
            Look::NotFound => found.missing.push(id),
            Look::Failed(error) => found.failed.push((id, error)),
            Look::Unseen(error) => {
                found.blank.insert(id, Arc::clone(&error));
                // Throttling is why, also of those for which no look was sent.
                let is_throttled = |why: &Arc<CallError>| why.kind == ErrorKind::Throttled;
                if !found.unseen.as_ref().is_some_and(is_throttled) {
                    found.unseen = Some(error);
                }
            }
        })
        .await;
        let planned = &mut found.planned;
        planned.sort_by_key(|job| oldest_first(job.created_at, job.id));
        found
    }

    fn plan(&mut self, job: &JobDetail, tags: TagVerdict) -> Planned {
        let observation = self.texts.observe(job, Instant::now());
        Planned {
            id: job.summary.id,
            size: observation.size as usize,
            created_at: job.summary.created_at,
            plan: plan_job(self.query.intent, job, tags, self.session.policy),
            observation,
        }
    }

    /// The candidates of a selection that match, and those that Batch does not know.
    async fn look_at_matching(
        &mut self,
        select: &Select,
        candidates: impl IntoIterator<Item = Candidate>,
    ) -> LookedAt {
        let before = self.query.before;
        let ids = candidates.into_iter().map(|candidate| candidate.id);
        let matches =
            |job: &JobDetail, tags: TagVerdict| tags.is_own() && select.matches_seen(job, before);
        let mut found = self.look(ids, matches).await;
        if self.session.owner.is_restricted() {
            // Whose they are nobody can tell.
            found.missing.clear();
            let mut failed = found.failed.drain(..).map(|(_, error)| error);
            found.unseen = failed.next().or(found.unseen);
            drop(failed);
        }
        found
    }

    /// All candidates that match, looked at, unless they are more than `MAX_SELECTED`.
    pub(super) async fn all(
        mut self,
        select: &Select,
        candidates: Vec<Candidate>,
        listed: Selection,
    ) -> Result<Selection, RequestRefused> {
        let found = self.look_at_matching(select, candidates).await;
        if found.size > self.session.policy.max_selected {
            return Err(refuse_too_many(found.size, self.session.policy));
        }
        let partial = found.partial()?;
        let unknown = unknown(found.missing, found.failed);
        let planned = found.planned.into_iter();
        let planned = planned.map(|job| job.chosen(usize::MAX).0);
        Ok(Selection {
            jobs: planned.chain(unknown).collect(),
            partial: listed.partial.or(partial),
            ..listed
        })
    }

    /// The oldest candidates that match, at most `max_jobs` of them to be ended. Younger ones are not looked at, unless more
    /// than `max_selected` that match are to be refused, or only the caller's own are to be counted.
    ///
    /// A job whose look failed may be one of the oldest: nothing is chosen then, unless it is younger than those.
    pub(super) async fn oldest(
        mut self,
        select: &Select,
        mut candidates: Vec<Candidate>,
        max_jobs: usize,
        max_selected: Option<usize>,
    ) -> Result<Selection, RequestRefused> {
        candidates.sort_unstable_by_key(|job| oldest_first(job.created_at, job.id));
        let ages: HashMap<JobId, Option<i64>> = candidates
            .iter()
            .map(|job| (job.id, job.created_at))
            .collect();
        let age = |id: JobId| oldest_first(ages.get(&id).copied().flatten(), id);
        let mut waiting: VecDeque<Candidate> = candidates.into();
        let mut room = max_jobs;
        let mut all = Selection::default();
        while room > 0 && !waiting.is_empty() {
            let looks_at_all = max_selected.is_some() || self.session.owner.is_restricted();
            let needed = room.min(waiting.len()).next_multiple_of(DESCRIBE_LIMIT);
            let needed = if looks_at_all { usize::MAX } else { needed };
            let count = needed.min(waiting.len());
            let found = self.look_at_matching(select, waiting.drain(..count)).await;
            if max_selected.is_some_and(|most| found.size > most) {
                return Err(refuse_too_many(found.size, self.session.policy));
            }
            if let Some(partial) = found.partial()? {
                return Ok(none(partial));
            }
            let first_failed = found.failed.iter().map(|(id, _)| age(*id)).min();
            for job in found.planned {
                let is_sure = first_failed.is_none_or(|failed| age(job.id) < failed);
                let (job, left) = job.chosen(if is_sure { room } else { 0 });
                room = if is_sure { left } else { room };
                all.jobs.push(job);
            }
            if room > 0
                && let Some((_, error)) = found.failed.first()
            {
                return Ok(none(partial_by_look(error)?));
            }
            if self.session.deadline.is_over(Instant::now()) {
                return Ok(none(Partial::OutOfTime));
            }
            all.jobs.extend(unknown(found.missing, found.failed));
        }
        all.over_limit = waiting.iter().map(|candidate| candidate.size).sum();
        Ok(all)
    }

    /// The jobs of `ids` in their order, the oldest `maxJobs` of them to be ended: none while jobs that were not looked at may
    /// be older.
    pub(super) async fn limit_ids(mut self, ids: Vec<AskedId>) -> Selection {
        let known = |asked: &AskedId| match asked {
            AskedId::Job { id, .. } => Some(*id),
            AskedId::Invalid { .. } => None,
        };
        let found = self.look(ids.iter().filter_map(known), |_, _| true).await;
        let mut room = self.query.max_jobs.unwrap_or(usize::MAX);
        let distinct: HashSet<JobId> = ids.iter().filter_map(known).collect();
        let blank = distinct.len() - found.planned.len() - found.missing.len();
        let is_sure = blank == 0 || found.size.saturating_add(blank) <= room;
        let unknown = unknown(found.missing, found.failed);
        let planned = found.planned.into_iter().map(|job| {
            let id = job.id;
            if !is_sure && job.plan == Plan::End {
                let message = Some(MAY_BE_OLDER.into());
                let seen = Some(job.observation);
                return (id, Decision::Settle(Outcome::NotAttempted, message, seen));
            }
            let (job, left) = job.chosen(room);
            room = left;
            (id, job.decision)
        });
        let mut decisions: HashMap<JobId, Decision> = planned.collect();
        let unknown = unknown.filter_map(|job| Some((known(&job.id)?, job.decision)));
        decisions.extend(unknown);
        let jobs = ids.into_iter().map(|id| {
            let decision = known(&id).and_then(|id| decisions.remove(&id));
            let unseen = known(&id).and_then(|id| found.blank.get(&id));
            let unseen = unseen.map(|error| not_looked_at(error));
            Chosen {
                // An id that is named again was decided about before: jobs are merged by the stronger decision.
                decision: decision.or(unseen).unwrap_or(Decision::Settle(
                    Outcome::OverLimit,
                    None,
                    None,
                )),
                id,
                overwrites: None,
            }
        });
        Selection {
            jobs: jobs.collect(),
            ..Selection::default()
        }
    }
}

/// The jobs that Batch does not know, and those whose look failed.
fn unknown(
    missing: Vec<JobId>,
    failed: Vec<(JobId, Arc<CallError>)>,
) -> impl Iterator<Item = Chosen> {
    let not_found = |id| Chosen::new(id, Decision::Settle(Outcome::NotFound, None, None));
    let missing = missing.into_iter().map(not_found);
    let failed = failed.into_iter();
    missing.chain(failed.map(|(id, error)| Chosen::new(id, not_looked_at(&error))))
}

/// Nothing, since the oldest jobs are not known.
fn none(partial: Partial) -> Selection {
    Selection {
        partial: Some(partial),
        ..Selection::default()
    }
}
