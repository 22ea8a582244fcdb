//! The state of the work, without IO: which call comes next, and what an answer means for each of its jobs.
//!
//! [`crate::cancel::cancel`] drives it: it asks [`Engine::poll_call`] for calls, sends them, hands each answer to
//! [`Engine::handle_answer`], and calls [`Engine::handle_timeout`] when [`Engine::poll_timeout`] is due.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    call::{Answer, Call, Conditions},
    end_queue::EndQueue,
    step::Step,
};
use crate::{
    batch::{EndOperation, JobDetail},
    jobs::{JobIndex, Jobs, Stage},
    look::{Fill, Looks, Patience, Which},
    plan::{Plan, TagVerdict, plan_job},
    policy::{Owner, Policy},
    report::Outcome,
    session::Deadline,
};

/// A job that was looked at a moment ago is not looked at again before it is ended.
const FRESH: Duration = Duration::from_secs(5);

/// How long the last look may take when the work is stopped: long enough for the looks at a job that is shown unchanged.
const LAST_LOOK: Duration = Duration::from_secs(5);

/// The state of the work.
#[derive(Clone, Debug)]
pub(crate) struct Engine<'a> {
    pub(super) jobs: Jobs,
    pub(super) policy: &'a Policy,
    pub(super) looks: Looks<'a>,
    pub(super) end_queue: EndQueue,
    /// When jobs are to be queued again for the call that ends them.
    pub(super) timers: BinaryHeap<Reverse<(Instant, Vec<JobIndex>)>>,
    /// When jobs that are shown unchanged are to be looked at again; a look before then proves no more than the last one.
    pub(super) due: HashMap<JobIndex, Instant>,
    /// When all work has to be finished.
    pub(super) deadline: Deadline,
    pub(super) end_calls_in_flight: usize,
    /// Whether children that were refused were looked at once more.
    pub(super) has_seen_children: bool,
    /// Whether only looks are sent any more.
    pub(super) only_looks: bool,
    /// Whether somebody has stopped the work.
    pub(super) is_stopped: bool,
    pub(super) began: Instant,
}

impl<'a> Engine<'a> {
    /// The work on these jobs, until the deadline.
    pub(crate) fn new(
        jobs: Jobs,
        policy: &'a Policy,
        owner: &'a Owner,
        deadline: Deadline,
        now: Instant,
    ) -> Self {
        let mut engine = Self {
            jobs,
            policy,
            looks: Looks::new(policy, owner, Patience::Again),
            end_queue: EndQueue::default(),
            timers: BinaryHeap::new(),
            due: HashMap::new(),
            deadline,
            end_calls_in_flight: 0,
            has_seen_children: false,
            only_looks: false,
            is_stopped: false,
            began: now,
        };
        engine.start(now);
        engine
    }

    /// Queues the first call of each job.
    fn start(&mut self, now: Instant) {
        let mut unseen = Vec::new();
        for index in self.jobs.indices() {
            let job = &self.jobs[index];
            match (job.stage(), job.id(), job.first()) {
                (Stage::ToLookAt, Some(_), Some(first)) if now < first.at + FRESH => {
                    self.enqueue_end(index);
                }
                (Stage::ToLookAt, Some(id), _) => unseen.push(id),
                _ => {}
            }
        }
        self.looks.add(&unseen);
    }

    /// Begins nothing more: no call that ends jobs, and no look but at those for which one was sent and not seen to do
    /// anything yet.
    pub(crate) fn stop(&mut self, now: Instant) {
        self.is_stopped = true;
        self.deadline = self.deadline.min(Deadline::at(now + LAST_LOOK));
        let jobs = &self.jobs;
        let is_called = |id| {
            let index = jobs.index_of(id);
            index.is_some_and(|index| matches!(jobs[index].stage(), Stage::ToVerify(_)))
        };
        self.looks.keep_later(is_called);
    }

    /// The call that should be sent next, if there is one that should not wait for more jobs to share it.
    ///
    /// A full bulk call comes before a full look before what is left over. So each job is brought to its end as early as
    /// can be, and an invocation that runs out of time has some jobs done rather than all of them looked at.
    pub(crate) fn poll_call(&mut self, now: Instant, conditions: Conditions) -> Option<Call> {
        self.stop_ending(now, conditions);
        let has_time_to_end = self.has_time_for(Step::End, now, conditions);
        if !self.only_looks
            && has_time_to_end
            && let Some(call) = self
                .end_queue
                .next(conditions.bulk, !self.looks.has_more_to_see())
        {
            self.end_calls_in_flight += 1;
            for &(index, _) in &call.jobs {
                self.jobs[index].was_called = true;
                self.jobs.enter(index, Stage::Sent);
            }
            return Some(Call::End(call));
        }
        let which = if self.has_time_for(Step::FirstLook, now, conditions) {
            Which::All
        } else {
            Which::Again
        };
        let nothing_to_share = self.end_calls_in_flight == 0
            && (self.looks.firsts() > 0 || self.end_queue.len() == 0 || which == Which::Again);
        let fill = if !has_time_to_end || nothing_to_share {
            Fill::Any
        } else {
            Fill::Full
        };
        self.looks.next(which, fill).map(Call::Look)
    }

    /// Whether a call is sent again for at least one of its jobs.
    pub(crate) fn is_retry(&self, call: &Call) -> bool {
        match call {
            Call::Look(ids) => self.looks.is_retry(ids),
            Call::End(call) => {
                let mut jobs = call.jobs.iter();
                jobs.any(|&(index, _)| self.jobs[index].failed_ends > 0)
            }
        }
    }

    /// When [`Engine::handle_timeout`] is due.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let timer = self.timers.peek().map(|Reverse((at, _))| *at);
        let looks = self.looks.poll_timeout();
        timer.into_iter().chain(looks).min()
    }

    /// Queues what is due.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.looks.handle_timeout(now);
        let is_due = |Reverse((at, _)): &Reverse<(Instant, Vec<JobIndex>)>| *at <= now;
        while self.timers.peek().is_some_and(is_due) {
            let Some(Reverse((_, indices))) = self.timers.pop() else {
                return;
            };
            if !self.only_looks {
                for index in indices {
                    self.enqueue_end(index);
                }
            }
        }
    }

    /// Takes in the answer of a call.
    pub(crate) fn handle_answer(&mut self, answer: Answer, now: Instant) {
        match answer {
            Answer::Looked(ids, answer) => self.on_looked(ids, answer, now),
            Answer::Acknowledged(call, answer) => {
                self.end_calls_in_flight = self.end_calls_in_flight.saturating_sub(1);
                if call.jobs.len() > 1 {
                    self.end_queue.bulk_answered();
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

    /// Ending an array may have ended a child whose own call was refused: when all else is done, such children are
    /// looked at again, once.
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
                self.looks.add_again(id);
            }
        }
    }

    /// Plans what to do with a job at its first look.
    pub(super) fn plan(
        &mut self,
        index: JobIndex,
        job: &JobDetail,
        tags: TagVerdict,
        now: Instant,
    ) {
        let intent = *self.jobs[index].intent;
        match plan_job(intent, job, tags, self.policy) {
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
        self.end_queue.push(operation, reason, (index, id));
    }
}
