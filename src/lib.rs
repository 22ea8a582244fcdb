//! Ends AWS Batch jobs that an event names, and reports the outcome of every one of them.
//!
//! An event goes through one line: [`event::decode`] reads what is asked, [`intake`] finds the jobs, [`cancel`] looks,
//! plans, acts and looks again, and [`respond`] shapes the report for the event's source.

pub mod batch;
pub mod cancel;
pub mod config;
pub mod event;
pub mod intake;
pub mod jobs;
pub mod pace;
pub mod panel;
pub mod plan;
pub mod policy;
pub mod problem;
pub mod publish;
pub mod reasons;
pub mod report;
pub mod request;
pub mod respond;
pub mod select;
pub mod session;
pub mod telemetry;
pub mod watch;

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use lambda_runtime::{Context, LambdaEvent};
use serde_json::value::RawValue;
use tokio::time::Instant;

use batch::Batch;
use config::Config;
use event::{Command, Event, EventError, Message, Reply, Scope, Source};
use intake::Invocation;
use pace::Pace;
use publish::{Publication, Publisher};
use request::{JobId, OwnRegion};
use respond::{Answer, Failure, JobView, Response};
use session::{Calls, Deadline, Session};
use telemetry::{Ending, Output};

/// Time reserved to build the response.
const MARGIN: Duration = Duration::from_millis(300);

/// Time reserved to report, publish and log each job.
const MARGIN_A_JOB: Duration = Duration::from_micros(50);

/// Time reserved to publish a report.
const PUBLISHING: Duration = Duration::from_secs(1);

/// The same over HTTP, where it is also the most time that publishing gets.
const HTTP_PUBLISHING: Duration = Duration::from_secs(2);

/// How long an HTTP request may be worked on: API Gateway cuts the line at 29 or 30 s.
const HTTP_TIME: Duration = Duration::from_secs(25);

/// The function: its settings, and its connection to AWS Batch. One lasts as long as the process.
pub struct App {
    config: Config,
    batch: Batch,
    pace: Pace,
    publisher: Option<Publisher>,
    output: Option<Output>,
    clock: Clock,
}

/// Tells the time of day, by which ages are told.
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

    /// The same function with another clock, by which ages are told.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// The same function, which publishes its reports.
    #[must_use]
    pub fn with_publisher(self, publisher: Option<Publisher>) -> Self {
        Self { publisher, ..self }
    }

    /// The same function, which hands `output` the lines that are always written: `jobs`, `done` and the metrics.
    #[must_use]
    pub fn with_output(self, output: Output) -> Self {
        Self {
            output: Some(output),
            ..self
        }
    }

    /// Handles one event.
    ///
    /// # Errors
    ///
    /// When the event cannot be acted on at all, or something is left over and nobody else would be told: see
    /// [`Failure`]. What can go wrong with one job is in the report.
    pub async fn handle(
        &self,
        event: LambdaEvent<Box<RawValue>>,
    ) -> Result<Box<RawValue>, Failure> {
        let began = Instant::now();
        let LambdaEvent { payload, context } = event;
        let now = (self.clock)();
        let scope = Scope {
            config: &self.config,
            own_region: &OwnRegion::from_function_arn(&context.invoked_function_arn),
            now,
        };
        let calls = Calls::default();
        let Event {
            source,
            requested_by,
            command,
        } = match event::decode(&payload, &scope) {
            Ok(event) => event,
            Err(error) => return Err(self.refuse(error, &context, &calls, began).await),
        };
        drop(payload);
        let invocation = Invocation {
            source,
            requested_by: &requested_by,
            request_id: &context.request_id,
            function_arn: &context.invoked_function_arn,
            at: now.as_millisecond(),
            comes_again: command.comes_again(),
        };
        let session = Session {
            batch: &self.batch,
            pace: &self.pace,
            policy: &self.config.policy,
            calls: &calls,
            deadline: self.deadline(&context, source),
        };
        let answer = Box::pin(answer(command, invocation, session)).await;
        let response = respond::respond(&answer, invocation);
        let not_published = match &answer {
            Answer::Report {
                report,
                messages,
                reply,
            } if is_published(reply, &response) => {
                let function = &context.env_config.function_name;
                let publication = Publication::of_report(function, invocation, report, messages);
                self.publish(&publication, &context).await
            }
            _ => 0,
        };
        let ending = Ending {
            not_published,
            time: began.elapsed(),
            ..ending(invocation, &answer, &response)
        };
        self.record(&ending, &context, &calls);
        response.payload
    }

    /// An event that cannot be decoded is an invocation error, and a refusal on the bus.
    async fn refuse(
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
        let time = match publication.source {
            Some(Source::Http) => time_left(context).min(HTTP_PUBLISHING),
            _ => time_left(context),
        };
        let deadline = Deadline::after(time.saturating_sub(MARGIN));
        match publish::entries(publication) {
            Ok(entries) => Box::pin(publisher.publish(entries, deadline)).await,
            Err(_) => 1,
        }
    }

    /// When the work of an event ends: before Lambda's deadline, and over HTTP before the gateway's. What is left is for
    /// publishing and for the response.
    fn deadline(&self, context: &Context, source: Source) -> Deadline {
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

/// The time until Lambda's deadline.
fn time_left(context: &Context) -> Duration {
    let left = context.deadline().duration_since(SystemTime::now());
    left.unwrap_or_default()
}

/// Does what a command asks for.
async fn answer(command: Command, invocation: Invocation<'_>, session: Session<'_>) -> Answer {
    match command {
        Command::Cancel { messages, reply } => {
            cancel_jobs(messages, reply, invocation, session).await
        }
        Command::ShowJob { id, form } => Answer::Job {
            id,
            view: show_job(id, session).await,
            form,
        },
        Command::Watch(request) => {
            Answer::Watch(Box::pin(watch::watch(&request, invocation.at, session)).await)
        }
        Command::Panel(request) => {
            let panel = Box::pin(panel::panel(request, invocation.at, session)).await;
            Answer::Panel(Box::new(panel))
        }
        Command::Document(document) => Answer::Document(document),
        Command::Refuse(refusal) => Answer::Refusal(refusal),
    }
}

async fn cancel_jobs(
    messages: Vec<Message>,
    reply: Reply,
    invocation: Invocation<'_>,
    session: Session<'_>,
) -> Answer {
    let (jobs, pending) = Box::pin(intake::intake(messages, invocation, session)).await;
    let count = u32::try_from(jobs.len()).unwrap_or(u32::MAX);
    let deadline = session.deadline.earlier(MARGIN_A_JOB.saturating_mul(count));
    let jobs = cancel::cancel(jobs, session.until(deadline)).await;
    let (report, messages) = intake::finish(pending, jobs, session.policy);
    Answer::Report {
        report,
        messages,
        reply,
    }
}

async fn show_job(id: JobId, session: Session<'_>) -> Result<JobView, batch::CallError> {
    let allowed = &session.policy.allowed_queues;
    Ok(match session.look(id).await? {
        Some(job) if allowed.contain(&job.job_queue) => JobView::Job(Box::new(job)),
        Some(_) => JobView::QueueNotAllowed,
        None => JobView::Unknown,
    })
}
