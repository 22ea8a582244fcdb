//! Conditions that only a look can tell, `maxJobs` and `MAX_SELECTED`: jobs are looked at, planned, counted and cut.

use std::collections::{HashMap, VecDeque};

use tokio::time::Instant;

use super::{
    Candidate, Chosen, SelectError, Selection, SelectionQuery, is_over,
    look::{Look, look},
    not_looked_at, partial, refuse_too_many,
};
use crate::{
    batch::{CallError, DESCRIBE_LIMIT, ErrorKind, JobDetail},
    jobs::{Decision, Observation, Texts},
    plan::{Message, Plan, Standing, plan_job},
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
    fn chosen(self, is_over_limit: bool) -> Chosen {
        let decision = match self.plan {
            Plan::Settle(outcome, message) => {
                Decision::Settle(outcome, message, Some(self.observation))
            }
            Plan::End if is_over_limit => Decision::Settle(
                Outcome::OverLimit,
                over_limit(self.size),
                Some(self.observation),
            ),
            Plan::End => Decision::End(self.observation, None),
        };
        Chosen {
            id: AskedId::known(self.id),
            decision,
        }
    }

    /// Whether the limit leaves room for the job, which is then used.
    fn takes(&self, room: &mut usize) -> bool {
        if self.plan != Plan::End {
            return true;
        }
        let left = room.checked_sub(self.size);
        *room = left.unwrap_or(*room);
        left.is_some()
    }
}

fn over_limit(size: usize) -> Option<Message> {
    (size > 1).then(|| format!("an array of {size} jobs").into())
}

/// What was found.
#[derive(Default)]
struct Found {
    planned: Vec<Planned>,
    settled: Vec<(JobId, Decision)>,
    /// The error of a look that failed.
    error: Option<CallError>,
    /// How many jobs match: an array parent counts as its size.
    size: usize,
}

impl Found {
    fn plan(
        &mut self,
        job: &JobDetail,
        standing: Standing,
        query: SelectionQuery,
        texts: &mut Texts,
        session: Session<'_>,
    ) {
        let observation = texts.observe(job, Instant::now());
        let size = observation.size as usize;
        self.size += size;
        self.planned.push(Planned {
            id: job.summary.id,
            size,
            created_at: job.summary.created_at,
            plan: plan_job(query.intent, job, standing, session.policy),
            observation,
        });
    }

    fn sort_oldest_first(&mut self) {
        self.planned.sort_by_key(|job| (job.created_at, job.id));
    }
}

/// Looks at candidates, and plans those that match.
async fn find(
    select: &Select,
    candidates: impl IntoIterator<Item = Candidate>,
    query: SelectionQuery,
    texts: &mut Texts,
    session: Session<'_>,
) -> Found {
    let mut found = Found::default();
    let ids = candidates.into_iter().map(|candidate| candidate.id);
    look(ids, session, |id, seen| match seen {
        Look::Seen(job, standing) => {
            if standing.is_own() && select.matches_described(&job, query.before) {
                found.plan(&job, standing, query, texts, session);
            }
        }
        // Whose it was nobody can tell any more.
        Look::NotFound if session.owner.is_restricted() => {}
        Look::NotFound => {
            let decision = Decision::Settle(Outcome::NotFound, None, None);
            found.settled.push((id, decision));
        }
        // It is not to be read, today or another day: the others of the selection are none the worse for it.
        Look::Failed(error)
            if error.kind == ErrorKind::Refused && !session.owner.is_restricted() =>
        {
            found.settled.push((id, not_looked_at(&error)));
        }
        Look::Failed(error) => found.error = Some(error),
    })
    .await;
    found.sort_oldest_first();
    found
}

/// All candidates that match, looked at, unless they are more than `MAX_SELECTED`.
pub(super) async fn all(
    select: &Select,
    candidates: Vec<Candidate>,
    listed: Selection,
    query: SelectionQuery,
    session: Session<'_>,
) -> Result<Selection, SelectError> {
    let mut texts = Texts::default();
    let found = find(select, candidates, query, &mut texts, session).await;
    if found.size > session.policy.max_selected {
        return Err(refuse_too_many(found.size, session.policy));
    }
    let partial = found.error.map(partial).transpose()?;
    let planned = found.planned.into_iter().map(|job| job.chosen(false));
    Ok(Selection {
        jobs: planned
            .chain(found.settled.into_iter().map(settled))
            .collect(),
        partial: listed.partial.or(partial),
        ..listed
    })
}

fn settled((id, decision): (JobId, Decision)) -> Chosen {
    let id = AskedId::known(id);
    Chosen { id, decision }
}

/// The oldest candidates that match, at most `max_jobs` of them to be ended. Younger ones are not looked at, unless more
/// than `max_selected` that match are to be refused, or only the caller's own are to be counted.
pub(super) async fn oldest(
    select: &Select,
    mut candidates: Vec<Candidate>,
    max_jobs: usize,
    max_selected: Option<usize>,
    query: SelectionQuery,
    session: Session<'_>,
) -> Result<Selection, SelectError> {
    candidates.sort_unstable_by_key(|job| (job.created_at, job.id));
    let mut waiting: VecDeque<Candidate> = candidates.into();
    let (mut texts, mut room) = (Texts::default(), max_jobs);
    let mut chosen = Selection::default();
    while room > 0 && !waiting.is_empty() {
        let looks_at_all = max_selected.is_some() || session.owner.is_restricted();
        let needed = room.min(waiting.len()).next_multiple_of(DESCRIBE_LIMIT);
        let needed = if looks_at_all { usize::MAX } else { needed };
        let count = needed.min(waiting.len());
        let found = find(select, waiting.drain(..count), query, &mut texts, session).await;
        if let Some(error) = found.error {
            return Ok(none(partial(error)?));
        }
        if max_selected.is_some_and(|most| found.size > most) {
            return Err(refuse_too_many(found.size, session.policy));
        }
        for job in found.planned {
            let is_over_limit = !job.takes(&mut room);
            chosen.jobs.push(job.chosen(is_over_limit));
        }
        chosen.jobs.extend(found.settled.into_iter().map(settled));
        if is_over(session) {
            return Ok(none(Partial::OutOfTime));
        }
    }
    chosen.over_limit = waiting.iter().map(|candidate| candidate.size).sum();
    Ok(chosen)
}

/// Nothing, since the oldest jobs are not known.
fn none(partial: Partial) -> Selection {
    Selection {
        partial: Some(partial),
        ..Selection::default()
    }
}

/// The jobs of `ids` in their order, the oldest `maxJobs` of them to be ended.
pub(super) async fn limit_ids(
    ids: Vec<AskedId>,
    query: SelectionQuery,
    session: Session<'_>,
) -> Selection {
    let mut texts = Texts::default();
    let mut found = Found::default();
    let known = |asked: &AskedId| match asked {
        AskedId::Job { id, .. } => Some(*id),
        AskedId::Invalid { .. } => None,
    };
    look(
        ids.iter().filter_map(known),
        session,
        |id, seen| match seen {
            Look::Seen(job, standing) => found.plan(&job, standing, query, &mut texts, session),
            Look::NotFound => {
                let decision = Decision::Settle(Outcome::NotFound, None, None);
                found.settled.push((id, decision));
            }
            Look::Failed(error) => found.settled.push((id, not_looked_at(&error))),
        },
    )
    .await;
    found.sort_oldest_first();
    let mut room = query.max_jobs.unwrap_or(usize::MAX);
    let mut decisions: HashMap<JobId, Decision> = found.settled.into_iter().collect();
    for job in found.planned {
        let is_over_limit = !job.takes(&mut room);
        decisions.insert(job.id, job.chosen(is_over_limit).decision);
    }
    let jobs = ids.into_iter().map(|id| {
        let decision = known(&id).and_then(|id| decisions.remove(&id));
        Chosen {
            // An id that is named again was decided about before: jobs are merged by the stronger decision.
            decision: decision.unwrap_or(Decision::Settle(Outcome::OverLimit, None, None)),
            id,
        }
    });
    Selection {
        jobs: jobs.collect(),
        ..Selection::default()
    }
}
