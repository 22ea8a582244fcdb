//! Cancels that are accepted and do not stop the job.

use crate::ask::{SECOND, cancel, describe, seeded, shown, state, terminate};
use batch_emulator::{Behaviour, Emulator, Exit, Faults, JobSpec, Lifecycle, Status};
use serde_json::{Value, json};

fn one_job(spec: JobSpec, exit: Exit) -> Emulator {
    let emulator = seeded(json!({"now": 0}));
    emulator.add_job(spec.id("a"));
    emulator.set_faults(Faults {
        runs_anyway: [("a".to_owned(), exit)].into(),
        ..Faults::default()
    });
    emulator
}

/// What looks show of the job, second by second.
async fn seen(emulator: &Emulator, seconds: u32) -> Vec<String> {
    let mut seen = Vec::new();
    for _ in 0..seconds {
        let (status, cancelled, ..) = shown(emulator, "a").await;
        assert!(cancelled, "{status}");
        seen.push(status);
        emulator.advance(SECOND);
    }
    seen
}

#[tokio::test(start_paused = true)]
async fn a_job_that_was_seen_cancelled_runs() {
    for (exit, end, code, reason) in [
        (
            Exit::Failed,
            "FAILED",
            1,
            json!("Essential container in task exited"),
        ),
        (Exit::Succeeded, "SUCCEEDED", 0, Value::Null),
    ] {
        let emulator = one_job(JobSpec::new(Status::Runnable), exit);
        cancel(&emulator, "a").await;
        let seen = seen(&emulator, 4).await;
        assert_eq!(seen, ["RUNNABLE", "STARTING", "RUNNING", end]);
        let job = describe(&emulator, &["a"]).await.remove(0);
        assert_eq!(job["isCancelled"], true);
        assert_eq!(job["statusReason"], reason);
        assert_eq!(
            (&job["startedAt"], &job["stoppedAt"]),
            (&json!(2000), &json!(3000))
        );
        let attempts = job["attempts"].as_array().unwrap();
        assert_eq!(attempts.len(), 1);
        assert_eq!(attempts[0]["container"]["exitCode"], code);
        assert_eq!(
            attempts[0]["statusReason"],
            "Essential container in task exited"
        );
        assert_eq!(emulator.fault_counts()["runsAnyway"], 1);
    }
}

#[tokio::test(start_paused = true)]
async fn its_own_times_count_first_and_the_others_can_be_set() {
    let mut spec = JobSpec::new(Status::Submitted);
    spec.lifecycle.runnable_for = Some(2 * SECOND);
    let emulator = one_job(spec, Exit::Succeeded);
    emulator.set_behaviour(Behaviour {
        runs_anyway: Lifecycle {
            submitted_for: Some(SECOND),
            runnable_for: Some(60 * SECOND),
            starting_for: Some(SECOND),
            running_for: Some(2 * SECOND),
            ..Lifecycle::default()
        },
        ..Behaviour::default()
    });
    emulator.advance(SECOND);
    cancel(&emulator, "a").await;
    assert_eq!(
        seen(&emulator, 7).await,
        [
            "SUBMITTED",
            "RUNNABLE",
            "RUNNABLE",
            "STARTING",
            "RUNNING",
            "RUNNING",
            "SUCCEEDED"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_job_that_waits_runs_once_its_dependencies_are_done() {
    let emulator = one_job(
        JobSpec::new(Status::Pending).after("other"),
        Exit::Succeeded,
    );
    emulator.add_job(JobSpec::new(Status::Running).id("other"));
    cancel(&emulator, "a").await;
    assert_eq!(seen(&emulator, 2).await, ["PENDING", "PENDING"]);
    emulator.set_status("other", Status::Succeeded);
    assert_eq!(
        seen(&emulator, 4).await,
        ["RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_terminate_stops_it_before_and_while_it_runs() {
    for passed in [0, 2] {
        let emulator = one_job(JobSpec::new(Status::Runnable), Exit::Succeeded);
        cancel(&emulator, "a").await;
        cancel(&emulator, "a").await;
        emulator.advance(passed * SECOND);
        terminate(&emulator, "a").await;
        let terminated = passed > 0;
        let reason = if terminated {
            "terminated by the test"
        } else {
            "cancelled by the test"
        };
        assert_eq!(
            shown(&emulator, "a").await,
            state("FAILED", true, terminated, reason)
        );
        assert_eq!(emulator.attempts("a").len(), usize::from(terminated));
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancel_that_shows_late_is_in_vain_too() {
    let emulator = one_job(JobSpec::new(Status::Runnable), Exit::Failed);
    emulator.set_faults(Faults {
        flag_delay: 5 * SECOND,
        ..emulator.faults()
    });
    cancel(&emulator, "a").await;
    emulator.advance(4 * SECOND);
    assert_eq!(
        shown(&emulator, "a").await,
        state("RUNNABLE", false, false, "")
    );
    emulator.advance(SECOND);
    assert_eq!(
        seen(&emulator, 4).await,
        ["RUNNABLE", "STARTING", "RUNNING", "FAILED"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_job_can_be_put_in_cancelled_and_about_to_run() {
    let emulator = seeded(json!({"jobs": [
        {"jobId": "a", "isCancelled": true, "runsAnyway": "SUCCEEDED"}]}));
    assert_eq!(
        seen(&emulator, 4).await,
        ["RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED"]
    );
}

#[tokio::test(start_paused = true)]
async fn what_runs_anyway_by_rate_is_drawn_by_id() {
    let run = async |seed: u64| {
        let emulator = Emulator::new();
        let array = emulator.add_job(JobSpec {
            array_size: Some(100),
            ..JobSpec::default()
        });
        emulator.set_faults(Faults {
            seed,
            runs_anyway_rate: 0.5,
            ..Faults::default()
        });
        cancel(&emulator, &array).await;
        emulator.advance(60 * SECOND);
        assert_eq!(emulator.job(&array).unwrap().status, Status::Failed);
        let codes: Vec<Option<i32>> = (0..100)
            .map(|index| {
                let attempts = emulator.attempts(&format!("{array}:{index}"));
                attempts.first().and_then(|attempt| attempt.exit_code)
            })
            .collect();
        let ran = codes.iter().flatten().count();
        assert_eq!(emulator.fault_counts()["runsAnywayRate"], ran);
        codes
    };
    let first = run(1).await;
    for code in [None, Some(0), Some(1)] {
        let share = first.iter().filter(|found| **found == code).count();
        assert!((10..70).contains(&share), "{code:?}: {share}");
    }
    assert_eq!(first, run(1).await);
    assert_ne!(first, run(2).await);
}
