//! What a decoded event asks for, and how that is answered.

use super::{EventError, HttpForm, Source};
use crate::{
    policy::Owner,
    problem::Problem,
    request::{JobId, PageRequest, PanelRequest, QueueName, Request, WatchRequest},
};

/// A decoded event.
#[derive(Debug)]
pub struct Event {
    /// The source of the event.
    pub source: Source,
    /// Who asked, for the audit trail: the caller if it is known, otherwise the source.
    pub requested_by: String,
    /// Whose jobs it may end.
    pub owner: Owner,
    /// What the event asks for, and how it is answered.
    pub command: Command,
}

/// What an event can ask for, with the kind of answer.
#[derive(Debug)]
pub enum Command {
    /// Cancel the jobs that these messages name.
    Cancel {
        /// The records of the event, or one message for the whole event.
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
    /// Show a job queue, over HTTP.
    ShowQueue {
        /// The queue.
        queue: QueueName,
        /// The shape of the HTTP response.
        form: HttpForm,
    },
    /// List jobs of a queue, over HTTP.
    ListJobs {
        /// Which of them.
        page: PageRequest,
        /// The shape of the HTTP response.
        form: HttpForm,
    },
    /// Measure job queues.
    Watch(WatchRequest),
    /// Show a job queue on a dashboard.
    Panel(PanelRequest),
    /// Answer with a fixed text.
    Document(Document),
    /// Tell the person who waits for the answer why the request is refused.
    Refuse(Refusal),
}

/// A request that is refused with an answer. The person who waits would not see an invocation error.
#[derive(Debug)]
pub enum Refusal {
    /// An HTTP request.
    Http {
        /// What is wrong.
        problem: Problem,
        /// The shape of the HTTP response.
        form: HttpForm,
    },
    /// A request or a panel of a dashboard widget, with what is wrong.
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

    /// Cancels the jobs of an event that is one request.
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

/// One message: a record of a batch, or the whole event.
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
    /// The message of an event without records.
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
    /// Nothing. The text says why.
    Ignored(String),
}

impl From<Request> for Content {
    fn from(request: Request) -> Self {
        Self::Request(request)
    }
}

/// The form of the answer, and what happens to jobs that are left over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The report, for a caller that waits for it.
    Report,
    /// The report, or an invocation error if jobs are left over. Nobody waits, and Lambda retries the event.
    InvocationError,
    /// The messages that must be delivered again.
    BatchItemFailures,
    /// HTML for a dashboard.
    Widget(WidgetReply),
    /// An HTTP response with the report.
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
    /// The widget is too narrow for a table of many columns.
    pub is_narrow: bool,
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
