//! The report as the log has it: of every source, and before it is cut to size.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use batch_cancel::telemetry::Output;
use serde_json::Value;

/// The id and outcome of each job of a report.
pub(crate) type Results = Vec<(String, String)>;

/// Takes the lines about jobs out of the log.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<BTreeMap<String, Results>>>);

impl Log {
    /// The report of the invocation with this request id; None if there was none.
    pub(crate) fn take(&self, request_id: &str) -> Option<Results> {
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
        all.entry(request_id).or_default().extend(results);
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
