//! Seeds that are wrong, accounts that are large.

use std::time::Duration;

use crate::ask::{page, post};
use batch_emulator::{
    Attempt, Behaviour, Emulator, Exit, Faults, JobSpec, Operation, PositionTime, Seed, Status,
    UnknownServiceJob,
};
use serde_json::json;

#[test]
fn a_wrong_seed_is_an_error_that_names_the_field() {
    for (seed, expected) in [
        (
            r#"{"jobs": [{}, {"statuss": "RUNNING"}]}"#,
            "jobs[1].statuss: unknown field",
        ),
        (
            r#"{"jobs": [{"status": "running"}]}"#,
            "jobs[0].status: unknown value",
        ),
        (
            r#"{"faults": {"throttleRate": 3}}"#,
            "faults.throttleRate: invalid value",
        ),
        (
            r#"{"faults": {"latency": "soon"}}"#,
            "faults.latency: invalid value",
        ),
        (r#"{"now": "yesterday"}"#, "now: invalid value"),
        (
            r#"{"queues": [{"name": "a"}], "jobs": [{"jobQueue": "b"}]}"#,
            "jobs[0].jobQueue: no queue",
        ),
        (
            r#"{"jobs": [{"jobId": "a", "count": 2}]}"#,
            "jobs[0].count: ",
        ),
        (
            r#"{"jobs": [{"children": ["RUNNING"]}]}"#,
            "jobs[0].children: ",
        ),
        (
            r#"{"jobs": [{"arraySize": 2, "attempts": [{}]}]}"#,
            "jobs[0].attempts: ",
        ),
        (r#"{"jobs": [{"arraySize": 0}]}"#, "jobs[0].arraySize: "),
        ("{", "EOF"),
    ] {
        let error = Seed::from_json(seed)
            .and_then(Emulator::from_seed)
            .unwrap_err();
        assert!(error.to_string().contains(expected), "{seed}: {error}");
    }
}

#[test]
fn an_id_of_a_seed_that_is_none_is_refused_by_name() {
    let seed = Seed::from_json(r#"{"jobs": [{}, {"jobId": "frame-7"}]}"#).unwrap();
    assert_eq!(
        seed.check_ids().unwrap_err().to_string(),
        r#"jobs[1].jobId: "frame-7" is not a job id, a UUID in lower case"#
    );
    let seed = Seed::from_json(r#"{"jobs": [{"jobId": "0a1b2c3d-0000-4000-8000-000000000001"}]}"#);
    assert!(seed.unwrap().check_ids().is_ok());
}

#[test]
fn a_job_with_an_id_keeps_it_from_those_without() {
    let first = Emulator::new().add_job(JobSpec::default());
    let seed = format!(r#"{{"jobs": [{{"jobId": "{first}", "jobName": "named"}}, {{}}]}}"#);
    let emulator = Emulator::from_seed(Seed::from_json(&seed).unwrap()).unwrap();
    assert_eq!(emulator.jobs().len(), 2);
    assert_eq!(emulator.job(&first).unwrap().job_name, "named");
}

#[test]
fn a_seed_survives_being_written_and_read() {
    let spec = JobSpec {
        attempts: vec![Attempt {
            stopped_at: Some(Duration::from_secs(1)),
            ..Attempt::default()
        }],
        position_time: PositionTime::At(0),
        runs_anyway: Some(Exit::Failed),
        shown_as_node: [Operation::ListJobs].into(),
        ..JobSpec::default().tag("a", "b").after("x")
    };
    let seed = Seed {
        jobs: vec![spec],
        behaviour: Behaviour {
            unknown_service_job: UnknownServiceJob::ResourceNotFound("gone".to_owned()),
            ..Behaviour::default()
        },
        faults: Faults {
            slow: [(Operation::CancelJobs, Duration::from_secs(6))].into(),
            runs_anyway: [("a".to_owned(), Exit::Succeeded)].into(),
            ..Faults::default()
        },
        ..Seed::default()
    };
    let json = serde_json::to_string(&seed).unwrap();
    assert_eq!(Seed::from_json(&json).unwrap(), seed);
}

/// No call looks at more jobs than it answers about; with a scan for each this takes minutes.
#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_jobs_are_no_burden() {
    let emulator = Emulator::new();
    let ids = emulator.add_jobs(&JobSpec {
        count: 100_000,
        ..JobSpec::default()
    });
    for chunk in ids.chunks(100) {
        assert_eq!(
            post(&emulator, Operation::DescribeJobs, json!({"jobs": chunk}))
                .await
                .0,
            200
        );
    }
    let mut ask = json!({"jobQueue": "default", "jobStatus": "RUNNABLE"});
    let mut listed = 0;
    loop {
        let (ids, next) = page(&emulator, ask.clone()).await;
        listed += ids.len();
        match next {
            Some(token) => ask["nextToken"] = token.into(),
            None => break,
        }
    }
    assert_eq!(listed, ids.len());
    for chunk in ids.chunks(50) {
        let ask = json!({"jobs": chunk, "reason": "r"});
        assert_eq!(post(&emulator, Operation::CancelJobs, ask).await.0, 200);
    }
    assert!(
        emulator
            .jobs()
            .iter()
            .all(|job| job.status == Status::Failed && job.is_cancelled)
    );
    assert_eq!(emulator.calls().len(), 1000 + 100 + 2000);
}
