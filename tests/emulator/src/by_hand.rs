//! Jobs as tests put them in, look at them and move them by hand.

use std::time::Duration;

use crate::{
    add::Times,
    attempt::Attempt,
    emulator::{Emulator, State},
    job::JobView,
    spec::JobSpec,
    status::Status,
};

impl Emulator {
    /// Adds one job and gives its id. Its queue is made if it is not there; a job of the same id is
    /// replaced.
    #[expect(
        clippy::needless_pass_by_value,
        clippy::must_use_candidate,
        reason = "a spec is mostly made for this call, and the id often not needed"
    )]
    pub fn add_job(&self, spec: JobSpec) -> String {
        let (mut state, now) = self.settled();
        state.add(&spec, now)
    }

    /// Adds `count` of this job and gives their ids, in the order of creation.
    #[expect(
        clippy::must_use_candidate,
        reason = "it is called for what it does; the id is often not needed"
    )]
    pub fn add_jobs(&self, spec: &JobSpec) -> Vec<String> {
        let (mut state, now) = self.settled();
        (0..spec.count).map(|_| state.add(spec, now)).collect()
    }

    /// The job of this id, as it is, whatever the faults hide from callers.
    #[must_use]
    pub fn job(&self, id: &str) -> Option<JobView> {
        let (state, _) = self.settled();
        let job = state.world.job(state.world.key_of(id)?);
        let queue = &state.world.queue(job.queue).queue.name;
        (!job.forgotten).then(|| JobView::of(job, queue))
    }

    /// The attempts of the job of this id, the one that runs too; none if there is no such job.
    #[must_use]
    pub fn attempts(&self, id: &str) -> Vec<Attempt> {
        let (state, _) = self.settled();
        let key = state.world.key_of(id);
        key.map(|key| state.world.job(key).attempts.clone())
            .unwrap_or_default()
    }

    /// All jobs, array children too, in the order in which they were added.
    #[must_use]
    pub fn jobs(&self) -> Vec<JobView> {
        let (state, _) = self.settled();
        state
            .world
            .jobs()
            .filter(|job| !job.forgotten)
            .map(|job| JobView::of(job, &state.world.queue(job.queue).queue.name))
            .collect()
    }

    /// Puts a job into a status from outside, as if it had got there by itself. Of an array parent,
    /// all children that have not ended. Attempts begin and end with it: one that ends RUNNING for
    /// anything but SUCCEEDED failed with exit code 1. Unknown ids are ignored.
    pub fn set_status(&self, id: &str, status: Status) {
        let (mut state, now) = self.settled();
        if let Some(key) = state.world.key_of(id) {
            state.world.set_status(key, status, now);
            state.world.settle(now);
        }
    }

    /// Sets a job's `statusReason`, or with `None` takes it away. A change of status takes it away
    /// too. Unknown ids are ignored.
    pub fn set_status_reason<'a>(&self, id: &str, reason: impl Into<Option<&'a str>>) {
        let (mut state, _) = self.settled();
        if let Some(key) = state.world.key_of(id) {
            state.world.job_mut(key).status_reason = reason.into().map(Into::into);
        }
    }

    /// Lets Batch forget a job, as it does some time after its end. Unknown ids are ignored.
    pub fn forget_job(&self, id: &str) {
        let (mut state, _) = self.settled();
        if let Some(key) = state.world.key_of(id) {
            state.world.unlist(key);
            state.world.job_mut(key).forgotten = true;
        }
    }
}

impl State {
    fn add(&mut self, spec: &JobSpec, now: Duration) -> String {
        let visible_from = now + self.dice.faults().visibility_delay;
        let key = self.world.add(spec, Times { now, visible_from });
        self.world.settle(now);
        self.world.job(key).id.to_string()
    }
}
