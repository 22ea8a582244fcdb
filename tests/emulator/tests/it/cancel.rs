//! Cancel and terminate, by every state that a job can be in.

use crate::ask::{SECOND, cancel, describe, post, seeded, shown, state, terminate};
use batch_emulator::{
    Behaviour, Emulator, JobSpec, Lifecycle, Operation, Queue, Status, TerminateMark,
};
use serde_json::json;

const UNKNOWN: &str = "00000000-0000-4000-8000-00000000dead";

#[tokio::test(start_paused = true)]
async fn a_cancel_may_take_its_time() {
    let emulator = Emulator::new();
    emulator.set_behaviour(Behaviour {
        cancel_delay: 5 * SECOND,
        ..Behaviour::default()
    });
    let mut job = JobSpec::new(Status::Runnable);
    job.lifecycle.runnable_for = Some(2 * SECOND);
    let id = emulator.add_job(job);
    cancel(&emulator, &id).await;
    assert_eq!(
        shown(&emulator, &id).await,
        state("RUNNABLE", true, false, "")
    );
    emulator.advance(4 * SECOND);
    assert_eq!(emulator.job(&id).unwrap().status, Status::Runnable);
    emulator.advance(SECOND);
    assert_eq!(emulator.job(&id).unwrap().status, Status::Failed);
}

#[tokio::test(start_paused = true)]
async fn a_job_with_open_dependencies_is_cancelled_once_they_are_done() {
    let emulator = Emulator::new();
    let first = emulator.add_job(JobSpec::new(Status::Running));
    let second = emulator.add_job(JobSpec::new(Status::Pending).after(&first));
    cancel(&emulator, &second).await;
    assert_eq!(
        shown(&emulator, &second).await,
        state("PENDING", true, false, "")
    );
    emulator.set_status(&first, Status::Succeeded);
    let now = shown(&emulator, &second).await;
    assert_eq!(now, state("FAILED", true, false, "cancelled by the test"));
}

#[tokio::test(start_paused = true)]
async fn a_cancel_fails_everything_downstream() {
    let emulator = Emulator::new();
    let first = emulator.add_job(JobSpec::new(Status::Runnable));
    let mut last = first.clone();
    for _ in 0..5_000 {
        last = emulator.add_job(JobSpec::new(Status::Pending).after(&last));
    }
    cancel(&emulator, &first).await;
    let now = shown(&emulator, &last).await;
    assert_eq!(now, state("FAILED", false, false, "Dependent Job failed"));
}

#[tokio::test(start_paused = true)]
async fn terminate_ends_everything_that_lives() {
    for status in Status::ALL
        .into_iter()
        .filter(|status| *status != Status::Scheduled)
    {
        let emulator = Emulator::new();
        let id = emulator.add_job(JobSpec::new(status));
        terminate(&emulator, &id).await;
        let early = status.is_cancellable();
        let expected = if status.is_final() {
            state(status.as_str(), false, false, "")
        } else {
            state("FAILED", early, !early, "terminated by the test")
        };
        assert_eq!(shown(&emulator, &id).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn the_mark_of_an_early_terminate_can_be_chosen() {
    for (terminate_mark, cancelled, terminated) in [
        (TerminateMark::Cancelled, true, false),
        (TerminateMark::Terminated, false, true),
        (TerminateMark::Both, true, true),
    ] {
        let emulator = Emulator::new();
        emulator.set_behaviour(Behaviour {
            terminate_mark,
            ..Behaviour::default()
        });
        let id = emulator.add_job(JobSpec::new(Status::Runnable));
        terminate(&emulator, &id).await;
        let now = shown(&emulator, &id).await;
        assert_eq!(
            now,
            state("FAILED", cancelled, terminated, "terminated by the test")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_terminated_job_may_finish_first() {
    let emulator = Emulator::new();
    emulator.set_behaviour(Behaviour {
        terminate_delay: 30 * SECOND,
        ..Behaviour::default()
    });
    let lifecycle = |seconds: u32| Lifecycle {
        running_for: Some(seconds * SECOND),
        ..Lifecycle::default()
    };
    let short = emulator.add_job(JobSpec {
        lifecycle: lifecycle(10),
        ..JobSpec::new(Status::Running)
    });
    let long = emulator.add_job(JobSpec {
        lifecycle: lifecycle(60),
        ..JobSpec::new(Status::Running)
    });
    for id in [&short, &long] {
        terminate(&emulator, id).await;
        assert_eq!(
            shown(&emulator, id).await,
            state("RUNNING", false, true, "")
        );
    }
    emulator.advance(30 * SECOND);
    assert_eq!(
        shown(&emulator, &short).await,
        state("SUCCEEDED", false, true, "")
    );
    let now = shown(&emulator, &long).await;
    assert_eq!(now, state("FAILED", false, true, "terminated by the test"));
}

#[tokio::test(start_paused = true)]
async fn cancelling_an_array_leaves_its_running_children() {
    use Status::{Pending, Runnable, Running, Starting, Succeeded};
    let emulator = Emulator::new();
    let array = emulator
        .add_job(JobSpec::default().array(&[Runnable, Running, Starting, Succeeded, Pending]));
    assert_eq!(
        shown(&emulator, &array).await,
        state("PENDING", false, false, "")
    );
    cancel(&emulator, &array).await;
    assert_eq!(
        shown(&emulator, &array).await,
        state("PENDING", true, false, "")
    );
    let child = |index: u32| emulator.job(&format!("{array}:{index}")).unwrap();
    assert_eq!(
        (0..5).map(|index| child(index).status).collect::<Vec<_>>(),
        [Status::Failed, Running, Starting, Succeeded, Status::Failed]
    );
    assert!(child(0).is_cancelled && !child(1).is_cancelled);
    emulator.set_status(&format!("{array}:1"), Succeeded);
    emulator.set_status(&format!("{array}:2"), Succeeded);
    let now = shown(&emulator, &array).await;
    assert_eq!(now, state("FAILED", true, false, "cancelled by the test"));
}

#[tokio::test(start_paused = true)]
async fn terminating_an_array_ends_its_running_children() {
    let emulator = Emulator::new();
    let array = emulator.add_job(JobSpec::default().array(&[Status::Runnable, Status::Running]));
    cancel(&emulator, &array).await;
    terminate(&emulator, &array).await;
    let now = shown(&emulator, &array).await;
    assert_eq!(now, state("FAILED", true, true, "cancelled by the test"));
    let now = shown(&emulator, &format!("{array}:1")).await;
    assert_eq!(now, state("FAILED", false, true, "terminated by the test"));
}

#[tokio::test(start_paused = true)]
async fn a_child_cancelled_alone_fails_its_array_in_the_end() {
    let emulator = Emulator::new();
    let array = emulator.add_job(JobSpec::default().array(&[Status::Runnable, Status::Running]));
    cancel(&emulator, &format!("{array}:0")).await;
    assert_eq!(
        shown(&emulator, &array).await,
        state("PENDING", false, false, "")
    );
    emulator.set_status(&format!("{array}:1"), Status::Succeeded);
    let now = shown(&emulator, &array).await;
    assert_eq!(now, state("FAILED", false, false, "Array Child Job failed"));
}

#[tokio::test(start_paused = true)]
async fn reasons_and_ids_have_their_limits() {
    let emulator = Emulator::new();
    let long = "ä".repeat(1024);
    for (body, status) in [
        (json!({"jobId": UNKNOWN, "reason": long}), 200),
        (json!({"jobId": UNKNOWN, "reason": format!("{long}x")}), 400),
        (json!({"jobId": UNKNOWN, "reason": ""}), 400),
        (json!({"jobId": UNKNOWN}), 400),
        (json!({"jobId": "", "reason": "r"}), 400),
        (json!({"reason": "r"}), 400),
    ] {
        let (got, answer) = post(&emulator, Operation::CancelJob, body.clone()).await;
        assert_eq!(got, status, "{body} {answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn bulk_calls_answer_for_each_job() {
    let emulator = Emulator::new();
    let runnable = emulator.add_job(JobSpec::new(Status::Runnable));
    let running = emulator.add_job(JobSpec::new(Status::Running));
    let (status, answer) = post(
        &emulator,
        Operation::CancelJobs,
        json!({"jobs": [runnable, running, UNKNOWN, "not an id", format!("{UNKNOWN}:x")], "reason": "r"}),
    )
    .await;
    assert_eq!(status, 200);
    assert_eq!(answer["successful"], json!([runnable, running, UNKNOWN]));
    let errors = answer["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 2);
    assert!(
        errors
            .iter()
            .all(|error| error["code"] == "ValidationException")
    );
    assert_eq!(emulator.job(&runnable).unwrap().status, Status::Failed);
    assert_eq!(emulator.job(&running).unwrap().status, Status::Running);
    let (status, _) = post(
        &emulator,
        Operation::TerminateJobs,
        json!({"jobs": [running], "reason": "r"}),
    )
    .await;
    assert_eq!(status, 200);
    assert!(emulator.job(&running).unwrap().is_terminated);
}

#[tokio::test(start_paused = true)]
async fn service_jobs_can_only_be_terminated_as_such() {
    let emulator = Emulator::new();
    emulator.add_queue(Queue::service("training"));
    let id = emulator.add_job(JobSpec::new(Status::Scheduled).queue("training"));
    cancel(&emulator, &id).await;
    terminate(&emulator, &id).await;
    assert_eq!(emulator.job(&id).unwrap().status, Status::Scheduled);
    let ask = json!({"jobId": id, "reason": "enough"});
    assert_eq!(
        post(&emulator, Operation::TerminateServiceJob, ask).await.0,
        200
    );
    let (_, job) = post(
        &emulator,
        Operation::DescribeServiceJob,
        json!({"jobId": id}),
    )
    .await;
    assert_eq!(job["status"], "FAILED");
    assert_eq!(job["isTerminated"], true);
    assert_eq!(job["statusReason"], "enough");
    assert!(
        job["jobArn"]
            .as_str()
            .unwrap()
            .ends_with(&format!(":service-job/{id}"))
    );
    let other = emulator.add_job(JobSpec::new(Status::Runnable).queue("training"));
    let ask = json!({"jobs": [other, UNKNOWN], "reason": "enough"});
    let (_, answer) = post(&emulator, Operation::TerminateServiceJobs, ask).await;
    assert_eq!(
        answer,
        json!({"successful": [other, UNKNOWN], "errors": []})
    );
    assert!(emulator.job(&other).unwrap().is_terminated);
    assert!(describe(&emulator, &[&id]).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn preset_marks_stay() {
    let emulator = seeded(json!({"jobs": [
        {"jobId": "a", "status": "RUNNABLE", "isCancelled": true, "lifecycle": {"runnableFor": 1}},
        {"jobId": "b", "status": "RUNNING", "isTerminated": true},
    ]}));
    emulator.advance(60 * SECOND);
    cancel(&emulator, "a").await;
    assert_eq!(
        shown(&emulator, "a").await,
        state("RUNNABLE", true, false, "")
    );
    assert_eq!(
        shown(&emulator, "b").await,
        state("RUNNING", false, true, "")
    );
}

#[tokio::test(start_paused = true)]
async fn arns_and_nodes_are_not_ids_unless_allowed() {
    let emulator = Emulator::new();
    let id = emulator.add_job(JobSpec {
        nodes: Some(2),
        ..JobSpec::default()
    });
    let arn = format!("arn:aws:batch:eu-west-1:123456789012:job/{id}");
    cancel(&emulator, &arn).await;
    cancel(&emulator, &format!("{id}#1")).await;
    assert_eq!(emulator.job(&id).unwrap().status, Status::Runnable);
    emulator.set_behaviour(Behaviour {
        accept_arns: true,
        ..Behaviour::default()
    });
    cancel(&emulator, &arn).await;
    assert_eq!(emulator.job(&id).unwrap().status, Status::Failed);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_array_fails_even_if_all_its_children_succeed() {
    let emulator = Emulator::new();
    let array = emulator.add_job(JobSpec::default().array(&[Status::Running, Status::Running]));
    cancel(&emulator, &array).await;
    emulator.set_status(&array, Status::Succeeded);
    let now = shown(&emulator, &array).await;
    assert_eq!(now, state("FAILED", true, false, "cancelled by the test"));
}
