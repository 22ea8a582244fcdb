//! Random faults: no job is lost, none is misreported, and every answer is in time.
//!
//! Each scenario is generated from a seed, which a failure prints. `FAULT_SEED=17` repeats one; `FAULT_JOBS=100000` runs
//! scenarios from `FAULT_FIRST_SEED` on until their requests have had that many jobs.

mod judge;
mod scenario;

use std::time::Duration;

use batch_emulator::Faults;
use judge::Judge;
use scenario::{Scenario, Shape, Source};
use serde_json::Value;
use support::Function;
use tokio::time::{Instant, sleep, timeout};

/// The jobs in the requests of a run, unless `FAULT_JOBS` is set.
const JOBS: usize = 6_000;

/// Deliveries of a message with faults. One delivery without faults follows.
const DELIVERIES: usize = 4;

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
            let seed = self.0.seed;
            eprintln!("again: FAULT_SEED={seed} cargo test --test it faults -- --nocapture");
            eprintln!("{:?}", self.0);
        }
    }
}

#[test]
fn no_job_is_lost_or_misreported_under_random_faults() {
    if let Some(seed) = setting("FAULT_SEED") {
        println!("{:?}", play(seed));
        return;
    }
    let most = setting("FAULT_JOBS").map_or(JOBS, |jobs| usize::try_from(jobs).unwrap());
    let first = setting("FAULT_FIRST_SEED").unwrap_or(1);
    let mut tally = judge::Tally::default();
    let mut seed = first;
    while tally.jobs < most {
        tally.add(&play(seed));
        seed += 1;
    }
    println!("{} scenarios from seed {first} on: {tally}", seed - first);
    tally.must_be_varied();
}

/// Runs the scenario of a seed in virtual time.
fn play(seed: u64) -> judge::Tally {
    let scenario = Scenario::of(seed);
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
            Shape::TwoAtOnce => two_at_once(&judge).await,
            Shape::Redelivered { kills } => redelivered(&judge, kills).await,
        }
        judge.calls_keep_the_ceiling();
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
            ("ALLOWED_QUEUES", support::QUEUE),
            ("ALLOW_TERMINATE", "true"),
            ("API_CALLS_PER_SECOND", &rate),
            ("API_CONCURRENCY", &concurrency),
        ],
    );
    function.deadline = scenario.deadline;
    function
}

/// The answer, which must come before the deadline.
async fn invoke(function: &Function, event: &Value) -> Value {
    let began = Instant::now();
    let answer = function.invoke(event.clone()).await.unwrap();
    let took = began.elapsed();
    assert!(
        took <= function.deadline,
        "{took:?} of {:?}",
        function.deadline
    );
    answer
}

async fn once(judge: &Judge<'_>) {
    let function = process(judge);
    let answer = invoke(&function, &judge.event(judge.scenario.source)).await;
    judge.report(&answer);
    assert!(judge.emulator.most_in_flight() <= judge.scenario.concurrency);
    if judge.scenario.dry_run {
        judge.nothing_changed();
    }
}

async fn two_at_once(judge: &Judge<'_>) {
    let (one, other) = (process(judge), process(judge));
    let event = judge.event(Source::Direct);
    let (left, right) = tokio::join!(invoke(&one, &event), invoke(&other, &event));
    judge.report(&left);
    judge.report(&right);
}

/// Messages are redelivered until they are done. Where `kills`, the process may be killed during a delivery, after which all
/// of its messages are redelivered.
async fn redelivered(judge: &Judge<'_>, kills: bool) {
    let fifo = judge.scenario.source == Source::Fifo;
    let mut messages: Vec<usize> = (0..judge.messages.len()).collect();
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
        let event = judge.sqs(&messages, fifo);
        let killed_after = judge
            .scenario
            .kill_after(delivery)
            .filter(|_| kills && !last);
        let answer = match killed_after {
            None => invoke(&function, &event).await,
            Some(time) => {
                if let Ok(answer) = timeout(time, invoke(&function, &event)).await {
                    answer
                } else {
                    let deadline = function.deadline;
                    function = process(judge);
                    function.deadline = deadline;
                    continue;
                }
            }
        };
        messages = judge.partial_batch(&answer, &messages, fifo);
    }
    judge.everything_is_done(&messages, fifo);
}
