//! The emulator itself: the handle that tests hold.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    behaviour::Behaviour,
    clock::Clock,
    dice::Dice,
    fault::Fault,
    faults::Faults,
    operation::Operation,
    queue::Queue,
    record::Record,
    seed::{Seed, SeedError},
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
}
