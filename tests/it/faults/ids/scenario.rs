//! A scenario of ids, generated from a seed: the account, the request, and what it meets.

use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};
use support::{
    QUEUE,
    events::{self, CALLER, Form},
};

use crate::faults::{
    account::{Account, RequestedJob, queues},
    judge::{Invocation, Judge, Process, Reply},
    mix::Mix,
    request::{Request, Target},
    spell::{Spell, chance, time},
};

/// The most messages in an SQS event.
const MESSAGES: usize = 10;

/// Where the request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Direct,
    Http,
    Sqs,
    Fifo,
    EventBridge,
}

/// How often the function is invoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// One invocation, which returns a report.
    Once,
    /// Two instances cancel the same jobs. Where `kills`, one of them may be killed, and is then replaced.
    TwoAtOnce { kills: bool },
    /// Messages of a queue, redelivered until all are done.
    Redelivered { kills: bool },
}

/// A request for ids, and what it meets.
pub(super) struct Scenario {
    pub(super) shape: Shape,
    pub(super) source: Source,
    pub(super) terminate: bool,
    pub(super) spell: Spell,
    pub(super) requested: Vec<RequestedJob>,
    /// The jobs of each message, as places in `requested`.
    pub(super) messages: Vec<Vec<usize>>,
    pub(super) kills: Vec<Option<Duration>>,
    pub(super) judge: Judge,
}

impl Scenario {
    pub(super) fn of(seed: u64, terminate: bool) -> Self {
        let mut random = Rng::with_seed(seed);
        let mut spell = Spell::of(seed, &mut random);
        // A dry run changes nothing, so there is nothing to be delivered again.
        let shape = match random.u8(..10) {
            _ if spell.dry_run => Shape::Once,
            0..=4 => Shape::Once,
            kind @ 5..=6 => Shape::TwoAtOnce { kills: kind > 5 },
            kind => Shape::Redelivered { kills: kind > 7 },
        };
        let source = match (shape, random.u8(..4)) {
            (Shape::Once, 0) => Source::Http,
            (Shape::Once, 1) => Source::EventBridge,
            (Shape::Once | Shape::TwoAtOnce { .. }, _) => Source::Direct,
            (Shape::Redelivered { .. }, 0) => Source::Fifo,
            (Shape::Redelivered { .. }, _) => Source::Sqs,
        };
        let most = if seed.is_multiple_of(16) { 2_500 } else { 150 };
        let mix = Mix {
            lifecycles: chance(&mut random, 0.4),
            service_jobs: chance(&mut random, 0.3),
            terminate,
            group: 0,
        };
        let (account, requested) = set_up(seed, random.usize(1..=most), mix, &mut spell);
        let size = requested.len().div_ceil(MESSAGES);
        let places: Vec<usize> = (0..requested.len()).collect();
        Self {
            shape,
            source,
            terminate,
            messages: places.chunks(size).map(<[usize]>::to_vec).collect(),
            requested,
            kills: (0..8)
                .map(|_| chance(&mut random, 0.7).then(|| time(&mut random, 3.0)))
                .collect(),
            judge: Judge::new(account, Process::of(&mut random), false),
            spell,
        }
    }

    fn request(&self, places: &[usize]) -> (Value, Request) {
        let jobs = places.iter().map(|&place| self.requested[place].clone());
        let jobs: Vec<RequestedJob> = jobs.collect();
        let ids: Vec<&str> = jobs.iter().map(|job| job.text.as_str()).collect();
        let fails = self.source == Source::Direct && self.spell.fail_on_incomplete;
        let body = json!({
            "jobIds": ids, "reason": "a bad submission", "terminate": self.terminate,
            "dryRun": self.spell.dry_run, "waitSeconds": self.spell.wait_seconds,
            "failOnIncomplete": fails,
        });
        let request = Request {
            terminate: self.terminate,
            dry_run: self.spell.dry_run,
            ..Request::new(Target::Ids(jobs))
        };
        (body, request)
    }

    /// An invocation with one request for all jobs.
    pub(super) fn invocation(&self) -> Invocation {
        let places: Vec<usize> = (0..self.requested.len()).collect();
        let (body, request) = self.request(&places);
        let (event, reply) = match self.source {
            Source::Http => {
                let event = Form::V2.post(&body.to_string()).caller(CALLER).event;
                (event, Reply::Http)
            }
            Source::EventBridge => (events::eventbridge(&body), Reply::Async),
            _ => {
                let fails = self.spell.fail_on_incomplete;
                (body, Reply::Report { fails })
            }
        };
        let mut invocation = self.judge.begin((event, reply, vec![request]), &self.spell);
        invocation.is_alone = self.shape == Shape::Once;
        invocation.is_first = self.shape == Shape::Once;
        invocation
    }

    /// An invocation with these messages of a queue.
    pub(super) fn delivery(&self, messages: &[usize], spell: &Spell) -> Invocation {
        let is_fifo = self.source == Source::Fifo;
        let of = |&message: &usize| (message % 3, self.request(&self.messages[message]));
        let (grouped, requests) = messages
            .iter()
            .map(of)
            .map(|(group, (body, request))| ((group, body), request))
            .unzip();
        let grouped: Vec<(usize, Value)> = grouped;
        let mut event = if is_fifo {
            events::fifo(grouped)
        } else {
            events::sqs_groups(grouped)
        };
        for (place, message) in messages.iter().enumerate() {
            event["Records"][place]["messageId"] = json!(message.to_string());
        }
        let numbers = messages.to_vec();
        let reply = Reply::Messages { is_fifo, numbers };
        let mut invocation = self.judge.begin((event, reply, requests), spell);
        invocation.is_first = false;
        invocation
    }
}

/// The account, and the jobs in the request.
fn set_up(seed: u64, jobs: usize, mix: Mix, spell: &mut Spell) -> (Account, Vec<RequestedJob>) {
    let mut random = Rng::with_seed(!seed);
    let account = Account::new(seed, &queues(1));
    account.emulator.set_behaviour(spell.behaviour.clone());
    account.emulator.set_faults(spell.faults.clone());
    let mut requested: Vec<RequestedJob> = Vec::new();
    while requested.len() < jobs {
        if !requested.is_empty() && chance(&mut random, 0.03) {
            let twice = random.usize(..requested.len());
            requested.push(requested[twice].clone());
            continue;
        }
        requested.extend(account.add(&mut random, mix, QUEUE));
    }
    spell.name_jobs(&mut random, requested.iter().map(|job| job.id.as_str()));
    account.emulator.set_faults(spell.faults.clone());
    account.set_moves(spell.moves, spell.moves_at_end);
    (account, requested)
}
