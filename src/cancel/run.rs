//! The state of the work: which call comes next, and what an answer means for each of its jobs. Nothing here waits.

use std::{
    borrow::Cow,
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use crate::session::Session;

use super::{
    acts::Acts,
    limits::Limit,
    looks::{Looks, Parents},
};
use crate::{
    batch::{CallError, DESCRIBE_LIMIT, EndAnswer, EndOperation, ErrorKind, JobDetail},
    jobs::{JobIndex, Jobs, Stage},
    pace::backoff,
    plan::{Plan, plan},
    report::Outcome,
    request::{Action, JobId},
};

/// How often a call for a job is made before the job is given up.
const MAX_TRIES: u8 = 10;

/// The same while the calls are throttled, which tells nothing of the job, and which the pace already makes up for.
const MAX_THROTTLED_TRIES: u8 = 20;

/// When to look again at a job that is not there yet, or shows nothing of an accepted call yet: after 1 s and after 3 s.
pub(super) const LOOK_AGAIN: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];

/// A call to make.
#[derive(Debug)]
pub(super) enum Call {
    Look(Vec<JobId>),
    LookAtServiceJob(JobId),
    End {
        operation: EndOperation,
        reason: Arc<str>,
        jobs: Vec<(JobIndex, JobId)>,
    },
}

/// A call that was answered, or given up.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) answer: Answer,
}

#[derive(Debug)]
pub(super) enum Answer {
    Described(Vec<JobId>, Result<Vec<JobDetail>, CallError>),
    Acknowledged(Vec<(JobIndex, JobId)>, Result<EndAnswer, CallError>),
}

/// What is due later.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Later {
    Look(Vec<JobId>),
    End(Vec<JobIndex>),
}

#[derive(Debug)]
pub(super) struct Run<'a> {
    pub(super) session: Session<'a>,
    pub(super) jobs: Jobs,
    pub(super) looks: Looks,
    pub(super) acts: Acts,
    pub(super) parents: Parents,
    pub(super) limits: HashMap<u32, Limit>,
    later: BinaryHeap<Reverse<(Instant, Later)>>,
    looking: usize,
    acting: usize,
    pub(super) began: Instant,
    /// When the last call was answered.
    pub(super) now: Instant,
}

impl<'a> Run<'a> {
    pub(super) fn new(jobs: Jobs, session: Session<'a>) -> Self {
        let now = Instant::now();
        let mut run = Self {
            session,
            jobs,
            looks: Looks::default(),
            acts: Acts::default(),
            parents: Parents::default(),
            limits: HashMap::new(),
            later: BinaryHeap::new(),
            looking: 0,
            acting: 0,
            began: now,
            now,
        };
        run.start();
        run
    }

    pub(super) fn into_jobs(mut self) -> Jobs {
        self.finish_limits();
        self.jobs.finish();
        self.jobs
    }

    /// Nothing is left to be done now or later, or nothing that could be done in time. Calls in flight may still bring
    /// something.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        let has_time = |later: &Later, at: Instant| {
            matches!(later, Later::Look(_)) && at < self.session.deadline.instant()
        };
        if !self.is_closing(now) {
            return self.looks.len() == 0 && self.acts.len() == 0 && self.later.is_empty();
        }
        let mut later = self.later.iter();
        self.looks.again_len() == 0 && !later.any(|Reverse((at, later))| has_time(later, *at))
    }

    /// When something is due.
    pub(super) fn next_wake(&self) -> Option<Instant> {
        let later = self.later.peek().map(|Reverse((at, _))| *at);
        later.into_iter().chain(self.next_release()).min()
    }

    /// Queues what is due.
    pub(super) fn wake(&mut self, now: Instant) {
        self.release_due(now);
        while let Some(Reverse((at, _))) = self.later.peek()
            && *at <= now
        {
            match self.later.pop() {
                Some(Reverse((_, Later::Look(ids)))) => {
                    for id in ids {
                        self.looks.push_again(id);
                    }
                }
                Some(Reverse((_, Later::End(places)))) => {
                    for place in places {
                        self.queue_end(place);
                    }
                }
                None => {}
            }
        }
    }

    /// The call that should be made next, if there is one that should not wait for more jobs to share it.
    pub(super) fn next_call(&mut self, now: Instant) -> Option<Call> {
        let closing = self.is_closing(now);
        let bulk = self.session.batch.bulk_calls();
        let more_to_see = self.looking > 0 || self.looks.first_len() > 0;
        if !closing && let Some((operation, reason, jobs)) = self.acts.next(bulk, !more_to_see) {
            self.acting += 1;
            if jobs.len() > 1 {
                self.acts.bulk_in_flight += 1;
            }
            for &(place, _) in &jobs {
                if let Some(job) = self.jobs.get_mut(place) {
                    job.was_called = true;
                    job.stage = Stage::Sent;
                }
            }
            return Some(Call::End {
                operation,
                reason,
                jobs,
            });
        }
        if let Some(id) = self.looks.next_service_job(closing) {
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
        let left = self
            .session
            .deadline
            .instant()
            .saturating_duration_since(now);
        let again = self.looks.again_len().div_ceil(DESCRIBE_LIMIT);
        let rounds = 3 + again.div_ceil(self.session.pace.concurrency());
        let calls = 3 + again + self.acting.div_ceil(2);
        let pace = self.session.pace;
        let pause = pace.interval(now).unwrap_or_default();
        let times = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        left < pace.call_takes().saturating_mul(times(rounds)) + pause.saturating_mul(times(calls))
    }

    /// Takes in the answer of a call.
    pub(super) fn apply(&mut self, done: Done, now: Instant) {
        self.now = now;
        match done.answer {
            Answer::Described(ids, looked) => {
                self.looking = self.looking.saturating_sub(1);
                match looked {
                    Ok(seen) => self.saw(ids, seen, now),
                    Err(error) => self.look_failed(ids, &error, now),
                }
            }
            Answer::Acknowledged(jobs, ended) => {
                self.acting = self.acting.saturating_sub(1);
                if jobs.len() > 1 {
                    self.acts.bulk_in_flight = self.acts.bulk_in_flight.saturating_sub(1);
                }
                match ended {
                    Ok(answer) => self.ended(&jobs, answer, now),
                    Err(error) => self.end_failed(&jobs, &error, now),
                }
            }
        }
    }

    /// Decides about a job that was seen for the first time.
    pub(super) fn decide(&mut self, place: JobIndex, seen: &JobDetail, protected: bool) {
        if !self.is_meant(place, seen) {
            return self.drop_wish(place, Stage::Unmeant, seen, protected);
        }
        if self.has_started_since(place, seen) {
            let message = Some("started after it was listed".into());
            return self.settle(place, Outcome::Running, message);
        }
        let Some(job) = self.jobs.get_mut(place) else {
            return;
        };
        match plan(job.intent, seen, protected, self.session.policy) {
            Plan::Settle(outcome, message) => {
                self.settle(place, outcome, message);
                self.wait_for_end(place, seen.summary.id);
            }
            Plan::Ignore(why) => self.drop_wish(place, Stage::Ignored(why), seen, protected),
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

    /// The request that wants a job does not mean it after all. Others may.
    fn drop_wish(&mut self, place: JobIndex, stage: Stage, seen: &JobDetail, protected: bool) {
        self.set_stage(place, stage);
        self.known(place);
        if self.fall_back(place) {
            self.decide(place, seen, protected);
        }
    }

    /// Nothing stands against ending the job any more.
    pub(super) fn go(&mut self, place: JobIndex) {
        let Some(job) = self.jobs.get(place) else {
            return;
        };
        match (job.intent.dry_run, job.intent.action) {
            (true, Action::Cancel) => self.settled(place, Outcome::WouldCancel, None),
            (true, Action::Terminate) => self.settled(place, Outcome::WouldTerminate, None),
            (false, _) => self.queue_end(place),
        }
    }

    pub(super) fn queue_end(&mut self, place: JobIndex) {
        if let Some((operation, reason, id)) = self.how_to_end(place) {
            self.set_stage(place, Stage::Queued);
            self.acts.push(operation, reason, place, id);
        }
    }

    pub(super) fn how_to_end(&self, place: JobIndex) -> Option<(EndOperation, Arc<str>, JobId)> {
        let job = self.jobs.get(place)?;
        let id = job.id()?;
        let reason = Arc::clone(&self.jobs.terms(job.request)?.reason);
        Some((EndOperation::of(job.intent.action, id), reason, id))
    }

    pub(super) fn look_later(&mut self, ids: Vec<JobId>, at: Instant) {
        if !ids.is_empty() {
            self.later.push(Reverse((at, Later::Look(ids))));
        }
    }

    pub(super) fn end_later(&mut self, again: BTreeMap<u8, Vec<JobIndex>>, now: Instant) {
        for (tries, places) in again {
            self.later
                .push(Reverse((now + backoff(tries), Later::End(places))));
        }
    }

    pub(super) fn set_stage(&mut self, place: JobIndex, stage: Stage) {
        if let Some(job) = self.jobs.get_mut(place) {
            job.stage = stage;
        }
    }

    /// What came of a job that was acted on, or was to be.
    pub(super) fn settled(
        &mut self,
        place: JobIndex,
        outcome: Outcome,
        message: Option<Cow<'static, str>>,
    ) {
        self.set_stage(place, Stage::Settled { outcome, message });
    }

    /// What came of a job that is not to be acted on.
    pub(super) fn settle(
        &mut self,
        place: JobIndex,
        outcome: Outcome,
        message: Option<Cow<'static, str>>,
    ) {
        self.settled(place, outcome, message);
        self.known(place);
    }
}

/// Whether a call that failed, and has now failed this often for a job, is made again.
pub(super) fn may_try_again(kind: ErrorKind, tries: u8) -> bool {
    match kind {
        ErrorKind::Throttled => tries < MAX_THROTTLED_TRIES,
        ErrorKind::Server | ErrorKind::NoAnswer | ErrorKind::Credentials => tries < MAX_TRIES,
        ErrorKind::Denied | ErrorKind::NoSuchOperation | ErrorKind::Refused => false,
    }
}

/// The outcome of a job whose call failed for good.
pub(super) fn outcome_of(kind: ErrorKind) -> Outcome {
    match kind {
        ErrorKind::Throttled => Outcome::Throttled,
        ErrorKind::Denied => Outcome::Denied,
        ErrorKind::NoSuchOperation
        | ErrorKind::Refused
        | ErrorKind::Server
        | ErrorKind::NoAnswer
        | ErrorKind::Credentials => Outcome::Failed,
    }
}
