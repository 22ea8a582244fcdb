//! The state of the work, without IO: which call comes next, and what an answer means for each of its jobs.
//!
//! [`crate::cancel::cancel`] drives it: it asks [`Engine::poll_call`] for calls, sends them, hands each answer to
//! [`Engine::handle_answer`], and calls [`Engine::handle_timeout`] when [`Engine::poll_timeout`] is due.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use tokio::time::Instant;

use super::{
    call::{Answer, Call, Outlook},
    closing::Step,
    ends::Ends,
    looks::Looks,
    parents::Parents,
};
use crate::{
    batch::{EndOperation, JobDetail},
    jobs::{JobIndex, Jobs, Stage},
    plan::{Plan, Standing, plan_job},
    policy::{Owner, Policy},
    report::Outcome,
    request::JobId,
    session::Deadline,
};

/// A job that was looked at a moment ago is not looked at again before it is ended.
const FRESH: Duration = Duration::from_secs(5);

/// What is due later.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Timer {
    Look(Vec<JobId>),
    End(Vec<JobIndex>),
}

/// The state of the work.
#[derive(Clone, Debug)]
pub struct Engine<'a> {
    pub(super) jobs: Jobs,
    pub(super) policy: &'a Policy,
    pub(super) owner: &'a Owner,
    pub(super) looks: Looks,
    pub(super) ends: Ends,
    pub(super) parents: Parents,
    pub(super) timers: BinaryHeap<Reverse<(Instant, Timer)>>,
    pub(super) deadline: Deadline,
    pub(super) looks_in_flight: usize,
    pub(super) ends_in_flight: usize,
    /// Whether children that were refused were looked at once more.
    pub(super) has_seen_children: bool,
    /// Whether only looks are sent any more.
    pub(super) is_closed: bool,
    pub(super) began: Instant,
}

impl<'a> Engine<'a> {
    /// The work on these jobs, which ends at the deadline.
    #[must_use]
    pub fn new(
        jobs: Jobs,
        policy: &'a Policy,
        owner: &'a Owner,
        deadline: Deadline,
        now: Instant,
    ) -> Self {
        let mut engine = Self {
            jobs,
            policy,
            owner,
            looks: Looks::default(),
            ends: Ends::default(),
            parents: Parents::default(),
            timers: BinaryHeap::new(),
            deadline,
            looks_in_flight: 0,
            ends_in_flight: 0,
            has_seen_children: false,
            is_closed: false,
            began: now,
        };
        for index in engine.jobs.indices() {
            engine.start(index, now);
        }
        engine
    }

    /// Queues a job's first call.
    fn start(&mut self, index: JobIndex, now: Instant) {
        let job = &self.jobs[index];
        let (Stage::ToDescribe, Some(id)) = (job.stage(), job.id()) else {
            return;
        };
        if job.first().is_some_and(|first| now < first.at + FRESH) {
            return self.enqueue_end(index);
        }
        if let Some(parent) = id.parent()
            && self.parents.expect(parent)
            && self.jobs.index_of(parent).is_none()
        {
            self.looks.push_first(parent);
        }
        self.looks.push_first(id);
    }

    /// The call that should be sent next, if there is one that should not wait for more jobs to share it.
    ///
    /// A full bulk call comes before a full look before what is left over. So each job is brought to its end as early as
    /// can be, and an invocation that runs out of time has some jobs done rather than all of them looked at.
    pub fn poll_call(&mut self, now: Instant, outlook: Outlook) -> Option<Call> {
        self.close(now, outlook);
        let more_to_see =
            self.looks_in_flight > 0 || self.looks.first_len() > 0 || self.looks.has_parts();
        if !self.is_closed
            && self.has_time_for(Step::End, now, outlook)
            && let Some(call) = self.ends.next(outlook.bulk, !more_to_see)
        {
            self.ends_in_flight += 1;
            for &(index, _) in &call.jobs {
                self.jobs[index].was_called = true;
                self.jobs.enter(index, Stage::Sent);
            }
            return Some(Call::End(call));
        }
        let only_again = !self.has_time_for(Step::FirstLook, now, outlook);
        if let Some(id) = self.looks.next_service_job(only_again) {
            self.looks_in_flight += 1;
            return Some(Call::DescribeServiceJob(id));
        }
        let nothing_to_share = self.ends_in_flight == 0
            && (self.looks.first_len() > 0 || self.ends.len() == 0 || only_again);
        let flush = !self.has_time_for(Step::End, now, outlook) || nothing_to_share;
        let ids = self.looks.next(flush, only_again)?;
        self.looks_in_flight += 1;
        Some(Call::Describe(ids))
    }

    /// When [`Engine::handle_timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.peek().map(|Reverse((at, _))| *at)
    }

    /// Queues what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        while self.poll_timeout().is_some_and(|at| at <= now) {
            match self.timers.pop() {
                Some(Reverse((_, Timer::Look(ids)))) => self.looks.push_together(ids),
                Some(Reverse((_, Timer::End(_)))) if self.is_closed => {}
                Some(Reverse((_, Timer::End(indices)))) => {
                    for index in indices {
                        self.enqueue_end(index);
                    }
                }
                None => {}
            }
        }
    }

    /// Takes in the answer of a call.
    pub fn handle_answer(&mut self, answer: Answer, now: Instant) {
        match answer {
            Answer::Described(ids, answer) => {
                self.looks_in_flight = self.looks_in_flight.saturating_sub(1);
                match answer {
                    Ok(jobs) => self.on_described(ids, jobs, now),
                    Err(error) => self.on_look_failed(ids, error, now),
                }
            }
            Answer::Acknowledged(call, answer) => {
                self.ends_in_flight = self.ends_in_flight.saturating_sub(1);
                if call.jobs.len() > 1 {
                    self.ends.bulk_ended();
                }
                match answer {
                    Ok(answer) => self.on_acknowledged(&call, answer, now),
                    Err(error) => self.on_end_failed(call, error, now),
                }
            }
        }
        if self.jobs.are_settled() {
            self.see_refused_children();
        }
    }

    /// Ending an array may have ended a child whose own call was refused: in the end such children are looked at again,
    /// once.
    pub(super) fn see_refused_children(&mut self) {
        if std::mem::replace(&mut self.has_seen_children, true) {
            return;
        }
        for index in self.jobs.indices() {
            let job = &self.jobs[index];
            if job.was_called
                && job.outcome().is_some_and(Outcome::is_refused)
                && self.may_array_be_ended(index)
                && let Some(id) = job.id()
            {
                self.looks.push_again(id);
            }
        }
    }

    /// The jobs with their outcomes. Those that have none get the one that is true of them now.
    #[must_use]
    pub fn into_jobs(mut self) -> Jobs {
        self.doubt_children();
        self.jobs.finish();
        self.jobs
    }

    /// Time is over. Ending an array may have ended a child which no call did, and which was not looked at since.
    fn doubt_children(&mut self) {
        for index in self.jobs.indices() {
            let is_left = match self.jobs[index].stage() {
                Stage::ToDescribe | Stage::Queued => true,
                Stage::Settled { outcome, .. } => {
                    outcome.is_refused() && !self.jobs[index].was_seen_refused
                }
                Stage::Sent | Stage::ToVerify(_) => false,
            };
            if is_left && self.may_array_be_ended(index) {
                let message =
                    "a call to end its array was sent; out of time before a look showed the effect";
                self.jobs
                    .settle(index, Outcome::Unconfirmed, Some(message.into()));
            }
        }
    }

    /// Whether a call to end a job's array was sent, and not refused.
    fn may_array_be_ended(&self, index: JobIndex) -> bool {
        let array = self.jobs[index].id().and_then(JobId::parent);
        let array = array.and_then(|array| self.jobs.index_of(array));
        array.map(|array| &self.jobs[array]).is_some_and(|array| {
            array.was_called && !array.outcome().is_some_and(Outcome::is_refused)
        })
    }

    /// Plans what to do with a job at its first look.
    pub(super) fn plan(
        &mut self,
        index: JobIndex,
        job: &JobDetail,
        standing: Standing,
        now: Instant,
    ) {
        let intent = *self.jobs[index].intent;
        match plan_job(intent, job, standing, self.policy) {
            Plan::Settle(outcome, message) => {
                self.jobs.settle(index, outcome, message);
                self.wait_for_end(index, job.summary.id, now);
            }
            Plan::End => self.enqueue_end(index),
        }
    }

    /// Queues the call that ends a job, or says so in a dry run.
    pub(super) fn enqueue_end(&mut self, index: JobIndex) {
        let job = &self.jobs[index];
        let (intent, Some(id)) = (*job.intent, job.id()) else {
            return;
        };
        if intent.dry_run {
            return self.jobs.settle(index, intent.would(), None);
        }
        if *job.stage() != Stage::Queued {
            self.jobs.enter(index, Stage::Queued);
        }
        let reason = self.jobs.options(index).reason.clone();
        let operation = EndOperation::of(intent.action, id);
        self.ends.push(operation, reason, (index, id));
    }
}
