//! What an event wants, as plain data: the decoders make it, and everything else stands on it.

mod message;
mod refused;
mod reply;
mod source;

use crate::{
    policy::Owner,
    request::{JobId, PageRequest, PanelRequest, QueueName, Request, WatchRequest},
};

pub use crate::problem::Problem;
pub use message::{Message, NoRequest};
pub use refused::RequestRefused;
pub use reply::{Confirmation, HttpForm, Reply, WidgetReply};
pub(crate) use source::OWN_SOURCE;
pub use source::{Invocation, Source};

/// A decoded event.
#[derive(Debug)]
pub struct Event {
    /// The source of the event, unless the event could not be decoded.
    pub source: Option<Source>,
    /// Who asked, for the audit trail: the caller if it is known, otherwise the source.
    pub requested_by: Option<String>,
    /// Whose jobs it may end.
    pub owner: Owner,
    /// What the event asks for, and how it is answered.
    pub command: Command,
}

impl Event {
    /// An event of this source, whose caller is not known.
    pub(crate) fn of(source: Source, command: Command) -> Self {
        Self {
            source: Some(source),
            requested_by: Some(source.as_str().to_owned()),
            owner: Owner::Anyone,
            command,
        }
    }
}

/// An event that cannot be decoded.
impl From<RequestRefused> for Event {
    fn from(why: RequestRefused) -> Self {
        Self {
            source: None,
            requested_by: None,
            owner: Owner::Anyone,
            command: Command::RefuseEvent(why),
        }
    }
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
    /// Answer with the `OpenAPI` description of the HTTP routes.
    OpenApi(HttpForm),
    /// Answer with the documentation of the dashboard widget.
    WidgetDocumentation,
    /// Say by an invocation error that the event cannot be decoded.
    RefuseEvent(RequestRefused),
    /// Refuse an HTTP request. The person who waits for the answer would not see an invocation error.
    RefuseHttp {
        /// What is wrong.
        problem: Problem,
        /// The shape of the HTTP response.
        form: HttpForm,
    },
    /// Refuse a request or a panel of a dashboard widget. A viewer would not see an invocation error either.
    RefuseWidget(RequestRefused),
}

impl Command {
    /// Whether a message that is left over is delivered again.
    pub(crate) fn comes_again(&self) -> bool {
        matches!(self, Self::Cancel { reply, .. } if *reply == Reply::BatchItemFailures)
    }

    /// Cancels the jobs of an event that is one request.
    pub(crate) fn cancel(request: Result<Request, NoRequest>, reply: Reply) -> Self {
        let messages = vec![request.into()];
        Self::Cancel { messages, reply }
    }
}
