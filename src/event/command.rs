//! What a decoded event asks for, and how that is answered.

use super::{EventError, HttpForm};
use crate::{
    problem::Problem,
    request::{JobId, PanelRequest, Request},
};

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
    /// Say why the request cannot be fulfilled, to a person who waits for the answer.
    Refuse(Refusal),
}

/// A request that cannot be fulfilled, in a form that must be answered: an invocation error would not reach the person.
#[derive(Debug)]
pub enum Refusal {
    /// An HTTP request.
    Http {
        /// Why.
        problem: Problem,
        /// The shape of the HTTP response.
        form: HttpForm,
    },
    /// A request or a panel of a dashboard widget.
    Widget(EventError),
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
    pub(super) fn cancel(content: impl Into<Content>, reply: Reply) -> Self {
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
    pub(super) fn whole(content: Content) -> Self {
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The report, to a caller that waits for it.
    Report,
    /// Nobody waits: what is left over is an invocation error, so that Lambda retries the event.
    InvocationError,
    /// The messages that are to be delivered again.
    BatchItemFailures,
    /// HTML for a dashboard.
    Widget(WidgetReply),
    /// An HTTP response that holds the report.
    Http(HttpForm),
    /// An HTTP response about the request's only job.
    HttpJob(HttpForm),
}

/// What a dashboard shows with a report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WidgetReply {
    /// How a viewer confirms the request, if it is among the widget's saved parameters and is a dry run until then.
    pub unconfirmed: Option<Confirmation>,
    /// The payload of the button that goes back to what the widget shows by itself.
    pub back: Option<String>,
}

/// How a viewer can confirm a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// By a button with this payload.
    Button(String),
    /// Not at all: `confirmed` is among the saved parameters too, and counts nowhere then.
    IsSaved,
    /// Not at all: the request, or the function, makes a dry run of it in any case.
    IsDryRun,
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
