//! How the time of an invocation is divided between its work, publishing and the response; and what is published.

use std::time::Duration;

use lambda_runtime::Context;

use crate::{
    App,
    command::{Invocation, Reply, Source},
    publish::{self, Publication},
    respond::Response,
    session::Deadline,
    telemetry::Handled,
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
    /// Publishes what there is to publish of an invocation, in the time that is left. Returns how many events could not be
    /// published.
    pub(crate) async fn publish(
        &self,
        handled: &Handled,
        response: &Response,
        invocation: Invocation<'_>,
        context: &Context,
    ) -> usize {
        let publication = match handled {
            Handled::Results { results, reply } if is_published(reply, response) => {
                Publication::Results(results)
            }
            Handled::Undecoded(why) => Publication::Refused(why),
            Handled::Results { .. } | Handled::Watch(_) | Handled::Shown => return 0,
        };
        let Some(publisher) = &self.publisher else {
            return 0;
        };
        let Ok(entries) = publish::entries(publication, invocation) else {
            return 1;
        };
        let count = u32::try_from(entries.count_all()).unwrap_or(u32::MAX);
        let most = if is_cut_by_gateway(invocation.source) {
            HTTP_PUBLISHING
        } else {
            MOST_PUBLISHING + MOST_PUBLISHING_AN_EVENT.saturating_mul(count)
        };
        let time = self.time_left(context).saturating_sub(MARGIN).min(most);
        Box::pin(publisher.publish(entries, Deadline::after(time))).await
    }

    /// When the work of an event has to be finished: before Lambda's deadline, and over HTTP before the gateway's. What is
    /// left is for publishing and for the response.
    pub(crate) fn deadline(&self, context: &Context, source: Option<Source>) -> Deadline {
        let (most, publishing) = if is_cut_by_gateway(source) {
            (HTTP_TIME, HTTP_PUBLISHING)
        } else {
            (Duration::MAX, PUBLISHING)
        };
        let left = self.time_left(context);
        let publishing = self.publisher.as_ref().map(|_| publishing.min(left / 4));
        let time = left.saturating_sub(MARGIN + publishing.unwrap_or_default());
        Deadline::after(time.min(most))
    }

    /// The time until Lambda's deadline. `cargo lambda watch` sends one shortly after 1970, which is none.
    fn time_left(&self, context: &Context) -> Duration {
        if context.deadline < NO_DEADLINE_BEFORE {
            return WITHOUT_DEADLINE;
        }
        let now = u64::try_from((self.clock)().as_millisecond()).unwrap_or_default();
        Duration::from_millis(context.deadline.saturating_sub(now))
    }
}

/// Whether the line to whoever asks is cut before Lambda's deadline.
fn is_cut_by_gateway(source: Option<Source>) -> bool {
    use Source::{Alarm, Direct, EventBridge, Http, Pipes, Sns, Sqs, Widget};
    match source {
        Some(Http) => true,
        Some(Direct | Sqs | Sns | Pipes | EventBridge | Alarm | Widget) | None => false,
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
        Reply::Widget(reply) => reply.unconfirmed.is_none(),
        Reply::Report | Reply::InvocationError | Reply::BatchItemFailures => true,
    }
}
