//! Cancel and terminate: what they mark, whom they reach, when the end comes (batch.md, 1.1).

use std::{sync::Arc, time::Duration};

use crate::{
    attempt::EXIT_KILLED,
    behaviour::TerminateMark,
    events::What,
    job::{Key, Shape},
    lifecycle::has_started,
    status::Status,
    world::World,
};

/// What a caller asks to be done to a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Cancel,
    Terminate,
}

impl World {
    /// A cancel or terminate was accepted; it takes effect after `flag_delay`, and until then the
    /// job stays as it is.
    pub(crate) fn accept(
        &mut self,
        key: Key,
        action: Action,
        reason: &Arc<str>,
        now: Duration,
        flag_delay: Duration,
    ) {
        if flag_delay.is_zero() {
            self.take_effect(key, action, reason, now);
        } else {
            self.hold(key, action);
            let reason = Arc::clone(reason);
            self.plan(now + flag_delay, key, What::Effect { action, reason });
        }
    }

    fn hold(&mut self, key: Key, action: Action) {
        let job = self.job_mut(key);
        if job.status.is_cancellable() || action == Action::Terminate {
            job.is_held = true;
        }
        for child in self.children(key) {
            self.hold(child, action);
        }
    }

    pub(crate) fn take_effect(
        &mut self,
        key: Key,
        action: Action,
        reason: &Arc<str>,
        at: Duration,
    ) {
        let children = self.children(key);
        let job = self.job_mut(key);
        let was_held = std::mem::take(&mut job.is_held);
        match job.status {
            Status::Succeeded | Status::Failed => return,
            Status::Submitted | Status::Pending | Status::Runnable => {
                self.take_effect_early(key, action, reason, at);
            }
            Status::Scheduled | Status::Starting | Status::Running => {
                if action == Action::Terminate && !job.is_terminated {
                    job.is_terminated = true;
                    job.ending = Some(Arc::clone(reason));
                    let delay = self.behaviour.terminate_delay;
                    self.plan(at + delay, key, What::End);
                }
                if was_held {
                    self.plan_move(key, at);
                }
            }
        }
        for child in children {
            self.take_effect(child, action, reason, at);
        }
    }

    /// On a job that has not started.
    fn take_effect_early(&mut self, key: Key, action: Action, reason: &Arc<str>, at: Duration) {
        let job = self.job_mut(key);
        let marked = job.is_cancelled || job.is_terminated;
        let parent = matches!(job.shape, Shape::Parent { .. });
        // Only a cancel can be in vain.
        let caught = action == Action::Terminate && job.runs_anyway.take().is_some();
        if marked && !parent && !caught {
            return;
        }
        self.mark(key, action);
        let job = self.job_mut(key);
        job.ending.get_or_insert_with(|| Arc::clone(reason));
        if parent {
            return;
        }
        if job.escape().is_some() {
            // Its time in this status starts anew.
            job.turn += 1;
            self.plan_move(key, at);
        } else if job.status != Status::Pending || job.waits_for == 0 {
            self.end_later(key, at);
        }
    }

    fn mark(&mut self, key: Key, action: Action) {
        let mark = self.behaviour.terminate_mark;
        let job = self.job_mut(key);
        // A service job knows no cancel, and an array that is terminated has running children.
        let whole = job.is_service
            || matches!(&job.shape, Shape::Parent { counts, .. } if has_started(counts));
        let terminated = action == Action::Terminate && (whole || mark != TerminateMark::Cancelled);
        job.is_terminated |= terminated;
        job.is_cancelled |= !terminated || (mark == TerminateMark::Both && !job.is_service);
    }

    pub(crate) fn end_later(&mut self, key: Key, at: Duration) {
        let delay = self.behaviour.cancel_delay;
        self.plan(at + delay, key, What::End);
    }

    pub(crate) fn end(&mut self, key: Key, at: Duration) {
        let job = self.job(key);
        if !job.status.is_final() && (job.is_cancelled || job.is_terminated) {
            let reason = job.ending.clone().or_else(|| job.status_reason.clone());
            self.job_mut(key)
                .end_attempt(at, EXIT_KILLED, reason.as_deref().map(str::to_owned));
            self.enter(key, Status::Failed, reason, at);
        }
    }
}
