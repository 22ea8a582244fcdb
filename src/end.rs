//! The end of an invocation: the time that is kept for it, and what is published, logged and counted.

use std::time::{Duration, SystemTime};

use lambda_runtime::Context;
use tokio::time::Instant;

use crate::{
    App,
    event::{EventError, Reply, Source},
    intake::Invocation,
    publish::{self, Publication},
    respond::{Answer, Failure, Response},
    session::{Calls, Deadline},
    telemetry::{self, Ending},
};

/// Time reserved to build the response.
const MARGIN: Duration = Duration::from_millis(300);

/// Time reserved to publish a report.
const PUBLISHING: Duration = Duration::from_secs(1);

/// The most time that publishing gets, however much is left: a bus that cannot be reached must not cost minutes…
const MOST_PUBLISHING: Duration = Duration::from_secs(4);

/// … and this much more for each event.
const MOST_PUBLISHING_AN_EVENT: Duration = Duration::from_millis(100);

/// Time reserved to publish over HTTP, which is also the most time that it gets there.
const HTTP_PUBLISHING: Duration = Duration::from_secs(2);

/// How long an HTTP request may be worked on: API Gateway cuts the line at 29 or 30 s.
const HTTP_TIME: Duration = Duration::from_secs(25);

/// A deadline before 2001, in milliseconds since 1970, is no deadline…
const NO_DEADLINE_BEFORE: u64 = 978_307_200_000;

/// … and an invocation without one has this much time.
const WITHOUT_DEADLINE: Duration = Duration::from_mins(1);

impl App {
    /// What follows when an invocation has its response: its report is published, logged and counted.
    pub(crate) async fn end(
        &self,
        answer: &Answer,
        response: &Response,
        invocation: Invocation<'_>,
        context: &Context,
        calls: &Calls,
        began: Instant,
    ) {
        let not_published = match answer {
            Answer::Report {
                report,
                messages,
                reply,
            } if is_published(reply, response) => {
                let function = &context.env_config.function_name;
                let publication = Publication::of_report(function, invocation, report, messages);
                self.publish(&publication, context).await
            }
            _ => 0,
        };
        let ending = Ending {
            not_published,
            time: began.elapsed(),
            ..ending(invocation, answer, response)
        };
        self.record(&ending, context, calls);
    }

    /// An event that cannot be decoded is an invocation error, and a refusal on the bus.
    pub(crate) async fn refuse(
        &self,
        error: EventError,
        context: &Context,
        calls: &Calls,
        began: Instant,
    ) -> Failure {
        let publication = Publication {
            function: &context.env_config.function_name,
            request_id: &context.request_id,
            source: None,
            requested_by: None,
            report: None,
            messages: &[],
            error: Some(&error),
        };
        let not_published = self.publish(&publication, context).await;
        let ending = Ending {
            request_id: &context.request_id,
            error_type: Some(error.error_type()),
            error: Some(error.to_string()),
            is_refused: true,
            not_published,
            time: began.elapsed(),
            ..Ending::default()
        };
        self.record(&ending, context, calls);
        error.into()
    }

    /// Publishes what there is to publish, in the time that is left. Returns how many events could not be published.
    async fn publish(&self, publication: &Publication<'_>, context: &Context) -> usize {
        let Some(publisher) = &self.publisher else {
            return 0;
        };
        let Ok(entries) = publish::entries(publication) else {
            return 1;
        };
        let count = u32::try_from(entries.count_all()).unwrap_or(u32::MAX);
        let most = match publication.source {
            Some(Source::Http) => HTTP_PUBLISHING,
            _ => MOST_PUBLISHING + MOST_PUBLISHING_AN_EVENT.saturating_mul(count),
        };
        let time = time_left(context).saturating_sub(MARGIN).min(most);
        Box::pin(publisher.publish(entries, Deadline::after(time))).await
    }

    /// When the work of an event ends: before Lambda's deadline, and over HTTP before the gateway's. What is left is for
    /// publishing and for the response.
    pub(crate) fn deadline(&self, context: &Context, source: Source) -> Deadline {
        let left = time_left(context);
        let publishing = match (&self.publisher, source) {
            (None, _) => Duration::ZERO,
            (Some(_), Source::Http) => HTTP_PUBLISHING.min(left / 4),
            (Some(_), _) => PUBLISHING.min(left / 4),
        };
        let time = left.saturating_sub(MARGIN + publishing);
        Deadline::after(match source {
            Source::Http => time.min(HTTP_TIME),
            _ => time,
        })
    }

    /// Writes the log lines and the metrics of an invocation.
    fn record(&self, ending: &Ending<'_>, context: &Context, calls: &Calls) {
        telemetry::log_refused(ending);
        let Some(output) = &self.output else { return };
        let namespace = &self.config.metrics_namespace;
        let function = &context.env_config.function_name;
        telemetry::record(output, namespace, function, ending, calls);
    }
}

/// How an invocation ended.
fn ending<'a>(invocation: Invocation<'a>, answer: &'a Answer, response: &Response) -> Ending<'a> {
    let (report, messages) = match answer {
        Answer::Report {
            report, messages, ..
        } => (Some(report), messages.as_slice()),
        _ => (None, [].as_slice()),
    };
    let watch = match answer {
        Answer::Watch(watch) => watch.as_ref().ok(),
        _ => None,
    };
    let failure = response.payload.as_ref().err();
    let unfulfilled = response.unfulfilled.as_ref();
    Ending {
        request_id: invocation.request_id,
        source: Some(invocation.source),
        requested_by: Some(invocation.requested_by),
        report,
        messages,
        watch,
        http_status: response.http_status.map(|status| status.as_u16()),
        error_type: failure
            .map(Failure::error_type)
            .or_else(|| unfulfilled?.error_type),
        error: failure
            .map(ToString::to_string)
            .or_else(|| Some(unfulfilled?.error.clone())),
        is_refused: unfulfilled.is_some_and(|problem| problem.is_refused),
        ..Ending::default()
    }
}

/// Whether a report is published. What a dashboard shows by itself is not, nor is a refusal over HTTP: a flood of
/// unauthorized requests would be billed.
fn is_published(reply: &Reply, response: &Response) -> bool {
    let status = response.http_status;
    match reply {
        Reply::Http(_) | Reply::HttpJob(_) => {
            status.is_some_and(|status| !status.is_client_error())
        }
        Reply::Widget(reply) => reply.unconfirmed.is_none() && response.unfulfilled.is_none(),
        Reply::Report | Reply::InvocationError | Reply::BatchItemFailures => true,
    }
}

/// The time until Lambda's deadline. `cargo lambda watch` sends one shortly after 1970, which is none.
fn time_left(context: &Context) -> Duration {
    if context.deadline < NO_DEADLINE_BEFORE {
        return WITHOUT_DEADLINE;
    }
    let left = context.deadline().duration_since(SystemTime::now());
    left.unwrap_or_default()
}
