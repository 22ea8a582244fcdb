//! What can be made to go wrong with single jobs of a call.

use crate::ask::{cancel, describe, post, terminate};
use batch_emulator::{Emulator, Faults, JobSpec, Operation, Status};
use serde_json::{Value, json};

/// An account with one job of each of these statuses, and its ids.
fn account(statuses: &[Status], faults: Faults) -> (Emulator, Vec<String>) {
    let emulator = Emulator::new();
    let ids = statuses
        .iter()
        .map(|status| emulator.add_job(JobSpec::new(*status)))
        .collect();
    emulator.set_faults(faults);
    (emulator, ids)
}

async fn bulk(emulator: &Emulator, operation: Operation, ids: &[String]) -> Value {
    let ask = json!({"jobs": ids, "reason": "r"});
    let (status, answer) = post(emulator, operation, ask).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

#[tokio::test(start_paused = true)]
async fn a_cancel_of_a_started_job_can_be_refused() {
    let statuses = [
        Status::Runnable,
        Status::Starting,
        Status::Running,
        Status::Succeeded,
    ];
    let (emulator, ids) = account(
        &statuses,
        Faults {
            refuse_started_rate: 1.0,
            ..Faults::default()
        },
    );
    let answer = bulk(&emulator, Operation::CancelJobs, &ids).await;
    assert_eq!(answer["successful"], json!([ids[0], ids[3]]));
    let refused = |id: &str| {
        let message = format!("Job {id} has already started and cannot be cancelled");
        json!({"job": id, "code": "ClientException", "message": message})
    };
    assert_eq!(
        answer["errors"],
        json!([refused(&ids[1]), refused(&ids[2])])
    );
    let ask = json!({"jobId": ids[2], "reason": "r"});
    let (status, answer) = post(&emulator, Operation::CancelJob, ask).await;
    let text = answer["message"].as_str().unwrap();
    assert!(
        status == 400 && text.contains("has already started"),
        "{status} {text}"
    );
    assert_eq!(emulator.job(&ids[2]).unwrap().status, Status::Running);
    terminate(&emulator, &ids[2]).await;
    assert_eq!(emulator.job(&ids[2]).unwrap().status, Status::Failed);
    assert_eq!(emulator.fault_counts()["refuseStartedRate"], 3);
}

#[tokio::test(start_paused = true)]
async fn what_has_ended_can_be_refused() {
    let (emulator, ids) = account(
        &[Status::Succeeded, Status::Failed, Status::Running],
        Faults {
            refuse_ended_rate: 1.0,
            ..Faults::default()
        },
    );
    for operation in [Operation::CancelJobs, Operation::TerminateJobs] {
        let answer = bulk(&emulator, operation, &ids).await;
        assert_eq!(answer["successful"], json!([ids[2]]));
        let message = format!("Job {} has already ended", ids[0]);
        assert_eq!(answer["errors"][0]["code"], "ClientException");
        assert_eq!(answer["errors"][0]["message"], message);
    }
    let ask = json!({"jobId": ids[0], "reason": "r"});
    let (status, _) = post(&emulator, Operation::TerminateJob, ask).await;
    assert_eq!(status, 400);
    assert_eq!(emulator.fault_counts()["refuseEndedRate"], 5);
}

#[tokio::test(start_paused = true)]
async fn a_rate_by_id_is_the_same_in_every_call() {
    let (emulator, ids) = account(
        &[Status::Running; 50],
        Faults {
            refuse_started_rate: 0.5,
            seed: 3,
            ..Faults::default()
        },
    );
    let first = bulk(&emulator, Operation::CancelJobs, &ids).await;
    let refused = first["errors"].as_array().unwrap().len();
    assert!((10..40).contains(&refused), "{refused}");
    assert_eq!(first, bulk(&emulator, Operation::CancelJobs, &ids).await);
    emulator.set_faults(Faults {
        seed: 4,
        ..emulator.faults()
    });
    assert_ne!(first, bulk(&emulator, Operation::CancelJobs, &ids).await);
}

#[tokio::test(start_paused = true)]
async fn bulk_answers_can_leave_jobs_out_whose_work_was_done_or_not() {
    let (emulator, ids) = account(&[Status::Runnable; 3], Faults::default());
    emulator.set_faults(Faults {
        omit_done: [ids[0].clone()].into(),
        omit_undone: [ids[1].clone()].into(),
        ..Faults::default()
    });
    let answer = bulk(&emulator, Operation::CancelJobs, &ids).await;
    assert_eq!(answer, json!({"successful": [ids[2]], "errors": []}));
    let statuses = [0, 1, 2].map(|place| emulator.job(&ids[place]).unwrap().status);
    assert_eq!(statuses, [Status::Failed, Status::Runnable, Status::Failed]);
    assert_eq!(emulator.calls()[0].omitted_jobs, 2);
    let counts = emulator.fault_counts();
    assert_eq!((counts["omitDone"], counts["omitUndone"]), (1, 1));
    cancel(&emulator, &ids[1]).await;
    assert_eq!(emulator.job(&ids[1]).unwrap().status, Status::Failed);
}

#[tokio::test(start_paused = true)]
async fn jobs_are_left_out_at_random_and_anew_in_each_call() {
    for (faults, switch, done) in [
        (
            Faults {
                omit_done_rate: 0.5,
                ..Faults::default()
            },
            "omitDoneRate",
            true,
        ),
        (
            Faults {
                omit_undone_rate: 0.5,
                ..Faults::default()
            },
            "omitUndoneRate",
            false,
        ),
    ] {
        let (emulator, ids) = account(&[Status::Runnable; 50], faults);
        let first = bulk(&emulator, Operation::CancelJobs, &ids).await;
        let named = first["successful"].as_array().unwrap();
        let omitted = emulator.calls()[0].omitted_jobs;
        assert_eq!(named.len() + omitted, 50);
        assert!((10..40).contains(&omitted), "{omitted}");
        assert_eq!(emulator.fault_counts()[switch], omitted);
        for id in &ids {
            let ended = emulator.job(id).unwrap().status == Status::Failed;
            assert_eq!(ended, done || named.contains(&json!(id)));
        }
        let again = bulk(&emulator, Operation::CancelJobs, &ids).await;
        assert_ne!(first, again);
    }
}

#[tokio::test(start_paused = true)]
async fn refused_jobs_are_not_left_out() {
    let (emulator, ids) = account(
        &[Status::Runnable],
        Faults {
            omit_done_rate: 1.0,
            denied: [Operation::CancelJob].into(),
            ..Faults::default()
        },
    );
    let answer = bulk(&emulator, Operation::CancelJobs, &ids).await;
    assert_eq!(answer["errors"][0]["code"], "AccessDenied");
    assert_eq!(emulator.job(&ids[0]).unwrap().status, Status::Runnable);
}

#[tokio::test(start_paused = true)]
async fn an_id_can_make_every_look_at_it_fail() {
    let (emulator, ids) = account(&[Status::Runnable; 2], Faults::default());
    emulator.set_faults(Faults {
        fails_describe: [ids[1].clone(), "poison".to_owned()].into(),
        ..Faults::default()
    });
    for asked in [json!(ids), json!([ids[0], "poison"])] {
        let (status, answer) =
            post(&emulator, Operation::DescribeJobs, json!({"jobs": asked})).await;
        let text = answer["message"].as_str().unwrap();
        assert!(
            status == 400 && text.contains("cannot be described"),
            "{status} {text}"
        );
    }
    assert_eq!(describe(&emulator, &[&ids[0]]).await.len(), 1);
    assert_eq!(emulator.fault_counts()["failsDescribe"], 2);
}

#[tokio::test(start_paused = true)]
async fn ids_that_fail_a_look_by_rate_are_found_by_halving() {
    let (emulator, ids) = account(
        &[Status::Runnable; 100],
        Faults {
            fails_describe_rate: 0.05,
            seed: 1,
            ..Faults::default()
        },
    );
    let mut open = vec![ids.as_slice()];
    let (mut poison, mut shown) = (Vec::new(), 0);
    while let Some(ids) = open.pop() {
        let (status, answer) = post(&emulator, Operation::DescribeJobs, json!({"jobs": ids})).await;
        match (status, ids) {
            (200, _) => shown += answer["jobs"].as_array().unwrap().len(),
            (_, [id]) => poison.push(id.clone()),
            (_, ids) => {
                let (left, right) = ids.split_at(ids.len() / 2);
                open.extend([left, right]);
            }
        }
    }
    assert!((1..15).contains(&poison.len()), "{}", poison.len());
    assert_eq!(shown + poison.len(), 100);
    for id in poison {
        let ask = json!({"jobs": [id]});
        assert_eq!(post(&emulator, Operation::DescribeJobs, ask).await.0, 400);
    }
}
