//! The emulator itself: a handle that tests hold, and the path of a call through it.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};

use crate::{
    add::Times,
    body::{Body, cut_short},
    clock::Clock,
    control,
    faults::{Dice, Fault, Faults},
    job::JobView,
    operation::Operation,
    operations::{Desk, Done},
    record::{Answer, Call, Record},
    seed::{Seed, SeedError},
    spec::{Behaviour, JobSpec, Queue, Status},
    wire::{self, ApiError, Input},
    world::World,
};

/// AWS Batch in memory. Cheap to clone: all clones are the same Batch.
#[derive(Clone)]
pub struct Emulator {
    inner: Arc<Inner>,
}

struct Inner {
    state: Mutex<State>,
    hooks: Mutex<Vec<(Operation, Hook)>>,
}

type Hook = Arc<dyn Fn(&Emulator, &[String]) + Send + Sync>;

struct State {
    clock: Clock,
    world: World,
    dice: Dice,
    record: Record,
}

/// The connection was reset: there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the emulator reset the connection")]
pub struct Dropped;

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

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The state with everything done that is due by now.
    fn settled(&self) -> (MutexGuard<'_, State>, Duration) {
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

    /// Answers one HTTP request, in process. Paths under `/_emulator/` are the control endpoints.
    /// A hanging call never returns.
    ///
    /// # Errors
    ///
    /// [`Dropped`] where a server would reset the connection.
    pub async fn call(&self, request: Request<Bytes>) -> Result<Response<Body>, Dropped> {
        let (parts, body) = request.into_parts();
        if let Some(path) = parts.uri.path().strip_prefix("/_emulator/") {
            return Ok(control::answer(self, &parts.method, path, &body));
        }
        let operation = Operation::of(&parts.method, parts.uri.path());
        let input = Input::read(&body);
        let flight = self.arrive(operation, input.as_ref().ok(), body);
        if !flight.latency.is_zero() {
            tokio::time::sleep(flight.latency).await;
        }
        let fault = flight.decide(operation);
        match fault {
            Some(Fault::ResetBefore) => return flight.reset(),
            Some(Fault::HangBefore) => return std::future::pending().await,
            Some(Fault::NotFound) => return Ok(flight.answer(wire::not_found_page())),
            _ => {}
        }
        let request_id = self.state().world.new_id();
        if let Some(error) = fault.and_then(|fault| ApiError::of_fault(fault, operation)) {
            return Ok(flight.answer(wire::answer(Err(error), &request_id)));
        }
        let result = match input {
            Ok(input) => self.perform(operation, input, &flight),
            Err(error) => Err(error),
        };
        match fault {
            Some(Fault::ResetAfter) => flight.reset(),
            Some(Fault::HangAfter) => std::future::pending().await,
            Some(Fault::CutShort) => {
                let response = wire::answer(result, &request_id);
                flight.note(|call| call.answer = Answer::CutShort);
                Ok(cut_short(response))
            }
            _ => Ok(flight.answer(wire::answer(result, &request_id))),
        }
    }

    fn arrive(&self, operation: Operation, input: Option<&Input>, body: Bytes) -> Flight<'_> {
        let mut state = self.state();
        let at = state.clock.now();
        state.record.in_flight += 1;
        let in_flight = state.record.in_flight;
        let number = state.record.begin(Call {
            operation,
            job_ids: input.map(Input::job_ids).unwrap_or_default(),
            reason: input.and_then(|input| input.reason.clone()),
            body,
            answer: Answer::None,
            fault: None,
            refused_jobs: 0,
            at,
            in_flight,
        });
        Flight {
            emulator: self,
            number,
            latency: state.dice.latency(operation),
        }
    }

    fn perform(
        &self,
        operation: Operation,
        input: Input,
        flight: &Flight<'_>,
    ) -> Result<Bytes, ApiError> {
        self.run_hooks(operation, &input);
        let (mut state, now) = self.settled();
        let State { world, dice, .. } = &mut *state;
        let done = Desk { world, dice, now }.perform(operation, input);
        state.world.settle(now);
        drop(state);
        let Done { body, refused } = done?;
        flight.note(|call| call.refused_jobs = refused);
        Ok(body)
    }

    fn run_hooks(&self, operation: Operation, input: &Input) {
        let hooks: Vec<Hook> = {
            let hooks = self
                .inner
                .hooks
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let wanted = hooks.iter().filter(|(of, _)| *of == operation);
            wanted.map(|(_, hook)| Arc::clone(hook)).collect()
        };
        if !hooks.is_empty() {
            let ids = input.job_ids();
            for hook in hooks {
                hook(self, &ids);
            }
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

/// A call under way, with its place in the record. It ends when it is dropped, so also when its
/// caller goes away.
struct Flight<'a> {
    emulator: &'a Emulator,
    number: usize,
    latency: Duration,
}

impl Flight<'_> {
    fn note(&self, change: impl FnOnce(&mut Call)) {
        if let Some(call) = self.emulator.state().record.call_mut(self.number) {
            change(call);
        }
    }

    fn decide(&self, operation: Operation) -> Option<Fault> {
        let mut state = self.emulator.state();
        let now = state.clock.now();
        let fault = state.dice.decide(operation, now);
        drop(state);
        self.note(|call| call.fault = fault);
        fault
    }

    fn answer(&self, response: Response<Body>) -> Response<Body> {
        let status = response.status().as_u16();
        self.note(|call| call.answer = Answer::Status(status));
        response
    }

    fn reset<T>(&self) -> Result<T, Dropped> {
        self.note(|call| call.answer = Answer::Reset);
        Err(Dropped)
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        let mut state = self.emulator.state();
        state.record.in_flight = state.record.in_flight.saturating_sub(1);
    }
}
