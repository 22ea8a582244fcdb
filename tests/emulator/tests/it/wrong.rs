//! What can be made to go wrong.

use crate::ask::{SECOND, ask_for, cancel, one_job, post, try_post};
use batch_emulator::{Answer, Fault, Faults, Operation, Status};
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn answers_take_the_time_they_are_given() {
    let (emulator, id) = one_job(Faults {
        latency: SECOND,
        jitter: SECOND,
        ..Faults::default()
    });
    let start = tokio::time::Instant::now();
    cancel(&emulator, &id).await;
    let took = start.elapsed();
    assert!(took >= SECOND && took <= 2 * SECOND, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn rates_are_met_and_can_be_repeated() {
    let run = async |seed: u64| {
        let (emulator, id) = one_job(Faults {
            seed,
            throttle_rate: 0.3,
            server_error_rate: 0.1,
            ..Faults::default()
        });
        let mut statuses = Vec::new();
        for _ in 0..1000 {
            statuses.push(post(&emulator, Operation::CancelJob, ask_for(&id)).await.0);
        }
        statuses
    };
    let first = run(7).await;
    let share = |wanted: u16| first.iter().filter(|status| **status == wanted).count();
    assert!((250..350).contains(&share(429)), "{}", share(429));
    assert!((40..110).contains(&share(500)), "{}", share(500));
    assert_eq!(first, run(7).await);
    assert_ne!(first, run(8).await);
}

#[tokio::test(start_paused = true)]
async fn faults_can_be_limited_to_operations() {
    let (emulator, id) = one_job(Faults {
        throttle_rate: 1.0,
        only: [Operation::DescribeJobs].into(),
        ..Faults::default()
    });
    cancel(&emulator, &id).await;
    assert_eq!(
        post(&emulator, Operation::DescribeJobs, json!({"jobs": [id]}))
            .await
            .0,
        429
    );
}

#[tokio::test(start_paused = true)]
async fn connections_are_reset_before_or_after_the_work() {
    for (faults, status) in [
        (
            Faults {
                reset_before_rate: 1.0,
                ..Faults::default()
            },
            Status::Runnable,
        ),
        (
            Faults {
                reset_after_rate: 1.0,
                ..Faults::default()
            },
            Status::Failed,
        ),
    ] {
        let (emulator, id) = one_job(faults);
        assert!(
            try_post(&emulator, Operation::CancelJob, ask_for(&id))
                .await
                .is_err()
        );
        assert_eq!(emulator.job(&id).unwrap().status, status);
        assert_eq!(emulator.calls()[0].answer, Answer::Reset);
    }
}

#[tokio::test(start_paused = true)]
async fn answers_break_off() {
    let (emulator, id) = one_job(Faults {
        cut_short_rate: 1.0,
        ..Faults::default()
    });
    let request = http::Request::post("/v1/canceljob")
        .body(ask_for(&id).to_string().into())
        .unwrap();
    let answer = emulator.call(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-length"], "2");
    let broken = http_body_util::BodyExt::collect(answer.into_body()).await;
    assert_eq!(broken.unwrap_err(), batch_emulator::CutShort);
    assert_eq!(emulator.job(&id).unwrap().status, Status::Failed);
    assert_eq!(emulator.calls()[0].answer, Answer::CutShort);
}

#[tokio::test(start_paused = true)]
async fn answers_never_come_and_their_work_is_done_or_not() {
    let mut done = 0;
    for seed in 0..100 {
        let (emulator, id) = one_job(Faults {
            seed,
            hang_rate: 1.0,
            ..Faults::default()
        });
        let call = post(&emulator, Operation::CancelJob, ask_for(&id));
        assert!(tokio::time::timeout(600 * SECOND, call).await.is_err());
        done += usize::from(emulator.job(&id).unwrap().status == Status::Failed);
        assert_eq!(emulator.calls()[0].answer, Answer::None);
        assert_eq!(emulator.count_succeeded(Operation::CancelJob), 0);
    }
    assert!((30..70).contains(&done), "{done}");
}

#[tokio::test(start_paused = true)]
async fn the_next_calls_can_be_made_to_fail() {
    let (emulator, id) = one_job(Faults::default());
    emulator.fail_next(Operation::CancelJob, Fault::Throttled, 2);
    emulator.fail_next(Operation::CancelJob, Fault::ServerError, 1);
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(post(&emulator, Operation::CancelJob, ask_for(&id)).await.0);
    }
    assert_eq!(statuses, [429, 429, 500, 200]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_bucket_holds_one_call() {
    let (emulator, id) = one_job(Faults {
        calls_per_second: Some(0.5),
        ..Faults::default()
    });
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(post(&emulator, Operation::CancelJob, ask_for(&id)).await.0);
        emulator.advance(SECOND);
    }
    assert_eq!(statuses, [200, 429, 200, 429]);
}
