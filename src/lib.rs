//! Ends AWS Batch jobs that an event names, and reports the outcome of every one of them.
//!
//! An event goes through one line: [`event::decode`] reads what is asked, [`intake`] finds the jobs, [`cancel`] looks,
//! plans, acts and looks again, and [`respond`] shapes the report for the event's source.

pub mod batch;
pub mod cancel;
pub mod config;
mod end;
pub mod event;
pub mod intake;
pub mod jobs;
pub mod look;
pub mod pace;
pub mod plan;
pub mod policy;
pub mod problem;
pub mod publish;
pub mod queue;
pub mod reasons;
pub mod report;
pub mod request;
pub mod respond;
pub mod select;
pub mod session;
pub mod telemetry;
mod text;

use std::time::Duration;

use jiff::Timestamp;
use lambda_runtime::LambdaEvent;
use serde_json::value::RawValue;
use tokio::time::Instant;

use batch::Batch;
use config::Config;
use event::{Command, Event, Message, Reply, Scope};
use intake::Invocation;
use pace::Pace;
use publish::Publisher;
use request::{JobId, OwnRegion};
use respond::{Answer, Failure, JobView};
use session::{Calls, Session};
use telemetry::Output;
use text::cut;

/// Time reserved to report, publish and log each job.
const MARGIN_A_JOB: Duration = Duration::from_micros(50);

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
            owner,
            command,
        } = match event::decode(&payload, &scope) {
            Ok(event) => event,
            Err(error) => return Err(self.refuse(error, &context, &calls, began).await),
        };
        drop(payload);
        let invocation = Invocation {
            source,
            requested_by: &cut(&requested_by),
            request_id: &context.request_id,
            function_arn: &context.invoked_function_arn,
            at: now.as_millisecond(),
            comes_again: command.comes_again(),
        };
        let session = Session {
            batch: &self.batch,
            pace: &self.pace,
            policy: &self.config.policy,
            owner: &owner,
            calls: &calls,
            deadline: self.deadline(&context, source),
        };
        let answer = Box::pin(answer(command, invocation, session)).await;
        let response = respond::respond(&answer, invocation);
        self.end(&answer, &response, invocation, &context, &calls, began)
            .await;
        response.payload
    }
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
        Command::ShowQueue { queue, form } => {
            let view = Box::pin(queue::show(&queue, invocation.at, session)).await;
            let view = view.map(Box::new);
            Answer::Queue { view, form }
        }
        Command::ListJobs { page, form } => Answer::Jobs {
            page: Box::pin(queue::list(&page, session)).await,
            form,
        },
        Command::Watch(request) => {
            Answer::Watch(Box::pin(queue::watch(&request, invocation.at, session)).await)
        }
        Command::Panel(request) => {
            let panel = Box::pin(queue::panel(request, invocation.at, session)).await;
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
