//! Calls and jobs that are refused: missing operations, IAM, and items inside bulk answers.

use crate::ask::{ask_for, cancel, one_job, post};
use batch_emulator::{BulkCalls, Emulator, Faults, ItemError, JobSpec, Operation, Status};
use serde_json::json;

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
