//! The pace of calls, and how instances share the limit of an account. In virtual time, so the figures are exact.

use std::time::Duration;

use batch_cancel::session::Pace;
use batch_emulator::{Call, Emulator, Fault, Faults, JobSpec, Operation, Queue, Status};
use serde_json::{Value, json};
use support::{Function, QUEUE};
use tokio::time::Instant;

/// The calls a second that AWS allows an account.
const LIMIT: f64 = 50.0;

/// An account with this many RUNNABLE jobs, where each call takes 20 ms.
fn account(jobs: u32) -> (Emulator, Vec<String>) {
    let emulator = Emulator::new();
    emulator.add_queue(Queue::new(QUEUE));
    emulator.set_faults(Faults {
        latency: Duration::from_millis(20),
        ..Faults::default()
    });
    let ids = emulator.add_jobs(&JobSpec {
        count: jobs,
        ..JobSpec::new(Status::Runnable).queue(QUEUE)
    });
    (emulator, ids)
}

/// The same with the limit of an account, and a burst of five.
fn limited_account(jobs: u32) -> (Emulator, Vec<String>) {
    let (emulator, ids) = account(jobs);
    emulator.set_faults(Faults {
        calls_per_second: Some(LIMIT),
        burst: Some(5),
        ..emulator.faults()
    });
    (emulator, ids)
}

/// The shortest time in seconds in which the limit allows to describe, cancel and describe this many jobs.
fn bound(jobs: usize) -> f64 {
    4.0 * f64::from(u32::try_from(jobs).unwrap()) / 100.0 / LIMIT
}

/// Cancels the jobs: the summary of the report, and how many seconds it took.
async fn cancel(function: &Function, ids: &[String]) -> (Value, f64) {
    let began = Instant::now();
    let report = function.invoke(json!({ "jobIds": ids })).await.unwrap();
    (report["summary"].clone(), began.elapsed().as_secs_f64())
}

fn throttled(emulator: &Emulator) -> usize {
    emulator.count_where(Call::throttled)
}

/// The most calls within any period of this length.
fn most_calls_within(emulator: &Emulator, time: Duration) -> usize {
    let times: Vec<Duration> = emulator.calls().iter().map(|call| call.at).collect();
    let within = |from: usize| times[from..].partition_point(|&at| at < times[from] + time);
    (0..times.len()).map(within).max().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_calls_are_concurrent() {
    for (jobs, milliseconds, at_once) in [(1_000, 80, 19), (5_000, 140, 32)] {
        let (emulator, ids) = account(jobs);
        let function = Function::on(emulator, &[("API_CONCURRENCY", "32")]);
        let (summary, took) = cancel(&function, &ids).await;
        println!("{jobs} jobs, 20 ms a call, 32 at once: {took:.3} s");
        assert_eq!(summary, json!({"jobs": jobs, "cancelled": jobs}));
        assert_eq!(
            Duration::from_secs_f64(took),
            Duration::from_millis(milliseconds)
        );
        assert_eq!(function.emulator.most_in_flight(), at_once);
        assert_eq!(function.emulator.calls().len(), ids.len() * 4 / 100);
    }
}

#[tokio::test(start_paused = true)]
async fn ceiling_at_the_account_limit_avoids_throttling_and_wastes_little_time() {
    for jobs in [2_000, 10_000] {
        let (emulator, ids) = limited_account(jobs);
        let function = Function::on(emulator, &[("API_CALLS_PER_SECOND", "50")]);
        let (summary, took) = cancel(&function, &ids).await;
        let ratio = took / bound(ids.len());
        println!("{jobs} jobs at a ceiling of 50 calls a second: {took:.2} s, {ratio:.3} × bound");
        assert_eq!(summary, json!({"jobs": jobs, "cancelled": jobs}));
        assert!(ratio <= 1.15, "{ratio}");
        assert_eq!(throttled(&function.emulator), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_ceiling_the_pace_adapts_to_the_account_limit() {
    for jobs in [2_000, 6_000] {
        for concurrency in ["8", "32"] {
            let (emulator, ids) = limited_account(jobs);
            let function = Function::on(emulator, &[("API_CONCURRENCY", concurrency)]);
            let (summary, took) = cancel(&function, &ids).await;
            let ratio = took / bound(ids.len());
            let (calls, refused) = (
                function.emulator.calls().len(),
                throttled(&function.emulator),
            );
            println!(
                "{jobs} jobs, no ceiling, {concurrency} at once: {took:.2} s, {ratio:.3} × bound, \
                 {refused} of {calls} calls throttled"
            );
            assert_eq!(summary, json!({"jobs": jobs, "cancelled": jobs}));
            assert!(ratio <= 1.3, "{ratio}");
            let in_flight: usize = concurrency.parse().unwrap();
            assert!(refused <= in_flight + calls / 10, "{refused} of {calls}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn two_instances_share_the_account_limit_fairly() {
    for (ceiling, seed) in [("50", 1), ("50", 2), ("0", 1), ("0", 2)] {
        fastrand::seed(seed);
        let (emulator, ids) = limited_account(10_000);
        emulator.set_faults(Faults {
            jitter: Duration::from_millis(10 * (seed - 1)),
            seed,
            ..emulator.faults()
        });
        let settings = [("API_CALLS_PER_SECOND", ceiling)];
        let (one, other) = (
            Function::on(emulator.clone(), &settings),
            Function::on(emulator.clone(), &settings),
        );
        let (first, second) = ids.split_at(ids.len() / 2);
        let (left, right) = tokio::join!(cancel(&one, first), cancel(&other, second));
        let together = left.1.max(right.1);
        let ratio = together / bound(ids.len());
        let refused = throttled(&emulator);
        println!(
            "2 × 5,000 jobs, ceiling {ceiling} each: {:.2} s and {:.2} s, {ratio:.3} × bound, {refused} of {} calls throttled",
            left.1,
            right.1,
            emulator.calls().len()
        );
        for (summary, _) in [&left, &right] {
            assert_eq!(*summary, json!({"jobs": 5_000, "cancelled": 5_000}));
        }
        assert!(ratio <= 1.3, "{ratio}");
        let fairness = left.1.min(right.1) / together;
        assert!(fairness >= 0.6, "{left:?} {right:?}");
        assert!(refused * 8 <= emulator.calls().len(), "{refused}");
    }
}

#[tokio::test(start_paused = true)]
async fn ceiling_includes_retries() {
    let (emulator, ids) = account(2_000);
    emulator.set_faults(Faults {
        throttle_rate: 0.05,
        server_error_rate: 0.1,
        item_server_error_rate: 0.1,
        ..emulator.faults()
    });
    let mut function = Function::on(emulator, &[("API_CALLS_PER_SECOND", "20")]);
    function.deadline = Duration::from_mins(5);
    let (summary, _) = cancel(&function, &ids).await;
    assert_eq!(summary, json!({"jobs": 2_000, "cancelled": 2_000}));
    let calls = function.emulator.calls().len();
    assert!(calls > 100, "retries were needed: {calls} calls");
    for seconds in [1, 2, 5] {
        let most = most_calls_within(&function.emulator, Duration::from_secs(seconds));
        let allowed = 20 * usize::try_from(seconds).unwrap() + 4;
        assert!(most <= allowed, "{most} calls in {seconds} s");
    }
}

#[tokio::test(start_paused = true)]
async fn pace_recovers_after_throttling() {
    // The pauses are drawn at random.
    fastrand::seed(1);
    let (emulator, ids) = account(10_000);
    emulator.fail_next(Operation::DescribeJobs, Fault::Throttled, 20);
    let function = Function::on(emulator, &[("API_CALLS_PER_SECOND", "50")]);
    let (summary, _) = cancel(&function, &ids).await;
    assert_eq!(summary, json!({"jobs": 10_000, "cancelled": 10_000}));
    let calls = function.emulator.calls();
    let of_second = |from: u64| {
        let since = |call: &&Call| (call.at.saturating_sub(calls[0].at)).as_secs() == from;
        calls.iter().filter(since).count()
    };
    assert!(of_second(1) < 45, "slow after throttling: {}", of_second(1));
    assert!(of_second(6) >= 48, "then at full pace: {}", of_second(6));
}

#[tokio::test(start_paused = true)]
async fn endless_throttling_is_reported_after_few_calls() {
    let (emulator, ids) = account(300);
    emulator.set_faults(Faults {
        throttle_rate: 1.0,
        ..emulator.faults()
    });
    let function = Function::on(emulator, &[]);
    let (summary, took) = cancel(&function, &ids).await;
    assert_eq!(summary, json!({"jobs": 300, "throttled": 300}));
    assert!(took < 60.0, "{took}");
    let calls = function.emulator.calls().len();
    assert!(calls < 120, "{calls} calls");
}

#[tokio::test(start_paused = true)]
async fn invocation_with_too_little_time_ends_at_once() {
    let (emulator, ids) = account(300);
    let mut function = Function::on(emulator, &[]);
    function.deadline = Duration::from_millis(310);
    let (summary, took) = cancel(&function, &ids).await;
    assert_eq!(summary, json!({"jobs": 300, "notAttempted": 300}));
    assert_eq!(Duration::from_secs_f64(took), Duration::ZERO);
    assert_eq!(function.emulator.calls().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn unknown_bulk_call_is_replaced_by_single_calls() {
    let (emulator, ids) = account(300);
    let function = Function::on(emulator.clone(), &[]);
    let (first, second) = ids.split_at(100);
    assert_eq!(cancel(&function, first).await.0["cancelled"], 100);
    emulator.fail_next(Operation::CancelJobs, Fault::UnknownOperation, 2);
    let (summary, _) = cancel(&function, second).await;
    assert_eq!(summary, json!({"jobs": 200, "cancelled": 200}));
    emulator.set_faults(Faults {
        bulk_calls: batch_emulator::BulkCalls::NotFound,
        ..emulator.faults()
    });
    let more = emulator.add_jobs(&JobSpec {
        count: 60,
        ..JobSpec::new(Status::Runnable).queue(QUEUE)
    });
    let (summary, _) = cancel(&function, &more).await;
    assert_eq!(summary, json!({"jobs": 60, "cancelled": 60}));
}

#[test]
fn ceiling_holds_while_the_rate_comes_back_after_throttling() {
    const CEILING: u32 = 20;
    const SECONDS: u32 = 3;
    for seed in 0..500 {
        fastrand::seed(seed);
        let pace = Pace::new(Some(CEILING), 8);
        let began = Instant::now();
        pace.throttled(began, began);
        let (mut now, mut times) = (began, Vec::new());
        while now < began + Duration::from_secs(12) {
            now = pace.ready_at(now);
            pace.spend(now);
            times.push(now);
        }
        let window = Duration::from_secs(SECONDS.into());
        let within = |from: usize| times[from..].partition_point(|&at| at < times[from] + window);
        let most = (0..times.len()).map(within).max().unwrap();
        let allowed = CEILING * SECONDS + 4;
        assert!(
            most <= usize::try_from(allowed).unwrap(),
            "{most} calls, seed {seed}"
        );
    }
}
