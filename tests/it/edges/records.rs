//! What is logged and counted of an invocation, refusals included.

use std::sync::{Arc, Mutex};

use batch_emulator::{Faults, Status};
use serde_json::{Value, json};
use support::{
    Function, QUEUE,
    events::{Form, sqs},
    samples::sample,
};

/// What an invocation leaves behind.
pub(crate) struct Record {
    pub(crate) done: Value,
    pub(crate) lines: Vec<Value>,
    pub(crate) metrics: Value,
}

/// The records of one event.
pub(crate) async fn record(settings: &[(&str, &str)], event: Value) -> Record {
    record_of(Function::new(settings), event).await
}

pub(crate) async fn record_of(mut function: Function, event: Value) -> Record {
    let output: Arc<Mutex<Vec<Value>>> = Arc::default();
    let taken = Arc::clone(&output);
    function.app.output = Some(Box::new(move |line: &str| {
        taken
            .lock()
            .unwrap()
            .push(serde_json::from_str(line).unwrap());
    }));
    let _ = function.invoke(event).await;
    let lines = output.lock().unwrap().clone();
    let only = |message: &str| {
        let mut found = lines.iter().filter(|line| line["message"] == message);
        let line = found
            .next()
            .unwrap_or_else(|| panic!("no {message}: {lines:?}"));
        assert!(found.next().is_none(), "{lines:?}");
        line.clone()
    };
    Record {
        done: only("done"),
        metrics: only("metrics"),
        lines,
    }
}

impl Record {
    /// The records say that so many requests were refused, with this status or error type.
    fn assert_refused(&self, count: usize, status: Option<u16>, error_type: Option<&str>) {
        let fields = &self.done;
        assert_eq!(self.done["level"], "WARN", "{}", self.done);
        assert_eq!(fields["refused"], count, "{fields}");
        assert_ne!(fields["complete"], true, "{fields}");
        let metrics = &self.metrics;
        assert_eq!(metrics["RequestsRefused"], count, "{metrics}");
        let (logged, counted) = (&fields["httpStatus"], &metrics["HttpStatus"]);
        assert_eq!(
            (logged.as_u64(), counted.as_u64()),
            (status.map(u64::from), status.map(u64::from))
        );
        let (logged, counted) = (&fields["errorType"], &metrics["ErrorType"]);
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
        assert!(record.done["error"].is_string(), "{}", record.done);
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
    let fields = &record.done;
    assert_eq!(
        (&fields["httpStatus"], &fields["jobs"]),
        (&json!(409), &json!(1))
    );
    assert_eq!(fields["complete"], true);
    let metrics = record.metrics;
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
        (panel, "errorType", json!("Throttled")),
        (show.event, "httpStatus", json!(503)),
    ] {
        let function = Function::new(&[("REQUIRE_CALLER", "false")]);
        function.emulator.set_faults(Faults {
            throttle_rate: 1.0,
            ..Faults::default()
        });
        let record = record_of(function, event).await;
        assert_eq!(record.done["level"], "WARN");
        assert_eq!(record.done[field], value, "{}", record.done);
        let metrics = record.metrics;
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
    let is_jobs = |line: &&Value| line["message"] == "jobs";
    let [line] = record.lines.iter().filter(is_jobs).collect::<Vec<_>>()[..] else {
        panic!("not one line for the jobs");
    };
    let results: Value = serde_json::from_str(line["results"].as_str().unwrap()).unwrap();
    assert_eq!(
        results,
        json!([{"jobId": forged, "outcome": "invalidId"}, {"jobId": id, "outcome": "cancelled"}])
    );
}
