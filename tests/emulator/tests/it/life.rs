//! How jobs move by themselves.

use crate::ask::{SECOND, post, seeded};
use batch_emulator::{
    Behaviour, Dependency, DependencyType, Emulator, Exit, JobSpec, Lifecycle, Operation, Queue,
    Status,
};
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn a_job_lives_through_its_statuses_on_tokios_time() {
    let emulator = seeded(
        json!({"now": 0, "jobs": [{"jobId": "a", "status": "SUBMITTED", "lifecycle": {
        "submittedFor": 1, "pendingFor": 2, "runnableFor": "3s", "startingFor": 4, "runningFor": "PT5S"}}]}),
    );
    let mut seen = Vec::new();
    for _ in 0..17 {
        seen.push(emulator.job("a").unwrap().status);
        tokio::time::sleep(SECOND).await;
    }
    let expected = [
        (Status::Submitted, 1),
        (Status::Pending, 2),
        (Status::Runnable, 3),
        (Status::Starting, 4),
        (Status::Running, 5),
        (Status::Succeeded, 2),
    ];
    let expected: Vec<Status> = expected
        .iter()
        .flat_map(|(status, times)| vec![*status; *times])
        .collect();
    assert_eq!(seen, expected);
    let job = emulator.job("a").unwrap();
    assert_eq!(
        (job.started_at, job.stopped_at),
        (Some(10_000), Some(15_000))
    );
}

#[tokio::test(start_paused = true)]
async fn time_can_be_advanced_by_hand_and_jobs_can_fail() {
    let emulator = Emulator::new();
    let lifecycle = Lifecycle {
        running_for: Some(60 * SECOND),
        exit: Exit::Failed,
        ..Lifecycle::default()
    };
    let id = emulator.add_job(JobSpec {
        lifecycle,
        ..JobSpec::new(Status::Running)
    });
    emulator.advance(59 * SECOND);
    assert_eq!(emulator.job(&id).unwrap().status, Status::Running);
    emulator.advance(SECOND);
    let job = emulator.job(&id).unwrap();
    assert_eq!(job.status, Status::Failed);
    assert_eq!(
        job.status_reason.as_deref(),
        Some("Essential container in task exited")
    );
}

#[tokio::test(start_paused = true)]
async fn a_job_waits_for_all_its_dependencies() {
    let emulator = Emulator::new();
    let spec = JobSpec::new(Status::Pending)
        .id("c")
        .after("a")
        .after("b")
        .after("later");
    emulator.add_job(JobSpec::new(Status::Running).id("a"));
    emulator.add_job(JobSpec::new(Status::Succeeded).id("b"));
    emulator.add_job(spec);
    emulator.set_status("a", Status::Succeeded);
    assert_eq!(emulator.job("c").unwrap().status, Status::Pending);
    emulator.add_job(JobSpec::new(Status::Succeeded).id("later"));
    assert_eq!(emulator.job("c").unwrap().status, Status::Runnable);
}

#[tokio::test(start_paused = true)]
async fn array_children_wait_for_each_other_or_their_counterparts() {
    let emulator = Emulator::new();
    let chain = Dependency {
        job_id: None,
        kind: Some(DependencyType::Sequential),
    };
    let quick = Lifecycle {
        runnable_for: Some(SECOND),
        starting_for: Some(SECOND),
        running_for: Some(SECOND),
        ..Lifecycle::default()
    };
    emulator.add_job(JobSpec {
        job_id: Some("chain".into()),
        status: Status::Pending,
        array_size: Some(3),
        children: vec![Status::Runnable, Status::Pending, Status::Pending],
        depends_on: vec![chain],
        lifecycle: quick,
        ..JobSpec::default()
    });
    let pairs = Dependency {
        job_id: Some("chain".into()),
        kind: Some(DependencyType::NToN),
    };
    emulator.add_job(JobSpec {
        job_id: Some("pairs".into()),
        status: Status::Pending,
        array_size: Some(3),
        depends_on: vec![pairs],
        ..JobSpec::default()
    });
    let status = |id: &str| emulator.job(id).unwrap().status;
    emulator.advance(3 * SECOND);
    assert_eq!(
        [status("chain:0"), status("chain:1"), status("chain:2")],
        [Status::Succeeded, Status::Runnable, Status::Pending]
    );
    assert_eq!(
        [status("pairs:0"), status("pairs:1"), status("pairs")],
        [Status::Runnable, Status::Pending, Status::Pending]
    );
    emulator.set_status("chain:1", Status::Failed);
    assert_eq!(
        [status("chain:2"), status("pairs:1"), status("chain")],
        [Status::Failed; 3]
    );
}

#[tokio::test(start_paused = true)]
async fn an_array_is_submitted_pending_and_then_over() {
    let emulator = Emulator::new();
    let array = emulator.add_job(JobSpec {
        status: Status::Submitted,
        array_size: Some(2),
        ..JobSpec::default()
    });
    let status = || emulator.job(&array).unwrap().status;
    assert_eq!(status(), Status::Submitted);
    emulator.set_status(&array, Status::Running);
    assert_eq!(status(), Status::Pending);
    emulator.set_status(&array, Status::Succeeded);
    assert_eq!(status(), Status::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn submitted_jobs_become_runnable_or_wait() {
    let emulator = Emulator::new();
    emulator.add_queue(Queue::new("default"));
    let submit = async |extra: serde_json::Value| {
        let mut ask = json!({"jobName": "n", "jobQueue": "default", "jobDefinition": "d"});
        ask.as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        post(&emulator, Operation::SubmitJob, ask).await
    };
    let (status, first) = submit(json!({"tags": {"a": "b"}})).await;
    assert_eq!(status, 200);
    let first = first["jobId"].as_str().unwrap().to_owned();
    assert_eq!(emulator.job(&first).unwrap().status, Status::Runnable);
    let (_, second) =
        submit(json!({"dependsOn": [{"jobId": first}], "arrayProperties": {"size": 2}})).await;
    let second = second["jobId"].as_str().unwrap().to_owned();
    assert_eq!(
        emulator.job(&format!("{second}:1")).unwrap().status,
        Status::Pending
    );
    emulator.set_status(&first, Status::Failed);
    let job = emulator.job(&second).unwrap();
    assert_eq!((job.status, job.array_size), (Status::Failed, Some(2)));
    for wrong in [
        json!({"jobName": "a b"}),
        json!({"jobQueue": "no such"}),
        json!({"arrayProperties": {"size": 1}}),
        json!({"dependsOn": [{"jobId": "no such"}]}),
        json!({"dependsOn": [{"type": "SEQUENTIAL"}]}),
        json!({"jobDefinition": ""}),
    ] {
        assert_eq!(submit(wrong.clone()).await.0, 400, "{wrong}");
    }
    emulator.set_behaviour(Behaviour {
        submitted: Lifecycle::default(),
        ..Behaviour::default()
    });
    let (_, third) = submit(json!({})).await;
    assert_eq!(
        emulator
            .job(third["jobId"].as_str().unwrap())
            .unwrap()
            .status,
        Status::Submitted
    );
}

#[test]
fn an_emulator_can_be_made_outside_a_runtime() {
    let emulator = Emulator::new();
    let id = emulator.add_job(JobSpec::default());
    emulator.advance(SECOND);
    assert!(emulator.now() > emulator.now().saturating_sub(SECOND));
    assert_eq!(emulator.job(&id).unwrap().job_queue, "default");
}

#[tokio::test(start_paused = true)]
async fn a_move_that_was_planned_is_void_once_the_job_moved_otherwise() {
    let emulator = seeded(json!({"jobs": [
        {"jobId": "a", "lifecycle": {"runnableFor": 10, "startingFor": 60}}]}));
    emulator.advance(5 * SECOND);
    emulator.set_status("a", Status::Starting);
    emulator.advance(59 * SECOND);
    assert_eq!(emulator.job("a").unwrap().status, Status::Starting);
    emulator.advance(SECOND);
    assert_eq!(emulator.job("a").unwrap().status, Status::Running);
}

#[tokio::test(start_paused = true)]
async fn a_time_in_pending_is_the_least() {
    let emulator = seeded(json!({"jobs": [
        {"jobId": "a", "status": "RUNNING", "lifecycle": {"runningFor": 5}},
        {"jobId": "b", "status": "PENDING", "dependsOn": [{"jobId": "a"}], "lifecycle": {"pendingFor": 10}},
        {"jobId": "c", "status": "PENDING", "dependsOn": [{"jobId": "a"}], "lifecycle": {"pendingFor": 1}},
    ]}));
    let statuses = || ["b", "c"].map(|id| emulator.job(id).unwrap().status);
    emulator.advance(4 * SECOND);
    assert_eq!(statuses(), [Status::Pending, Status::Pending]);
    emulator.advance(SECOND);
    assert_eq!(statuses(), [Status::Pending, Status::Runnable]);
    emulator.advance(5 * SECOND);
    assert_eq!(statuses(), [Status::Runnable, Status::Runnable]);
}
