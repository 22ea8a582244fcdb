//! What shows late, moves in between, and how calls are recorded.

use crate::ask::{SECOND, cancel, describe, one_job, page, post, shown, state};
use batch_emulator::{Answer, Emulator, Fault, Faults, JobSpec, Operation, Status};
use serde_json::json;

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
    crate::ask::terminate(&emulator, &running).await;
    emulator.advance(4 * SECOND);
    let status = |id: &str| emulator.job(id).unwrap().status;
    assert_eq!(status(&runnable), Status::Runnable);
    assert_eq!(status(&running), Status::Running);
    emulator.advance(SECOND);
    assert_eq!(status(&runnable), Status::Failed);
    assert!(emulator.job(&running).unwrap().is_terminated);
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
