//! Texts without end: whatever field of an event they are in, what repeats them stays short, so that no sender can make a
//! refusal too large to be published, or a log line too large to be read.

use std::collections::BTreeSet;

use batch_cancel::respond::Failure;
use batch_emulator::{JobSpec, Status};
use serde_json::{Value, json};
use support::{
    Function, QUEUE,
    bus::Bus,
    events::{Form, sqs},
    failed, samples,
};

use crate::{edges::records::record_of, mutations::tree::Tree};

/// How long the texts are, in bytes.
const LONG: usize = 300_000;

/// How many characters they have where each field of each sample gets one in its turn: more than is shown of any.
const LONG_ENOUGH: usize = 2_200;

/// The middle of a text, which is seen only where more than its begin and its end are shown.
const MIDDLE: &str = "TheMiddle";

/// The longest answer, error, log line and published event of an event with one such text.
const MAX_TEXT: usize = 20_000;

const SETTINGS: [(&str, &str); 4] = [
    ("ALLOW_TERMINATE", "true"),
    ("ALARM_DESCRIPTIONS", "true"),
    ("REQUIRE_CALLER", "false"),
    ("RESULT_BUS", "results"),
];

/// A long text. Some characters are longer as JSON, or take several bytes.
fn long(number: usize, characters: usize) -> String {
    let half = ["x", "\u{0}", "🦀", "\""][number % 4].repeat(characters / 2);
    format!("{half}{MIDDLE}{half}")
}

/// The event with a long text in place of the node of this number, if that is a value, or as the name of one more field,
/// if it is an object.
fn with_long_text(event: &Tree, number: usize) -> Option<Tree> {
    let mut event = event.clone();
    match event.node_mut(number)? {
        node @ (Tree::Text(_) | Tree::Raw(_)) => *node = Tree::text(long(number, LONG_ENOUGH)),
        Tree::Object(fields) => fields.push((long(number, LONG_ENOUGH), Tree::raw(true))),
        Tree::Nested(_) | Tree::Array(_) => return None,
    }
    Some(event)
}

/// Where each node of an event stands, in the order of their numbers, with its value or the names of its fields.
fn places(node: &Tree, place: &str) -> Vec<String> {
    let below: Vec<(&str, &Tree)> = match node {
        Tree::Object(fields) => fields
            .iter()
            .map(|(name, value)| (&**name, value))
            .collect(),
        _ => node
            .children()
            .into_iter()
            .map(|child| ("", child))
            .collect(),
    };
    let names: Vec<&str> = below.iter().map(|(name, _)| *name).collect();
    let own = if below.is_empty() {
        node.to_string()
    } else {
        names.join(",")
    };
    let mut places = vec![format!("{place} {own}")];
    for (name, child) in below {
        places.extend(self::places(child, &format!("{place}/{name}")));
    }
    places
}

/// Asserts that nothing that comes of an event is long.
async fn assert_short(function: &mut Function, event: &str, what: &str) {
    let bus = Bus::default();
    function.app.publisher = Some(bus.publisher());
    let lines = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let taken = std::sync::Arc::clone(&lines);
    function.app.output = Some(Box::new(move |line: &str| {
        taken.lock().unwrap().push(line.to_owned());
    }));
    let answer = function.invoke_text(event).await;
    assert_short_answer(answer, what);
    for line in lines.lock().unwrap().iter() {
        assert_short_text("line", line, what);
    }
    for event in bus.events() {
        assert_short_text("event", &event.to_string(), what);
    }
    assert_eq!(bus.lost(), 0, "{what}");
}

fn assert_short_text(kind: &str, text: &str, what: &str) {
    let length = text.len();
    assert!(length < MAX_TEXT, "{what}: one {kind} of {length}");
    assert!(
        !text.contains(MIDDLE),
        "{what}: repeated in one {kind}: {text}"
    );
}

fn assert_short_answer(answer: Result<Value, Failure>, what: &str) {
    match answer {
        Err(failure) => assert_short_text("error", &failed(failure).message, what),
        Ok(answer) => {
            // Records are handed back by their ids, and a button sends what the widget was given, whole. The description of
            // the routes is long by itself.
            let body = answer["body"].as_str().unwrap_or_default();
            let is_whole = !answer["batchItemFailures"].is_null()
                || body.starts_with("{\n \"openapi\"")
                || answer
                    .as_str()
                    .is_some_and(|html| html.contains("<cwdb-action"));
            if !is_whole {
                assert_short_text("answer", &answer.to_string(), what);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_text_in_any_field_of_any_event_is_repeated_nowhere() {
    // Samples of one source have much in common: what one of them has shown is not tried again.
    let mut tried = BTreeSet::new();
    for sample in samples::all() {
        let event = Tree::read(&sample.text()).unwrap();
        let mut function = Function::for_sample(&sample, &SETTINGS);
        for (number, place) in places(&event, sample.source()).into_iter().enumerate() {
            let Some(event) = with_long_text(&event, number) else {
                continue;
            };
            if !tried.insert(place) {
                continue;
            }
            samples::set_up(&function.emulator);
            let what = format!("{}, node {number}", sample.name);
            assert_short(&mut function, &event.to_string(), &what).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_text_in_any_option_of_a_request_is_repeated_nowhere() {
    let long = long(0, LONG);
    let id = "1f0c7a52-6d2e-4f6b-9a53-0a7d3c1b9e01";
    let arn = "arn:aws:batch:eu-west-1:123456789012:job";
    for request in [
        json!({"jobId": format!("{id}:{long}")}),
        json!({"jobId": format!("{id}#{long}")}),
        json!({"jobId": format!("arn:aws-{long}:batch:eu-west-1:123456789012:job/{id}")}),
        json!({"jobId": format!("arn:aws:batch:{long}:123456789012:job/{id}")}),
        json!({"jobId": format!("{arn}/{long}")}),
        json!({"select": {"jobQueue": long}}),
        json!({"select": {"jobQueue": QUEUE, "statuses": [long]}}),
        json!({"select": {"jobQueue": QUEUE, "olderThan": long}}),
        json!({"select": {"jobQueue": QUEUE, "runningFor": long}, "terminate": true}),
        json!({"select": {"jobQueue": QUEUE, "jobName": format!("*{long}")}}),
        json!({"select": {"arrayJobId": long}}),
        json!({"select": {long.as_str(): true}}),
        json!({"watch": {"jobQueues": [long]}}),
        json!({"watch": {"jobQueues": [QUEUE, long]}}),
        json!({long.as_str(): id}),
        json!({"detail-type": long, "source": "aws.batch", "detail": {}}),
        json!({"detail-type": "x", "source": format!("aws.{long}"), "detail": {}}),
        json!({"Items": [id], "BatchInput": {long.as_str(): true}}),
    ] {
        let event = request.to_string();
        let what: String = event.chars().take(100).collect();
        assert_short(&mut Function::new(&SETTINGS), &event, &what).await;
        assert_short(
            &mut Function::new(&SETTINGS),
            &sqs([&request]).to_string(),
            &what,
        )
        .await;
        let http = Value::from(Form::V2.post(&event).caller("ann"));
        assert_short(&mut Function::new(&SETTINGS), &http.to_string(), &what).await;
    }
}

/// What Batch says is no shorter by nature: a reason of a megabyte is repeated nowhere either.
#[tokio::test(start_paused = true)]
async fn a_long_text_of_batch_is_cut() {
    for status in [Status::Failed, Status::Runnable, Status::Running] {
        let mut function = Function::new(&SETTINGS);
        let text = long(1, LONG).repeat(4);
        let id = function.emulator.add_job(JobSpec {
            status_reason: Some(text.clone()),
            ..JobSpec::new(status).queue(QUEUE).name(text)
        });
        let event = json!({"jobId": id}).to_string();
        assert_short(&mut function, &event, &format!("{status:?}")).await;
    }
}

/// So many ids of control characters that 500 of them would make a line of 700 kB, behind which a cancel could hide.
#[tokio::test(start_paused = true)]
async fn a_line_about_jobs_is_bounded_in_bytes_too() {
    let function = Function::new(&[]);
    let real = function.add(Status::Runnable);
    let mut ids: Vec<String> = (0..499)
        .map(|number| format!("{number}{}", "\u{0}".repeat(190)))
        .collect();
    ids.push(real.clone());
    let record = record_of(function, json!({"jobIds": ids})).await;
    let jobs = record.lines.iter().filter(|line| line["message"] == "jobs");
    let mut named = 0;
    for line in jobs {
        assert!(line.to_string().len() <= 101_000);
        let results: Vec<Value> = serde_json::from_str(line["results"].as_str().unwrap()).unwrap();
        named += results.len();
        if results.iter().any(|job| job["jobId"] == real) {
            assert_eq!(results.last().unwrap()["outcome"], "cancelled");
        }
    }
    assert_eq!(named, 500);
}

#[tokio::test(start_paused = true)]
async fn invalid_ids_that_begin_alike_are_several_jobs() {
    let ids = ["a", "b", "c"].map(|end| format!("{}{end}", "x".repeat(200)));
    let event = json!({"jobIds": [&ids[0], &ids[1], &ids[0], &ids[2]]});
    let report = Function::new(&[]).invoke(event).await.unwrap();
    assert_eq!(report["summary"], json!({"jobs": 3, "invalidId": 3}));
    let shown: BTreeSet<&str> = report["jobs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|job| job["jobId"].as_str().unwrap())
        .collect();
    assert_eq!(shown.len(), 3, "{shown:?}");
}
