//! Events of every source: the answer, the calls, and the jobs that are ended.

mod batches;
mod chains;
mod errors;
pub(crate) mod http;
mod openapi;
mod problems;
mod readme;
mod sizes;
mod texts;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde_json::{Map, Value, json};
use support::{
    Function,
    bus::Bus,
    events::{failures, sqs},
    failed,
    samples::{self, RUNNABLE, sample},
};

/// A snapshot for each source; a sample without an entry in it fails, as does an entry without a sample. The same goes for
/// the rows of `events/README.md`.
#[tokio::test(start_paused = true)]
async fn each_sample_leads_to_the_answer_calls_and_ended_jobs_of_its_snapshot() {
    let mut sources: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    let mut outcomes = BTreeMap::new();
    for sample in samples::all() {
        // The bus holds what is published against the schema.
        let bus = Bus::default();
        let mut function = Function::for_sample(&sample, &[]);
        function.app.publisher = Some(bus.publisher());
        let answer = function.invoke_text(&sample.text()).await.map_err(failed);
        let observed = samples::observed(&answer, &function.emulator);
        let reports = bus.details("Batch Cancellation Report");
        let outcome = readme::outcome(&sample, &answer, &reports);
        outcomes.insert(sample.name.clone(), outcome);
        let source = sources.entry(sample.source().to_owned()).or_default();
        source.insert(sample.name, observed);
    }
    for (source, answers) in sources {
        insta::assert_json_snapshot!(source, answers);
    }
    readme::assert_is_right(&outcomes);
}

#[test]
fn each_snapshot_of_a_source_has_samples() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/snapshots");
    let snapshots: BTreeSet<String> = fs::read_dir(folder)
        .unwrap()
        .filter_map(|file| {
            let file = file.unwrap().file_name().into_string().unwrap();
            let source = file.strip_prefix("it__events__")?.strip_suffix(".snap")?;
            Some(source.to_owned())
        })
        .collect();
    let samples = samples::all();
    let sources = samples.iter().map(|sample| sample.source().to_owned());
    assert_eq!(snapshots, sources.collect());
}

#[tokio::test(start_paused = true)]
async fn event_older_than_max_event_age_is_ignored() {
    for name in [
        "eventbridge-job-runnable",
        "alarm-eventbridge",
        "alarm-action",
    ] {
        let sample = sample(name);
        for (limit, hours, ignored) in [("PT1H", 2, true), ("PT3H", 2, false), ("0", 48, false)] {
            let function = Function::for_sample(&sample, &[("MAX_EVENT_AGE", limit)]);
            let now = support::now(&function.emulator);
            let hours_ago = |hours: i64| now - jiff::SignedDuration::from_hours(hours);
            let mut event = sample.json();
            event["time"] = json!(hours_ago(hours).to_string());
            // The age of an alarm is that of its new state.
            for alarm in ["detail", "alarmData"] {
                if let Some(time) = event.pointer_mut(&format!("/{alarm}/state/timestamp")) {
                    let written = hours_ago(hours).strftime("%Y-%m-%dT%H:%M:%S%.3f+0000");
                    *time = json!(written.to_string());
                }
            }
            let direct = function.invoke(event.clone()).await.unwrap();
            assert_eq!(direct["ignored"].is_string(), ignored, "{name}: {direct}");
            let ended = || function.emulator.job(RUNNABLE).unwrap().is_cancelled;
            assert_eq!(ended(), !ignored, "{name}");
            let body = event.to_string();
            let queued = function.invoke(sqs([body])).await.unwrap();
            assert_eq!(queued, failures(&[]), "{name}");
            assert_eq!(ended(), !ignored, "{name}");
        }
    }
}
