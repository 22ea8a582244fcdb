//! The emulator itself: the handle that tests hold.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    add::Times,
    behaviour::Behaviour,
    clock::Clock,
    dice::Dice,
    faults::{Fault, Faults},
    job::JobView,
    operation::Operation,
    queue::Queue,
    record::{Call, Record},
    seed::{Seed, SeedError},
    spec::JobSpec,
    status::Status,
    world::World,
};

/// AWS Batch in memory. Cheap to clone: all clones are the same Batch.
#[derive(Clone)]
pub struct Emulator {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    state: Mutex<State>,
    pub(crate) hooks: Mutex<Vec<(Operation, Hook)>>,
}

pub(crate) type Hook = Arc<dyn Fn(&Emulator, &[String]) + Send + Sync>;

pub(crate) struct State {
    pub(crate) clock: Clock,
    pub(crate) world: World,
    pub(crate) dice: Dice,
    pub(crate) record: Record,
}

impl Default for Emulator {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator").finish_non_exhaustive()
    }
}

impl Emulator {
    /// An empty account 123456789012 in eu-west-1, at the system's time.
    #[must_use]
    pub fn new() -> Self {
        Self::empty("123456789012", "eu-west-1", None)
    }

    /// An account as the seed describes it.
    ///
    /// # Errors
    ///
    /// If the seed contradicts itself; the error names the field.
    pub fn from_seed(seed: Seed) -> Result<Self, SeedError> {
        seed.check()?;
        let emulator = Self::empty(&seed.account, &seed.region, seed.now);
        emulator.set_behaviour(seed.behaviour);
        for queue in seed.queues {
            emulator.add_queue(queue);
        }
        for job in &seed.jobs {
            emulator.add_jobs(job);
        }
        emulator.set_faults(seed.faults);
        Ok(emulator)
    }

    fn empty(account: &str, region: &str, now: Option<Duration>) -> Self {
        Self {
            inner: Arc::new(Inner {
                state: Mutex::new(State {
                    clock: Clock::new(now),
                    world: World::new(account, region),
                    dice: Dice::new(Faults::default()),
                    record: Record::default(),
                }),
                hooks: Mutex::default(),
            }),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.inner
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The state with everything done that is due by now.
    pub(crate) fn settled(&self) -> (MutexGuard<'_, State>, Duration) {
        let mut state = self.state();
        let now = state.clock.now();
        state.world.settle(now);
        (state, now)
    }

    /// Adds a queue, or changes the one of this name.
    pub fn add_queue(&self, queue: Queue) {
        self.state().world.add_queue(queue);
    }

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
    /// all children that have not ended. Unknown ids are ignored.
    pub fn set_status(&self, id: &str, status: Status) {
        let (mut state, now) = self.settled();
        if let Some(key) = state.world.key_of(id) {
            state.world.set_status(key, status, now);
            state.world.settle(now);
        }
    }

    /// Sets a job's `statusReason`. Unknown ids are ignored.
    pub fn set_status_reason(&self, id: &str, reason: &str) {
        let (mut state, _) = self.settled();
        if let Some(key) = state.world.key_of(id) {
            state.world.job_mut(key).status_reason = Some(reason.into());
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

    /// The emulator's time, since the Unix epoch.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.state().clock.now()
    }

    /// Moves the emulator's clock forward, and with it all that happens by then. Calls that wait
    /// (latency) are not moved: they follow tokio's time.
    pub fn advance(&self, by: Duration) {
        self.state().clock.advance(by);
        drop(self.settled());
    }

    /// The faults in force.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.state().dice.faults().clone()
    }

    /// Changes the faults in force, from the next call on.
    pub fn set_faults(&self, faults: Faults) {
        self.state().dice.set(faults);
    }

    /// Lets the next `times` calls of an operation go wrong in this way.
    pub fn fail_next(&self, operation: Operation, fault: Fault, times: usize) {
        if times > 0 {
            self.state().dice.order(operation, fault, times);
        }
    }

    /// How Batch behaves where time passes or its documentation is silent.
    #[must_use]
    pub fn behaviour(&self) -> Behaviour {
        self.state().world.behaviour.clone()
    }

    /// Changes how Batch behaves, from the next call on.
    pub fn set_behaviour(&self, behaviour: Behaviour) {
        self.state().world.behaviour = behaviour;
    }

    /// Calls `hook` just before each call of this operation is performed, with the job ids in it:
    /// to let jobs move at the worst moment. Not called where a fault keeps the work from being
    /// done.
    pub fn on(
        &self,
        operation: Operation,
        hook: impl Fn(&Self, &[String]) + Send + Sync + 'static,
    ) {
        let mut hooks = self
            .inner
            .hooks
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        hooks.push((operation, Arc::new(hook)));
    }

    /// Every call so far, in the order of arrival; those at unknown paths too.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.state().record.calls().cloned().collect()
    }

    /// How many calls of this operation came, however they were answered.
    #[must_use]
    pub fn count(&self, operation: Operation) -> usize {
        self.count_where(|call| call.operation == operation)
    }

    /// How many calls of this operation got a complete answer of status 200.
    #[must_use]
    pub fn count_succeeded(&self, operation: Operation) -> usize {
        self.count_where(|call| call.operation == operation && call.succeeded())
    }

    /// How many calls are of this sort.
    pub fn count_where(&self, is_counted: impl Fn(&Call) -> bool) -> usize {
        let state = self.state();
        state.record.calls().filter(|call| is_counted(call)).count()
    }

    /// The largest number of calls that were under way at the same time.
    #[must_use]
    pub fn most_in_flight(&self) -> usize {
        let state = self.state();
        let most = state.record.calls().map(|call| call.in_flight).max();
        most.unwrap_or_default()
    }

    /// Starts the record of calls anew.
    pub fn forget_calls(&self) {
        self.state().record.forget();
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
