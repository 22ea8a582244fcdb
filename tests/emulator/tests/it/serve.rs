//! The same over HTTP: raw bytes in, raw bytes out.

use batch_emulator::{Emulator, JobSpec, Operation, Server};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Everything that comes back for one request, until the connection ends.
async fn send(server: &Server, method: &str, path: &str, body: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(server.address()).await?;
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

const CANCEL: &str = r#"{"jobId": "a", "reason": "r"}"#;

fn emulator() -> Emulator {
    let emulator = Emulator::new();
    emulator.add_job(JobSpec::default().id("a"));
    emulator
}

#[tokio::test]
async fn calls_are_answered_in_the_wire_form() {
    let emulator = emulator();
    let server = emulator.serve().await.unwrap();
    let answer = send(&server, "POST", "/v1/canceljob", CANCEL)
        .await
        .unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\n{}"),
        "{answer}"
    );
    assert!(answer.contains("x-amzn-requestid: "), "{answer}");
    let answer = send(&server, "POST", "/v1/canceljob", "{}").await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 400 Bad Request\r\n"),
        "{answer}"
    );
    assert!(
        answer.contains("x-amzn-errortype: ClientException\r\n"),
        "{answer}"
    );
    assert!(answer.contains(r#"{"message":"Error executing request, Exception : 'jobId' is a required field, RequestId: "#), "{answer}");
    let answer = send(&server, "POST", "/v1/canceljob", "{").await.unwrap();
    assert!(
        answer.contains("x-amzn-errortype: SerializationException\r\n"),
        "{answer}"
    );
    let answer = send(&server, "POST", "/v1/elsewhere", "{}").await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 404 Not Found\r\n"), "{answer}");
    assert_eq!(emulator.count(Operation::CancelJob), 3);
    assert_eq!(emulator.count(Operation::Unknown), 1);
}

#[tokio::test]
async fn a_dropped_server_is_gone() {
    let server = emulator().serve().await.unwrap();
    let address = server.address();
    drop(server);
    tokio::task::yield_now().await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn control_endpoints_steer_it() {
    let emulator = emulator();
    let server = emulator.serve().await.unwrap();
    for (method, path, body, expected) in [
        (
            "PUT",
            "faults",
            r#"{"throttleRate": 1}"#,
            r#""throttleRate":1.0"#,
        ),
        (
            "PUT",
            "faults",
            r#"{"throttelRate": 1}"#,
            "throttelRate: unknown field",
        ),
        ("GET", "faults", "", r#""throttleRate":1.0"#),
        (
            "PUT",
            "behaviour",
            r#"{"cancelDelay": 5}"#,
            r#""cancelDelay":5.0"#,
        ),
        ("POST", "queues", r#"{"name": "q"}"#, "{}"),
        (
            "POST",
            "jobs",
            r#"{"jobId": "b", "jobQueue": "q"}"#,
            r#"{"jobIds":["b"]}"#,
        ),
        (
            "POST",
            "jobs",
            r#"[{"jobId": "c"}, {"jobId": "d"}]"#,
            r#"{"jobIds":["c","d"]}"#,
        ),
        ("POST", "jobs", r#"[{"jobId": "e", "count": 2}]"#, "count: "),
        ("GET", "jobs", "", r#""jobId":"b""#),
        ("POST", "advance", r#"{"seconds": 60}"#, r#"{"now":"#),
        (
            "POST",
            "advance",
            r#"{"minutes": 1}"#,
            "minutes: unknown field",
        ),
        (
            "PUT",
            "behaviour",
            r#"{"unknownServiceJob": {"resourceNotFound": "No {id}"}}"#,
            r#""unknownServiceJob":{"resourceNotFound":"No {id}"}"#,
        ),
        ("GET", "faults/counts", "", r#""throttleRate":0"#),
        ("GET", "nothing", "", "404"),
    ] {
        let answer = send(&server, method, &format!("/_emulator/{path}"), body)
            .await
            .unwrap();
        assert!(
            answer.contains(expected),
            "{method} {path} {body}: {answer}"
        );
    }
    assert!(emulator.calls().is_empty(), "control is not recorded");
    let _ = send(&server, "POST", "/v1/canceljob", CANCEL).await;
    let calls = send(&server, "GET", "/_emulator/calls", "").await.unwrap();
    assert!(
        calls.contains(r#""operation":"CancelJob","jobIds":["a"],"reason":"r""#),
        "{calls}"
    );
    assert!(
        calls.contains(r#""answer":{"status":429},"fault":"throttled""#),
        "{calls}"
    );
    send(&server, "DELETE", "/_emulator/calls", "")
        .await
        .unwrap();
    assert!(emulator.calls().is_empty());
}
