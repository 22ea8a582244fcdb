//! A warm process: events through one door, with a spell of trouble of its own for each. In between all that was accepted takes
//! effect.

use std::{collections::HashMap, time::Duration};

use batch_emulator::{BulkCalls, Faults};
use fastrand::Rng;
use support::Function;
use tokio::time::sleep;

use super::{
    account::{Account, RequestedJob, queues},
    blocked,
    door::Door,
    http, invoke,
    judge::{Invocation, Judge, Process, Tally},
    messages, panel, process, selections,
    spell::Spell,
};

/// The events of a process.
pub(crate) const EVENTS: u64 = 8;

/// By then every accepted call has had its effect, and what throttling taught is forgotten.
const PAUSE: Duration = Duration::from_secs(30);

/// By then the bulk calls are asked for again that were not there.
const BULK_PAUSE: Duration = Duration::from_mins(11);

/// A warm process, and the event that it is about to get.
pub(crate) struct Warm {
    pub(crate) judge: Judge,
    pub(crate) queues: Vec<String>,
    pub(crate) random: Rng,
    pub(crate) spell: Spell,
    /// The jobs that were added, by the texts with which they are asked for.
    pub(crate) requested: HashMap<String, RequestedJob>,
    function: Function,
    /// The number of the event.
    pub(crate) number: u64,
}

/// Plays the process of a seed.
pub(crate) async fn play(door: Door, seed: u64) -> Tally {
    let mut random = Rng::with_seed(seed);
    let queues = queues(door.queues(seed));
    let account = Account::new(seed, &queues);
    let process_of = Process {
        blocked_for: Door::blocked_for(seed),
        dry_run: door.is_dry_run(seed),
        max_selected: if door == Door::Tags && seed.is_multiple_of(5) {
            40
        } else {
            1_000
        },
        ..Process::of(&mut random)
    };
    let judge = Judge::new(account, process_of, true);
    let mut warm = Warm {
        function: process(&judge),
        judge,
        queues,
        spell: Spell::of(0, &mut random),
        random,
        requested: HashMap::new(),
        number: 0,
    };
    for event in 0..EVENTS {
        warm.number = seed.wrapping_mul(EVENTS) + event;
        warm.spell = Spell::of(warm.number, &mut warm.random);
        warm.spell.dry_run |= warm.judge.process.dry_run;
        match door {
            Door::Ids | Door::Terminate => panic!("these have plays of their own"),
            Door::Tags | Door::MaxJobs | Door::Queues => selections::event(&mut warm, door).await,
            Door::Head | Door::Blocked | Door::Alarm => blocked::event(&mut warm, door).await,
            Door::Messages => messages::event(&mut warm).await,
            Door::Http => http::event(&mut warm).await,
            Door::Panel => panel::event(&mut warm).await,
        }
        warm.recover().await;
    }
    warm.judge.tally.into_inner()
}

impl Warm {
    /// The account's jobs are as they are from now on: trouble begins.
    pub(crate) fn trouble_begins<'a>(&mut self, ids: impl IntoIterator<Item = &'a str>) {
        self.spell.name_jobs(&mut self.random, ids);
        let emulator = &self.judge.account.emulator;
        emulator.set_behaviour(self.spell.behaviour.clone());
        emulator.set_faults(self.spell.faults.clone());
        self.judge
            .account
            .set_moves(self.spell.moves, self.spell.moves_at_end);
    }

    /// Lets the process work on an event, which is judged. Gives the messages that come back.
    pub(crate) async fn invoke(&mut self, invocation: &Invocation) -> Vec<usize> {
        let left = invoke(&self.judge, &mut self.function, invocation).await;
        self.after(invocation);
        left
    }

    /// The same where the answer is looked at further.
    pub(crate) async fn answer(&mut self, invocation: &Invocation) -> serde_json::Value {
        self.function.request_id.clone_from(&invocation.request_id);
        self.function.deadline = invocation.spell.deadline;
        let answer = self
            .function
            .invoke(invocation.event.clone())
            .await
            .unwrap();
        self.judge.check(invocation, Ok(answer.clone()));
        self.after(invocation);
        answer
    }

    fn after(&mut self, invocation: &Invocation) {
        self.judge.calls_are_in_time(invocation);
        if invocation.requests.iter().all(|request| request.dry_run) {
            self.judge.nothing_changed();
        }
        self.judge.calls_keep_the_ceiling(1);
        self.judge.account.emulator.forget_calls();
    }

    /// Trouble ends.
    async fn recover(&mut self) {
        let account = &self.judge.account;
        account.set_moves(0.0, 0.0);
        account.emulator.set_faults(Faults::default());
        let is_bulk = self.spell.faults.bulk_calls == BulkCalls::Present;
        sleep(if is_bulk { PAUSE } else { BULK_PAUSE }).await;
        self.judge.sightings.as_ref().unwrap().see(None);
    }
}
