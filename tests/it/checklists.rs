//! What is added to one of the lists of docs/development.md is added in each of its places: these tests name the place that
//! was left out. The compiler holds other places, and so do `tests/interop/test_docs_lists.py` and `test_template.py`.

use std::{collections::BTreeSet, fs, path::Path};

use batch_cancel::{
    command::{Command, Event, Message, NoRequest, RequestRefused, Source},
    config::Config,
    event::{Scope, decode},
    report::Outcome,
    request::OwnRegion,
};
use batch_emulator::Operation;
use jiff::Timestamp;
use serde_json::value::RawValue;
use support::{
    FUNCTION_ARN,
    samples::{self, Sample},
    schema::SCHEMA,
};

use crate::faults::class_by_contract;

#[test]
fn each_outcome_is_in_the_schema_of_reports() {
    let known = SCHEMA["$defs"]["Outcome"]["enum"].as_array().unwrap();
    let known: BTreeSet<&str> = known.iter().map(|name| name.as_str().unwrap()).collect();
    let all: BTreeSet<&str> = Outcome::ALL
        .iter()
        .map(|outcome| outcome.as_str())
        .collect();
    let differ: Vec<_> = known.symmetric_difference(&all).collect();
    assert!(
        differ.is_empty(),
        "in one of code and events.schema.json: {differ:?}"
    );
}

#[test]
fn each_outcome_is_of_the_class_that_the_contract_says() {
    for outcome in Outcome::ALL {
        let class = format!("{:?}", class_by_contract(outcome.as_str()));
        assert_eq!(format!("{:?}", outcome.class()), class, "{outcome:?}");
    }
}

#[test]
fn each_outcome_answers_the_questions_below_its_class() {
    use Outcome::{
        Cancelled, Cancelling, Denied, Failed, Finished, InvalidId, NotAttempted, NotFound,
        NotOwner, OverLimit, Protected, QueueNotAllowed, Running, Terminated, Terminating,
        Throttled, TooSoon, Unconfirmed, WouldCancel, WouldTerminate,
    };
    for &outcome in Outcome::ALL {
        let (is_end, is_under_way, is_refused) = match outcome {
            Cancelled | Terminated => (true, false, false),
            Cancelling | Terminating => (true, true, false),
            Denied | Throttled | Failed => (false, false, true),
            Running | Finished | NotFound | Protected | QueueNotAllowed | NotOwner
            | WouldCancel | WouldTerminate | OverLimit | TooSoon | InvalidId | Unconfirmed
            | NotAttempted => (false, false, false),
        };
        assert_eq!(outcome.is_end(), is_end, "{outcome:?}");
        assert_eq!(outcome.is_under_way(), is_under_way, "{outcome:?}");
        assert_eq!(outcome.is_refused(), is_refused, "{outcome:?}");
    }
}

/// An event as the function decodes it with the settings' defaults.
fn decoded(text: String) -> Result<Event, RequestRefused> {
    let config = Config::from_lookup(|_| None).unwrap();
    let own_region = OwnRegion::from_function_arn(FUNCTION_ARN);
    let scope = Scope {
        config: &config,
        own_region: &own_region,
        now: Timestamp::now(),
    };
    decode(&RawValue::from_string(text).unwrap(), &scope)
}

#[test]
fn each_source_is_in_what_is_looked_for() {
    let error = decoded("{}".to_owned()).err().unwrap().to_string();
    for source in Source::ALL {
        let told_by = match source {
            Source::Direct => "jobIds",
            Source::Sqs => "aws:sqs",
            Source::Sns => "aws:sns",
            Source::Pipes => "a JSON array",
            Source::EventBridge => "detail-type",
            Source::Alarm => "alarmData",
            Source::Widget => "widgetContext",
            Source::Http => "requestContext",
        };
        assert!(error.contains(told_by), "no {told_by} in LOOKED_FOR");
    }
}

/// Whether an event, or a message of it, is refused.
fn is_refused(sample: &Sample) -> bool {
    let is_refused = |message: &Message| matches!(message.request, Err(NoRequest::Refused(_)));
    match decoded(sample.text()).map(|event| event.command) {
        Ok(Command::Cancel { messages, .. }) => messages.iter().any(is_refused),
        Ok(Command::RefuseHttp { .. } | Command::RefuseWidget(_)) | Err(_) => true,
        Ok(_) => false,
    }
}

#[test]
fn each_source_has_a_sample_that_is_broken() {
    let samples = samples::all();
    for source in Source::ALL {
        let name = source.as_str();
        let mut own = samples.iter().filter(|sample| sample.source() == name);
        assert!(own.any(is_refused), "no events/{name}-….json is refused");
    }
}

#[test]
fn each_source_has_a_sample_that_is_decoded_as_its_event() {
    let source_of = |sample: &Sample| decoded(sample.text()).ok()?.source;
    let samples = samples::all();
    for source in Source::ALL {
        let name = source.as_str();
        let mut own = samples.iter().filter(|sample| sample.source() == name);
        let is_decoded = own.any(|sample| source_of(sample) == Some(*source));
        assert!(
            is_decoded,
            "no events/{name}-….json is decoded as {source:?}"
        );
    }
}

/// The names of all calls to AWS Batch.
fn calls() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/batch");
    let mut calls = BTreeSet::new();
    for file in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap_or_default();
        calls.extend(names_of_calls(&text).map(str::to_owned));
    }
    assert!(calls.len() >= 11, "only {calls:?}");
    calls
}

#[test]
fn bcancel_check_tells_of_each_call_unless_it_is_left_out() {
    // Nothing is tried that could end a job that runs, and few have service jobs.
    let left_out = [
        "DescribeServiceJob",
        "TerminateJob",
        "TerminateJobs",
        "TerminateServiceJob",
        "TerminateServiceJobs",
    ];
    let check = include_str!("../../cli/src/check.rs");
    for call in calls() {
        let action = call.replace("Jobs", "Job");
        let is_told = [&call, &action].map(|name| check.contains(&format!("batch:{name}")));
        let is_left_out = left_out.contains(&call.as_str());
        assert!(is_told.contains(&true) || is_left_out, "{call}");
    }
}

#[test]
fn the_emulator_knows_each_call() {
    for call in calls() {
        let is_known = Operation::ALL.iter().any(|known| known.name() == call);
        assert!(
            is_known,
            "{call} is not in Operation::ALL of tests/emulator"
        );
    }
}

/// The names of the calls to AWS Batch in a file: what stands in quotes in `fn name` of each `Operation`.
fn names_of_calls(text: &str) -> impl Iterator<Item = &str> {
    text.split("impl Operation for ").skip(1).flat_map(|one| {
        let (_, name) = one.split_once("fn name(&self)").unwrap();
        let (body, _) = name.split_once("\n    }\n").unwrap();
        body.split('"').skip(1).step_by(2)
    })
}
