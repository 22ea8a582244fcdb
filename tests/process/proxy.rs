//! The proxies that the environment names, as the usual tools read it. Each case waits until its deadline, so they run side by
//! side.

use std::time::Duration;

use batch_emulator::Emulator;
use futures_util::future::join_all;
use serde_json::json;
use support::samples::RUNNABLE;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
    sync::mpsc,
};

use super::process::Process;

/// A proxy that refuses everything. It hands on the first line of each request.
async fn proxy() -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (send, requests) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = BufReader::new(stream);
            let mut line = String::new();
            if stream.read_line(&mut line).await.is_ok() {
                let _ = send.send(line.trim_end().to_owned());
            }
            let answer =
                b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            let _ = stream.write_all(answer).await;
        }
    });
    (url, requests)
}

/// The first request that the proxy gets while the function calls this endpoint with these settings.
async fn first_request(endpoint: &str, proxy_variable: &str, no_proxy: &str) -> Option<String> {
    let (url, mut requests) = proxy().await;
    let settings = [
        ("ALLOWED_QUEUES", "*"),
        ("AWS_ENDPOINT_URL_BATCH", endpoint),
        (proxy_variable, &url),
        ("NO_PROXY", no_proxy),
    ];
    let mut process = Process::start(&Emulator::new(), &settings).await;
    let event = json!({"jobId": RUNNABLE}).to_string();
    let time = Duration::from_secs(4);
    let report = process.invoke_within(&event, time).await.unwrap();
    assert_eq!(report["complete"], false, "nothing is there: {report}");
    process.terminate().await;
    requests.try_recv().ok()
}

/// Nothing listens there, and no name has to be looked up.
const HTTPS: &str = "https://localhost:1";
const HTTP: &str = "http://localhost:1";

#[tokio::test]
async fn calls_go_through_the_proxy_of_the_environment() {
    let connect = "CONNECT localhost:1 HTTP/1.1";
    let post = "POST http://localhost:1/v1/describejobs HTTP/1.1";
    let cases = [
        (HTTPS, "HTTPS_PROXY", "", connect),
        (HTTPS, "https_proxy", "", connect),
        (HTTPS, "ALL_PROXY", "", connect),
        (HTTP, "HTTP_PROXY", "example.com", post),
    ];
    let all = cases.map(async |(endpoint, variable, no_proxy, expected)| {
        let request = first_request(endpoint, variable, no_proxy).await;
        assert_eq!(request.as_deref(), Some(expected), "{variable}");
    });
    join_all(all).await;
}

#[tokio::test]
async fn calls_go_straight_to_what_no_proxy_names_and_to_other_schemes() {
    let cases = [
        (HTTPS, "HTTPS_PROXY", "example.com, localhost"),
        (HTTPS, "HTTPS_PROXY", "*"),
        (HTTP, "HTTP_PROXY", "localhost"),
        (HTTPS, "HTTP_PROXY", ""),
        (HTTP, "HTTPS_PROXY", ""),
    ];
    let all = cases.map(async |(endpoint, variable, no_proxy)| {
        let request = first_request(endpoint, variable, no_proxy).await;
        assert_eq!(request, None, "{endpoint} {variable} {no_proxy}");
    });
    join_all(all).await;
}
