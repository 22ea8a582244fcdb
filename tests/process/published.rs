//! The memory that publishing needs: about that of the parts in flight, however many there are.

use std::{convert::Infallible, time::Duration};

use batch_emulator::{Emulator, JobSpec, Queue, Status};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc};

use super::process::Process;

/// How much more a report of 30,000 jobs may take because it is published, in kB. As JSON it has 10 MB.
const MOST: u64 = 8 * 1024;

/// A bus that takes all events. It hands on how many jobs are in each.
async fn bus() -> (String, mpsc::UnboundedReceiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (send, events) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let send = send.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let send = send.clone();
                async move {
                    let body = request.into_body().collect().await.unwrap().to_bytes();
                    let answer = take(&body, &send).to_string();
                    Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(answer))))
                }
            });
            let stream = TokioIo::new(stream);
            tokio::spawn(http1::Builder::new().serve_connection(stream, service));
        }
    });
    (url, events)
}

fn take(call: &[u8], events: &mpsc::UnboundedSender<usize>) -> Value {
    let call: Value = serde_json::from_slice(call).unwrap();
    let entries = call["Entries"].as_array().unwrap();
    for entry in entries {
        let detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
        events
            .send(detail["jobs"].as_array().unwrap().len())
            .unwrap();
    }
    let taken = entries.iter().map(|_| json!({"EventId": "taken"}));
    json!({"FailedEntryCount": 0, "Entries": taken.collect::<Vec<_>>()})
}

#[tokio::test]
async fn a_report_is_published_in_the_memory_of_its_parts() {
    let emulator = Emulator::new();
    emulator.add_queue(Queue::new("main"));
    let ids = emulator.add_jobs(&JobSpec {
        count: 30_000,
        ..JobSpec::new(Status::Runnable).queue("main")
    });
    let event = json!({"jobIds": ids, "dryRun": true}).to_string();
    let (url, mut events) = bus().await;
    let mut peaks = [0, 0];
    for (peak, bus) in peaks.iter_mut().zip(["", "default"]) {
        let settings = [
            ("ALLOWED_QUEUES", "main"),
            ("API_CALLS_PER_SECOND", "0"),
            ("RESULT_BUS", bus),
            ("AWS_ENDPOINT_URL_EVENTBRIDGE", &url),
        ];
        let mut process = Process::start(&emulator, &settings).await;
        let time = Duration::from_mins(5);
        let report = process.invoke_within(&event, time).await.unwrap();
        assert_eq!(report["summary"]["wouldCancel"], 30_000, "{report}");
        *peak = process.peak_memory();
    }
    events.close();
    let mut published = 0;
    while let Some(jobs) = events.recv().await {
        published += jobs;
    }
    assert_eq!(published, 30_000);
    let [without, with] = peaks;
    println!("{without} kB without a bus, {with} kB with one");
    assert!(with < without + MOST, "{without} kB and {with} kB");
}
