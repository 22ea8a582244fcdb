//! Warm processes: whatever happened before, an event is handled as in a new process, by outcomes and number of calls. In
//! virtual time.
//!
//! `RECOVERY_EVENTS` is the number of events of each process, `RECOVERY_SEED` the seed of the first.

use std::{collections::BTreeMap, time::Duration};

use batch_emulator::{Emulator, Faults, JobSpec, Operation, Queue, Status};
use fastrand::Rng;
use serde_json::{Value, json};
use support::{
    Function, QUEUE,
    events::{self, CALLER, Form},
};
use tokio::time::{Instant, sleep};

/// The events of a process, unless `RECOVERY_EVENTS` is set.
const EVENTS: u64 = 120;

/// The healthy events after each spell.
const HEALTHY: u64 = 2;

/// How many jobs an event has.
const JOBS: [u32; 3] = [1, 40, 110];

/// How long what throttling taught is kept.
const THROTTLING: Duration = Duration::from_secs(10);

/// What an event comes through, with the time of the function in seconds.
#[derive(Clone, Copy, Debug)]
enum Door {
    Direct(u64),
    Sqs(u64),
    Http(u64),
}

const DOORS: [Door; 5] = [
    Door::Direct(5),
    Door::Direct(60),
    Door::Sqs(5),
    Door::Http(60),
    Door::Http(5),
];

impl Door {
    fn event(self, ids: &[String]) -> Value {
        let request = json!({ "jobIds": ids });
        match self {
            Self::Direct(_) => request,
            Self::Sqs(_) => events::sqs([request]),
            Self::Http(_) => Form::V2.post(&request.to_string()).caller(CALLER).event,
        }
    }

    fn time(self) -> Duration {
        let (Self::Direct(seconds) | Self::Sqs(seconds) | Self::Http(seconds)) = self;
        Duration::from_secs(seconds)
    }
}

/// The spell of trouble of this number: what goes wrong, and how long its traces may last. Each kind has come once in ten.
fn spell(number: usize, random: &mut Rng) -> (Faults, Duration) {
    let seconds = |random: &mut Rng, most: f64| Duration::from_secs_f64(random.f64() * most);
    let none = Faults::default();
    let faults = match number % 10 {
        0..=2 => slow(&[(Operation::DescribeJobs, seconds(random, 8.0))]),
        3..=5 => slow(&[(Operation::CancelJobs, seconds(random, 30.0))]),
        6 => Faults {
            latency: seconds(random, 4.0),
            ..none
        },
        7 => Faults {
            hang_rate: 0.7,
            ..none
        },
        8 => Faults {
            server_error_rate: 0.5,
            reset_before_rate: 0.2,
            reset_after_rate: 0.2,
            cut_short_rate: 0.1,
            ..none
        },
        _ => {
            let throttled = Faults {
                throttle_rate: 0.6,
                item_throttle_rate: 0.3,
                ..none
            };
            return (throttled, THROTTLING);
        }
    };
    (faults, Duration::ZERO)
}

/// An event's counts by outcome, and the number of calls.
#[derive(Debug, PartialEq, Eq)]
struct Observed {
    outcomes: BTreeMap<String, usize>,
    calls: usize,
}

/// Lets a process cancel this many new jobs.
async fn observe(door: Door, function: &Function, jobs: u32) -> Observed {
    let emulator = &function.emulator;
    let ids = emulator.add_jobs(&JobSpec {
        count: jobs,
        ..JobSpec::new(Status::Runnable).queue(QUEUE)
    });
    emulator.forget_calls();
    let began = Instant::now();
    // What the jobs are tells more than the answer, which SQS gets none of.
    function.invoke(door.event(&ids)).await.unwrap();
    assert!(began.elapsed() <= door.time(), "{door:?}");
    let mut outcomes = BTreeMap::new();
    for id in &ids {
        let job = emulator.job(id).unwrap();
        let outcome = format!("{:?}, cancelled: {}", job.status, job.is_cancelled);
        *outcomes.entry(outcome).or_default() += 1;
    }
    Observed {
        outcomes,
        calls: emulator.calls().len(),
    }
}

fn process(door: Door) -> Function {
    let emulator = Emulator::new();
    emulator.add_queue(Queue::new(QUEUE));
    emulator.set_faults(healthy());
    let mut function = Function::on(emulator, &[("API_CALLS_PER_SECOND", "10")]);
    function.deadline = door.time();
    function
}

fn healthy() -> Faults {
    Faults {
        latency: Duration::from_millis(50),
        ..Faults::default()
    }
}

fn setting(name: &str, default: u64) -> u64 {
    let value = std::env::var(name).ok();
    value.map_or(default, |value| value.parse().unwrap())
}

/// A process with a spell of trouble before every few healthy events. Gives the number of spells.
async fn play(door: Door, seed: u64, events: u64) -> usize {
    let mut random = Rng::with_seed(seed);
    let mut new = BTreeMap::new();
    for jobs in JOBS {
        new.insert(jobs, observe(door, &process(door), jobs).await);
    }
    let function = process(door);
    let (mut spells, mut number) = (0, 0);
    while number < events {
        let (faults, traces) = spell(spells, &mut random);
        function.emulator.set_faults(Faults {
            seed: random.u64(..),
            ..faults.clone()
        });
        spells += 1;
        observe(door, &function, *random.choice(&JOBS).unwrap()).await;
        function.emulator.set_faults(healthy());
        sleep(traces + Duration::from_millis(random.u64(..1_000))).await;
        for after in 1..=HEALTHY {
            let jobs = random.choice(&JOBS).unwrap();
            let found = observe(door, &function, *jobs).await;
            assert_eq!(
                found, new[jobs],
                "{door:?}, seed {seed}, event {after} after {faults:?}"
            );
        }
        number += 1 + HEALTHY;
    }
    spells
}

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Spells that were met: the door of an event, and the calls that are slow during the one before, with their times.
const MET: [(Door, &[(Operation, Duration)]); 6] = [
    (Door::Direct(5), &[(Operation::DescribeJobs, ms(1_000))]),
    (Door::Direct(5), &[(Operation::DescribeJobs, ms(4_000))]),
    (Door::Direct(60), &[(Operation::CancelJobs, ms(20_000))]),
    (
        Door::Direct(60),
        &[
            (Operation::DescribeJobs, ms(1_000)),
            (Operation::CancelJobs, ms(17_000)),
        ],
    ),
    (Door::Http(60), &[(Operation::DescribeJobs, ms(3_200))]),
    (Door::Http(60), &[(Operation::CancelJobs, ms(9_000))]),
];

/// All of these jobs cancelled by one look, one call and one look.
fn all_cancelled(jobs: usize) -> Observed {
    Observed {
        outcomes: BTreeMap::from([("Failed, cancelled: true".to_owned(), jobs)]),
        calls: 3,
    }
}

fn slow(calls: &[(Operation, Duration)]) -> Faults {
    Faults {
        slow: calls.iter().copied().collect(),
        ..Faults::default()
    }
}

#[tokio::test(start_paused = true)]
async fn event_right_after_a_slow_one_is_handled_as_in_a_new_process() {
    for (door, calls) in MET {
        let function = process(door);
        function.emulator.set_faults(slow(calls));
        observe(door, &function, 50).await;
        function.emulator.set_faults(Faults::default());
        let found = observe(door, &function, 50).await;
        assert_eq!(found, all_cancelled(50), "{door:?} after {calls:?}");
    }
}

/// With looks of 1 s, a look, a call and a look fit into the time of a function with a time-out of 5 s.
#[tokio::test(start_paused = true)]
async fn slow_looks_are_sent_as_long_as_there_is_time() {
    let door = Door::Direct(5);
    let function = process(door);
    let faults = slow(&[(Operation::DescribeJobs, ms(1_000))]);
    function.emulator.set_faults(faults);
    for _ in 0..3 {
        assert_eq!(observe(door, &function, 50).await, all_cancelled(50));
    }
}

#[tokio::test(start_paused = true)]
async fn event_after_a_spell_of_trouble_is_handled_as_in_a_new_process() {
    let events = setting("RECOVERY_EVENTS", EVENTS);
    let seed = setting("RECOVERY_SEED", 1);
    for door in DOORS {
        let spells = play(door, seed, events).await;
        println!(
            "{door:?}: {events} events, {spells} spells, none differs from that of a new process"
        );
    }
}
