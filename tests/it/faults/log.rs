//! The report as the log has it: of every source, and before it is cut to size.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use batch_cancel::telemetry::Output;
use serde_json::Value;

/// The id and outcome of each job of a report.
pub(crate) type Results = Vec<(String, String)>;

/// What the log says of an invocation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Logged {
    pub(crate) results: Results,
    /// The line `done`.
    pub(crate) done: Value,
}

impl Logged {
    /// Not all jobs of a selection could be found.
    pub(crate) fn is_partial(&self) -> bool {
        self.done["partial"].is_string()
    }

    /// Whether an error of this type is named.
    pub(crate) fn has_error(&self, error_type: &str) -> bool {
        let types = self.done["errorType"].as_str().unwrap_or_default();
        types.split(", ").any(|one| one == error_type)
    }

    /// The number of requests that were refused.
    pub(crate) fn refused(&self) -> u64 {
        self.done["refused"].as_u64().unwrap_or_default()
    }

    /// How many jobs were left alone because of `maxJobs`, those that were only counted too.
    pub(crate) fn over_limit(&self) -> usize {
        let counted = self.done["counts"]["overLimit"].as_u64();
        usize::try_from(counted.unwrap_or_default()).unwrap()
    }
}

/// Takes the lines about jobs, and about whole invocations, out of the log.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<BTreeMap<String, Logged>>>);

impl Log {
    /// What is said of the invocation with this request id; None if that is nothing.
    pub(crate) fn take(&self, request_id: &str) -> Option<Logged> {
        self.0.lock().unwrap().remove(request_id)
    }

    /// What the function writes its lines to.
    pub(crate) fn output(&self) -> Output {
        let log = self.clone();
        Box::new(move |line| log.add(line))
    }

    fn add(&self, line: &str) {
        let line: Value = serde_json::from_str(line).unwrap();
        let request_id = line["requestId"].as_str().unwrap().to_owned();
        let results = line["results"].as_str().map(results).unwrap_or_default();
        let mut all = self.0.lock().unwrap();
        let logged = all.entry(request_id).or_default();
        logged.results.extend(results);
        if line["message"] == "done" {
            logged.done = line;
        }
    }
}

fn results(results: &str) -> Results {
    let results: Vec<Value> = serde_json::from_str(results).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    results
        .iter()
        .map(|job| (text(&job["jobId"]), text(&job["outcome"])))
        .collect()
}
