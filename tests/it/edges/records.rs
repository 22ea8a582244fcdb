//! What is logged and counted of an invocation, refusals included.

use std::{
    cell::RefCell,
    io::{self, Write},
};

use batch_emulator::{Faults, Status};
use lambda_runtime::tracing::subscriber;
use serde_json::{Value, json};
use support::{
    Function, QUEUE,
    events::{Form, sqs},
    samples::sample,
};

thread_local! {
    static LOG: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static METRICS: RefCell<Vec<Value>> = const { RefCell::new(Vec::new()) };
}

/// Takes the log of this thread.
struct ToLog;

impl Write for ToLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.with_borrow_mut(|log| log.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What an invocation leaves behind.
struct Record {
    done: Value,
    lines: Vec<Value>,
    metrics: Option<Value>,
}

/// The records of one event.
async fn record(settings: &[(&str, &str)], event: Value) -> Record {
    record_of(Function::new(settings), event).await
}

async fn record_of(mut function: Function, event: Value) -> Record {
    LOG.take();
    METRICS.take();
    let log = subscriber::fmt()
        .json()
        .with_writer(|| ToLog)
        .with_current_span(false)
        .finish();
    let guard = tracing::subscriber::set_default(log);
    function.app = function.app.with_metrics(|line| {
        let line = serde_json::from_str(line).unwrap();
        METRICS.with_borrow_mut(|lines| lines.push(line));
    });
    let _ = function.invoke(event).await;
    drop(guard);
    let log = String::from_utf8(LOG.take()).unwrap();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let is_done = |line: &&Value| line["fields"]["message"] == "done";
    let [done] = lines.iter().filter(is_done).collect::<Vec<_>>()[..] else {
        panic!("not one line for the invocation: {log}");
    };
    let mut metrics = METRICS.take();
    assert!(metrics.len() <= 1, "{metrics:?}");
    Record {
        done: done.clone(),
        metrics: metrics.pop(),
        lines,
    }
}

impl Record {
    /// The records say that so many requests were refused, with this status or error type.
    fn assert_refused(&self, count: usize, status: Option<u16>, error_type: Option<&str>) {
        let fields = &self.done["fields"];
        assert_eq!(self.done["level"], "WARN", "{}", self.done);
        assert_eq!(fields["refused"], count, "{fields}");
        assert_ne!(fields["complete"], true, "{fields}");
        let metrics = self.metrics.as_ref().expect("metrics");
        assert_eq!(metrics["RequestsRefused"], count, "{metrics}");
        let definition = &metrics["_aws"]["CloudWatchMetrics"][0];
        for dimensions in definition["Dimensions"].as_array().unwrap() {
            for dimension in dimensions.as_array().unwrap() {
                let name = dimension.as_str().unwrap();
                assert!(["FunctionName", "Source"].contains(&name), "{metrics}");
                assert!(metrics[name].is_string(), "{name} has no value: {metrics}");
            }
        }
        let (logged, counted) = (&fields["http_status"], &metrics["HttpStatus"]);
        assert_eq!(
            (logged.as_u64(), counted.as_u64()),
            (status.map(u64::from), status.map(u64::from))
        );
        let (logged, counted) = (&fields["error_type"], &metrics["ErrorType"]);
        assert_eq!(
            (logged.as_str(), counted.as_str()),
            (error_type, error_type)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn http_refusals_are_logged_and_counted_by_their_status() {
    let v2 = |method: &str, path: &str| Form::V2.request(method, path);
    let many = json!({"jobIds": ["x".repeat(1_100_000)]}).to_string();
    for (status, event) in [
        (400, Form::V2.post("{\"jobIds\": 7}")),
        (404, v2("GET", "/no-such-route")),
        (405, v2("PUT", "/cancellations")),
        (413, Form::V2.post(&many)),
        (
            415,
            Form::V2
                .post("{}")
                .header("content-type", Some("text/plain")),
        ),
        (404, v2("GET", "/jobs/0c9d8f6e-3a1b-4c2d-8e4f-5a6b7c8d9e0f")),
    ] {
        let record = record(&[("REQUIRE_CALLER", "false")], event.event).await;
        record.assert_refused(1, Some(status), None);
        assert!(
            record.done["fields"]["error"].is_string(),
            "{}",
            record.done
        );
    }
    let anonymous = record(&[], Form::V2.post("{}").event).await;
    anonymous.assert_refused(1, Some(401), None);
    let body = json!({"jobIds": [], "terminate": true}).to_string();
    let forbidden = record(&[("REQUIRE_CALLER", "false")], Form::V2.post(&body).event).await;
    forbidden.assert_refused(1, Some(403), Some("Refused"));
}

#[tokio::test(start_paused = true)]
async fn other_refusals_are_logged_and_counted_by_their_error_type() {
    let widget = |mut event: Value| {
        event["widgetContext"] = json!({});
        event
    };
    for (error_type, event) in [
        ("UnsupportedEvent", json!({"hello": 1})),
        ("InvalidRequest", json!({"jobIds": 7})),
        ("InvalidEvent", sample("alarm-eventbridge-broken").json()),
        ("Refused", json!({"jobIds": [], "terminate": true})),
        ("Refused", widget(json!({"panel": {"jobQueue": "gone"}}))),
        ("InvalidRequest", widget(json!({"jobIds": 7}))),
        ("InvalidEvent", widget(json!({"panel": {"limit": 0}}))),
    ] {
        let record = record(&[], event).await;
        record.assert_refused(1, None, Some(error_type));
    }
    let bodies = [
        "Dear function",
        "{\"jobIds\": [], \"terminate\": true}",
        "[]",
    ];
    let record = record(&[], sqs(bodies.map(str::to_owned))).await;
    record.assert_refused(2, None, Some("InvalidRequest, Refused"));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_fulfilled_is_no_refusal() {
    let function = Function::new(&[("REQUIRE_CALLER", "false")]);
    let id = function.add(Status::Running);
    let event = Form::V2.request("DELETE", &format!("/jobs/{id}")).event;
    let record = record_of(function, event).await;
    assert_eq!(record.done["level"], "INFO");
    let fields = &record.done["fields"];
    assert_eq!(
        (&fields["http_status"], &fields["jobs"]),
        (&json!(409), &json!(1))
    );
    assert_eq!(fields["complete"], true);
    let metrics = record.metrics.unwrap();
    assert_eq!(metrics["JobsRunning"], 1);
    for absent in ["RequestsRefused", "HttpStatus", "ErrorType"] {
        assert_eq!(metrics[absent], Value::Null);
    }
}

#[tokio::test(start_paused = true)]
async fn what_batch_does_not_answer_is_no_refusal_but_a_warning() {
    let panel = json!({"panel": {"jobQueue": QUEUE}, "widgetContext": {}});
    let show = Form::V2.request("GET", "/jobs/0c9d8f6e-3a1b-4c2d-8e4f-5a6b7c8d9e0f");
    for (event, field, value) in [
        (panel, "error_type", json!("Throttled")),
        (show.event, "http_status", json!(503)),
    ] {
        let function = Function::new(&[("REQUIRE_CALLER", "false")]);
        function.emulator.set_faults(Faults {
            throttle_rate: 1.0,
            ..Faults::default()
        });
        let record = record_of(function, event).await;
        assert_eq!(record.done["level"], "WARN");
        assert_eq!(record.done["fields"][field], value, "{}", record.done);
        let metrics = record.metrics.unwrap();
        assert!(metrics["CallsThrottled"].as_u64() > Some(0), "{metrics}");
        assert_eq!(metrics["RequestsRefused"], Value::Null);
    }
}

#[tokio::test(start_paused = true)]
async fn a_text_in_place_of_an_id_cannot_pass_for_other_entries_of_the_log() {
    let function = Function::new(&[]);
    let id = function.add(Status::Runnable);
    let forged = format!("x=cancelled {id}=running\n{{\"level\":\"INFO\"}}");
    let record = record_of(function, json!({"jobIds": [forged, id]})).await;
    let is_jobs = |line: &&Value| line["fields"]["message"] == "jobs";
    let [line] = record.lines.iter().filter(is_jobs).collect::<Vec<_>>()[..] else {
        panic!("not one line for the jobs");
    };
    let results: Value = serde_json::from_str(line["fields"]["results"].as_str().unwrap()).unwrap();
    assert_eq!(results, json!([[forged, "invalidId"], [id, "cancelled"]]));
}
