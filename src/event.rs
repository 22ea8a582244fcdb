//! What an event asks for: recognised first, decoded second, one kind a file. The order of recognition stands here.

mod age;
mod alarm;
mod body;
mod direct;
mod eventbridge;
mod http;
mod object;
mod pipes;
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
    request::{Home, JobId, Request, RequestError},
};
use object::Object;

pub use http::HttpForm;

/// What decoding an event depends on beside the event itself.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// The settings.
    pub config: &'a Config,
    /// Where this function runs.
    pub home: &'a Home,
    /// When the event arrived.
    pub now: Timestamp,
}

/// An event that was understood.
#[derive(Debug)]
pub struct Event {
    /// Where it came from.
    pub source: Source,
    /// Who asked, for the audit trail: the caller if there is one, else the source.
    pub by: String,
    /// What it asks for.
    pub ask: Ask,
    /// In which form the answer is expected.
    pub reply: Reply,
}

/// What an event can ask for.
#[derive(Debug)]
pub enum Ask {
    /// Cancel jobs, as these messages say.
    Cancel(Vec<Message>),
    /// Show one job.
    ShowJob(JobId),
    /// The description of the HTTP routes.
    OpenApi,
    /// Show a job queue on a dashboard.
    Panel(PanelRequest),
    /// What a dashboard's widget can do.
    Describe,
    /// Nothing that can be done: the HTTP answer that says why.
    Refuse(Problem),
}

/// One message: a record of a batch, or the event as a whole.
#[derive(Debug)]
pub struct Message {
    /// What a record is called in `batchItemFailures`.
    pub id: Option<String>,
    /// The message group of a FIFO queue's record.
    pub group: Option<String>,
    /// What it asks for, or why it cannot be read.
    pub asks: Result<Asks, EventError>,
}

impl Message {
    /// The message that an event as a whole is.
    fn whole(asks: Asks) -> Self {
        Self {
            id: None,
            group: None,
            asks: Ok(asks),
        }
    }
}

/// What a message asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Asks {
    /// These requests.
    Requests(Vec<Request>),
    /// Nothing, and why.
    Nothing(String),
}

impl From<Request> for Asks {
    fn from(request: Request) -> Self {
        Self::Requests(vec![request])
    }
}

/// In which form the answer is expected, and what becomes of a report that is not all done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The report, to whoever waits for it.
    Report,
    /// Nobody waits: something left over has to be an invocation error, or else it is forgotten.
    Raise,
    /// The messages that are to be delivered again.
    BatchItemFailures,
    /// HTML for a dashboard.
    Widget,
    /// An HTTP response.
    Http {
        /// The shape that the caller's gateway expects.
        form: HttpForm,
        /// The answer is about this one job, not a report.
        one_job: bool,
    },
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
    /// It is of a known kind, and broken.
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
    /// IAM does not allow finding the jobs that are meant.
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

/// How deep messages may lie in one another: `EventBridge` in SNS in SQS is three.
const MAX_DEPTH: usize = 4;

/// Decodes an event.
///
/// # Errors
///
/// When the event as a whole cannot be acted on. A record of a batch that cannot be read is in its [`Message`], and an
/// HTTP request that cannot is an [`Ask::Refuse`].
pub fn decode(payload: &RawValue, scope: &Scope<'_>) -> Result<Event, EventError> {
    let text = payload.get();
    if text.starts_with('[') {
        return pipes::decode(text, |text| body::read(text, scope, 0));
    }
    let object =
        Object::read(text).ok_or_else(|| EventError::Unsupported(UNSUPPORTED.to_owned()))?;
    if http::matches(&object) {
        return http::decode(text, &object, scope);
    }
    if widget::matches(&object) {
        return widget::decode(&object, scope);
    }
    if sqs::matches(&object) {
        return sqs::decode(&object, |text| body::read(text, scope, 0));
    }
    if sns::matches(&object) {
        return sns::decode(&object, |text| body::read(text, scope, 0));
    }
    let (source, asks) = message(text, &object, scope, 0)?;
    let reply = match source {
        Source::Direct => Reply::Report,
        _ => Reply::Raise,
    };
    Ok(Event {
        source,
        by: source.as_str().to_owned(),
        ask: Ask::Cancel(vec![Message::whole(asks)]),
        reply,
    })
}

/// Decodes what can stand alone or in another message: `text` is the JSON object that `object` views.
fn message(
    text: &str,
    object: &Object<'_>,
    scope: &Scope<'_>,
    depth: usize,
) -> Result<(Source, Asks), EventError> {
    if depth > MAX_DEPTH {
        return Err(EventError::Unsupported(format!(
            "messages lie in one another more than {MAX_DEPTH} deep"
        )));
    }
    if alarm::matches(object) {
        return Ok((Source::Alarm, alarm::decode(text, object, scope)?));
    }
    if eventbridge::matches(object) {
        return Ok((Source::EventBridge, eventbridge::decode(text, scope)?));
    }
    if sns::matches_notification(object) {
        let text = sns::decode_notification(text)?;
        return Ok((Source::Sns, body::read(&text, scope, depth + 1)?));
    }
    if direct::matches(object) {
        return Ok((Source::Direct, direct::decode(text, object, scope)?));
    }
    Err(EventError::Unsupported(UNSUPPORTED.to_owned()))
}

/// What was looked for in an event of no known kind.
const UNSUPPORTED: &str = "unsupported event; looked for: jobIds, jobId or select (a request); Items with BatchInput (Step \
    Functions Distributed Map); Records of aws:sqs or aws:sns; a JSON array (EventBridge Pipes); detail-type and detail \
    (EventBridge: Batch Job Queue Blocked, Batch Job State Change, CloudWatch Alarm State Change, or a request as \
    detail); alarmData, or AlarmName with NewStateValue (CloudWatch alarm); requestContext (API Gateway, function URL, \
    ALB); widgetContext (a dashboard)";
