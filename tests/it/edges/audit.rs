//! Who asked, why, what for and with what outcome, from the log alone; and the metrics of every sample.

use std::{collections::BTreeSet, time::Duration};

use batch_emulator::{Fault, Faults, JobSpec, Operation, Queue, Status};
use serde_json::{Value, json};
use support::{
    Function, OWN_FAULT, QUEUE, emf,
    events::{CALLER, Form, eventbridge, queue_blocked, sqs},
    first_for, now, samples,
};

use super::records::{record, record_of};

/// The outcome of each job, from the lines about jobs.
fn results(lines: &[Value]) -> Vec<Value> {
    let lines = lines.iter().filter_map(|line| line["results"].as_str());
    lines
        .flat_map(|text| serde_json::from_str::<Vec<Value>>(text).unwrap())
        .collect()
}

type Wrap = fn(&Value) -> Value;

#[tokio::test(start_paused = true)]
async fn the_log_alone_says_who_asked_why_for_what_when_and_on_whose_behalf() {
    let request = |id: &str| json!({"jobId": id, "reason": "Wrong image"});
    let sources: [(&str, &str, Wrap); 4] = [
        ("http", CALLER, |request| {
            Form::V2.post(&request.to_string()).caller(CALLER).into()
        }),
        ("sqs", "sqs", |request| sqs([request])),
        ("eventbridge", "eventbridge", eventbridge),
        ("direct", "direct", |request| request.clone()),
    ];
    for (source, requested_by, wrap) in sources {
        let function = Function::new(&[]);
        let id = function.add(Status::Runnable);
        let record = record_of(function, wrap(&request(&id))).await;
        let done = &record.done;
        assert_eq!(done["source"], source);
        assert!(
            done["requestedBy"].as_str().unwrap().contains(requested_by),
            "{done}"
        );
        assert_eq!(done["reason"], "Wrong image");
        assert_eq!(done["action"], "cancel");
        assert_eq!(done["queues"], QUEUE);
        assert_eq!(done["counts"], json!({"cancelled": 1}));
        assert_eq!(
            (&done["complete"], &done["dryRun"]),
            (&json!(true), &json!(false))
        );
        assert_eq!(done["calls"], 3);
        assert!(done["milliseconds"].is_u64(), "{done}");
        assert!(done["timestamp"].as_str().unwrap().ends_with('Z'));
        assert_eq!(
            results(&record.lines),
            [json!({"jobId": id, "outcome": "cancelled"})]
        );
        assert!(
            record
                .lines
                .iter()
                .all(|line| line["requestId"] == done["requestId"])
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_in_the_log_with_reason_action_and_queue() {
    let request = json!({
        "select": {"jobQueue": "gone", "statuses": ["RUNNING"]},
        "terminate": true,
        "reason": "End it all",
    });
    let record = record(&[], request).await;
    let done = &record.done;
    assert_eq!(done["level"], "WARN");
    assert_eq!(done["errorType"], "Refused");
    assert_eq!(done["reason"], "End it all");
    assert_eq!(done["action"], "terminate");
    assert_eq!(done["queues"], "gone");
    assert_eq!(done["refused"], 1);
}

#[tokio::test(start_paused = true)]
async fn several_reasons_are_a_json_text_so_that_none_can_forge_another() {
    let function = Function::new(&[("ALLOW_TERMINATE", "true")]);
    let id = function.add(Status::Runnable);
    let reasons = ["a\", \"b", "a", "a"];
    let requests = reasons.map(|reason| json!({"jobId": id, "reason": reason}));
    let stop = json!({"jobId": id, "terminate": true, "reason": "a"});
    let record = record_of(function, sqs(requests.into_iter().chain([stop]))).await;
    let done = &record.done;
    assert_eq!(done["action"], "cancel,terminate");
    assert_eq!(done["reason"], Value::Null);
    let logged: Vec<String> = serde_json::from_str(done["reasons"].as_str().unwrap()).unwrap();
    assert_eq!(logged, ["a\", \"b", "a"]);
}

#[tokio::test(start_paused = true)]
async fn many_jobs_are_in_lines_of_500_each_once() {
    let function = Function::new(&[]);
    let spec = JobSpec {
        count: 1_200,
        ..JobSpec::new(Status::Runnable).queue(QUEUE)
    };
    let ids = function.emulator.add_jobs(&spec);
    let record = record_of(function, json!({"jobIds": ids})).await;
    let all: BTreeSet<String> = results(&record.lines)
        .iter()
        .map(|result| result["jobId"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(all, ids.into_iter().collect());
    let lines = record.lines.iter().filter(|line| line["message"] == "jobs");
    assert_eq!(lines.count(), 3);
    assert!(record.metrics["CallDuration"].as_array().unwrap().len() <= 100);
    assert_eq!(record.metrics["JobsAsked"], 1_200);
}

#[tokio::test(start_paused = true)]
async fn every_sample_gives_one_done_line_and_valid_metrics() {
    let known: BTreeSet<String> = KNOWN.into_iter().map(str::to_owned).collect();
    for sample in samples::all() {
        let function = Function::for_sample(&sample, &[]);
        let record = record_of(function, sample.json()).await;
        emf::assert_valid(&record.metrics);
        let names = emf::names(&record.metrics);
        assert!(names.contains("Calls"), "{}", record.metrics);
        assert!(names.is_subset(&known), "{names:?}");
        let directives = record.metrics["_aws"]["CloudWatchMetrics"]
            .as_array()
            .unwrap();
        for directive in directives {
            let by_source = directive["Dimensions"].to_string().contains("Source");
            let asked = directive["Metrics"].to_string().contains("JobsAsked");
            assert_eq!(by_source, asked, "{}", record.metrics);
        }
    }
}

/// Every metric, in the words of docs/results.md.
const KNOWN: [&str; 31] = [
    "Calls",
    "CallsThrottled",
    "CallsFailed",
    "CallsRetried",
    "CallDuration",
    "Ignored",
    "RequestsRefused",
    "ReportsNotPublished",
    "SelectionsPartial",
    "JobsAsked",
    "JobsLeftOver",
    "JobsCancelled",
    "JobsCancelling",
    "JobsTerminated",
    "JobsTerminating",
    "JobsRunning",
    "JobsFinished",
    "JobsNotFound",
    "JobsProtected",
    "JobsNotOwner",
    "JobsQueueNotAllowed",
    "JobsWouldCancel",
    "JobsWouldTerminate",
    "JobsOverLimit",
    "JobsTooSoon",
    "JobsInvalidId",
    "JobsDenied",
    "JobsThrottled",
    "JobsFailed",
    "JobsUnconfirmed",
    "JobsNotAttempted",
];

#[test]
fn the_docs_explain_each_metric() {
    let docs = include_str!("../../../docs/results.md");
    for name in KNOWN {
        assert!(docs.contains(&format!("`{name}`")), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_throttled_and_sent_again_are_counted_and_timed() {
    let function = Function::new(&[]);
    let id = function.add(Status::Runnable);
    let fault = Fault::Throttled;
    function
        .emulator
        .fail_next(Operation::DescribeJobs, fault, 2);
    let metrics = record_of(function, json!({"jobId": id})).await.metrics;
    let count = |name: &str| metrics[name].as_u64();
    assert_eq!(count("Calls"), Some(5), "{metrics}");
    assert_eq!(count("CallsThrottled"), Some(2), "{metrics}");
    assert_eq!(count("CallsRetried"), Some(2), "{metrics}");
    assert_eq!(count("CallsFailed"), None, "{metrics}");
    assert_eq!(metrics["CallDuration"].as_array().unwrap().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn what_is_left_over_is_counted_and_what_is_too_soon_is_not() {
    let function = Function::new(&[]);
    let id = function.add(Status::Runnable);
    function.emulator.set_faults(Faults {
        throttle_rate: 1.0,
        ..Faults::default()
    });
    let metrics = record_of(function, json!({"jobId": id})).await.metrics;
    assert_eq!(metrics["JobsLeftOver"], 1, "{metrics}");
    let function = Function::new(&[]);
    let mut job = JobSpec::new(Status::Runnable).queue(QUEUE);
    job.status_reason = Some(OWN_FAULT.to_owned());
    job.position_time = first_for(&function.emulator, Duration::from_mins(1));
    let id = function.emulator.add_job(job);
    let mut event = queue_blocked(&id, QUEUE);
    event["time"] = json!(now(&function.emulator).to_string());
    let metrics = record_of(function, sqs([event])).await.metrics;
    assert_eq!(metrics["JobsTooSoon"], 1, "{metrics}");
    assert_eq!(metrics["JobsLeftOver"], Value::Null, "{metrics}");
}

#[tokio::test(start_paused = true)]
async fn each_message_that_asks_for_nothing_is_counted() {
    let alarm = samples::sample("alarm-action-ok").text();
    let nothing = json!({"jobIds": []}).to_string();
    let record = record(&[], sqs([alarm.clone(), alarm, nothing])).await;
    assert_eq!(record.metrics["Ignored"], 2, "{}", record.metrics);
    let why = record.done["ignored"].as_str().unwrap();
    assert!(why.contains("ALARM"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn a_selection_that_is_not_brought_to_its_end_is_counted() {
    let mut function = Function::new(&[]);
    function.emulator.add_queue(Queue::new("large"));
    function.add(Status::Runnable);
    function.deadline = Duration::from_secs(10);
    function.emulator.set_faults(Faults {
        hang_rate: 1.0,
        ..Faults::default()
    });
    let request = json!({"select": {"jobQueue": QUEUE}});
    let record = record_of(function, request).await;
    assert_eq!(record.metrics["SelectionsPartial"], 1, "{}", record.metrics);
    assert_eq!(record.done["partial"], "out of time");
    assert_eq!(record.done["complete"], false);
}
