//! `events/README.md`: a row for each sample, and for the jobs that most of them are about. What stands there about them is
//! written by hand; states, settings and outcomes are those of the account and of the snapshots.

use std::{collections::BTreeMap, env, fs};

use batch_emulator::demo;
use serde_json::Value;
use support::{
    Failed,
    samples::{self, Sample},
};

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/README.md");

/// Asserts that there is a row for each sample, and that all rows are right. `INSTA_UPDATE=always`, which writes snapshots,
/// writes them too.
pub(super) fn assert_is_right(outcomes: &BTreeMap<String, String>) {
    let written = fs::read_to_string(README).unwrap();
    let mut missing = outcomes.clone();
    let right: String = written
        .lines()
        .map(|line| right_line(line, &mut missing) + "\n")
        .collect();
    let missing: Vec<String> = missing
        .iter()
        .map(|(name, outcome)| row_of_sample(name, "", outcome))
        .collect();
    assert!(missing.is_empty(), "no row:\n{}", missing.join("\n"));
    if env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        return fs::write(README, right).unwrap();
    }
    for (line, right) in written.lines().zip(right.lines()) {
        assert_eq!(line, right, "INSTA_UPDATE=always writes it");
    }
}

/// The line as it should be. The sample of a row is no longer missing then.
fn right_line(line: &str, missing: &mut BTreeMap<String, String>) -> String {
    let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
    match cells[..] {
        [event, shows, _, _] if event.starts_with('[') => {
            let (name, _) = event[1..].split_once(']').unwrap();
            let outcome = missing.remove(name);
            let outcome = outcome.unwrap_or_else(|| panic!("{name}: no sample, or two rows"));
            assert!(!shows.is_empty(), "what does {name} show?");
            row_of_sample(name, shows, &outcome)
        }
        [id, _, _, _, note] if id.starts_with('`') => row_of_job(id.trim_matches('`'), note),
        _ => line.to_owned(),
    }
}

fn row_of_sample(name: &str, shows: &str, outcome: &str) -> String {
    let settings = demo::settings(name).iter();
    let settings: Vec<String> = settings
        .map(|(name, value)| format!("`{name}={value}`"))
        .collect();
    let settings = settings.join(" ");
    format!("| [{name}]({name}.json) | {shows} | {settings} | {outcome} |")
}

fn row_of_job(id: &str, note: &str) -> String {
    let job = samples::account().job(id);
    let job = job.unwrap_or_else(|| panic!("{id} is not in the demo account"));
    let (name, queue, status) = (job.job_name, job.job_queue, job.status.as_str());
    format!("| `{id}` | {name} | {queue} | {status} | {note} |")
}

/// What comes of a sample, by its answer and by what is published.
pub(super) fn outcome(
    sample: &Sample,
    answer: &Result<Value, Failed>,
    reports: &[Value],
) -> String {
    let what = match answer {
        Err(error) => format!("error `{}`", error.error_type),
        Ok(Value::String(text)) if text.starts_with("##") => "Markdown".to_owned(),
        Ok(Value::String(_)) => "HTML".to_owned(),
        Ok(answer) if answer["ignored"].is_string() => "ignored".to_owned(),
        Ok(answer) if answer["queues"].is_array() => {
            format!("{} measured", number(&answer["queues"], "queue"))
        }
        Ok(answer) if answer["statusCode"].is_u64() => {
            let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
            let shown = match (&body["outcome"], &body["jobs"], &body["summary"]) {
                (Value::String(outcome), _, _) if reports.is_empty() => format!(": {outcome}"),
                (_, Value::Array(_), Value::Null) => format!(": {}", number(&body["jobs"], "job")),
                _ => String::new(),
            };
            format!("HTTP {}{shown}", answer["statusCode"])
        }
        Ok(_) => String::new(),
    };
    let reports = reports.iter().map(|report| counts(&report["summary"]));
    let told: Vec<String> = [what]
        .into_iter()
        .chain(reports)
        .filter(|text| !text.is_empty())
        .collect();
    told.join(": ") + &came_back(sample, answer)
}

/// The jobs by outcome.
fn counts(summary: &Value) -> String {
    let outcomes = summary.as_object().unwrap().iter();
    let outcomes = outcomes.filter(|(outcome, _)| *outcome != "jobs");
    let counts: Vec<String> = outcomes
        .map(|(outcome, count)| format!("{count} {outcome}"))
        .collect();
    if counts.is_empty() {
        "no jobs".to_owned()
    } else {
        counts.join(", ")
    }
}

/// How many of the messages go back to their queue, if there is one.
fn came_back(sample: &Sample, answer: &Result<Value, Failed>) -> String {
    let failures = answer
        .as_ref()
        .ok()
        .and_then(|answer| answer["batchItemFailures"].as_array());
    let Some(failures) = failures.filter(|failures| !failures.is_empty()) else {
        return String::new();
    };
    let event = sample.json();
    let records = event.get("Records").unwrap_or(&event);
    format!(
        "; {} of {} come back",
        failures.len(),
        number(records, "message")
    )
}

fn number(list: &Value, what: &str) -> String {
    let count = list.as_array().unwrap().len();
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
