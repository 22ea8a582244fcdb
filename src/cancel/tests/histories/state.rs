//! A state: the engine, the account, the calls in flight, and what a judge has to remember.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::*;
use crate::batch::EndOperation;
use steps::{SILENCE, is_fault};

/// The seed of the jitter, the same before each step, so that it is no part of the state.
const JITTER: u64 = 7;

/// A call in flight.
#[derive(Clone, Debug, Hash)]
pub(super) struct Flight {
    pub(super) call: Call,
    /// What Batch has done with it, if it has.
    pub(super) work: Option<Work>,
    /// What a look has shown, by the place of each job.
    shown: Vec<(usize, Shape)>,
}

/// What a look shows of a job, as far as it differs.
type Shape = (Place, bool, bool, bool, bool);

/// What a judge remembers of a job.
#[derive(Clone, Copy, Debug, Default, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub(super) struct Record {
    /// How many calls named it.
    pub(super) sent: u8,
    /// A call for it was accepted.
    pub(super) is_accepted: bool,
    /// A call for it was not answered…
    pub(super) is_unsure: bool,
    /// … and no look has shown it since.
    pub(super) is_unlooked: bool,
    /// A look has shown it.
    pub(super) is_seen: bool,
    /// How many looks have left it out although Batch knows it.
    pub(super) hidden: u8,
    /// A call or a look for it was refused for good.
    pub(super) is_refused: bool,
    /// It was tried again after an attempt.
    pub(super) was_tried_again: bool,
}

#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) engine: Engine<'static>,
    pub(super) now: Instant,
    pub(super) bulk: BulkCalls,
    pub(super) in_flight: Vec<Flight>,
    pub(super) world: World,
    pub(super) records: Vec<Record>,
    pub(super) looks: u8,
    pub(super) faults: u8,
    pub(super) moves: u8,
    /// How little time is left, in milliseconds, if it has run short.
    pub(super) hurry: Option<u64>,
    /// What was done wrong already.
    pub(super) broken: Option<Broken>,
}

impl State {
    /// The beginning: the first calls are in flight.
    pub(super) fn new(setting: &Setting) -> Self {
        let world = World::new(setting);
        let asked = world.entities.iter().enumerate().filter(|(at, entity)| {
            let is_array_asked = setting.jobs.get(*at) == Some(&Kind::Array);
            !entity.is_array || is_array_asked
        });
        let ids: Vec<JobId> = asked.map(|(_, entity)| entity.id).collect();
        let driver = Driver::with(ids, setting.ask.intent(), setting.ask.wait());
        let mut state = Self {
            engine: driver.engine,
            now: driver.now,
            bulk: BulkCalls::Untried,
            in_flight: Vec::new(),
            records: vec![Record::default(); world.entities.len()],
            world,
            looks: 0,
            faults: 0,
            moves: 0,
            hurry: None,
            broken: None,
        };
        state.send(setting);
        state
    }

    pub(super) fn conditions(&self, setting: &Setting) -> Conditions {
        Conditions {
            bulk: self.bulk,
            slowest: Some(setting.slowest),
            ..CONDITIONS
        }
    }

    pub(super) fn is_over(&self, at: Instant) -> bool {
        self.engine.deadline.is_over(at)
    }

    pub(super) fn is_finished(&self, setting: &Setting) -> bool {
        let conditions = self.conditions(setting);
        self.in_flight.is_empty() && self.engine.is_finished(self.now, conditions)
    }

    /// What follows from a step.
    pub(super) fn after(mut self, step: &Step, setting: &Setting) -> Self {
        fastrand::seed(JITTER);
        match step {
            Step::Work(number, work) => {
                self.faults += is_fault(work);
                self.work(*number, work);
            }
            Step::Answer(number) => self.answer(*number),
            Step::Move(at, to) => {
                self.moves = self.moves.saturating_add(1);
                self.records[*at].was_tried_again |= *to == Move::IsTriedAgain;
                self.world.go(*at, *to);
            }
            Step::Time => {
                let due = self.engine.poll_timeout();
                self.now = self.now.max(due.expect("a timer"));
            }
            Step::Hurry(left) => {
                let passes = self.engine.deadline.left(self.now);
                self.now += passes.saturating_sub(Duration::from_millis(*left));
                self.hurry = Some(*left);
            }
        }
        if setting.moves == u8::MAX {
            self.moves = 0;
        }
        self.send(setting);
        self
    }

    /// Sends what is to be sent, as `cancel.rs` does.
    fn send(&mut self, setting: &Setting) {
        self.engine.handle_timeout(self.now);
        while self.in_flight.len() < setting.concurrency
            && let Some(call) = self.engine.poll_call(self.now, self.conditions(setting))
        {
            self.watch(&call, setting);
            self.in_flight.push(Flight {
                call,
                work: None,
                shown: Vec::new(),
            });
        }
    }

    /// Batch does the work of a call.
    fn work(&mut self, number: usize, work: &Work) {
        let call = self.in_flight[number].call.clone();
        let effects: Vec<Option<Effect>> = match work {
            Work::Shows | Work::Hides(_) => {
                let ids = looked_at(&call);
                let places = ids.into_iter().map(|id| self.world.at(id));
                let places = places.filter(|at| *work != Work::Hides(*at));
                let shown = places.filter_map(|at| Some((at, self.shape(at)?)));
                self.in_flight[number].shown = shown.collect();
                Vec::new()
            }
            Work::Ends(items) => items.iter().map(|item| item.effect()).collect(),
            Work::Silent(effects) => effects.clone(),
            Work::Fails(_) => Vec::new(),
        };
        if let Call::End(call) = &call {
            let action = match call.operation {
                EndOperation::Cancel => Action::Cancel,
                EndOperation::Terminate | EndOperation::TerminateService => Action::Terminate,
            };
            for ((_, id), effect) in call.jobs.iter().zip(effects) {
                if let Some(effect) = effect {
                    self.world.act(self.world.at(*id), action, effect);
                }
            }
        }
        self.in_flight[number].work = Some(work.clone());
    }

    fn shape(&self, at: usize) -> Option<Shape> {
        let entity = &self.world.entities[at];
        let shape = (
            entity.place,
            entity.is_cancelled,
            entity.is_terminated,
            entity.ran,
            entity.is_ours,
        );
        (!entity.is_gone).then_some(shape)
    }

    /// The job as a look has shown it, which may be some time ago.
    fn detail(
        &self,
        at: usize,
        (place, is_cancelled, is_terminated, ran, is_ours): Shape,
    ) -> JobDetail {
        let mut then = self.world.clone();
        let entity = &mut then.entities[at];
        entity.place = place;
        entity.is_cancelled = is_cancelled;
        entity.is_terminated = is_terminated;
        entity.ran = ran;
        entity.is_ours = is_ours;
        entity.is_gone = false;
        then.show(at).expect("it was shown")
    }

    /// The answer to a call arrives.
    fn answer(&mut self, number: usize) {
        let flight = self.in_flight.remove(number);
        let work = flight.work.clone().expect("work");
        self.remember(&flight, &work);
        let shown = flight.shown.iter();
        let jobs = shown.map(|(at, shape)| self.detail(*at, *shape)).collect();
        let answer = match flight.call {
            Call::End(call) => {
                let answer = acknowledgement(&call, &work);
                if call.jobs.len() > 1 {
                    self.learn_of_bulk_calls(&answer);
                }
                Answer::Acknowledged(call, answer)
            }
            look @ Call::Look(_) => {
                let answer = match work {
                    Work::Fails(kind) => Err(error(kind)),
                    Work::Silent(_) => Err(error(SILENCE)),
                    _ => Ok(jobs),
                };
                Answer::Looked(looked_at(&look), answer)
            }
        };
        self.engine.handle_answer(answer, self.now);
    }

    fn learn_of_bulk_calls(&mut self, answer: &Result<EndAnswer, CallError>) {
        self.bulk = match (self.bulk, answer.as_ref().map_err(|error| error.kind)) {
            (_, Ok(_)) => BulkCalls::Present,
            (BulkCalls::Untried, Err(ErrorKind::NoSuchOperation)) => BulkCalls::Absent,
            (known, Err(_)) => known,
        };
    }

    /// Two independent hashes of all that the future depends on: times count from now on.
    pub(super) fn fingerprint(&self) -> (u64, u64) {
        let mut one = DefaultHasher::new();
        self.hash_into(&mut one);
        let first = one.finish();
        0x5eed.hash(&mut one);
        self.hash_into(&mut one);
        (first, one.finish())
    }

    fn hash_into(&self, hasher: &mut DefaultHasher) {
        let engine = &self.engine;
        for index in engine.jobs.indices() {
            let job = &engine.jobs[index];
            match job.stage() {
                Stage::Settled { outcome, .. } => outcome.as_str().hash(hasher),
                Stage::ToVerify(result) => (1, result.clone() as u8).hash(hasher),
                stage => std::mem::discriminant(stage).hash(hasher),
            }
            let error = job.last_error.as_ref().map(|error| error.kind as u8);
            (job.failed_ends, job.unchanged_looks, error).hash(hasher);
            let due = engine.due.get(&index);
            let due = due.map(|due| due.saturating_duration_since(self.now));
            due.hash(hasher);
            let first = job.first().map(|first| (first.status, first.is_cancelled));
            (job.was_called, job.may_be_done, first).hash(hasher);
        }
        engine.looks.hash_from(self.now, hasher);
        engine.end_queue.hash(hasher);
        let mut timers: Vec<_> = engine.timers.iter().collect();
        timers.sort_unstable();
        for std::cmp::Reverse((at, jobs)) in timers {
            (at.saturating_duration_since(self.now), jobs).hash(hasher);
        }
        (engine.has_seen_children, engine.only_looks).hash(hasher);
        engine.end_calls_in_flight.hash(hasher);
        let wait = engine
            .jobs
            .indices()
            .next()
            .map(|job| engine.jobs.options(job).wait);
        if self.hurry.is_some() || wait.is_some_and(|wait| !wait.is_zero()) {
            (self.now - engine.began).hash(hasher);
        }
        (self.bulk as u8, &self.in_flight, &self.world, &self.records).hash(hasher);
        (self.looks, self.faults, self.moves, self.hurry).hash(hasher);
    }
}

impl Item {
    fn effect(self) -> Option<Effect> {
        match self {
            Self::Accepts(effect) => Some(effect),
            Self::LeavesOut(effect) => effect,
            Self::Refuses(_) => None,
        }
    }
}

/// The jobs of a look.
pub(super) fn looked_at(call: &Call) -> Vec<JobId> {
    match call {
        Call::Look(ids) => ids.clone(),
        Call::End(_) => Vec::new(),
    }
}

fn acknowledgement(call: &EndCall, work: &Work) -> Result<EndAnswer, CallError> {
    let items = match work {
        Work::Ends(items) => items,
        Work::Fails(kind) => return Err(error(*kind)),
        _ => return Err(error(SILENCE)),
    };
    let mut answer = EndAnswer::default();
    for ((_, id), item) in call.jobs.iter().zip(items) {
        match item {
            Item::Accepts(_) => answer.accepted.push(*id),
            Item::Refuses(kind) => answer.refused.push((*id, error(*kind))),
            Item::LeavesOut(_) => {}
        }
    }
    Ok(answer)
}
