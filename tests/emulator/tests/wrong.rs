//! What can be made to go wrong.

#[cfg(test)]
#[allow(dead_code, reason = "each test file uses a part of it")]
mod ask;

use std::time::Duration;

use ask::{SECOND, cancel, describe, page, post, shown, state, try_post};
use batch_emulator::{
    Answer, BulkCalls, Emulator, Fault, Faults, ItemError, JobSpec, Operation, Status,
};
use serde_json::{Value, json};

fn one_job(faults: Faults) -> (Emulator, String) {
    let emulator = Emulator::new();
    let id = emulator.add_job(JobSpec::default());
    emulator.set_faults(faults);
    (emulator, id)
}

fn ask_for(id: &str) -> Value {
    json!({"jobId": id, "reason": "r"})
}

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
async fn a_bucket_limits_the_calls_of_the_account() {
    let (emulator, id) = one_job(Faults {
        calls_per_second: Some(10.0),
        burst: Some(5),
        ..Faults::default()
    });
    let mut answers = Vec::new();
    for _ in 0..7 {
        answers.push(post(&emulator, Operation::CancelJob, ask_for(&id)).await);
    }
    let statuses: Vec<u16> = answers.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 429, 429]);
    assert_eq!(answers[6].1, json!({"message": "Too Many Requests"}));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(
        post(&emulator, Operation::CancelJob, ask_for(&id)).await.0,
        200
    );
    assert_eq!(emulator.count(Operation::CancelJob), 8);
    assert_eq!(emulator.count_succeeded(Operation::CancelJob), 6);
    assert_eq!(emulator.count_where(batch_emulator::Call::throttled), 2);
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
async fn bulk_calls_may_be_missing() {
    for (bulk_calls, status, error) in [
        (BulkCalls::NotFound, 404, None),
        (
            BulkCalls::UnknownOperation,
            404,
            Some("UnknownOperationException"),
        ),
        (
            BulkCalls::MissingToken,
            403,
            Some("MissingAuthenticationTokenException"),
        ),
        (
            BulkCalls::UndeterminedOperation,
            403,
            Some("AccessDeniedException"),
        ),
        (BulkCalls::UndeterminedOperationXml, 403, None),
    ] {
        let (emulator, id) = one_job(Faults {
            bulk_calls,
            ..Faults::default()
        });
        let request = http::Request::post("/v1/canceljobs")
            .body(json!({"jobs": [id], "reason": "r"}).to_string().into())
            .unwrap();
        let answer = emulator.call(request).await.unwrap();
        assert_eq!(answer.status(), status);
        let code = answer.headers().get("x-amzn-errortype");
        assert_eq!(code.map(|code| code.to_str().unwrap()), error);
        cancel(&emulator, &id).await;
        assert_eq!(emulator.job(&id).unwrap().status, Status::Failed);
    }
}

#[tokio::test(start_paused = true)]
async fn single_jobs_are_refused_alone_as_in_bulk() {
    for (error, code, status) in [
        (ItemError::ThrottlingException, "ThrottlingException", 429),
        (ItemError::ServerException, "ServerException", 500),
        (ItemError::AccessDenied, "AccessDenied", 403),
        (ItemError::ClientException, "ClientException", 400),
        (ItemError::ValidationException, "ValidationException", 400),
    ] {
        let emulator = Emulator::new();
        let id = emulator.add_job(JobSpec::default());
        let other = emulator.add_job(JobSpec::default());
        emulator.set_faults(Faults {
            item_errors: [(id.clone(), error)].into(),
            ..Faults::default()
        });
        let ask = json!({"jobs": [id, other], "reason": "r"});
        let (bulk, answer) = post(&emulator, Operation::CancelJobs, ask).await;
        assert_eq!((bulk, &answer["errors"][0]["code"]), (200, &json!(code)));
        assert_eq!(answer["successful"], json!([other]));
        assert_eq!(emulator.calls()[0].refused_jobs, 1);
        assert_eq!(
            post(&emulator, Operation::TerminateJob, ask_for(&id))
                .await
                .0,
            status
        );
        assert_eq!(emulator.job(&id).unwrap().status, Status::Runnable);
    }
}

#[tokio::test(start_paused = true)]
async fn iam_denies_operations_and_jobs() {
    let (emulator, id) = one_job(Faults {
        denied: [Operation::CancelJob].into(),
        ..Faults::default()
    });
    let other = emulator.add_job(JobSpec::default());
    let (status, answer) = post(&emulator, Operation::CancelJob, ask_for(&id)).await;
    assert_eq!(status, 403);
    assert!(
        answer["message"]
            .as_str()
            .unwrap()
            .contains("is not authorized to perform: batch:CancelJob")
    );
    let ask = json!({"jobs": [id], "reason": "r"});
    let (status, answer) = post(&emulator, Operation::CancelJobs, ask.clone()).await;
    assert_eq!(
        (status, &answer["errors"][0]["code"]),
        (200, &json!("AccessDenied"))
    );
    emulator.set_faults(Faults {
        denied: [Operation::CancelJobs].into(),
        ..Faults::default()
    });
    assert_eq!(post(&emulator, Operation::CancelJobs, ask).await.0, 403);
    emulator.set_faults(Faults {
        denied_jobs: [id.clone()].into(),
        ..Faults::default()
    });
    assert_eq!(
        post(&emulator, Operation::CancelJob, ask_for(&id)).await.0,
        403
    );
    cancel(&emulator, &other).await;
    assert_eq!(emulator.job(&id).unwrap().status, Status::Runnable);
    assert_eq!(emulator.job(&other).unwrap().status, Status::Failed);
}

#[tokio::test(start_paused = true)]
async fn items_are_throttled_inside_bulk_answers() {
    let emulator = Emulator::new();
    let ids = emulator.add_jobs(&JobSpec {
        count: 50,
        ..JobSpec::default()
    });
    emulator.set_faults(Faults {
        item_throttle_rate: 0.5,
        ..Faults::default()
    });
    let ask = json!({"jobs": ids, "reason": "r"});
    let (_, answer) = post(&emulator, Operation::CancelJobs, ask).await;
    let refused = answer["errors"].as_array().unwrap();
    assert!((10..40).contains(&refused.len()), "{}", refused.len());
    for item in refused {
        assert_eq!(item["code"], "ThrottlingException");
        assert_eq!(
            emulator.job(item["job"].as_str().unwrap()).unwrap().status,
            Status::Runnable
        );
    }
}

#[tokio::test(start_paused = true)]
async fn new_jobs_stay_hidden_for_a_while() {
    let (emulator, old) = one_job(Faults {
        visibility_delay: 2 * SECOND,
        ..Faults::default()
    });
    let new = emulator.add_job(JobSpec::default());
    let listing = json!({"jobQueue": "default", "jobStatus": "RUNNABLE"});
    assert_eq!(describe(&emulator, &[&old, &new]).await.len(), 1);
    assert_eq!(page(&emulator, listing.clone()).await.0.len(), 1);
    emulator.advance(2 * SECOND);
    assert_eq!(describe(&emulator, &[&old, &new]).await.len(), 2);
    assert_eq!(page(&emulator, listing).await.0.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn cancels_show_late_or_never() {
    let (emulator, id) = one_job(Faults {
        flag_delay: 2 * SECOND,
        ..Faults::default()
    });
    cancel(&emulator, &id).await;
    assert_eq!(
        shown(&emulator, &id).await,
        state("RUNNABLE", false, false, "")
    );
    emulator.advance(2 * SECOND);
    assert_eq!(
        shown(&emulator, &id).await,
        state("FAILED", true, false, "cancelled by the test")
    );

    let (emulator, id) = one_job(Faults::default());
    emulator.set_faults(Faults {
        ignore_cancels: [id.clone()].into(),
        ..Faults::default()
    });
    cancel(&emulator, &id).await;
    emulator.advance(3600 * SECOND);
    assert_eq!(
        shown(&emulator, &id).await,
        state("RUNNABLE", false, false, "")
    );
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
async fn jobs_can_move_just_before_a_call_is_performed() {
    let (emulator, id) = one_job(Faults::default());
    emulator.on(Operation::CancelJobs, |emulator, ids| {
        for id in ids {
            emulator.set_status(id, Status::Running);
        }
    });
    let ask = json!({"jobs": [id], "reason": "r"});
    assert_eq!(post(&emulator, Operation::CancelJobs, ask).await.0, 200);
    assert_eq!(
        shown(&emulator, &id).await,
        state("RUNNING", false, false, "")
    );
}

#[tokio::test(start_paused = true)]
async fn calls_are_recorded() {
    let (emulator, id) = one_job(Faults {
        latency: SECOND,
        ..Faults::default()
    });
    let calls = (0..3).map(|_| cancel(&emulator, &id));
    futures_join(calls).await;
    let request = http::Request::get("/nowhere")
        .body(bytes::Bytes::new())
        .unwrap();
    assert_eq!(emulator.call(request).await.unwrap().status(), 404);
    let calls = emulator.calls();
    assert_eq!(calls[0].job_ids, [id]);
    assert_eq!(calls[0].reason.as_deref(), Some("cancelled by the test"));
    assert_eq!(calls[3].operation, Operation::Unknown);
    assert_eq!(calls[3].at, calls[0].at + SECOND);
    assert_eq!(calls[0].answered_at, Some(calls[3].at));
    assert_eq!(emulator.most_in_flight(), 3);
    emulator.forget_calls();
    assert!(emulator.calls().is_empty());
    let forgotten = Emulator::new();
    forgotten.forget_job("no such");
}

async fn futures_join(futures: impl Iterator<Item = impl Future<Output = ()>>) {
    let mut futures: Vec<_> = futures.map(Box::pin).collect();
    std::future::poll_fn(|context| {
        futures.retain_mut(|future| future.as_mut().poll(context).is_pending());
        if futures.is_empty() {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_job_does_not_move_while_its_cancel_is_hidden() {
    let emulator = Emulator::new();
    let spec = |status| {
        let mut spec = JobSpec::new(status);
        spec.lifecycle.runnable_for = Some(SECOND);
        spec.lifecycle.running_for = Some(SECOND);
        spec
    };
    let runnable = emulator.add_job(spec(Status::Runnable));
    let running = emulator.add_job(spec(Status::Running));
    emulator.set_faults(Faults {
        flag_delay: 5 * SECOND,
        ..Faults::default()
    });
    cancel(&emulator, &runnable).await;
    ask::terminate(&emulator, &running).await;
    emulator.advance(4 * SECOND);
    let status = |id: &str| emulator.job(id).unwrap().status;
    assert_eq!(status(&runnable), Status::Runnable);
    assert_eq!(status(&running), Status::Running);
    emulator.advance(SECOND);
    assert_eq!(status(&runnable), Status::Failed);
    assert!(emulator.job(&running).unwrap().is_terminated);
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

#[tokio::test(start_paused = true)]
async fn a_call_under_way_when_calls_are_forgotten_is_not_taken_for_another() {
    let (emulator, id) = one_job(Faults {
        latency: SECOND,
        ..Faults::default()
    });
    let slow = cancel(&emulator, &id);
    let other = async {
        emulator.forget_calls();
        emulator.fail_next(Operation::ListJobs, Fault::Throttled, 1);
        emulator.set_faults(Faults::default());
        post(&emulator, Operation::ListJobs, json!({})).await
    };
    tokio::join!(slow, other);
    let calls = emulator.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].answer, Answer::Status(429));
}
