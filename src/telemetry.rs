//! Log lines and metrics: of each invocation a line, `done`, one for every 500 jobs, and `CloudWatch` metrics.
//!
//! Those are always written. Ordinary lines go through `tracing`, to `JsonLines`, and `LOG_LEVEL` says which are written.
//! Each line is one flat JSON object; only `counts` in it is an object.

mod done;
mod line;
mod metrics;
mod subscriber;

use std::{collections::BTreeSet, io::Write, time::Duration};

use tracing::{level_filters::LevelFilter, warn};

use crate::{
    command::{Invocation, Reply, RequestRefused},
    queue::Watch,
    report::{JobResult, Report},
    results::{MessageOutcome, Results, Unfulfilled},
    session::Calls,
};
use line::Line;
pub(crate) use subscriber::JsonLines;

/// Takes whole lines.
pub type Output = Box<dyn Fn(&str) + Send + Sync>;

/// What an event was handled as.
#[derive(Debug)]
pub enum Handled {
    /// It was asked to end jobs.
    Results {
        /// The outcome of each job and message.
        results: Results,
        /// How they were answered.
        reply: Reply,
    },
    /// It measured job queues.
    Watch(Watch),
    /// Its event could not be decoded.
    Undecoded(RequestRefused),
    /// It showed something, or said why not.
    Shown,
}

/// What is logged and measured of an invocation that has its response.
#[derive(Debug)]
pub struct InvocationRecord<'a> {
    /// Who asked, and when.
    pub invocation: Invocation<'a>,
    /// What it did.
    pub handled: &'a Handled,
    /// The status of the HTTP response, if there was one.
    pub http_status: Option<u16>,
    /// Why the whole request was not fulfilled.
    pub unfulfilled: Option<&'a Unfulfilled>,
    /// How many events could not be published.
    pub not_published: usize,
    /// The calls to AWS Batch.
    pub calls: &'a Calls,
    /// How long it took.
    pub time: Duration,
}

impl InvocationRecord<'_> {
    fn results(&self) -> Option<&Results> {
        match self.handled {
            Handled::Results { results, .. } => Some(results),
            _ => None,
        }
    }

    fn watch(&self) -> Option<&Watch> {
        match self.handled {
            Handled::Watch(watch) => Some(watch),
            _ => None,
        }
    }

    fn report(&self) -> Option<&Report> {
        self.results().map(|results| &results.report)
    }

    /// The outcome of each job.
    fn jobs(&self) -> &[JobResult] {
        self.report().map_or(&[], |report| &report.jobs)
    }

    /// The outcome of each message.
    fn messages(&self) -> &[MessageOutcome] {
        self.results().map_or(&[], |results| &results.messages)
    }

    /// The messages that were refused, each with why.
    fn refusals(&self) -> impl Iterator<Item = (&MessageOutcome, &RequestRefused)> {
        self.results().into_iter().flat_map(Results::refusals)
    }

    /// How many requests were refused.
    fn refused(&self) -> usize {
        let whole = self.unfulfilled.is_some_and(|why| why.is_refused);
        self.refusals().count() + usize::from(whole)
    }

    /// The names of all errors, each once.
    fn error_types(&self) -> Option<String> {
        let whole = self.unfulfilled.and_then(|why| why.error_type);
        let types = self.refusals().map(|(_, why)| why.error_type());
        let types: Vec<&str> = types
            .chain(whole)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        (!types.is_empty()).then(|| types.join(", "))
    }
}

/// Writes ordinary log lines of this level and above to standard output, from now on and for the whole process.
pub fn init(level: LevelFilter) {
    let lines = JsonLines::new(level, Box::new(print));
    // It fails only if there is a subscriber already.
    let _ = tracing::subscriber::set_global_default(lines);
    std::panic::set_hook(Box::new(|panic| {
        // The payload is left out, since it may quote an event.
        let location = panic.location().map(ToString::to_string);
        tracing::error!(location, "panic");
    }));
}

/// Logs each message that was refused, and writes to `output` the lines that are always written: the jobs, `done`, and the
/// metrics.
pub(crate) fn record(output: Option<&Output>, namespace: &str, record: &InvocationRecord<'_>) {
    for (message, error) in record.refusals() {
        warn!(
            requestId = record.invocation.request_id,
            messageId = message.id.as_deref(),
            errorType = error.error_type(),
            %error,
            "message refused"
        );
    }
    let Some(output) = output else { return };
    for line in done::jobs(record) {
        output(&line);
    }
    output(&done::done(record));
    output(&metrics::metrics(namespace, record));
    if let Some(watch) = record.watch() {
        for line in metrics::of_queues(namespace, record.invocation, watch) {
            output(&line);
        }
    }
}

/// Writes a line to standard output, which Lambda sends to `CloudWatch`. A closed output is not an error.
pub fn print(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}
