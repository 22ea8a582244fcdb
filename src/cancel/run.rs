//! The state of the work: which call comes next, and what an answer means for each of its jobs. Nothing here waits.

use std::{
    borrow::Cow,
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use super::{
    Tools,
    acts::Acts,
    looks::{Looks, Parent, Parents},
};
use crate::{
    batch::{BulkAnswer, CallError, DESCRIBE_LIMIT, ErrorKind, Seen, Verb},
    jobs::{Jobs, Place, Stage},
    pace::backoff,
    plan::{Plan, plan, verify},
    report::Outcome,
    request::{Action, JobId},
};

/// How often a call for a job is made before the job is given up.
const MAX_TRIES: u8 = 10;

/// When to look again at a job that is not there yet, or shows nothing of an accepted call yet: after 1 s and after 3 s.
const LOOK_AGAIN: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];

/// How often to look while waiting for the end of accepted jobs, at most…
const WAIT_LOOK: Duration = Duration::from_secs(2);

/// … and at least, when nothing changes.
const MAX_WAIT_LOOK: Duration = Duration::from_secs(15);

/// How long a call is thought to take until one was timed.
const FIRST_GUESS: Duration = Duration::from_millis(100);

/// A call to make.
#[derive(Debug)]
pub(super) enum Call {
    Look(Vec<JobId>),
    LookAtServiceJob(JobId),
    End {
        verb: Verb,
        reason: Arc<str>,
        jobs: Vec<(Place, JobId)>,
    },
}

/// A call that was answered, or given up.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) took: Duration,
    pub(super) answer: Answer,
}

#[derive(Debug)]
pub(super) enum Answer {
    Looked(Vec<JobId>, Result<Vec<Seen>, CallError>),
    Ended(Vec<(Place, JobId)>, Result<BulkAnswer, CallError>),
}

/// What is due later.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Later {
    Look(Vec<JobId>),
    End(Vec<Place>),
}

/// A request with `maxJobs`: its jobs wait until all are known, since the oldest go first.
#[derive(Debug)]
struct Limit {
    max: usize,
    unknown: usize,
    held: Vec<Place>,
}

#[derive(Debug)]
pub(super) struct Run<'a> {
    tools: Tools<'a>,
    jobs: Jobs,
    looks: Looks,
    acts: Acts,
    parents: Parents,
    limits: HashMap<u16, Limit>,
    later: BinaryHeap<Reverse<(Instant, Later)>>,
    looking: usize,
    acting: usize,
    began: Instant,
    /// How long the slowest recent call took.
    call_takes: Duration,
}

impl<'a> Run<'a> {
    pub(super) fn new(jobs: Jobs, tools: Tools<'a>) -> Self {
        let mut run = Self {
            tools,
            jobs,
            looks: Looks::default(),
            acts: Acts::default(),
            parents: Parents::default(),
            limits: HashMap::new(),
            later: BinaryHeap::new(),
            looking: 0,
            acting: 0,
            began: Instant::now(),
            call_takes: FIRST_GUESS,
        };
        for (_, job) in run
            .jobs
            .iter()
            .filter(|(_, job)| job.stage == Stage::Unseen)
        {
            let Some(id) = job.id() else { continue };
            if let Some(max) = run.jobs.terms(job.request).and_then(|terms| terms.max_jobs) {
                let limit = run.limits.entry(job.request).or_insert(Limit {
                    max,
                    unknown: 0,
                    held: Vec::new(),
                });
                limit.unknown += 1;
            }
            if let Some(parent) = id.parent()
                && run.parents.expect(parent)
                && run.jobs.place(parent).is_none()
            {
                run.looks.push_first(parent);
            }
            run.looks.push_first(id);
        }
        run
    }

    pub(super) fn into_jobs(mut self) -> Jobs {
        if self.acting > 0 {
            self.tools
                .batch
                .bulk_call_ended(Some(ErrorKind::Unavailable));
        }
        self.jobs.close();
        self.jobs
    }

    /// Nothing waits, now or later. Calls in flight may still bring something.
    pub(super) fn is_idle(&self) -> bool {
        self.looks.len() == 0 && self.acts.len() == 0 && self.later.is_empty()
    }

    /// When something is due.
    pub(super) fn next_wake(&self) -> Option<Instant> {
        self.later.peek().map(|Reverse((at, _))| *at)
    }

    /// Queues what is due.
    pub(super) fn wake(&mut self, now: Instant) {
        while let Some(Reverse((at, _))) = self.later.peek()
            && *at <= now
        {
            match self.later.pop() {
                Some(Reverse((_, Later::Look(ids)))) => {
                    ids.into_iter().for_each(|id| self.looks.push_again(id))
                }
                Some(Reverse((_, Later::End(places)))) => {
                    places.into_iter().for_each(|place| self.queue_end(place))
                }
                None => {}
            }
        }
    }

    /// The call that should be made next, if there is one that should not wait for more jobs to share it.
    pub(super) fn next_call(&mut self, now: Instant) -> Option<Call> {
        let closing = self.is_closing(now);
        let bulk = self.tools.batch.bulk_calls();
        let more_to_see = self.looking > 0 || self.looks.first_len() > 0;
        if !closing && let Some((verb, reason, jobs)) = self.acts.next(bulk, !more_to_see) {
            self.acting += 1;
            if jobs.len() > 1 {
                self.tools.batch.bulk_call_begins();
            }
            for &(place, _) in &jobs {
                if let Some(job) = self.jobs.get_mut(place) {
                    job.was_called = true;
                    job.stage = Stage::Asked;
                }
            }
            return Some(Call::End { verb, reason, jobs });
        }
        if !closing && let Some(id) = self.looks.next_service_job() {
            self.looking += 1;
            return Some(Call::LookAtServiceJob(id));
        }
        let nothing_to_share =
            self.acting == 0 && (self.looks.first_len() > 0 || self.acts.len() == 0);
        let flush = closing || nothing_to_share;
        let ids = self.looks.next(flush, closing)?;
        self.looking += 1;
        Some(Call::Look(ids))
    }

    /// Whether what time there is should go to looking again at what was acted on: a job that is looked at or acted on
    /// from now on would not be looked at again in time.
    fn is_closing(&self, now: Instant) -> bool {
        let left = self.tools.stop_at.saturating_duration_since(now);
        let again = self.looks.again_len().div_ceil(DESCRIBE_LIMIT);
        let rounds = 3 + again.div_ceil(self.tools.pace.concurrency());
        let calls = 3 + again + self.acting.div_ceil(2);
        let pause = self
            .tools
            .pace
            .rate()
            .map_or(Duration::ZERO, |rate| Duration::from_secs_f64(1.0 / rate));
        let times = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        left < self.call_takes.saturating_mul(times(rounds)) + pause.saturating_mul(times(calls))
    }

    /// Takes in the answer of a call.
    pub(super) fn apply(&mut self, done: Done, now: Instant) {
        self.call_takes = done.took.max(self.call_takes.mul_f64(0.9));
        match done.answer {
            Answer::Looked(ids, looked) => {
                self.looking = self.looking.saturating_sub(1);
                self.count(looked.as_ref().err(), now);
                match looked {
                    Ok(seen) => self.saw(ids, seen, now),
                    Err(error) => self.look_failed(ids, &error, now),
                }
            }
            Answer::Ended(jobs, ended) => {
                self.acting = self.acting.saturating_sub(1);
                self.count(ended.as_ref().err(), now);
                if jobs.len() > 1 {
                    let error = ended.as_ref().err().map(|error| error.kind);
                    self.tools.batch.bulk_call_ended(error);
                }
                match ended {
                    Ok(answer) => self.ended(&jobs, answer, now),
                    Err(error) => self.end_failed(&jobs, &error, now),
                }
            }
        }
    }

    fn count(&self, error: Option<&CallError>, now: Instant) {
        match error.map(|error| error.kind) {
            Some(ErrorKind::Throttled) => self.tools.pace.throttled(now),
            None => self.tools.pace.accepted(now),
            Some(_) => {}
        }
    }

    fn saw(&mut self, ids: Vec<JobId>, seen: Vec<Seen>, now: Instant) {
        let mut missing: BTreeSet<JobId> = ids.into_iter().collect();
        for seen in seen {
            if missing.remove(&seen.id) {
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

    fn saw_job(&mut self, seen: Seen, now: Instant) {
        let protected = self.is_protected(&seen);
        for (place, child) in self.parents.learn(seen.id, Ok(protected)) {
            self.decide(place, &child, protected);
        }
        let Some(place) = self.jobs.place(seen.id) else {
            return;
        };
        self.jobs.note(place, &seen);
        let Some(job) = self.jobs.get_mut(place) else {
            return;
        };
        job.tries = 0;
        match job.stage {
            Stage::Unseen => {
                job.vain_looks = 0;
                let of_parent = match seen
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
                self.check_again(place, &seen)
            }
            Stage::Settled { .. }
            | Stage::Ignored(_)
            | Stage::Held
            | Stage::ToEnd
            | Stage::Asked => {}
        }
    }

    fn is_protected(&self, seen: &Seen) -> bool {
        let tag = &self.tools.policy.protect_tag;
        seen.tags.iter().any(|(key, value)| tag.is(key, value))
    }

    /// Decides about a job that was seen for the first time.
    fn decide(&mut self, place: Place, seen: &Seen, protected: bool) {
        let Some(job) = self.jobs.get_mut(place) else {
            return;
        };
        match plan(job.want, seen, protected, self.tools.policy) {
            Plan::Settle(outcome, message) => {
                self.settle(place, outcome, message);
                self.wait_for_end(place, seen.id);
            }
            Plan::Ignore(why) => {
                self.set_stage(place, Stage::Ignored(why));
                self.known(place);
            }
            Plan::Act(because) => {
                job.because = because;
                let request = job.request;
                if let Some(limit) = self.limits.get_mut(&request) {
                    limit.held.push(place);
                    self.set_stage(place, Stage::Held);
                    self.known(place);
                } else {
                    self.go(place);
                }
            }
        }
    }

    /// One job fewer of a request with `maxJobs` is unknown. When none is, the oldest go.
    fn known(&mut self, place: Place) {
        let Some(request) = self.jobs.get(place).map(|job| job.request) else {
            return;
        };
        let Some(limit) = self.limits.get_mut(&request) else {
            return;
        };
        limit.unknown = limit.unknown.saturating_sub(1);
        if limit.unknown > 0 {
            return;
        }
        let mut room = limit.max;
        let mut held = std::mem::take(&mut limit.held);
        held.sort_by_key(|&place| self.jobs.get(place).map(|job| (job.created_at, place)));
        for place in held {
            let size = self.jobs.get(place).map_or(1, |job| job.size as usize);
            if size <= room {
                room -= size;
                self.go(place);
            } else {
                let message = (size > 1).then(|| format!("an array of {size} jobs").into());
                self.settled(place, Outcome::OverLimit, message);
            }
        }
    }

    /// Nothing stands against ending the job any more.
    fn go(&mut self, place: Place) {
        let Some(job) = self.jobs.get(place) else {
            return;
        };
        match (job.want.dry_run, job.want.action) {
            (true, Action::Cancel) => self.settled(place, Outcome::WouldCancel, None),
            (true, Action::Terminate) => self.settled(place, Outcome::WouldTerminate, None),
            (false, _) => self.queue_end(place),
        }
    }

    fn queue_end(&mut self, place: Place) {
        if let Some((verb, reason, id)) = self.how_to_end(place) {
            self.set_stage(place, Stage::ToEnd);
            self.acts.push(verb, reason, place, id);
        }
    }

    fn how_to_end(&self, place: Place) -> Option<(Verb, Arc<str>, JobId)> {
        let job = self.jobs.get(place)?;
        let id = job.id()?;
        let reason = Arc::clone(&self.jobs.terms(job.request)?.reason);
        Some((Verb::of(job.want.action, id), reason, id))
    }

    /// Looks whether an accepted call shows.
    fn check(&mut self, place: Place, seen: &Seen, now: Instant) {
        let Some(job) = self.jobs.get_mut(place) else {
            return;
        };
        if let Some((outcome, message)) = verify(job.want.action, seen) {
            job.vain_looks = 0;
            self.settled(place, outcome, message);
            self.wait_for_end(place, seen.id);
            return;
        }
        self.nothing_shows(place, seen.id, now);
    }

    /// An accepted call shows nothing: look again, then believe that nothing came of it.
    fn nothing_shows(&mut self, place: Place, id: JobId, now: Instant) {
        let Some(job) = self.jobs.get_mut(place) else {
            return;
        };
        let round = usize::from(job.vain_looks);
        job.vain_looks = job.vain_looks.saturating_add(1);
        if let (Some(after), Stage::Accepted { .. }) = (LOOK_AGAIN.get(round), &job.stage) {
            self.look_later(vec![id], now + *after);
        } else if let Stage::Accepted { unless_shown, why } = job.stage.clone() {
            self.settled(place, unless_shown, Some(why));
        }
    }

    /// Looks again at a job that was being cancelled, for a request that waits for the end.
    fn check_again(&mut self, place: Place, seen: &Seen) {
        let Some(job) = self.jobs.get_mut(place) else {
            return;
        };
        if let Some((outcome, message)) = verify(job.want.action, seen) {
            job.vain_looks = job.vain_looks.saturating_add(1);
            self.settled(place, outcome, message);
        }
        self.wait_for_end(place, seen.id);
    }

    /// Has a job that is being cancelled looked at again, if its request waits for the end.
    fn wait_for_end(&mut self, place: Place, id: JobId) {
        let Some(job) = self.jobs.get(place) else {
            return;
        };
        let wait = self
            .jobs
            .terms(job.request)
            .map_or(Duration::ZERO, |terms| terms.wait);
        if !job.outcome().is_some_and(is_under_way) || job.want.dry_run {
            return;
        }
        let pause = WAIT_LOOK
            .saturating_mul(1 << job.vain_looks.min(3))
            .min(MAX_WAIT_LOOK);
        let end = self.began + wait;
        let now = Instant::now();
        if now < end {
            self.look_later(vec![id], (now + pause).min(end));
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
        let round = usize::from(job.vain_looks);
        match &job.stage {
            Stage::Unseen if round < LOOK_AGAIN.len() => {
                job.vain_looks += 1;
                again = Some(round);
            }
            Stage::Unseen => self.settle(place, Outcome::NotFound, None),
            Stage::Accepted { .. } if round < LOOK_AGAIN.len() => {
                job.vain_looks += 1;
                again = Some(round);
            }
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
                    "Batch does not show its array parent, whose tags protect it".to_owned(),
                );
                None
            }
        }
    }

    fn parent_unknown(&mut self, parent: JobId, why: String) {
        for (place, _) in self.parents.learn(parent, Err(why.clone())) {
            self.settle(place, Outcome::Failed, Some(why.clone().into()));
        }
    }

    fn look_failed(&mut self, ids: Vec<JobId>, error: &CallError, now: Instant) {
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
                if error.kind.is_worth_a_retry() && *parent_tries < MAX_TRIES {
                    tries = tries.max(*parent_tries);
                    wanted = true;
                } else {
                    self.parent_unknown(
                        id,
                        format!("its array parent, whose tags protect it: {error}"),
                    );
                }
            }
            if let Some(place) = self.jobs.place(id)
                && let Some(job) = self.jobs.get_mut(place)
            {
                job.tries = job.tries.saturating_add(1);
                if error.kind.is_worth_a_retry() && job.tries < MAX_TRIES {
                    if job.stage == Stage::Unseen {
                        job.last_error = Some(error.kind);
                    }
                    tries = tries.max(job.tries);
                    wanted = true;
                } else {
                    match job.stage.clone() {
                        Stage::Unseen => self.settle(
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

    fn look_later(&mut self, ids: Vec<JobId>, at: Instant) {
        if !ids.is_empty() {
            self.later.push(Reverse((at, Later::Look(ids))));
        }
    }

    fn ended(&mut self, jobs: &[(Place, JobId)], answer: BulkAnswer, now: Instant) {
        let mut refused: HashMap<JobId, CallError> = answer.refused.into_iter().collect();
        let accepted: HashSet<JobId> = answer.accepted.into_iter().collect();
        let mut again: HashMap<u8, Vec<Place>> = HashMap::new();
        for &(place, id) in jobs {
            if let Some(error) = refused.remove(&id) {
                if error.kind == ErrorKind::Throttled {
                    self.tools.pace.throttled(now);
                }
                self.refused(place, id, &error, &mut again);
            } else if accepted.contains(&id) {
                self.accepted(place, id);
            } else {
                let error = CallError::unavailable("Batch's answer says nothing of the job");
                self.refused(place, id, &error, &mut again);
            }
        }
        self.end_later(again, now);
    }

    fn accepted(&mut self, place: Place, id: JobId) {
        if let Some(job) = self.jobs.get_mut(place) {
            job.tries = 0;
            job.vain_looks = 0;
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

    fn end_failed(&mut self, jobs: &[(Place, JobId)], error: &CallError, now: Instant) {
        let mut again = HashMap::new();
        for &(place, id) in jobs {
            match error.kind {
                // Not the jobs' fault: the same again, one by one.
                ErrorKind::NoSuchOperation if jobs.len() > 1 => self.queue_end(place),
                ErrorKind::Refused if jobs.len() > 1 => {
                    if let Some((verb, reason, id)) = self.how_to_end(place) {
                        self.set_stage(place, Stage::ToEnd);
                        self.acts.push_alone(verb, reason, place, id);
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
        place: Place,
        id: JobId,
        error: &CallError,
        again: &mut HashMap<u8, Vec<Place>>,
    ) {
        let Some(job) = self.jobs.get_mut(place) else {
            return;
        };
        job.tries = job.tries.saturating_add(1);
        job.last_error = Some(error.kind);
        if error.kind.is_worth_a_retry() && job.tries < MAX_TRIES {
            again.entry(job.tries).or_default().push(place);
            self.set_stage(place, Stage::ToEnd);
        } else if error.kind == ErrorKind::Unavailable {
            // The work may have been done all the same: a look tells.
            job.tries = 0;
            job.vain_looks = u8::MAX;
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

    fn end_later(&mut self, again: HashMap<u8, Vec<Place>>, now: Instant) {
        for (tries, places) in again {
            self.later
                .push(Reverse((now + backoff(tries), Later::End(places))));
        }
    }

    fn set_stage(&mut self, place: Place, stage: Stage) {
        if let Some(job) = self.jobs.get_mut(place) {
            job.stage = stage;
        }
    }

    /// What came of a job that was acted on, or was to be.
    fn settled(&mut self, place: Place, outcome: Outcome, message: Option<Cow<'static, str>>) {
        self.set_stage(place, Stage::Settled { outcome, message });
    }

    /// What came of a job that is not to be acted on.
    fn settle(&mut self, place: Place, outcome: Outcome, message: Option<Cow<'static, str>>) {
        self.settled(place, outcome, message);
        self.known(place);
    }
}

/// Batch shows the job as cancelled or terminated, and has yet to finish it.
fn is_under_way(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Cancelling | Outcome::Terminating)
}

fn outcome_of(kind: ErrorKind) -> Outcome {
    match kind {
        ErrorKind::Throttled => Outcome::Throttled,
        ErrorKind::Denied => Outcome::Denied,
        ErrorKind::NoSuchOperation | ErrorKind::Refused | ErrorKind::Unavailable => Outcome::Failed,
    }
}
