//! Ordinary log lines: what `tracing` collects, each as one flat JSON object.

use std::{
    cell::RefCell,
    collections::HashMap,
    fmt::Debug,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use serde_json::Value;
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
};

use super::{Line, Output};
use crate::text::cut;

/// The field of a span that is the id of an invocation: `lambda_runtime` names it so.
const REQUEST_ID: &str = "requestId";

/// Where this crate's lines come from.
const OWN_TARGET: &str = "batch_cancel";

thread_local! {
    /// The spans that this thread is in, the innermost last.
    static ENTERED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// Writes each event as one JSON object: `timestamp`, `level`, `message`, `requestId` and its fields, in camel case.
///
/// Of other crates only warnings and errors are written, whatever the level: the SDK's other lines hold requests, headers
/// and the names of credentials.
pub(crate) struct JsonLines {
    level: LevelFilter,
    output: Output,
    next: AtomicU64,
    spans: Mutex<HashMap<u64, Span>>,
}

/// A span of an invocation.
struct Span {
    request_id: String,
    handles: usize,
}

impl JsonLines {
    /// Writes lines of this level and above to `output`.
    pub(crate) fn new(level: LevelFilter, output: Output) -> Self {
        Self {
            level,
            output,
            next: AtomicU64::new(1),
            spans: Mutex::default(),
        }
    }

    fn spans(&self) -> MutexGuard<'_, HashMap<u64, Span>> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The id of the invocation that this thread works on.
    fn request_id(&self) -> Option<String> {
        let innermost = ENTERED.with_borrow(|entered| entered.last().copied())?;
        let spans = self.spans();
        spans.get(&innermost).map(|span| span.request_id.clone())
    }
}

impl Subscriber for JsonLines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        if metadata.is_span() {
            return metadata.fields().field(REQUEST_ID).is_some();
        }
        let is_own = metadata.target().starts_with(OWN_TARGET);
        let level = *metadata.level();
        self.level >= level && (is_own || level <= Level::WARN)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        // The span of an invocation is of this level.
        Some(self.level.max(LevelFilter::INFO))
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut fields = Line::default();
        attributes.record(&mut fields);
        let request_id = fields.take(REQUEST_ID);
        let span = Span {
            request_id: request_id.as_str().unwrap_or_default().to_owned(),
            handles: 1,
        };
        self.spans().insert(id, span);
        Id::from_u64(id)
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Line::default();
        event.record(&mut fields);
        let message = fields.take("message");
        let message = message.as_str().unwrap_or_default();
        let mut line = Line::new(*event.metadata().level(), message);
        let request_id = fields.take(REQUEST_ID);
        match request_id.as_str() {
            Some(request_id) => line.push(REQUEST_ID, request_id),
            None => line.push_some(REQUEST_ID, self.request_id()),
        }
        line.append(fields);
        (self.output)(&line.into_json());
    }

    fn enter(&self, span: &Id) {
        ENTERED.with_borrow_mut(|entered| entered.push(span.into_u64()));
    }

    fn exit(&self, span: &Id) {
        ENTERED.with_borrow_mut(|entered| {
            let place = entered.iter().rposition(|id| *id == span.into_u64());
            place.map(|place| entered.remove(place));
        });
    }

    fn clone_span(&self, id: &Id) -> Id {
        if let Some(span) = self.spans().get_mut(&id.into_u64()) {
            span.handles += 1;
        }
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        let mut spans = self.spans();
        let Some(span) = spans.get_mut(&id.into_u64()) else {
            return false;
        };
        span.handles = span.handles.saturating_sub(1);
        let is_last = span.handles == 0;
        if is_last {
            spans.remove(&id.into_u64());
        }
        is_last
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}
}

/// The fields of an event or a span.
impl Line {
    fn push_field(&mut self, field: &Field, value: impl Into<Value>) {
        self.push(&camel_case(field.name()), value);
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.push_field(field, &*cut(&format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.push_field(field, &*cut(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push_field(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push_field(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.push_field(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push_field(field, value);
    }
}

/// `task_id` as `taskId`: other crates name their fields so.
fn camel_case(name: &str) -> String {
    let mut words = name.split(['_', '.']);
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let mut letters = word.chars();
        let capital = letters.next().map(|c| c.to_ascii_uppercase());
        name.chars().chain(capital).chain(letters).collect()
    })
}
