//! The report in the form that the event's source expects.

mod body;
mod http;
mod widget;

use std::{collections::BTreeSet, fmt};

use aws_lambda_events::event::sqs::SqsBatchResponse;
use lambda_runtime::Diagnostic;
use serde_json::value::{RawValue, to_raw_value};
use thiserror::Error;

use crate::{
    batch::{CallError, JobDetail},
    event::{Document, EventError, HttpForm, Reply},
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
    /// An HTTP request was refused.
    Problem {
        /// Why.
        problem: Problem,
        /// The shape of the HTTP response.
        form: HttpForm,
    },
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

/// Gives the answer the form that its source expects.
///
/// # Errors
///
/// When that form is an invocation error.
pub fn respond(answer: Answer, invocation: Invocation<'_>) -> Result<Box<RawValue>, Failure> {
    Ok(match answer {
        Answer::Report {
            report,
            messages,
            reply,
        } => return respond_report(report, messages, reply, invocation),
        Answer::Job { id, view, form } => http::job(id, view, form, invocation)?,
        Answer::Panel(panel) => to_raw_value(&widget::panel(&panel, invocation.function_arn))?,
        Answer::Document(Document::OpenApi(form)) => http::openapi(form)?,
        Answer::Document(Document::Widget) => to_raw_value(widget::DOCUMENTATION)?,
        Answer::Problem { problem, form } => http::problem(problem, form, invocation)?,
    })
}

fn respond_report(
    report: Report,
    messages: Vec<MessageOutcome>,
    reply: Reply,
    invocation: Invocation<'_>,
) -> Result<Box<RawValue>, Failure> {
    Ok(match reply {
        Reply::Report => {
            raise(&report, messages, |message| message.fail_on_incomplete)?;
            body::report(&report, invocation, MAX_REPORT)?
        }
        Reply::InvocationError => {
            raise(&report, messages, |_| true)?;
            body::report(&report, invocation, MAX_REPORT)?
        }
        Reply::BatchItemFailures => to_raw_value(&batch_item_failures(messages))?,
        Reply::Widget => to_raw_value(&widget::report(&report, messages))?,
        Reply::Http(form) => http::report(&report, messages, form, invocation)?,
        Reply::HttpJob(form) => http::one_result(report, messages, form, invocation)?,
    })
}

/// The messages that are to be delivered again: those with something left, and behind one of a FIFO queue's message group
/// all later ones of the group, acted on or not, so that none overtakes it.
fn batch_item_failures(messages: Vec<MessageOutcome>) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    let mut held_groups: BTreeSet<String> = BTreeSet::new();
    for message in messages {
        let Some(id) = message.id else { continue };
        let held = message
            .group
            .as_ref()
            .is_some_and(|group| held_groups.contains(group));
        if message.class != Class::Done || held {
            response.add_failure(id);
            held_groups.extend(message.group);
        }
    }
    response
}

/// An error for what is left over in the messages that `wants` selects.
fn raise(
    report: &Report,
    messages: Vec<MessageOutcome>,
    wants: impl Fn(&MessageOutcome) -> bool,
) -> Result<(), Failure> {
    let mut worst = Class::Done;
    let mut error = None;
    for message in messages {
        if wants(&message) || message.error.is_some() {
            worst = worst.max(message.class);
        }
        error = error.or(message.error);
    }
    let summary = || body::summary(report);
    match (worst, error) {
        (Class::Retryable, _) => Err(Failure::Incomplete(summary())),
        (_, Some(error)) => Err(error.into()),
        (Class::Rejected, None) => Err(Failure::Rejected(summary())),
        // Its time has not come, which is no fault of the event.
        (Class::Done | Class::TooSoon, None) => Ok(()),
    }
}
