//! Ends AWS Batch jobs that an event names, and reports the outcome of every one of them.
//!
//! An event goes through one line: [`event::decode`] reads what is asked, `intake` finds the jobs, `cancel` looks,
//! plans, acts and looks again, and [`respond`] shapes the report for the event's source.

pub mod batch;
mod budget;
mod cancel;
pub mod command;
pub mod config;
pub mod event;
mod intake;
mod jobs;
mod look;
mod pace;
mod plan;
mod policy;
mod problem;
pub mod publish;
pub mod queue;
mod reasons;
pub mod report;
pub mod request;
pub mod respond;
mod results;
mod select;
pub mod session;
pub mod telemetry;
mod text;

use std::time::Duration;

use jiff::Timestamp;
use lambda_runtime::{Context, LambdaEvent};
use serde_json::value::RawValue;
use tokio::time::Instant;

use batch::Batch;
use command::{Command, Event, Invocation, Message};
use config::Config;
use event::Scope;
use pace::Pace;
pub use plan::{Intent, Plan, TagVerdict, plan_job};
pub use policy::{Owner, queue_name};
use publish::Publisher;
use request::OwnRegion;
use respond::{Failure, Response};
pub use results::{MessageOutcome, RequestAudit, Results, Unfulfilled};
use session::{Calls, Deadline, Session};
use telemetry::{Handled, InvocationRecord, Output};
use text::cut;

/// Time reserved to report, publish and log each job.
const MARGIN_A_JOB: Duration = Duration::from_micros(50);

/// The function: its settings, and its connection to AWS Batch. One lasts as long as the process.
pub struct App {
    config: Config,
    batch: Batch,
    pace: Pace,
    /// Publishes its reports.
    pub publisher: Option<Publisher>,
    /// Takes the lines that are always written: `jobs`, `done` and the metrics.
    pub output: Option<Output>,
    /// Tells the time of day, for ages and Lambda's deadline.
    pub clock: Clock,
}

/// Tells the time of day.
pub type Clock = Box<dyn Fn() -> Timestamp + Send + Sync>;

impl App {
    /// A function with these settings.
    #[must_use]
    pub fn new(config: Config, batch: Batch) -> Self {
        let pace = Pace::new(config.calls_per_second, config.concurrency);
        Self {
            config,
            batch,
            pace,
            publisher: None,
            output: None,
            clock: Box::new(Timestamp::now),
        }
    }

    /// Handles one event.
    ///
    /// # Errors
    ///
    /// When the event cannot be acted on at all, or something is left over and nothing else would say so: see
    /// [`Failure`]. What can go wrong with one job is in the report.
    pub async fn handle(
        &self,
        event: LambdaEvent<Box<RawValue>>,
    ) -> Result<Box<RawValue>, Failure> {
        self.handle_seen(event, |_| ()).await
    }

    /// The same, for a program that shows more than the answer: `see` gets what the invocation did.
    ///
    /// # Errors
    ///
    /// As [`App::handle`].
    pub async fn handle_seen(
        &self,
        event: LambdaEvent<Box<RawValue>>,
        see: impl FnOnce(&InvocationRecord<'_>),
    ) -> Result<Box<RawValue>, Failure> {
        let began = Instant::now();
        let LambdaEvent { payload, context } = event;
        let now = (self.clock)();
        let calls = Calls::default();
        let event = self.decode(&payload, &context, now);
        drop(payload);
        let requested_by = event.requested_by.as_deref().map(cut);
        let invocation = Invocation {
            source: event.source,
            requested_by: requested_by.as_deref(),
            request_id: &context.request_id,
            function_arn: &context.invoked_function_arn,
            function_name: &context.env_config.function_name,
            at: now.as_millisecond(),
            comes_again: event.command.comes_again(),
        };
        let deadline = self.deadline(&context, event.source);
        let session = self.session(&event.owner, &calls, deadline);
        let (response, handled) = Box::pin(act(event.command, invocation, session)).await;
        let published = self.publish(&handled, &response, invocation, &context);
        let record = InvocationRecord {
            invocation,
            handled: &handled,
            http_status: response.http_status.map(|status| status.as_u16()),
            unfulfilled: response.unfulfilled.as_ref(),
            not_published: published.await,
            calls: &calls,
            time: began.elapsed(),
        };
        let namespace = &self.config.metrics_namespace;
        telemetry::record(self.output.as_ref(), namespace, &record);
        see(&record);
        response.payload
    }

    /// What one invocation, or one command of a program, works with.
    #[must_use]
    pub fn session<'a>(
        &'a self,
        owner: &'a Owner,
        calls: &'a Calls,
        deadline: Deadline,
    ) -> Session<'a> {
        Session {
            batch: &self.batch,
            pace: &self.pace,
            policy: &self.config.policy,
            owner,
            calls,
            deadline,
            control: None,
        }
    }

    /// What an event asks for.
    fn decode(&self, payload: &RawValue, context: &Context, now: Timestamp) -> Event {
        let scope = Scope {
            config: &self.config,
            own_region: &OwnRegion::from_function_arn(&context.invoked_function_arn),
            now,
        };
        event::decode(payload, &scope).unwrap_or_else(Event::from)
    }
}

/// Does what a command asks for.
async fn act(
    command: Command,
    invocation: Invocation<'_>,
    session: Session<'_>,
) -> (Response, Handled) {
    let response = match command {
        Command::Cancel { messages, reply } => {
            let results = end_jobs(messages, invocation, session).await;
            let response = respond::results(&results, &reply, invocation);
            return (response, Handled::Results { results, reply });
        }
        Command::ShowJob { id, form } => {
            let is_allowed = |queue: &str| session.policy.allowed_queues.contain(queue);
            let body = respond::job(id, session.look(id).await, is_allowed);
            Response::shown(body, form, invocation)
        }
        Command::ShowQueue { queue, form } => {
            let view = Box::pin(queue::show(&queue, invocation.at, session)).await;
            Response::shown(respond::queue(view), form, invocation)
        }
        Command::ListJobs { page, form } => {
            let page = Box::pin(queue::list(&page, session)).await;
            Response::shown(respond::jobs(page), form, invocation)
        }
        Command::Watch(request) => {
            let watch = Box::pin(queue::watch(&request, invocation.at, session)).await;
            let response = respond::watch(&watch);
            return (response, watch.map_or(Handled::Shown, Handled::Watch));
        }
        Command::Panel(request) => {
            let panel = Box::pin(queue::panel(request, invocation.at, session)).await;
            respond::panel(&panel, invocation)
        }
        Command::OpenApi(form) => respond::openapi(form, invocation),
        Command::WidgetDocumentation => respond::widget_documentation(),
        Command::RefuseEvent(why) => return (Response::refused(&why), Handled::Undecoded(why)),
        Command::RefuseHttp { problem, form } => Response::shown(Err(problem), form, invocation),
        Command::RefuseWidget(why) => Response::widget_problem((&why).into()),
    };
    (response, Handled::Shown)
}

/// Cancels or terminates the jobs that messages name, as far as the policy admits them and the time lasts.
pub async fn end_jobs(
    messages: Vec<Message>,
    invocation: Invocation<'_>,
    session: Session<'_>,
) -> Results {
    let (jobs, pending) = Box::pin(intake::intake(messages, invocation, session)).await;
    let count = u32::try_from(jobs.len()).unwrap_or(u32::MAX);
    let deadline = session.deadline.earlier(MARGIN_A_JOB.saturating_mul(count));
    let jobs = cancel::cancel(jobs, session.until(deadline)).await;
    intake::results(pending, jobs, session.policy)
}
