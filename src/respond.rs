//! The answer to an event, in the form that its source expects.

mod body;
mod failure;
mod http;
mod widget;

use std::collections::BTreeSet;

use ::http::StatusCode;
use aws_lambda_events::event::sqs::SqsBatchResponse;
use serde_json::value::{RawValue, to_raw_value};

use crate::{
    command::{HttpForm, Invocation, Reply, RequestRefused},
    problem::Problem,
    queue::{Panel, QueueError, Watch, WatchError},
    report::Class,
    results::{MessageOutcome, Results, Unfulfilled},
};

use body::SizeLimit;
use failure::invocation_error;

pub use failure::Failure;
pub use http::{job, jobs, queue};

/// The longest report as a direct or asynchronous answer: the state of a Step Functions execution holds 256 KiB.
const MAX_REPORT: SizeLimit = SizeLimit::new(200_000, usize::MAX);

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

impl Response {
    fn new(payload: Result<Box<RawValue>, impl Into<Failure>>) -> Self {
        let payload = payload.map_err(Into::into);
        let unfulfilled = payload.as_ref().err().map(|failure| Unfulfilled {
            error_type: Some(failure.error_type()),
            error: failure.to_string(),
            is_refused: false,
        });
        Self {
            payload,
            http_status: None,
            unfulfilled,
        }
    }

    /// An invocation error that says why the whole request was refused.
    pub(crate) fn refused(why: &RequestRefused) -> Self {
        Self {
            unfulfilled: Some(why.into()),
            ..Self::new(Err(why.clone()))
        }
    }

    fn html(html: &str) -> Self {
        Self::new(to_raw_value(html))
    }

    /// A body over HTTP, or a problem.
    fn http(body: Result<String, Problem>, form: HttpForm, invocation: Invocation<'_>) -> Self {
        let status = body
            .as_ref()
            .map_or_else(|problem| problem.status, |_| StatusCode::OK);
        Self {
            http_status: Some(status),
            ..Self::new(http::shape(body, form, invocation.request_id))
        }
    }

    /// A body that is shown over HTTP, or why it is not.
    pub(crate) fn shown(
        body: Result<String, Problem>,
        form: HttpForm,
        invocation: Invocation<'_>,
    ) -> Self {
        let unfulfilled = body.as_ref().err().map(|problem| Unfulfilled {
            error_type: None,
            error: problem.detail.clone(),
            is_refused: problem.status.is_client_error(),
        });
        let response = Self::http(body, form, invocation);
        Self {
            unfulfilled: unfulfilled.or(response.unfulfilled),
            ..response
        }
    }

    /// A widget that says what is wrong.
    pub(crate) fn widget_problem(unfulfilled: Unfulfilled) -> Self {
        let html = widget::problem(unfulfilled.is_refused, &unfulfilled.error);
        Self {
            unfulfilled: Some(unfulfilled),
            ..Self::html(&html)
        }
    }
}

/// The results of an invocation, in the form that its source expects.
#[must_use]
pub fn results(results: &Results, reply: &Reply, invocation: Invocation<'_>) -> Response {
    let json = || Ok(body::report(&results.report, invocation, MAX_REPORT)?);
    let report_or_error = |counts: fn(&MessageOutcome) -> bool| {
        Response::new(invocation_error(results, counts).map_or_else(json, Err))
    };
    match reply {
        Reply::Report => report_or_error(|message| message.fail_on_incomplete),
        // That a job's time has not come is no fault of the event, unless its sender asks for an error.
        Reply::InvocationError => {
            report_or_error(|message| message.fail_on_incomplete || message.class != Class::TooSoon)
        }
        Reply::BatchItemFailures => {
            Response::new(to_raw_value(&batch_item_failures(&results.messages)))
        }
        Reply::Widget(reply) => {
            Response::html(&widget::report(results, reply, invocation.function_arn))
        }
        Reply::Http(form) => match http::report(results, *form, invocation) {
            Ok(body) => Response::http(body, *form, invocation),
            Err(error) => Response::new(Err(error)),
        },
        Reply::HttpJob(form) => Response::http(http::one_result(results), *form, invocation),
    }
}

/// Job queues that were measured, or why none was.
#[must_use]
pub fn watch(watch: &Result<Watch, WatchError>) -> Response {
    match watch {
        Ok(watch) => Response::new(body::watch(watch, MAX_REPORT)),
        Err(WatchError::Refused(why)) => Response::refused(why),
        Err(WatchError::Incomplete(why)) => Response::new(Err(Failure::Incomplete(why.clone()))),
    }
}

/// A job queue on a dashboard, or why it is not shown.
pub(crate) fn panel(panel: &Result<Panel, QueueError>, invocation: Invocation<'_>) -> Response {
    match panel {
        Ok(panel) => Response::html(&widget::panel(panel, invocation.function_arn)),
        Err(error) => Response::widget_problem(Unfulfilled {
            error_type: Some(error.error_type()),
            error: error.to_string(),
            is_refused: error.is_refused(),
        }),
    }
}

/// The `OpenAPI` description of the routes.
pub(crate) fn openapi(form: HttpForm, invocation: Invocation<'_>) -> Response {
    Response::http(Ok(http::OPENAPI.to_owned()), form, invocation)
}

/// The documentation that the console shows beside a widget's parameters.
pub(crate) fn widget_documentation() -> Response {
    Response::html(widget::DOCUMENTATION)
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
