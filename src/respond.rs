//! The answer to an event, in the form that its source expects.

mod body;
mod http;
mod widget;

use std::{collections::BTreeSet, fmt};

use ::http::StatusCode;
use aws_lambda_events::event::sqs::SqsBatchResponse;
use lambda_runtime::Diagnostic;
use serde_json::value::{RawValue, to_raw_value};
use thiserror::Error;

use crate::{
    batch::{CallError, JobDetail},
    event::{Document, EventError, HttpForm, Refusal, Reply},
    intake::{Invocation, MessageOutcome},
    panel::{Panel, PanelError},
    problem::Problem,
    report::{Class, Report},
    request::JobId,
};

/// The longest report as a direct or asynchronous answer: the state of a Step Functions execution holds 256 KiB.
const MAX_REPORT: body::SizeLimit = body::SizeLimit {
    plain: 200_000,
    escaped: usize::MAX,
};

/// The result of an event, and how it is answered.
#[derive(Debug)]
pub enum Answer {
    /// The outcomes of jobs.
    Report {
        /// The outcome of each job.
        report: Report,
        /// The outcome of each message.
        messages: Vec<MessageOutcome>,
        /// How the report is answered.
        reply: Reply,
    },
    /// A job, shown over HTTP.
    Job {
        /// The job.
        id: JobId,
        /// What may be shown of it, or why it could not be read.
        view: Result<JobView, CallError>,
        /// The shape of the HTTP response.
        form: HttpForm,
    },
    /// A job queue, shown on a dashboard.
    Panel(Box<Result<Panel, PanelError>>),
    /// A fixed text.
    Document(Document),
    /// The request was refused, and the answer says why.
    Refusal(Refusal),
}

/// What may be shown of a job.
#[derive(Debug)]
pub enum JobView {
    /// The job.
    Job(Box<JobDetail>),
    /// Nothing: its job queue is not in `ALLOWED_QUEUES`.
    QueueNotAllowed,
    /// Nothing: Batch does not know it.
    Unknown,
}

/// An invocation error. Of an asynchronous event, Lambda retries it and then sends it to the on-failure destination.
#[derive(Error)]
pub enum Failure {
    /// The event or one of its messages cannot be acted on.
    #[error("{0}")]
    Event(#[from] EventError),
    /// At least one job is worth a retry. The text is the summary.
    #[error("incomplete: {0}")]
    Incomplete(String),
    /// No job is worth a retry, and at least one was rejected. The text is the summary.
    #[error("rejected: {0}")]
    Rejected(String),
    /// The answer could not be written as JSON. No known answer causes this; it is an error so that it is no panic.
    #[error("cannot write the answer: {0}")]
    Unwritable(#[from] serde_json::Error),
}

/// The runtime logs a failed invocation in this form, so it is one readable line.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self}", self.error_type())
    }
}

impl Failure {
    /// The stable name of the error.
    #[must_use]
    pub fn error_type(&self) -> &'static str {
        match self {
            Self::Event(error) => error.error_type(),
            Self::Incomplete(_) => "Incomplete",
            Self::Rejected(_) => "Rejected",
            Self::Unwritable(_) => "Unwritable",
        }
    }
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        Self {
            error_type: failure.error_type().to_owned(),
            error_message: failure.to_string(),
        }
    }
}

/// The response to an event, with what the log and the metrics need to know about it.
#[derive(Debug)]
pub struct Response {
    /// What Lambda gets: a payload, or an invocation error.
    pub payload: Result<Box<RawValue>, Failure>,
    /// The status of the HTTP response, if it is one.
    pub http_status: Option<StatusCode>,
    /// Why the whole request was refused. What is wrong with one of several messages is in its outcome.
    pub refused: Option<Refused>,
}

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The stable name of the error. None over HTTP, where the status says it.
    pub error_type: Option<&'static str>,
    /// What is wrong, for people.
    pub error: String,
}

impl Response {
    fn new(payload: Result<Box<RawValue>, Failure>) -> Self {
        Self {
            payload,
            http_status: None,
            refused: None,
        }
    }

    fn html(html: &str) -> Self {
        Self::new(to_raw_value(html).map_err(Failure::from))
    }

    fn http(response: http::Response, form: HttpForm) -> Self {
        Self {
            http_status: Some(response.status),
            ..Self::new(http::shape(response, form).map_err(Failure::from))
        }
    }

    fn problem(problem: Problem, form: HttpForm, invocation: Invocation<'_>) -> Self {
        let error = problem.detail.clone();
        Self {
            refused: Some(Refused {
                error_type: None,
                error,
            }),
            ..Self::http(http::problem(problem, invocation), form)
        }
    }

    fn refused_widget(error_type: &'static str, error: String) -> Self {
        let html = widget::refusal("Refused", &error);
        Self {
            refused: Some(Refused {
                error_type: Some(error_type),
                error,
            }),
            ..Self::html(&html)
        }
    }
}

/// Gives the answer the form that its source expects.
#[must_use]
pub fn respond(answer: &Answer, invocation: Invocation<'_>) -> Response {
    match answer {
        Answer::Report {
            report,
            messages,
            reply,
        } => respond_report(report, messages, reply, invocation),
        Answer::Job { id, view, form } => match http::job(*id, view) {
            Ok(body) => Response::http(http::Response::json(body), *form),
            Err(problem) => Response::problem(problem, *form, invocation),
        },
        Answer::Panel(panel) => match panel.as_ref() {
            Ok(panel) => Response::html(&widget::panel(panel, invocation.function_arn)),
            Err(error) => Response::refused_widget(error.error_type(), error.to_string()),
        },
        Answer::Document(Document::OpenApi(form)) => Response::http(http::openapi(), *form),
        Answer::Document(Document::Widget) => Response::html(widget::DOCUMENTATION),
        Answer::Refusal(Refusal::Http { problem, form }) => {
            Response::problem(problem.clone(), *form, invocation)
        }
        Answer::Refusal(Refusal::Widget(error)) => {
            Response::refused_widget(error.error_type(), error.to_string())
        }
    }
}

fn respond_report(
    report: &Report,
    messages: &[MessageOutcome],
    reply: &Reply,
    invocation: Invocation<'_>,
) -> Response {
    let json = || Ok(body::report(report, invocation, MAX_REPORT)?);
    match reply {
        Reply::Report => Response::new(
            invocation_error(report, messages, |message| message.fail_on_incomplete)
                .map_or_else(json, Err),
        ),
        Reply::InvocationError => {
            Response::new(invocation_error(report, messages, |_| true).map_or_else(json, Err))
        }
        Reply::BatchItemFailures => {
            Response::new(to_raw_value(&batch_item_failures(messages)).map_err(Failure::from))
        }
        Reply::Widget(reply) => {
            let function = invocation.function_arn;
            Response::html(&widget::report(report, messages, reply, function))
        }
        Reply::Http(form) => match http::report(report, messages, *form, invocation) {
            Ok(response) => Response::http(response, *form),
            Err(error) => Response::new(Err(error.into())),
        },
        Reply::HttpJob(form) => {
            Response::http(http::one_result(report, messages, invocation), *form)
        }
    }
}

/// The messages that must be delivered again: those with jobs left over, and in a FIFO queue also all later messages of
/// the same group, acted on or not, so that the order is kept.
fn batch_item_failures(messages: &[MessageOutcome]) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    let mut held_groups: BTreeSet<&str> = BTreeSet::new();
    for message in messages {
        let Some(id) = &message.id else { continue };
        let group = message.group.as_deref();
        let held = group.is_some_and(|group| held_groups.contains(group));
        if message.class != Class::Done || held {
            response.add_failure(id.clone());
            held_groups.extend(group);
        }
    }
    response
}

/// The invocation error for messages that cannot be read, and for jobs left over in the messages that `counts` selects.
fn invocation_error(
    report: &Report,
    messages: &[MessageOutcome],
    counts: impl Fn(&MessageOutcome) -> bool,
) -> Option<Failure> {
    let counted = |message: &&MessageOutcome| counts(message) || message.error.is_some();
    let classes = messages.iter().filter(counted).map(|message| message.class);
    let error = messages.iter().find_map(|message| message.error.clone());
    let summary = || body::summary(report);
    match (classes.max().unwrap_or(Class::Done), error) {
        (Class::Retryable, _) => Some(Failure::Incomplete(summary())),
        (_, Some(error)) => Some(error.into()),
        (Class::Rejected, None) => Some(Failure::Rejected(summary())),
        (Class::Done, None) => None,
    }
}
