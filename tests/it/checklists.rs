//! What is added to one of the lists of docs/development.md is added in each of its places: these tests name the place that
//! was left out. The compiler holds other places, and so do `tests/interop/test_docs_lists.py` and `test_template.py`.

use std::{collections::BTreeSet, fs, path::Path};

use batch_cancel::{command::Source, report::Outcome};
use batch_emulator::Operation;
use http::Method;
use support::{
    samples::{self, Sample},
    schema::SCHEMA,
};

use crate::faults::class_by_contract;

#[test]
fn each_outcome_is_in_the_schema_of_reports() {
    let known = SCHEMA["$defs"]["Outcome"]["enum"].as_array().unwrap();
    let known: BTreeSet<&str> = known.iter().map(|name| name.as_str().unwrap()).collect();
    let all = Outcome::ALL.iter().map(|outcome| outcome.as_str());
    assert_eq!(known, all.collect(), "in src/publish/events.schema.json");
}

#[test]
fn each_outcome_is_of_the_class_that_the_contract_says() {
    for outcome in Outcome::ALL {
        let class = format!("{:?}", class_by_contract(outcome.as_str()));
        assert_eq!(format!("{:?}", outcome.class()), class, "{outcome:?}");
    }
}

#[test]
fn each_source_has_a_sample_event() {
    let samples = samples::all();
    let mut sources: BTreeSet<&str> = samples.iter().map(Sample::source).collect();
    assert!(sources.remove("unsupported"));
    let all = Source::ALL.iter().map(|source| source.as_str());
    assert_eq!(
        sources,
        all.collect(),
        "the first words of the files in events/"
    );
}

#[test]
fn the_emulator_knows_each_call() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/batch");
    let mut calls = BTreeSet::new();
    for file in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap_or_default();
        calls.extend(quoted_calls(&text).map(str::to_owned));
    }
    assert!(calls.len() >= 11, "only {calls:?}");
    for call in calls {
        let path = format!("/v1/{}", call.to_ascii_lowercase());
        let operation = Operation::of(&Method::POST, &path);
        let is_known = Operation::ALL.contains(&operation) && operation.name() == call;
        assert!(is_known, "{call} is not in tests/emulator/src/operation.rs");
    }
}

/// The names of calls to AWS Batch that stand in quotes in a file.
fn quoted_calls(text: &str) -> impl Iterator<Item = &str> {
    let text = text.split("#[cfg(test)]").next().unwrap();
    let verbs = ["Cancel", "Describe", "Get", "List", "Terminate"];
    text.split('"').filter(move |quoted| {
        let is_word = quoted.chars().all(|c| c.is_ascii_alphabetic());
        is_word && quoted.contains("Job") && verbs.iter().any(|verb| quoted.starts_with(verb))
    })
}
