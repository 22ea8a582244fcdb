//! The report as the log has it: of every source, and before it is cut to size.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    sync::{Arc, Mutex},
};

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

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
}

/// The fields of a log line that are used.
#[derive(Default)]
struct Line {
    request_id: String,
    results: Option<String>,
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "request_id" => value.clone_into(&mut self.request_id),
            "results" => self.results = Some(value.to_owned()),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("batch_cancel::telemetry")
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let results = line.results.as_deref().map(results).unwrap_or_default();
        let mut all = self.0.lock().unwrap();
        all.entry(line.request_id).or_default().extend(results);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

fn results(line: &str) -> Results {
    serde_json::from_str(line).unwrap()
}
