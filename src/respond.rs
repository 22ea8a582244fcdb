//! The report in the form that the event's source expects.

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

/// The longest answer to whoever invokes the function: the state of a Step Functions execution holds 256 KiB.
const MAX_REPORT: body::SizeLimit = body::SizeLimit {
    plain: 200_000,
    escaped: usize::MAX,
};

/// What an event has led to, and how it is answered.
#[derive(Debug)]
pub enum Answer {
    /// Jobs were acted on.
    Report {
        /// The outcome of each job.
        report: Report,
        /// The outcome of each message.
        messages: Vec<MessageOutcome>,
        /// How the report is answered.
        reply: Reply,
    },
    /// A job is shown over HTTP.
    Job {
        /// The job.
        id: JobId,
        /// What may be shown of it.
        view: Result<JobView, CallError>,
        /// The shape of the HTTP response.
        form: HttpForm,
    },
    /// A job queue is shown on a dashboard.
    Panel(Box<Result<Panel, PanelError>>),
    /// A fixed text.
    Document(Document),
    /// The request cannot be fulfilled, and the answer says why.
    Refusal(Refusal),
}

/// What may be shown of a job.
#[derive(Debug)]
pub enum JobView {
    /// This.
    Job(Box<JobDetail>),
    /// Nothing: it is in a job queue that is not allowed.
    QueueNotAllowed,
    /// Nothing: Batch does not know it.
    Unknown,
}

/// An invocation that failed, so that Lambda tries it again and then hands the event to the on-failure destination.
#[derive(Error)]
pub enum Failure {
    /// The event, or a message of it, cannot be acted on.
    #[error("{0}")]
    Event(#[from] EventError),
    /// Something is worth another try.
    #[error("incomplete: {0}")]
    Incomplete(String),
    /// Something was refused for good.
    #[error("rejected: {0}")]
    Rejected(String),
    /// The answer could not be put into words. This cannot happen, and is not worth a panic.
    #[error("cannot write the answer: {0}")]
    Unwritable(#[from] serde_json::Error),
}

/// The runtime logs a failed invocation by this form, once and with the request's id; so it is made to be read.
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

/// The response to an event.
#[derive(Debug)]
pub struct Response {
    /// What Lambda is given: a payload, or an invocation error.
    pub payload: Result<Box<RawValue>, Failure>,
    /// The status of the HTTP response, if it is one.
    pub http_status: Option<StatusCode>,
    /// Why the request as a whole was not fulfilled. What is wrong with one of several messages is in its outcome.
    pub refused: Option<Refused>,
}

/// Why a request was not fulfilled, for the log and the metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The stable name of the error. Over HTTP the status stands for it.
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

/// The messages that are to be delivered again: those with something left, and behind one of a FIFO queue's message group
/// all later ones of the group, acted on or not, so that none overtakes it.
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

/// The error that hands back what is left over in the messages that `counts` selects, and what cannot be read in any.
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
        // Its time has not come, which is no fault of the event.
        (Class::Done | Class::TooSoon, None) => None,
    }
}
