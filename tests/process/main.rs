//! The real binary: started as Lambda starts it, with Lambda's Runtime API and AWS Batch emulated on sockets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics fails"
)]
#![allow(
    unreachable_pub,
    reason = "nothing outside of this binary can be reached"
)]

mod drain;
mod log;
mod process;
mod proxy;
mod published;
mod runtime_api;
mod truth;

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    os::unix::{ffi::OsStrExt, process::ExitStatusExt},
    time::Duration,
};

use batch_emulator::{Emulator, Faults, Operation};
use jiff::Timestamp;
use process::{Exited, Process, SECRET, TOKEN};
use serde_json::{Value, json};
use support::{
    Function, SETTINGS, emf, failed, request_id,
    samples::{self, RUNNABLE, RUNNING, SUBMITTED, Sample, sample},
};
use tokio::runtime::{self, Runtime};

/// The number of the signal SIGTERM.
const SIGTERM: i32 = 15;

/// A process on the demo account.
async fn start(settings: &[(&str, &str)]) -> (Emulator, Process) {
    let emulator = Emulator::new();
    samples::set_up(&emulator);
    let settings = [SETTINGS.as_slice(), settings].concat();
    let process = Process::start(&emulator, &settings).await;
    (emulator, process)
}

/// What these samples lead to in process: answer, calls and ended jobs, as `tests/it` compares them with the snapshots.
async fn in_process(samples: &[Sample]) -> Vec<Value> {
    let mut all = Vec::new();
    for (sample, number) in samples.iter().zip(1..) {
        let mut function = Function::for_sample(sample, &[]);
        function.request_id = request_id(number);
        let answer = function.invoke_text(&sample.text()).await.map_err(failed);
        all.push(samples::observed(&answer, &function.emulator));
    }
    all
}

/// The same without points in time, since a process has the system's clock, and with the calls sorted, since several queues
/// are asked side by side.
fn comparable(observed: &Value) -> Value {
    let is_in_time = |c: char| c.is_ascii_alphanumeric() || ":.-".contains(c);
    let text = observed.to_string();
    let words = text.split_inclusive(|c| !is_in_time(c)).map(|word| {
        let time = word.trim_end_matches(|c| c == '.' || !is_in_time(c));
        match time.parse::<Timestamp>() {
            Ok(_) => word.replace(time, "(time)"),
            Err(_) => word.to_owned(),
        }
    });
    let mut observed: Value = serde_json::from_str(&words.collect::<String>()).unwrap();
    let calls = observed["calls"].as_array_mut().unwrap();
    calls.sort_by_key(Value::to_string);
    observed
}

fn runtime(start_paused: bool) -> Runtime {
    let mut builder = runtime::Builder::new_current_thread();
    builder.enable_all().start_paused(start_paused);
    builder.build().unwrap()
}

/// One process for all samples that need the same settings.
#[test]
fn one_process_answers_its_samples_as_in_process_and_ends_on_sigterm() {
    let mut by_settings: BTreeMap<_, Vec<Sample>> = BTreeMap::new();
    for sample in samples::all() {
        let samples = by_settings.entry(sample.settings()).or_default();
        samples.push(sample);
    }
    assert!(by_settings.len() > 3);
    for (settings, samples) in by_settings {
        let expected = runtime(true).block_on(in_process(&samples));
        let exited = runtime(false).block_on(async {
            let (emulator, mut process) = start(settings).await;
            for (sample, expected) in samples.iter().zip(&expected) {
                samples::set_up(&emulator);
                let answer = process.invoke(&sample.text()).await;
                let observed = comparable(&samples::observed(&answer, &emulator));
                assert_eq!(observed, comparable(expected), "{}", sample.name);
            }
            process.terminate().await
        });
        assert_logged(&exited, samples.len());
    }
}

/// Asserts that a process exited on SIGTERM, and wrote for each event what it always writes.
fn assert_logged(exited: &Exited, events: usize) {
    assert_eq!(exited.status.signal(), Some(SIGTERM));
    assert_eq!(exited.stderr, "");
    let lines = exited.lines();
    for line in &lines {
        log::assert_flat(line);
        let request_id = line["requestId"].as_str();
        assert!(
            request_id.is_some_and(|id| id.starts_with("8f5d")),
            "{line}"
        );
    }
    for message in ["done", "metrics"] {
        let found = lines.iter().filter(|line| line["message"] == message);
        assert_eq!(found.count(), events, "{message}");
    }
    for line in exited.metrics() {
        assert_eq!(line["FunctionName"], "batch-cancel", "{line}");
        emf::assert_valid(&line);
    }
}

#[tokio::test]
async fn consecutive_events_get_their_own_answers() {
    let (emulator, mut process) = start(&[]).await;
    for (id, number) in [RUNNABLE, RUNNING, SUBMITTED].into_iter().zip(1..) {
        let event = json!({"jobId": id, "reason": format!("event {number}")}).to_string();
        let report = process.invoke(&event).await.unwrap();
        let request_id = format!("8f5d1c2e-0000-4000-8000-{number:012}");
        assert_eq!(report["requestId"], request_id);
        assert_eq!(report["jobs"][0]["jobId"], id);
    }
    let reason = emulator.job(SUBMITTED).unwrap().status_reason.unwrap();
    assert_eq!(
        reason,
        "event 3 | by direct | batch-cancel 8f5d1c2e-0000-4000-8000-000000000003"
    );
    process.terminate().await;
}

#[tokio::test]
async fn metrics_line_counts_calls_and_outcomes() {
    let (_, mut process) = start(&[("METRICS_NAMESPACE", "Studio/Render")]).await;
    let text = sample("direct-cancel").text();
    process.invoke(&text).await.unwrap();
    let exited = process.terminate().await;
    let [line] = exited.metrics().try_into().expect("one line");
    let [definition, by_source] = line["_aws"]["CloudWatchMetrics"]
        .as_array()
        .unwrap()
        .as_slice()
    else {
        panic!("{line}");
    };
    assert_eq!(definition["Namespace"], "Studio/Render");
    assert_eq!(definition["Dimensions"], json!([["FunctionName"]]));
    let metrics = |definition: &Value| -> Vec<(String, String)> {
        let metrics = definition["Metrics"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let mut metrics: Vec<_> = metrics
            .map(|metric| (text(&metric["Name"]), text(&metric["Unit"])))
            .collect();
        metrics.sort();
        metrics
    };
    let count = |name: &str| (name.to_owned(), "Count".to_owned());
    assert_eq!(
        metrics(definition),
        [
            ("CallDuration".to_owned(), "Milliseconds".to_owned()),
            count("Calls"),
            count("JobsCancelled"),
            count("JobsRunning"),
        ]
    );
    assert_eq!(
        by_source["Dimensions"],
        json!([["FunctionName"], ["FunctionName", "Source"]])
    );
    assert_eq!(metrics(by_source), [count("JobsAsked")]);
    let counted = ["Calls", "JobsCancelled", "JobsRunning", "JobsAsked"];
    assert_eq!(
        counted.map(|name| line[name].as_u64()),
        [3, 2, 1, 3].map(Some)
    );
    assert_eq!(line["CallDuration"].as_array().unwrap().len(), 3);
    assert_eq!(line["FunctionName"], "batch-cancel");
    assert_eq!(line["Source"], "direct");
}

#[tokio::test]
async fn a_watch_is_logged_with_its_numbers_and_each_queue_has_its_line_of_metrics() {
    let (_, mut process) = start(&[]).await;
    let text = sample("direct-watch-queues").text();
    process.invoke(&text).await.unwrap();
    let exited = process.terminate().await;
    let [of_watch, of_queue] = exited.metrics().try_into().expect("two lines");
    assert_eq!(of_watch["Calls"], 8);
    assert_eq!(of_queue["JobQueueName"], "demo-queue");
    assert_eq!(of_queue["HeadBlocked"], 1);
    let done = |line: &&Value| line["message"] == "done";
    let lines = exited.lines();
    let line = lines.iter().find(done).unwrap();
    for (field, value) in [("measuredQueues", 3), ("blockedQueues", 1), ("calls", 8)] {
        assert_eq!(line[field], value, "{line}");
    }
    assert_eq!(line["complete"], false);
}

#[tokio::test]
async fn log_names_every_job_with_its_outcome() {
    let (_, mut process) = start(&[]).await;
    process
        .invoke(&sample("direct-cancel").text())
        .await
        .unwrap();
    let exited = process.terminate().await;
    let lines = exited.lines();
    let line = lines
        .iter()
        .find(|line| line["message"] == "jobs")
        .expect("a line about the jobs");
    let results = line["results"].as_str().expect("a text");
    assert_eq!(
        serde_json::from_str::<Value>(results).unwrap(),
        json!([
            {"jobId": RUNNABLE, "outcome": "cancelled"},
            {"jobId": RUNNING, "outcome": "running"},
            {"jobId": SUBMITTED, "outcome": "cancelled"}
        ])
    );
    let line = lines
        .iter()
        .find(|line| line["message"] == "done")
        .expect("a line about the invocation");
    assert_eq!(line["source"], "direct");
    assert_eq!(line["counts"], json!({"cancelled": 2, "running": 1}));
    assert_eq!(line["requestId"], "8f5d1c2e-0000-4000-8000-000000000001");
}

/// Events with secrets in every place, whose handling fails in every way.
fn events_with_secrets() -> Vec<String> {
    let mut http = sample("http-v2-post").json();
    http["headers"]["authorization"] = json!("Bearer marker-of-the-authorization");
    http["cookies"] = json!(["session=marker-of-the-cookie"]);
    http["queryStringParameters"] = json!({"q": "marker-of-the-query"});
    http["body"] = json!({"jobIds": [RUNNABLE], "reason": "Why, which is logged for the audit"})
        .to_string()
        .into();
    let mut unreadable = http.clone();
    unreadable["body"] = "{\"reason\": \"marker-of-the-broken-body\"".into();
    let mut refused = http.clone();
    refused["requestContext"]["authorizer"] = Value::Null;
    let mut sqs = sample("sqs-some-bad").json();
    sqs["Records"][0]["messageAttributes"]["note"] =
        json!({"stringValue": "marker-of-the-attribute"});
    sqs["Records"][4]["body"] = "marker-of-the-prose: please cancel everything".into();
    let mut sns = sample("sns-request").json();
    sns["Records"][0]["Sns"]["Subject"] = "marker-of-the-subject".into();
    let mut blocked = sample("eventbridge-queue-blocked").json();
    blocked["detail"]["container"]["environment"] =
        json!([{"name": "PASSWORD", "value": "marker-of-the-environment"}]);
    let mut unknown = sample("unsupported-s3").json();
    unknown["Records"][0]["s3"]["object"]["key"] = "marker-of-the-key".into();
    let misspelt = json!({"jobIds": [RUNNABLE], "Reason": "marker-of-the-misspelt-field"});
    let mistyped = json!({"jobIds": "marker-of-the-wrong-type"});
    let mistyped_detail = {
        let mut event = sample("eventbridge-custom").json();
        event["detail"] = json!("marker-of-the-detail");
        event
    };
    let mistyped_option = {
        let mut event = sample("sqs-two-jobs").json();
        let body = json!({"jobIds": [], "maxJobs": "marker-of-the-option"});
        event["Records"][0]["body"] = body.to_string().into();
        event
    };
    [
        http,
        unreadable,
        refused,
        sqs,
        sns,
        blocked,
        unknown,
        misspelt,
        mistyped,
        mistyped_detail,
        mistyped_option,
    ]
    .iter()
    .map(Value::to_string)
    .collect()
}

#[tokio::test]
async fn payloads_and_credentials_are_not_logged() {
    for level in ["info", "trace"] {
        let (emulator, mut process) = start(&[("LOG_LEVEL", level)]).await;
        for event in events_with_secrets() {
            assert!(event.contains("marker-of-the-"));
            samples::set_up(&emulator);
            emulator.fail_next(
                Operation::DescribeJobs,
                batch_emulator::Fault::ServerError,
                1,
            );
            // Some are answered, some are errors; neither may be logged with its contents.
            let _ = process.invoke(&event).await;
        }
        assert!(SECRET.contains("marker-of-the-") && TOKEN.contains("marker-of-the-"));
        let output = process.terminate().await.output();
        assert!(output.contains("\"done\""), "{output}");
        let found: Vec<&str> = output
            .lines()
            .filter(|line| line.contains("marker-of-the-"))
            .collect();
        assert!(found.is_empty(), "{level}: {found:#?}");
    }
}

#[tokio::test]
async fn invalid_setting_stops_the_start_and_is_named() {
    for (name, value) in [
        ("ALLOW_TERMINATE", "yes"),
        ("API_CONCURRENCY", "0"),
        ("MAX_SELECTED", "many"),
        ("CANCEL_ON_STATUS", "RUNNABLE,DONE"),
        ("METRICS_NAMESPACE", "AWS/Batch"),
        ("ALLOWED_QUEUES", ","),
        ("BLOCKED_FOR", "9223372036854775808"),
    ] {
        assert_does_not_start(name, value, value, "expected ").await;
    }
}

#[tokio::test]
async fn setting_that_is_not_utf_8_stops_the_start_and_is_named() {
    for (name, allowed) in [
        ("DRY_RUN", "true or false, in UTF-8"),
        ("ALLOW_TERMINATE", "true or false, in UTF-8"),
        ("PROTECT_TAG", "a text in UTF-8"),
        ("OWNER_TAG", "in UTF-8"),
    ] {
        let value = OsStr::from_bytes(b"tr\xffue");
        assert_does_not_start(name, value, "tr\u{fffd}ue", allowed).await;
    }
}

/// Asserts that the function does not start with this setting, and that its error shows the value and this.
async fn assert_does_not_start(name: &str, value: impl AsRef<OsStr>, shown: &str, allowed: &str) {
    let process = Process::start(&Emulator::new(), &[(name, value)]).await;
    let exited = process.exit().await;
    assert!(!exited.status.success() && exited.status.code().is_some());
    let lines = exited.lines();
    let line = lines
        .iter()
        .find(|line| line["level"] == "ERROR")
        .unwrap_or_else(|| panic!("no error: {}", exited.output()));
    let error = line["error"].as_str().unwrap();
    let message = format!("{name} is {shown:?}, expected ");
    assert!(
        error.contains(&message) && error.contains(allowed),
        "{line}"
    );
}

#[tokio::test]
async fn messages_are_returned_before_the_deadline_if_batch_never_answers() {
    let (emulator, mut process) = start(&[]).await;
    emulator.set_faults(Faults {
        hang_rate: 1.0,
        ..Faults::default()
    });
    let time = Duration::from_secs(3);
    let event = sample("sqs-bare-ids").json();
    let answer = process.invoke_within(&event.to_string(), time).await;
    let all: Vec<Value> = (0..3)
        .map(|place| json!({"itemIdentifier": event["Records"][place]["messageId"]}))
        .collect();
    assert_eq!(answer.unwrap(), json!({"batchItemFailures": all}));

    let request = json!({"jobIds": [RUNNABLE, RUNNING], "failOnIncomplete": true});
    let answer = process.invoke_within(&request.to_string(), time).await;
    assert_eq!(answer.unwrap_err().error_type, "Incomplete");

    emulator.set_faults(Faults::default());
    let request = json!({"jobIds": [RUNNABLE, RUNNING]}).to_string();
    let report = process.invoke(&request).await.unwrap();
    assert_eq!(report["complete"], true, "the next event is not affected");
    process.terminate().await;
}
