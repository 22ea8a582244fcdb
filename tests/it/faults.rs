//! Random faults: no job is lost, none is misreported, and every answer is in time.
//!
//! Each scenario is generated from a seed, which a failure prints. `FAULT_SEED=17` repeats one; `FAULT_JOBS=100000` runs
//! scenarios from `FAULT_FIRST_SEED` on until their requests have had that many jobs. With `FAULT_TERMINATE=1` all requests
//! are to terminate.

mod judge;
mod log;
mod scenario;

use std::{panic::catch_unwind, time::Duration};

use batch_emulator::Faults;
use judge::{Invocation, Judge, Tally};
use scenario::{SERVICE_QUEUE, Scenario, Shape};
use support::{Function, QUEUE};
use tokio::time::{Instant, sleep, timeout};

/// The jobs in the requests of a run, unless `FAULT_JOBS` is set.
const JOBS: usize = 12_000;

/// Deliveries of a message with faults. One delivery without faults follows.
const DELIVERIES: usize = 4;

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
struct OnPanic<'a>(&'a Scenario);

impl Drop for OnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Scenario {
                seed, terminate, ..
            } = self.0;
            let terminate = if *terminate { "FAULT_TERMINATE=1 " } else { "" };
            eprintln!(
                "again: FAULT_SEED={seed} {terminate}cargo test --test it faults -- --nocapture"
            );
            eprintln!("{:?}", self.0);
        }
    }
}

#[test]
fn no_job_is_lost_or_misreported_under_random_faults() {
    let terminate = setting("FAULT_TERMINATE").is_some_and(|value| value > 0);
    if let Some(seed) = setting("FAULT_SEED") {
        println!("{}", play(seed, terminate));
        return;
    }
    let most = setting("FAULT_JOBS").map_or(JOBS, |jobs| usize::try_from(jobs).unwrap());
    let first = setting("FAULT_FIRST_SEED").unwrap_or(1);
    let mut tally = Tally::default();
    let mut seed = first;
    while tally.jobs < most && tally.failures.len() < MOST_FAILURES {
        match catch_unwind(|| play(seed, terminate)) {
            Ok(one) => tally.add(&one),
            Err(_) => tally.failures.push(seed),
        }
        seed += 1;
    }
    println!("from seed {first} on, terminate {terminate}: {tally}");
    assert!(tally.failures.is_empty(), "{tally}");
    tally.must_be_varied(terminate);
}

/// Runs the scenario of a seed in virtual time.
fn play(seed: u64, terminate: bool) -> Tally {
    let scenario = Scenario::of(seed, terminate);
    let _on_panic = OnPanic(&scenario);
    fastrand::seed(seed);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let judge = Judge::new(&scenario);
        match scenario.shape {
            Shape::Once => once(&judge).await,
            Shape::TwoAtOnce { kills } => two_at_once(&judge, kills).await,
            Shape::Redelivered { kills } => redelivered(&judge, kills).await,
        }
        judge.calls_keep_the_rules();
        judge.tally.into_inner()
    })
}

/// A new process.
fn process(judge: &Judge<'_>) -> Function {
    judge.begin_process();
    let scenario = judge.scenario;
    let rate = scenario.calls_per_second.to_string();
    let concurrency = scenario.concurrency.to_string();
    let mut function = Function::on(
        judge.emulator.clone(),
        &[
            ("ALLOWED_QUEUES", &format!("{QUEUE},{SERVICE_QUEUE}")),
            ("ALLOW_TERMINATE", "true"),
            ("API_CALLS_PER_SECOND", &rate),
            ("API_CONCURRENCY", &concurrency),
        ],
    );
    function.deadline = scenario.deadline;
    function.app.output = Some(judge.log.output());
    function
}

/// Lets a process work on an event, and checks its answer, which must come before the deadline. Gives the messages that
/// come back.
async fn invoke(judge: &Judge<'_>, function: &mut Function, invocation: &Invocation) -> Vec<usize> {
    function.request_id.clone_from(&invocation.request_id);
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

async fn once(judge: &Judge<'_>) {
    let mut function = process(judge);
    let invocation = judge.invocation();
    invoke(judge, &mut function, &invocation).await;
    judge.calls_are_in_time(&invocation, function.deadline);
    assert!(judge.emulator.most_in_flight() <= judge.scenario.concurrency);
    if judge.scenario.dry_run {
        judge.nothing_changed();
    }
}

async fn two_at_once(judge: &Judge<'_>, kills: bool) {
    let one = async {
        invoke(judge, &mut process(judge), &judge.invocation()).await;
    };
    let other = async {
        let killed_after = judge.scenario.kill_after(0).filter(|_| kills);
        let (mut function, invocation) = (process(judge), judge.invocation());
        let work = invoke(judge, &mut function, &invocation);
        let Some(time) = killed_after else {
            work.await;
            return;
        };
        if timeout(time, work).await.is_err() {
            judge.killed();
            invoke(judge, &mut process(judge), &judge.invocation()).await;
        }
    };
    tokio::join!(one, other);
}

/// Messages are redelivered until they are done. Where `kills`, the process may be killed during a delivery, after which all
/// of its messages are redelivered.
async fn redelivered(judge: &Judge<'_>, kills: bool) {
    let mut messages = judge.messages();
    let mut function = process(judge);
    for delivery in 0..=DELIVERIES {
        let last = delivery == DELIVERIES;
        if last {
            // By then every accepted call has had its effect.
            sleep(Duration::from_secs(20)).await;
            judge.emulator.set_faults(Faults {
                latency: Duration::from_millis(20),
                ..Faults::default()
            });
            function.deadline = Duration::from_mins(3);
        }
        if messages.is_empty() {
            break;
        }
        let invocation = judge.delivery(&messages);
        let killed_after = judge
            .scenario
            .kill_after(delivery)
            .filter(|_| kills && !last);
        let work = invoke(judge, &mut function, &invocation);
        let Some(time) = killed_after else {
            messages = work.await;
            continue;
        };
        if let Ok(left) = timeout(time, work).await {
            messages = left;
        } else {
            judge.killed();
            function = process(judge);
        }
    }
    judge.everything_is_done(&messages);
}
