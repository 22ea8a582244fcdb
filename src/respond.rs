//! The answer to an event, in the form that its source expects.

mod body;
mod failure;
mod http;
mod watch;
mod widget;

use std::collections::BTreeSet;

use ::http::StatusCode;
use aws_lambda_events::event::sqs::SqsBatchResponse;
use serde_json::value::{RawValue, to_raw_value};

use crate::{
    batch::{CallError, JobDetail},
    event::{Document, HttpForm, Refusal, Reply},
    intake::{Invocation, MessageOutcome},
    problem::Problem,
    queue::{JobPage, Panel, QueueError, QueueView, Watch, WatchError},
    report::{Class, Report},
    request::JobId,
};

use failure::invocation_error;

pub use failure::Failure;

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
    /// A job queue, shown over HTTP.
    Queue {
        /// The queue, measured, or why it is not shown.
        view: Result<Box<QueueView>, QueueError>,
        /// The shape of the HTTP response.
        form: HttpForm,
    },
    /// A page of a queue's jobs, shown over HTTP.
    Jobs {
        /// The page, or why it is not shown.
        page: Result<JobPage, QueueError>,
        /// The shape of the HTTP response.
        form: HttpForm,
    },
    /// Job queues, measured.
    Watch(Result<Watch, WatchError>),
    /// A job queue, shown on a dashboard.
    Panel(Box<Result<Panel, QueueError>>),
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

/// The response to an event, with what the log and the metrics need to know about it.
#[derive(Debug)]
pub struct Response {
    /// What Lambda gets: a payload, or an invocation error.
    pub payload: Result<Box<RawValue>, Failure>,
    /// The status of the HTTP response, if it is one.
    pub http_status: Option<StatusCode>,
    /// Why the whole request was not fulfilled. What is wrong with one of several messages is in its outcome.
    pub unfulfilled: Option<Unfulfilled>,
}

/// Why a request was not fulfilled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfulfilled {
    /// The stable name of the error. None over HTTP, where the status says it.
    pub error_type: Option<&'static str>,
    /// What is wrong, in readable words.
    pub error: String,
    /// The request was refused. False if AWS Batch did not answer it.
    pub is_refused: bool,
}

impl Response {
    fn new(payload: Result<Box<RawValue>, Failure>) -> Self {
        Self {
            payload,
            http_status: None,
            unfulfilled: None,
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

    /// A body that is shown over HTTP, or why it is not.
    fn shown(body: Result<String, Problem>, form: HttpForm, invocation: Invocation<'_>) -> Self {
        match body {
            Ok(body) => Self::http(http::Response::json(body), form),
            Err(problem) => Self::problem(problem, form, invocation),
        }
    }

    fn problem(problem: Problem, form: HttpForm, invocation: Invocation<'_>) -> Self {
        let unfulfilled = Unfulfilled {
            error_type: None,
            error: problem.detail.clone(),
            is_refused: problem.status.is_client_error(),
        };
        Self {
            unfulfilled: Some(unfulfilled),
            ..Self::http(http::problem(problem, invocation), form)
        }
    }

    fn widget_problem(unfulfilled: Unfulfilled) -> Self {
        let html = widget::problem(unfulfilled.is_refused, &unfulfilled.error);
        Self {
            unfulfilled: Some(unfulfilled),
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
        Answer::Job { id, view, form } => Response::shown(http::job(*id, view), *form, invocation),
        Answer::Queue { view, form } => Response::shown(http::queue(view), *form, invocation),
        Answer::Jobs { page, form } => Response::shown(http::jobs(page), *form, invocation),
        Answer::Watch(Ok(watch)) => Response::new(watch::watch(watch).map_err(Failure::from)),
        Answer::Watch(Err(error)) => Response {
            unfulfilled: Some(watch::unfulfilled(error)),
            ..Response::new(Err(error.clone().into()))
        },
        Answer::Panel(panel) => match panel.as_ref() {
            Ok(panel) => Response::html(&widget::panel(panel, invocation.function_arn)),
            Err(error) => Response::widget_problem(Unfulfilled {
                error_type: Some(error.error_type()),
                error: error.to_string(),
                is_refused: error.is_refused(),
            }),
        },
        Answer::Document(Document::OpenApi(form)) => Response::http(http::openapi(), *form),
        Answer::Document(Document::Widget) => Response::html(widget::DOCUMENTATION),
        Answer::Refusal(Refusal::Http { problem, form }) => {
            Response::problem(problem.clone(), *form, invocation)
        }
        Answer::Refusal(Refusal::Widget(error)) => Response::widget_problem(Unfulfilled {
            error_type: Some(error.error_type()),
            error: error.to_string(),
            is_refused: true,
        }),
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
        Reply::InvocationError => Response::new(
            // That a job's time has not come is no fault of the event, unless its sender asks for an error.
            invocation_error(report, messages, |message| {
                message.fail_on_incomplete || message.class != Class::TooSoon
            })
            .map_or_else(json, Err),
        ),
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
