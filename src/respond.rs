//! The report in the form that the event's source expects.

mod body;
mod http;
mod widget;

use std::{collections::BTreeSet, fmt};

use aws_lambda_events::event::sqs::SqsBatchResponse;
use lambda_runtime::Diagnostic;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use thiserror::Error;

use crate::{
    batch::{CallError, Seen},
    event::{EventError, Reply, Source},
    gather::Fate,
    panel::{NoPanel, Panel},
    problem::Problem,
    report::{Class, Report},
    request::JobId,
};

/// The longest answer to whoever invokes the function: the state of a Step Functions execution holds 256 KiB.
const MAX_REPORT: body::Limit = body::Limit {
    plain: 200_000,
    escaped: usize::MAX,
};

/// What an event has led to.
#[derive(Debug)]
pub enum Answer {
    /// Jobs were acted on, and this became of each message.
    Report(Report, Vec<Fate>),
    /// What Batch shows of a job.
    Job(JobId, Result<Shown, CallError>),
    /// The description of the HTTP routes.
    OpenApi,
    /// What there is to see in a job queue, and the function's own ARN.
    Panel(Box<Result<Panel, NoPanel>>, String),
    /// What a dashboard's widget can do.
    Describe,
    /// Nothing.
    Problem(Problem),
}

/// What may be shown of a job.
#[derive(Debug)]
pub enum Shown {
    /// This.
    Job(Box<Seen>),
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

/// Gives the answer the form that is expected.
///
/// # Errors
///
/// When the form is an invocation error.
pub fn respond(
    answer: Answer,
    reply: &Reply,
    source: Source,
    request_id: &str,
) -> Result<Box<RawValue>, Failure> {
    if let Reply::Http { form, one_job } = reply {
        return http::respond(answer, *form, *one_job, source, request_id);
    }
    if *reply == Reply::Widget {
        return Ok(raw(&widget_html(answer))?);
    }
    let (report, fates) = match answer {
        Answer::Report(report, fates) => (report, fates),
        // Only HTTP and widgets ask for these.
        Answer::Job(..)
        | Answer::OpenApi
        | Answer::Panel(..)
        | Answer::Describe
        | Answer::Problem(_) => (Report::default(), Vec::new()),
    };
    match reply {
        Reply::BatchItemFailures => Ok(raw(&batch_item_failures(fates))?),
        Reply::Raise => {
            raise(&report, fates, |_| true)?;
            Ok(body::report(&report, source, request_id, MAX_REPORT)?)
        }
        Reply::Report | Reply::Widget | Reply::Http { .. } => {
            raise(&report, fates, |fate| fate.fail_on_incomplete)?;
            Ok(body::report(&report, source, request_id, MAX_REPORT)?)
        }
    }
}

/// What a dashboard shows. A viewer is told what is wrong rather than shown a failed widget.
fn widget_html(answer: Answer) -> String {
    match answer {
        Answer::Describe => widget::DOCUMENTATION.to_owned(),
        Answer::Panel(seen, function) => match *seen {
            Ok(panel) => widget::panel(&panel, &function),
            Err(why) => widget::no_panel(&why),
        },
        Answer::Report(report, fates) => match fates.into_iter().find_map(|fate| fate.error) {
            Some(error) => widget::error(&error),
            None => widget::report(&report),
        },
        Answer::Job(..) | Answer::OpenApi | Answer::Problem(_) => String::new(),
    }
}

fn raw(value: &impl Serialize) -> Result<Box<RawValue>, serde_json::Error> {
    to_raw_value(value)
}

/// The messages that are to be delivered again: those with something left, and behind one of a FIFO queue's message group
/// all later ones of the group, acted on or not, so that none overtakes it.
fn batch_item_failures(fates: Vec<Fate>) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    let mut held_groups: BTreeSet<String> = BTreeSet::new();
    for fate in fates {
        let Some(id) = fate.id else { continue };
        let held = fate
            .group
            .as_ref()
            .is_some_and(|group| held_groups.contains(group));
        if fate.class != Class::Done || held {
            response.add_failure(id);
            held_groups.extend(fate.group);
        }
    }
    response
}

/// Makes an error of what is left over in messages that `wants` one for.
fn raise(report: &Report, fates: Vec<Fate>, wants: impl Fn(&Fate) -> bool) -> Result<(), Failure> {
    let mut worst = Class::Done;
    let mut error = None;
    for fate in fates {
        if wants(&fate) || fate.error.is_some() {
            worst = worst.max(fate.class);
        }
        error = error.or(fate.error);
    }
    let summary = || body::summary(report);
    match (worst, error) {
        (Class::Retryable, _) => Err(Failure::Incomplete(summary())),
        (_, Some(error)) => Err(error.into()),
        (Class::Rejected, None) => Err(Failure::Rejected(summary())),
        (Class::Done, None) => Ok(()),
    }
}
