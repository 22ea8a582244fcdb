//! Faults that show on the wire only: over HTTP, in the caller's own time.

use std::time::Duration;

use crate::ask::{SECOND, post};
use batch_emulator::{
    Answer, BulkCalls, Emulator, Fault, Faults, JobSpec, Operation, Server, Status,
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The whole answer to a post, until the connection ends.
async fn send(server: &Server, operation: Operation, body: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(server.address()).await?;
    let request = format!(
        "POST {} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        operation.path(),
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

const BULK: &str = r#"{"jobs": ["a"], "reason": "r"}"#;

fn emulator(faults: Faults) -> Emulator {
    let emulator = Emulator::new();
    emulator.add_job(JobSpec::default().id("a"));
    emulator.set_faults(faults);
    emulator
}

#[tokio::test]
async fn a_call_that_its_caller_gave_up_has_done_its_work() {
    let emulator = emulator(Faults {
        slow: [(Operation::CancelJobs, 60 * SECOND)].into(),
        ..Faults::default()
    });
    let server = emulator.serve().await.unwrap();
    let done = async {
        while emulator.job("a").unwrap().status != Status::Failed {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answer = send(&server, Operation::CancelJobs, BULK) => panic!("{answer:?}"),
        () = done => {}
    }
    let answer = send(&server, Operation::DescribeJobs, r#"{"jobs": ["a"]}"#)
        .await
        .unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    let call = &emulator.calls()[0];
    assert!(call.performed_at.is_some());
    assert_eq!((call.answer, call.answered_at), (Answer::None, None));
}

#[tokio::test(start_paused = true)]
async fn slow_calls_do_their_work_when_they_come() {
    for (faults, expected) in [
        (
            Faults {
                slow: [(Operation::CancelJob, 6 * SECOND)].into(),
                ..Faults::default()
            },
            6 * SECOND,
        ),
        (
            Faults {
                slow_rate: 1.0,
                slow_for: 60 * SECOND,
                ..Faults::default()
            },
            60 * SECOND,
        ),
        (
            Faults {
                slow: [(Operation::CancelJob, 6 * SECOND)].into(),
                slow_rate: 1.0,
                slow_for: SECOND,
                ..Faults::default()
            },
            6 * SECOND,
        ),
    ] {
        let emulator = emulator(faults);
        let start = tokio::time::Instant::now();
        let call = post(
            &emulator,
            Operation::CancelJob,
            json!({"jobId": "a", "reason": "r"}),
        );
        let meanwhile = async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            emulator.job("a").unwrap().status
        };
        let ((status, _), meanwhile) = tokio::join!(call, meanwhile);
        assert_eq!((status, meanwhile), (200, Status::Failed));
        assert_eq!(start.elapsed(), expected);
        let call = &emulator.calls()[0];
        assert_eq!(call.performed_at, Some(call.at));
        assert_eq!(call.answered_at, Some(call.at + expected));
    }
}

#[tokio::test(start_paused = true)]
async fn a_latency_comes_before_the_work() {
    let emulator = emulator(Faults {
        latency: SECOND,
        slow: [(Operation::CancelJob, SECOND)].into(),
        ..Faults::default()
    });
    let ask = json!({"jobId": "a", "reason": "r"});
    post(&emulator, Operation::CancelJob, ask).await;
    let call = &emulator.calls()[0];
    assert_eq!(call.performed_at, Some(call.at + SECOND));
    assert_eq!(call.answered_at, Some(call.at + 2 * SECOND));
}

#[tokio::test(start_paused = true)]
async fn answers_without_work_are_not_held_back_and_slowness_can_be_ordered() {
    let emulator = emulator(Faults {
        slow: [(Operation::CancelJob, SECOND)].into(),
        slow_for: 3 * SECOND,
        ..Faults::default()
    });
    emulator.fail_next(Operation::CancelJob, Fault::Throttled, 1);
    emulator.fail_next(Operation::CancelJob, Fault::Slow, 1);
    for _ in 0..3 {
        let ask = json!({"jobId": "a", "reason": "r"});
        post(&emulator, Operation::CancelJob, ask).await;
    }
    let took: Vec<Duration> = emulator
        .calls()
        .iter()
        .map(|call| call.answered_at.unwrap().saturating_sub(call.at))
        .collect();
    assert_eq!(took, [Duration::ZERO, 3 * SECOND, SECOND]);
    assert_eq!(emulator.calls()[0].performed_at, None);
}

#[tokio::test]
async fn absent_operations_are_refused_in_every_known_form() {
    for (bulk_calls, status, has, lacks) in [
        (
            BulkCalls::MissingToken,
            "403 Forbidden",
            vec![
                "x-amzn-errortype: MissingAuthenticationTokenException\r\n",
                r#"{"message":"Missing Authentication Token"}"#,
            ],
            "xml",
        ),
        (
            BulkCalls::UndeterminedOperation,
            "403 Forbidden",
            vec![
                "x-amzn-errortype: AccessDeniedException\r\n",
                r#"{"message":"Unable to determine service/operation name to be authorized"}"#,
            ],
            "xml",
        ),
        (
            BulkCalls::UndeterminedOperationXml,
            "403 Forbidden",
            vec![
                "<AccessDeniedException>\n  <Message>Unable to determine service/operation name to be authorized</Message>",
            ],
            "content-type",
        ),
        (
            BulkCalls::NotFound,
            "404 Not Found",
            vec!["content-type: text/html"],
            "x-amzn-errortype",
        ),
        (
            BulkCalls::UnknownOperation,
            "404 Not Found",
            vec!["x-amzn-errortype: UnknownOperationException\r\n"],
            "xml",
        ),
    ] {
        let emulator = emulator(Faults {
            bulk_calls,
            ..Faults::default()
        });
        let server = emulator.serve().await.unwrap();
        let answer = send(&server, Operation::CancelJobs, BULK).await.unwrap();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}\r\n")),
            "{answer}"
        );
        assert!(has.iter().all(|text| answer.contains(text)), "{answer}");
        assert!(!answer.contains(lacks), "{answer}");
        assert_eq!(emulator.job("a").unwrap().status, Status::Runnable);
        assert_eq!(emulator.fault_counts()["bulkCalls"], 1);
    }
}
