//! Random faults at every door: no job is lost, none is misreported, nothing is ended that was not asked for, and every answer
//! is in time. A door prints a line.
//!
//! Each scenario is generated from a seed, which a failure prints. `FAULT_SEED=17` repeats one; `FAULT_JOBS=20000` and
//! `FAULT_EVENTS=3000` run scenarios from `FAULT_FIRST_SEED` on until the reports of a door have had that many jobs, or that
//! many events came through a door that takes one job.

mod account;
mod blocked;
mod door;
mod http;
mod ids;
mod judge;
mod log;
mod messages;
mod mix;
mod moment;
mod panel;
mod request;
mod selections;
mod sightings;
mod spell;
mod warm;

use std::{panic::catch_unwind, time::Duration};

use account::SERVICE_QUEUE;
use door::Door;
use fastrand::Rng;
pub(crate) use judge::class as class_by_contract;
use judge::{Invocation, Judge, Process, Tally};
use support::Function;
use tokio::time::Instant;

/// A run is over after so many failed scenarios.
const MOST_FAILURES: usize = 20;

fn setting(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name} is not a number: {value}")),
    )
}

/// Prints how to repeat a scenario that panics.
struct OnPanic(Door, u64);

impl Drop for OnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self(door, seed) = self;
            let name = door.name();
            eprintln!(
                "again: FAULT_SEED={seed} cargo test --test it faults::at::{name} -- --exact --nocapture"
            );
        }
    }
}

/// Plays scenarios of a door, until it has had enough.
fn play_all(door: Door) {
    if let Some(seed) = setting("FAULT_SEED") {
        println!("{}: {}", door.name(), play(door, seed));
        return;
    }
    let name = if door.takes_one_job() {
        "FAULT_EVENTS"
    } else {
        "FAULT_JOBS"
    };
    let enough = setting(name).map_or(door.short_run(), |most| usize::try_from(most).unwrap());
    let first = setting("FAULT_FIRST_SEED").unwrap_or(1);
    let mut tally = Tally::default();
    let is_enough = |tally: &Tally| {
        let count = if door.takes_one_job() {
            tally.events
        } else {
            tally.jobs
        };
        count >= enough
    };
    let mut seed = first;
    while !is_enough(&tally) && tally.failures.len() < MOST_FAILURES {
        match catch_unwind(|| play(door, seed)) {
            Ok(one) => tally.add(&one),
            Err(_) => tally.failures.push(seed),
        }
        seed += 1;
    }
    println!("{} from seed {first} on: {tally}", door.name());
    assert!(tally.failures.is_empty(), "{tally}");
    tally.must_be_varied(door);
}

/// Runs the scenario of a seed in virtual time.
fn play(door: Door, seed: u64) -> Tally {
    let _on_panic = OnPanic(door, seed);
    fastrand::seed(seed);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let mut tally = runtime.block_on(async {
        match door {
            Door::Ids => ids::play(seed, false).await,
            Door::Terminate => ids::play(seed, true).await,
            _ => warm::play(door, seed).await,
        }
    });
    tally.scenarios = 1;
    tally
}

impl Process {
    /// A process of some speed, with the usual limits.
    fn of(random: &mut Rng) -> Self {
        Self {
            calls_per_second: *random.choice(&[0, 0, 5, 20, 20, 50, 200]).unwrap(),
            concurrency: *random.choice(&[1, 2, 8, 8, 32]).unwrap(),
            blocked_for: Duration::from_mins(10),
            max_selected: 1_000,
            dry_run: false,
        }
    }
}

/// A new process.
fn process(judge: &Judge) -> Function {
    judge.begin_process();
    let process = &judge.process;
    let mut function = Function::on(
        judge.account.emulator.clone(),
        &[
            ("ALLOWED_QUEUES", &format!("main-queue*,{SERVICE_QUEUE}")),
            ("ALLOW_TERMINATE", "true"),
            (
                "API_CALLS_PER_SECOND",
                &process.calls_per_second.to_string(),
            ),
            ("API_CONCURRENCY", &process.concurrency.to_string()),
            ("BLOCKED_FOR", &process.blocked_for.as_secs().to_string()),
            ("MAX_SELECTED", &process.max_selected.to_string()),
            ("DRY_RUN", &process.dry_run.to_string()),
        ],
    );
    function.app.output = Some(judge.log.output());
    function
}

/// Lets a process work on an event, and checks its answer, which must come before the deadline. Gives the messages that
/// come back.
async fn invoke(judge: &Judge, function: &mut Function, invocation: &Invocation) -> Vec<usize> {
    function.request_id.clone_from(&invocation.request_id);
    function.deadline = invocation.spell.deadline;
    let began = Instant::now();
    let answer = function.invoke(invocation.event.clone()).await;
    let took = began.elapsed();
    assert!(
        took <= function.deadline,
        "{took:?} of {:?}",
        function.deadline
    );
    judge.check(invocation, answer)
}

/// A test for each door, so that they run side by side.
macro_rules! doors {
    ($($name:ident = $door:ident,)*) => {
        $(#[test]
        fn $name() {
            play_all(Door::$door);
        })*
    };
}

mod at {
    use super::{Door, play_all};

    doors! {
        ids = Ids,
        terminate = Terminate,
        tags = Tags,
        max_jobs = MaxJobs,
        queues = Queues,
        head = Head,
        blocked = Blocked,
        alarm = Alarm,
        messages = Messages,
        http = Http,
        panel = Panel,
    }
}
