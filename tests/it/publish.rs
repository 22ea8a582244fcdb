//! Reports and refusals on a bus: from every source, whole, and without an effect on anything else.

mod requests;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use batch_emulator::{JobSpec, Status};
use serde_json::{Value, json};
use support::{
    Function, QUEUE, QUEUE_ARN,
    bus::{Bus, BusFault},
    events::{Form, eventbridge, failures, pipes, sns, sqs},
    samples::sample,
    schema::{SCHEMA, assert_valid},
};
use tokio::time::Instant;

use crate::edges::records::record_of;

const REPORT: &str = "Batch Cancellation Report";
const REFUSED: &str = "Batch Cancellation Refused";

#[test]
fn the_schema_is_that_of_the_openapi_document() {
    let openapi: Value =
        serde_json::from_str(include_str!("../../src/respond/openapi.json")).unwrap();
    for name in ["Outcome", "Status", "JobResult", "Report"] {
        let component = openapi["components"]["schemas"][name].to_string();
        let component = component.replace("#/components/schemas/", "#/$defs/");
        let definition = SCHEMA["$defs"][name].to_string();
        assert_eq!(component, definition, "{name}");
    }
    assert!(jsonschema::draft202012::meta::is_valid(&SCHEMA));
}

/// The fields of a definition of the schema.
fn fields(definition: &str) -> BTreeSet<String> {
    let properties = SCHEMA["$defs"][definition]["properties"].as_object();
    properties.unwrap().keys().cloned().collect()
}

/// The fields of these objects.
fn shown<'a>(objects: impl IntoIterator<Item = &'a Value>) -> BTreeSet<String> {
    let objects = objects.into_iter();
    objects
        .flat_map(|object| object.as_object().unwrap().keys().cloned())
        .collect()
}

#[test]
fn the_samples_of_our_own_events_are_what_the_schema_says_and_show_each_field() {
    let detail = |name: &str| sample(name).json()["detail"].take();
    let (report, refusal) = (
        detail("eventbridge-own-report"),
        detail("eventbridge-own-refusal"),
    );
    assert_valid("ReportDetail", &report);
    assert_valid("RefusedDetail", &refusal);
    // Nothing is published of what is ignored, and nothing is cut.
    let of_answers = ["ignored", "truncated"].map(str::to_owned).into();
    let of_report = &fields("Report") - &of_answers;
    assert_eq!(shown([&report]), &fields("ReportDetail") | &of_report);
    assert_eq!(
        shown(report["jobs"].as_array().unwrap()),
        fields("JobResult")
    );
    assert_eq!(
        shown(report["requests"].as_array().unwrap()),
        fields("Asked")
    );
    assert_eq!(shown([&refusal]), fields("RefusedDetail"));
}

fn function() -> (Function, Bus) {
    function_with(&[])
}

/// The function with these settings, and its bus.
fn function_with(settings: &[(&str, &str)]) -> (Function, Bus) {
    let bus = Bus::default();
    let settings = [&[("RESULT_BUS", "results")], settings].concat();
    let mut function = Function::new(&settings);
    function.app.publisher = Some(bus.publisher());
    (function, bus)
}

fn jobs(function: &Function, count: usize) -> Vec<String> {
    let spec = JobSpec {
        count: u32::try_from(count).unwrap(),
        ..JobSpec::new(Status::Runnable).queue(QUEUE)
    };
    function.emulator.add_jobs(&spec)
}

/// How often each job is in the events, by id.
fn published(bus: &Bus) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for detail in bus.details(REPORT) {
        for job in detail["jobs"].as_array().unwrap() {
            let id = job["jobId"].as_str().unwrap().to_owned();
            *counts.entry(id).or_default() += 1;
        }
    }
    counts
}

#[tokio::test(start_paused = true)]
async fn the_report_of_every_source_is_published_once() {
    type Wrap = fn(&Value) -> Value;
    let sources: [(&str, Wrap); 7] = [
        ("direct", |request| request.clone()),
        ("sqs", |request| sqs([request])),
        ("pipes", |request| pipes([request])),
        ("sns", |request| sns(&request.to_string())),
        ("eventbridge", eventbridge),
        ("http", |request| {
            Form::V2.post(&request.to_string()).caller("ann").into()
        }),
        ("widget", |request| {
            let mut event = request.clone();
            event["widgetContext"] = json!({"dashboardName": "night"});
            event
        }),
    ];
    for (source, wrap) in sources {
        let (function, bus) = function();
        let ids = jobs(&function, 3);
        let request = json!({"jobIds": ids, "reason": "too many"});
        function.invoke(wrap(&request)).await.unwrap();
        let [event] = &bus.events()[..] else {
            panic!("{source}: {:?}", bus.events());
        };
        assert_eq!(event["Source"], "batch-cancel");
        assert_eq!(event["Resources"], json!([QUEUE_ARN]));
        let detail = &bus.details(REPORT)[0];
        assert_eq!(detail["source"], source);
        assert_eq!(detail["version"], "1");
        assert_eq!(detail["summary"], json!({"jobs": 3, "cancelled": 3}));
        assert_eq!((&detail["part"], &detail["parts"]), (&json!(1), &json!(1)));
        let each_once = ids.into_iter().map(|id| (id, 1)).collect();
        assert_eq!(published(&bus), each_once, "{source}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_large_report_is_published_in_parts_that_hold_each_job_once() {
    let (mut function, bus) = function();
    function.deadline = Duration::from_mins(10);
    let ids = jobs(&function, 8_000);
    let event = sqs([json!({"jobIds": &ids})]);
    assert_eq!(function.invoke(event).await.unwrap(), failures(&[]));
    let details = bus.details(REPORT);
    assert_eq!(details.len(), 10);
    for detail in &details {
        assert_eq!(detail["parts"], 10);
        assert_eq!(
            detail["summary"],
            json!({"jobs": 8_000, "cancelled": 8_000})
        );
    }
    let parts = details.iter().map(|detail| detail["part"].as_u64());
    assert_eq!(
        parts.collect::<BTreeSet<_>>(),
        (1..=10).map(Some).collect::<BTreeSet<_>>()
    );
    let each_once = ids.into_iter().map(|id| (id, 1)).collect();
    assert_eq!(published(&bus), each_once);
}

#[tokio::test(start_paused = true)]
async fn messages_that_cannot_be_acted_on_are_published_without_their_payload() {
    let (function, bus) = function();
    let id = function.add(Status::Runnable);
    let secret = "hunter2";
    let broken = json!({"jobIds": secret}).to_string();
    let event = sqs([json!({"jobId": id}).to_string(), broken]);
    assert_eq!(function.invoke(event).await.unwrap(), failures(&[1]));
    let [refused] = &bus.details(REFUSED)[..] else {
        panic!("{:?}", bus.events());
    };
    assert_eq!(refused["error"]["type"], "InvalidRequest");
    assert_eq!(refused["messageId"], "message-1");
    assert!(!refused.to_string().contains(secret), "{refused}");
    assert_eq!(bus.details(REPORT).len(), 1);
    // An event that is none at all.
    function.invoke(json!({"hello": secret})).await.unwrap_err();
    let refused = bus.details(REFUSED);
    assert_eq!(refused.len(), 2);
    assert_eq!(refused[1]["error"]["type"], "UnsupportedEvent");
    assert!(!refused[1].to_string().contains(secret), "{}", refused[1]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_published_of_what_changes_nothing() {
    let (function, bus) = function();
    let id = function.add(Status::Running);
    let get = |path: String| Value::from(Form::V2.request("GET", &path).caller("ann"));
    let delete = Form::V2
        .request("DELETE", &format!("/jobs/{id}"))
        .caller("ann");
    for event in [
        get(format!("/jobs/{id}")),
        get("/openapi.json".to_owned()),
        // 409: it runs. 401: nobody asks. 400: not a request.
        delete.into(),
        Form::V2.post(&json!({"jobId": id}).to_string()).into(),
        Form::V2.post("{}").caller("ann").into(),
        json!({"widgetContext": {}, "panel": {"jobQueue": QUEUE}}),
        json!({"widgetContext": {"params": {"jobId": id}}, "jobId": id}),
        json!({"select": {"jobQueue": QUEUE}}),
        json!({"source": "batch-cancel", "detail-type": REPORT, "detail": {"jobs": [{"jobId": id}]}}),
    ] {
        let answer = function.invoke(event.clone()).await;
        assert!(answer.is_ok(), "{event}");
        assert_eq!(bus.calls(), 0, "{event}");
    }
    let dry_run = json!({"jobId": id, "terminate": false, "dryRun": true});
    function.invoke(dry_run).await.unwrap();
    assert_eq!(bus.details(REPORT)[0]["dryRun"], true);
}

#[tokio::test(start_paused = true)]
async fn a_bus_that_fails_for_a_while_gets_each_report_in_the_end() {
    for faults in [
        vec![BusFault::ServerError, BusFault::Code("ThrottlingException")],
        vec![
            BusFault::Entries("InternalFailure"),
            BusFault::FirstEntry("ThrottlingException"),
        ],
        vec![BusFault::Hang],
    ] {
        let (function, bus) = function();
        bus.fail_next(&faults);
        let id = function.add(Status::Runnable);
        let broken = "not a request".to_owned();
        let event = sqs([json!({"jobId": id}).to_string(), broken]);
        assert_eq!(
            function.invoke(event).await.unwrap(),
            failures(&[1]),
            "{faults:?}"
        );
        assert_eq!(published(&bus), BTreeMap::from([(id, 1)]), "{faults:?}");
        assert_eq!(bus.details(REFUSED).len(), 1, "{faults:?}");
    }
}

/// What a bus may answer with 200 that says of no event that it is published.
const EMPTY_ANSWERS: [&str; 7] = [
    "",
    "{}",
    "null",
    r#"{"FailedEntryCount":0}"#,
    r#"{"FailedEntryCount":0,"Entries":null}"#,
    r#"{"FailedEntryCount":0,"Entries":[]}"#,
    r#"{"FailedEntryCount":0,"Entries":[{},{"EventId":""}]}"#,
];

#[tokio::test(start_paused = true)]
async fn what_the_bus_does_not_answer_for_is_sent_again() {
    let empty = EMPTY_ANSWERS.map(BusFault::Body);
    for fault in empty.into_iter().chain([BusFault::AnswersOne]) {
        let (function, bus) = function();
        bus.fail_next(&[fault]);
        let id = function.add(Status::Runnable);
        let event = sqs([json!({"jobId": id}).to_string(), "broken".to_owned()]);
        let answer = function.invoke(event).await.unwrap();
        assert_eq!(answer, failures(&[1]), "{fault:?}");
        assert_eq!(published(&bus), BTreeMap::from([(id, 1)]), "{fault:?}");
        assert_eq!(bus.details(REFUSED).len(), 1, "{fault:?}");
        assert_eq!(bus.calls(), 2, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_refused_for_good_does_not_take_others_with_it() {
    for (faults, calls) in [
        // The report is refused for good; the refusal beside it is published at once, or after a retry.
        (vec![BusFault::FirstEntry("MalformedDetail")], 1),
        (
            vec![BusFault::FirstOf("MalformedDetail", "InternalFailure")],
            2,
        ),
        // The call is refused for good, and then the report by itself.
        (
            vec![
                BusFault::Code("ValidationException"),
                BusFault::Code("ValidationException"),
            ],
            3,
        ),
    ] {
        let (function, bus) = function();
        bus.fail_next(&faults);
        let id = function.add(Status::Runnable);
        let event = sqs([json!({"jobId": id}).to_string(), "broken".to_owned()]);
        let record = record_of(function, event).await;
        assert_eq!(published(&bus), BTreeMap::new(), "{faults:?}");
        assert_eq!(bus.details(REFUSED).len(), 1, "{faults:?}");
        assert_eq!(bus.calls(), calls, "{faults:?}");
        assert_eq!(record.metrics["ReportsNotPublished"], 1, "{faults:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_bus_that_always_fails_changes_no_outcome_and_no_deadline() {
    for (fault, calls, milliseconds) in [
        (BusFault::Code("AccessDeniedException"), 1, 0),
        (BusFault::Code("ResourceNotFoundException"), 1, 0),
        (BusFault::Entries("InternalFailure"), 6, 3131),
        (BusFault::ServerError, 6, 3131),
        (BusFault::Body("{}"), 6, 3131),
        (BusFault::Hang, 3, 4100),
    ] {
        // The pauses are drawn at random.
        fastrand::seed(1);
        let (mut function, bus) = function();
        function.deadline = Duration::from_secs(20);
        bus.fail_always(fault);
        let id = function.add(Status::Runnable);
        let began = Instant::now();
        let event = sqs([json!({"jobId": id})]);
        assert_eq!(
            function.invoke(event).await.unwrap(),
            failures(&[]),
            "{fault:?}"
        );
        let took = began.elapsed().as_millis();
        assert_eq!((bus.calls(), took), (calls, milliseconds), "{fault:?}");
        assert!(function.emulator.job(&id).unwrap().is_cancelled);
        let began = Instant::now();
        let request = json!({"jobId": id}).to_string();
        let answer = function.invoke(Form::V2.post(&request).caller("ann")).await;
        assert_eq!(answer.unwrap()["statusCode"], 200, "{fault:?}");
        assert!(began.elapsed() <= Duration::from_secs(3), "{fault:?}");
    }
}
