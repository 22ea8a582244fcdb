//! How jobs move: by the clock, and by what they wait for.

use std::{sync::Arc, time::Duration};

use crate::{
    attempt::ENDED_BY_ITSELF,
    events::What,
    job::{Job, Key, Shape},
    status::{Exit, Status},
    world::World,
};

impl World {
    /// Plans the next move of a job that has just come to its status.
    pub(crate) fn plan_move(&mut self, key: Key, at: Duration) {
        let job = self.job(key);
        if matches!(job.shape, Shape::Parent { .. }) {
            return;
        }
        let own = job.lifecycle.time_in(job.status);
        let given = job
            .escape()
            .and(self.behaviour.runs_anyway.time_in(job.status));
        if let Some(time) = own.or(given) {
            let turn = job.turn;
            self.plan(at + time, key, What::Move { turn });
        }
    }

    pub(crate) fn move_on(&mut self, key: Key, turn: u32, at: Duration) {
        let job = self.job(key);
        if job.turn != turn || job.is_stopped() {
            return;
        }
        let waits = job.waits_for > 0;
        let next = match job.status {
            Status::Submitted if waits || job.lifecycle.pending_for.is_some() => Status::Pending,
            Status::Pending if waits => return,
            Status::Submitted | Status::Pending => Status::Runnable,
            Status::Runnable if job.is_service => Status::Scheduled,
            Status::Runnable | Status::Scheduled => Status::Starting,
            Status::Starting => Status::Running,
            Status::Running => return self.exit(key, at),
            Status::Succeeded | Status::Failed => return,
        };
        self.enter(key, next, None, at);
    }

    /// Its container exits by itself: the attempt fails and another one follows, or it is the last.
    fn exit(&mut self, key: Key, at: Duration) {
        let job = self.job(key);
        let earlier = job.attempts.len() <= job.lifecycle.failed_attempts as usize;
        let marked = job.is_cancelled || job.is_terminated;
        let failed = match job.escape() {
            Some(exit) => exit == Exit::Failed,
            None => earlier || job.lifecycle.exit == Exit::Failed,
        };
        let (status, reason) = match failed {
            // "Jobs that have been cancelled or terminated are not retried."
            true if earlier && !marked => (Status::Runnable, None),
            true => (Status::Failed, Some(ENDED_BY_ITSELF.into())),
            false => (Status::Succeeded, None),
        };
        self.enter(key, status, reason, at);
    }

    /// Puts the job into a status, and lets its parent and its dependents know.
    pub(crate) fn enter(
        &mut self,
        key: Key,
        status: Status,
        reason: Option<Arc<str>>,
        at: Duration,
    ) {
        self.unlist(key);
        let job = self.job_mut(key);
        let before = job.status;
        job.status = status;
        job.status_reason = reason;
        job.since = at;
        job.turn += 1;
        job.note_attempt(before, at);
        job.stopped_at = status.is_final().then_some(at);
        let parent = match job.shape {
            Shape::Child { parent, .. } => Some(parent),
            _ => None,
        };
        let dependents = if status.is_final() {
            std::mem::take(&mut job.dependents)
        } else {
            Vec::new()
        };
        if !job.forgotten {
            self.list(key);
        }
        let runnable = [before, status].map(|status| status == Status::Runnable);
        if runnable[0] != runnable[1] {
            self.shift(key, at);
        }
        let succeeded = status == Status::Succeeded;
        for dependent in dependents {
            self.plan_dependency(dependent, succeeded, at);
        }
        self.plan_move(key, at);
        if let Some(parent) = parent {
            self.recount(parent, before, status);
            self.derive(parent, at);
        }
    }

    fn recount(&mut self, parent: Key, before: Status, after: Status) {
        if let Shape::Parent { counts, .. } = &mut self.job_mut(parent).shape {
            if let Some(count) = counts.get_mut(before as usize) {
                *count = count.saturating_sub(1);
            }
            if let Some(count) = counts.get_mut(after as usize) {
                *count += 1;
            }
        }
    }

    /// Works out an array parent's status from its children: only ever SUBMITTED, PENDING while
    /// one is left, then FAILED if one failed or the array was cancelled, else SUCCEEDED.
    fn derive(&mut self, parent: Key, at: Duration) {
        let job = self.job(parent);
        let status = parent_status(job);
        if status == job.status {
            return;
        }
        let reason = match status {
            Status::Failed => Some(
                job.ending
                    .clone()
                    .unwrap_or_else(|| "Array Child Job failed".into()),
            ),
            _ => None,
        };
        self.enter(parent, status, reason, at);
    }

    pub(crate) fn dependency_ended(&mut self, key: Key, succeeded: bool, at: Duration) {
        let job = self.job_mut(key);
        job.waits_for = job.waits_for.saturating_sub(1);
        let cancelled = job.is_cancelled || job.is_terminated;
        match job.status {
            Status::Submitted | Status::Pending if !succeeded => {
                let reason = job.ending.clone().filter(|_| cancelled);
                let reason = reason.unwrap_or_else(|| "Dependent Job failed".into());
                self.enter(key, Status::Failed, Some(reason), at);
            }
            Status::Pending if job.waits_for == 0 && cancelled && job.escape().is_none() => {
                self.end_later(key, at);
            }
            Status::Pending if job.waits_for == 0 && !job.is_held => {
                let rest = job.lifecycle.pending_for.unwrap_or_default();
                if job.since + rest <= at {
                    self.enter(key, Status::Runnable, None, at);
                }
            }
            _ => {}
        }
    }

    pub(crate) fn children(&self, key: Key) -> Vec<Key> {
        match &self.job(key).shape {
            Shape::Parent { children, .. } => children.clone(),
            _ => Vec::new(),
        }
    }

    /// Puts a job into a status from outside: an array parent's live children, or the job itself.
    pub(crate) fn set_status(&mut self, key: Key, status: Status, at: Duration) {
        let children = self.children(key);
        if children.is_empty() {
            return self.enter(key, status, None, at);
        }
        for child in children {
            if !self.job(child).status.is_final() {
                self.enter(child, status, None, at);
            }
        }
    }
}

fn count(counts: &[u32; Status::ALL.len()], status: Status) -> u32 {
    counts.get(status as usize).copied().unwrap_or_default()
}

pub(crate) fn has_started(counts: &[u32; Status::ALL.len()]) -> bool {
    count(counts, Status::Starting) + count(counts, Status::Running) > 0
}

/// The status that an array parent has for the statuses of its children.
pub(crate) fn parent_status(job: &Job) -> Status {
    let Shape::Parent { counts, .. } = &job.shape else {
        return job.status;
    };
    let failed = count(counts, Status::Failed);
    let all: u32 = counts.iter().sum();
    if failed + count(counts, Status::Succeeded) == all {
        let stopped = job.is_cancelled || job.is_terminated;
        return if failed > 0 || stopped {
            Status::Failed
        } else {
            Status::Succeeded
        };
    }
    if count(counts, Status::Submitted) == all {
        Status::Submitted
    } else {
        Status::Pending
    }
}
