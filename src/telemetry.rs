//! Log lines and metrics: of each invocation a line, `done`, one for every 500 jobs, and `CloudWatch` metrics.
//!
//! Those are always written. Ordinary lines go through `tracing`, to [`JsonLines`], and `LOG_LEVEL` says which are written.
//! Each line is one flat JSON object; only `counts` in it is an object.

mod done;
mod line;
mod metrics;
mod queues;
mod subscriber;

use std::{collections::BTreeSet, io::Write, time::Duration};

use tracing::{level_filters::LevelFilter, warn};

use crate::{
    event::{EventError, Source},
    intake::MessageOutcome,
    queue::Watch,
    report::Report,
    session::Calls,
};
use line::Line;
pub use subscriber::JsonLines;

/// Takes whole lines.
pub type Output = Box<dyn Fn(&str) + Send + Sync>;

/// How an invocation ended, for its log lines and metrics.
#[derive(Clone, Debug, Default)]
pub struct Ending<'a> {
    /// Lambda's id of the invocation.
    pub request_id: &'a str,
    /// The source of the event, if it could be decoded.
    pub source: Option<Source>,
    /// The caller if there is one, else the source.
    pub requested_by: Option<&'a str>,
    /// The outcome of each job, if the event asked for jobs.
    pub report: Option<&'a Report>,
    /// The outcome of each message.
    pub messages: &'a [MessageOutcome],
    /// The queues that were measured, if the event asked for that.
    pub watch: Option<&'a Watch>,
    /// The status of the HTTP response, if there was one.
    pub http_status: Option<u16>,
    /// The stable name of the invocation error, or of the refusal.
    pub error_type: Option<&'static str>,
    /// What is wrong, in readable words.
    pub error: Option<String>,
    /// How many events could not be published.
    pub not_published: usize,
    /// The whole event was refused. Messages that were refused are counted by themselves.
    pub is_refused: bool,
    /// How long the invocation took.
    pub time: Duration,
}

impl Ending<'_> {
    /// How many requests were refused.
    fn refused(&self) -> usize {
        let errors = self
            .messages
            .iter()
            .filter(|message| message.error.is_some());
        errors.count() + usize::from(self.is_refused)
    }

    /// The names of all errors, each once.
    fn error_types(&self) -> Option<String> {
        let errors = self
            .messages
            .iter()
            .filter_map(|message| message.error.as_ref());
        let types: BTreeSet<&str> = errors
            .map(EventError::error_type)
            .chain(self.error_type)
            .collect();
        let types: Vec<&str> = types.into_iter().collect();
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

/// Writes the lines of an invocation that are always written: the jobs, `done`, and the metrics.
pub fn record(
    output: &Output,
    namespace: &str,
    function: &str,
    ending: &Ending<'_>,
    calls: &Calls,
) {
    for line in done::jobs(ending) {
        output(&line);
    }
    output(&done::done(ending, calls));
    output(&metrics::metrics(namespace, function, ending, calls));
    if let Some(watch) = ending.watch {
        for line in queues::lines(namespace, ending.request_id, function, watch) {
            output(&line);
        }
    }
}

/// Logs each message that was refused.
pub fn log_refused(ending: &Ending<'_>) {
    for message in ending.messages {
        if let Some(error) = &message.error {
            warn!(
                requestId = ending.request_id,
                messageId = message.id.as_deref(),
                errorType = error.error_type(),
                %error,
                "message refused"
            );
        }
    }
}

/// Writes a line to standard output, which Lambda sends to `CloudWatch`. A closed output is not an error.
pub fn print(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}
