//! What an event asks for: recognised first, decoded second, one kind a file. The order of recognition stands here.

mod age;
mod alarm;
mod body;
mod direct;
mod eventbridge;
mod http;
mod pipes;
mod raw_object;
mod sns;
mod sqs;
mod widget;

use jiff::Timestamp;
use serde_json::value::RawValue;
use thiserror::Error;

use crate::{
    config::Config,
    panel::PanelRequest,
    problem::Problem,
    request::{JobId, OwnRegion, Request, RequestError},
};
use raw_object::RawObject;

pub use http::HttpForm;

/// What decoding an event depends on beside the event itself.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// The settings.
    pub config: &'a Config,
    /// The region and account that this function runs in.
    pub own_region: &'a OwnRegion,
    /// When the event arrived.
    pub now: Timestamp,
}

/// A decoded event.
#[derive(Debug)]
pub struct Event {
    /// Where it came from.
    pub source: Source,
    /// Who asked, for the audit trail: the caller if there is one, else the source.
    pub requested_by: String,
    /// What it asks for, and how that is answered.
    pub command: Command,
}

/// What an event can ask for. Each carries how it is answered.
#[derive(Debug)]
pub enum Command {
    /// Cancel jobs, as these messages say.
    Cancel {
        /// The event as a whole, or its records.
        messages: Vec<Message>,
        /// How the report is answered.
        reply: Reply,
    },
    /// Show one job, over HTTP.
    ShowJob {
        /// The job.
        id: JobId,
        /// The shape of the HTTP response.
        form: HttpForm,
    },
    /// Show a job queue on a dashboard.
    Panel(PanelRequest),
    /// Answer with a fixed text.
    Document(Document),
    /// Answer an HTTP request that cannot be fulfilled.
    Refuse {
        /// Why.
        problem: Problem,
        /// The shape of the HTTP response.
        form: HttpForm,
    },
}

impl Command {
    /// Whether a message that is left over is delivered again.
    #[must_use]
    pub fn comes_again(&self) -> bool {
        matches!(
            self,
            Self::Cancel {
                reply: Reply::BatchItemFailures,
                ..
            }
        )
    }

    /// Cancels the jobs of one request, which is the whole event.
    fn cancel(content: impl Into<Content>, reply: Reply) -> Self {
        Self::Cancel {
            messages: vec![Message::whole(content.into())],
            reply,
        }
    }
}

/// A fixed text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    /// The `OpenAPI` description of the HTTP routes.
    OpenApi(HttpForm),
    /// The documentation of the dashboard widget.
    Widget,
}

/// One message: a record of a batch, or the event as a whole.
#[derive(Debug)]
pub struct Message {
    /// The record's `itemIdentifier` in `batchItemFailures`.
    pub id: Option<String>,
    /// The message group of a FIFO queue's record.
    pub group: Option<String>,
    /// What it asks for, or why it cannot be read.
    pub content: Result<Content, EventError>,
}

impl Message {
    /// The message that is the event as a whole.
    fn whole(content: Content) -> Self {
        Self {
            id: None,
            group: None,
            content: Ok(content),
        }
    }
}

/// What a message asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// A request.
    Request(Request),
    /// Nothing, and why.
    Ignored(String),
}

impl From<Request> for Content {
    fn from(request: Request) -> Self {
        Self::Request(request)
    }
}

/// How a report is answered, and what happens when something in it is left over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The report, to a caller that waits for it.
    Report,
    /// Nobody waits: what is left over is an invocation error, so that Lambda retries the event.
    InvocationError,
    /// The messages that are to be delivered again.
    BatchItemFailures,
    /// HTML for a dashboard.
    Widget,
    /// An HTTP response that holds the report.
    Http(HttpForm),
    /// An HTTP response about the request's only job.
    HttpJob(HttpForm),
}

/// Where an event came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// An invocation with a request of our own schema: a tool, `EventBridge` Scheduler, Step Functions.
    Direct,
    /// Amazon SQS.
    Sqs,
    /// Amazon SNS.
    Sns,
    /// Amazon `EventBridge` Pipes.
    Pipes,
    /// Amazon `EventBridge`.
    EventBridge,
    /// A CloudWatch alarm, as an alarm action or through EventBridge or SNS.
    Alarm,
    /// A widget of a CloudWatch dashboard.
    Widget,
    /// API Gateway, a function URL or an Application Load Balancer.
    Http,
}

impl Source {
    /// The name in reports, logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Sqs => "sqs",
            Self::Sns => "sns",
            Self::Pipes => "pipes",
            Self::EventBridge => "eventbridge",
            Self::Alarm => "alarm",
            Self::Widget => "widget",
            Self::Http => "http",
        }
    }
}

/// Why an event, or one message of it, cannot be acted on. Nothing is called then.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum EventError {
    /// It is none of the kinds that this function knows.
    #[error("{0}")]
    Unsupported(String),
    /// It is of a known kind, and a field of it is missing or wrong.
    #[error("{kind}: {error}")]
    Envelope {
        /// The kind.
        kind: &'static str,
        /// The field, and what was expected.
        error: RequestError,
    },
    /// It is a request of our own schema, and not a valid one.
    #[error("{0}")]
    Request(#[from] RequestError),
    /// The deployer does not allow it.
    #[error("{0}")]
    Refused(String),
    /// IAM denies finding the jobs of a selection.
    #[error("{0}")]
    Denied(String),
}

impl EventError {
    /// The stable name of the error, for `Retry` and `Catch` in Step Functions and for metric filters.
    #[must_use]
    pub fn error_type(&self) -> &'static str {
        match self {
            Self::Unsupported(_) => "UnsupportedEvent",
            Self::Envelope { .. } => "InvalidEvent",
            Self::Request(_) => "InvalidRequest",
            Self::Refused(_) => "Refused",
            Self::Denied(_) => "Denied",
        }
    }
}

/// How deep messages may be nested: `EventBridge` in SNS in SQS is three.
const MAX_DEPTH: usize = 4;

/// Decodes an event.
///
/// # Errors
///
/// When the event as a whole cannot be acted on. A record of a batch that cannot be read is in its [`Message`], and an
/// HTTP request that cannot is a [`Command::Refuse`].
pub fn decode(payload: &RawValue, scope: &Scope<'_>) -> Result<Event, EventError> {
    let text = payload.get();
    let body = |text: &str| body::read(text, scope, 0);
    if text.starts_with('[') {
        return pipes::decode(text, body);
    }
    let object =
        RawObject::read(text).ok_or_else(|| EventError::Unsupported(UNSUPPORTED.to_owned()))?;
    if http::matches(&object) {
        return http::decode(&object, scope);
    }
    if widget::matches(&object) {
        return widget::decode(&object, scope);
    }
    let records = object.records();
    if sqs::matches(&records) {
        return sqs::decode(&records, body);
    }
    if sns::matches(&records) {
        return Ok(sns::decode(&records, body));
    }
    let (source, content) = message(&object, scope, 0)?;
    let reply = match source {
        Source::Direct => Reply::Report,
        _ => Reply::InvocationError,
    };
    Ok(Event {
        source,
        requested_by: source.as_str().to_owned(),
        command: Command::cancel(content, reply),
    })
}

/// Decodes what can stand alone or inside another message.
fn message(
    object: &RawObject<'_>,
    scope: &Scope<'_>,
    depth: usize,
) -> Result<(Source, Content), EventError> {
    if depth > MAX_DEPTH {
        return Err(EventError::Unsupported(format!(
            "messages are nested more than {MAX_DEPTH} deep"
        )));
    }
    if alarm::matches(object) {
        return Ok((Source::Alarm, alarm::decode(object, scope)?));
    }
    if eventbridge::matches(object) {
        return Ok((Source::EventBridge, eventbridge::decode(object, scope)?));
    }
    if sns::matches_notification(object) {
        let text = sns::decode_notification(object)?;
        return Ok((Source::Sns, body::read(&text, scope, depth + 1)?));
    }
    if direct::matches(object) {
        return Ok((Source::Direct, direct::decode(object, scope)?));
    }
    Err(EventError::Unsupported(UNSUPPORTED.to_owned()))
}

/// What was looked for in an event of no known kind.
const UNSUPPORTED: &str = "unsupported event; looked for: jobIds, jobId or select (a request); Items with BatchInput (Step \
    Functions Distributed Map); Records of aws:sqs or aws:sns; a JSON array (EventBridge Pipes); detail-type and detail \
    (EventBridge: Batch Job Queue Blocked, Batch Job State Change, CloudWatch Alarm State Change, or a request as \
    detail); alarmData, or AlarmName with NewStateValue (CloudWatch alarm); requestContext (API Gateway, function URL, \
    ALB); widgetContext (a dashboard)";
