//! Cancels AWS Batch jobs that an event names, and reports what came of every one of them.
//!
//! An event goes through one line: [`event::decode`] says what is asked, [`gather`] makes jobs of it, [`cancel`] looks,
//! decides, acts and looks again, and [`respond`] gives the report the form that the event's source expects.

pub mod batch;
pub mod call;
pub mod cancel;
pub mod config;
pub mod event;
pub mod gather;
pub mod jobs;
pub mod look;
pub mod pace;
pub mod panel;
pub mod plan;
pub mod policy;
pub mod problem;
pub mod report;
pub mod request;
pub mod respond;
pub mod select;
pub mod telemetry;

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use lambda_runtime::{Context, LambdaEvent};
use serde_json::value::RawValue;
use tokio::time::Instant;

use batch::Batch;
use cancel::Tools;
use config::Config;
use event::{Ask, Event, Scope, Source};
use gather::Asker;
use pace::Pace;
use report::Report;
use request::{Home, JobId};
use respond::{Answer, Failure, Shown};
use telemetry::Calls;

/// What is kept back of the time, to answer in.
const MARGIN: Duration = Duration::from_millis(300);

/// What is kept back for each job, to log and to report it.
const MARGIN_A_JOB: Duration = Duration::from_micros(15);

/// How long an HTTP request may be worked on: API Gateway cuts the line at 29 or 30 s.
const HTTP_TIME: Duration = Duration::from_secs(25);

/// The function: its settings, and its connection to AWS Batch. One lasts as long as the process.
#[derive(Debug)]
pub struct App {
    config: Config,
    batch: Batch,
    pace: Pace,
    metrics: Option<fn(&str)>,
}

impl App {
    /// A function with these settings.
    #[must_use]
    pub fn new(config: Config, batch: Batch) -> Self {
        let pace = Pace::new(config.calls_per_second, config.concurrency);
        Self {
            config,
            batch,
            pace,
            metrics: None,
        }
    }

    /// The same function, with a place for its lines of metrics.
    #[must_use]
    pub fn with_metrics(self, metrics: fn(&str)) -> Self {
        Self {
            metrics: Some(metrics),
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
        let LambdaEvent { payload, context } = event;
        let home = Home::from_function_arn(&context.invoked_function_arn);
        let arrived = Timestamp::now();
        let scope = Scope {
            config: &self.config,
            home: &home,
            now: arrived,
        };
        let event = event::decode(&payload, &scope)?;
        drop(payload);
        let calls = Calls::default();
        let (reply, source) = (event.reply.clone(), event.source);
        let answer = self.answer(event, &context, arrived, &calls).await;
        let (report, fates) = match &answer {
            Answer::Report(report, fates) => (report, fates.as_slice()),
            _ => (&Report::default(), [].as_slice()),
        };
        telemetry::log_report(&context.request_id, source.as_str(), report, fates, &calls);
        if let Some(print) = self.metrics {
            let (namespace, function) = (
                &self.config.metrics_namespace,
                &context.env_config.function_name,
            );
            let line = telemetry::metrics(namespace, function, source.as_str(), report, &calls);
            line.as_deref().map(print);
        }
        respond::respond(answer, &reply, source, &context.request_id)
    }

    async fn answer(
        &self,
        event: Event,
        context: &Context,
        arrived: Timestamp,
        calls: &Calls,
    ) -> Answer {
        let left = time_left(context, event.source);
        match event.ask {
            Ask::Cancel(messages) => {
                let asker = Asker {
                    source: event.source.as_str(),
                    by: &event.by,
                    request_id: &context.request_id,
                    at: arrived.as_millisecond(),
                };
                let tools = self.tools(calls, left.saturating_sub(MARGIN));
                let (jobs, gathered) = Box::pin(gather::gather(messages, asker, tools)).await;
                let margin =
                    MARGIN_A_JOB.saturating_mul(u32::try_from(jobs.len()).unwrap_or(u32::MAX));
                let stop_at = tools.stop_at.checked_sub(margin).unwrap_or(tools.stop_at);
                let jobs = cancel::cancel(jobs, Tools { stop_at, ..tools }).await;
                let fates = gather::fates(gathered, &jobs);
                let mut report = jobs.into_report();
                report.dry_run |= self.config.policy.dry_run;
                if report.count() == 0 {
                    let why = fates.iter().find_map(|fate| fate.ignored.clone());
                    report.ignored = report.ignored.or(why);
                }
                Answer::Report(report, fates)
            }
            Ask::ShowJob(id) => {
                self.show_job(id, self.tools(calls, left.saturating_sub(MARGIN)))
                    .await
            }
            Ask::OpenApi => Answer::OpenApi,
            Ask::Describe => Answer::Describe,
            Ask::Panel(asked) => {
                let tools = self.tools(calls, left.saturating_sub(MARGIN));
                let seen = Box::pin(panel::panel(asked, arrived.as_millisecond(), tools)).await;
                Answer::Panel(Box::new(seen), context.invoked_function_arn.clone())
            }
            Ask::Refuse(problem) => Answer::Problem(problem),
        }
    }

    async fn show_job(&self, id: JobId, tools: Tools<'_>) -> Answer {
        let allowed = &self.config.policy.allowed_queues;
        let looked = look::look(id, tools).await.map(|seen| match seen {
            Some(seen) if allowed.contain(&seen.job_queue) => Shown::Job(Box::new(seen)),
            Some(_) => Shown::QueueNotAllowed,
            None => Shown::Unknown,
        });
        Answer::Job(id, looked)
    }

    fn tools<'a>(&'a self, calls: &'a Calls, time: Duration) -> Tools<'a> {
        Tools {
            batch: &self.batch,
            pace: &self.pace,
            policy: &self.config.policy,
            calls,
            stop_at: Instant::now() + time,
        }
    }
}

/// How long an event may be worked on.
fn time_left(context: &Context, source: Source) -> Duration {
    let left = context
        .deadline()
        .duration_since(SystemTime::now())
        .unwrap_or_default();
    match source {
        Source::Http => left.min(HTTP_TIME),
        _ => left,
    }
}
