//! The function and the emulator in one process: the real SDK client, whose HTTP requests reach the emulator without a
//! socket, so that tests can pause the clock.

use std::{sync::Arc, time::Duration};

use aws_sdk_batch::config::{
    Region, RuntimeComponents, SharedAsyncSleep,
    http::{HttpRequest, HttpResponse},
};
use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
    },
    result::ConnectorError,
};
use aws_smithy_types::body::SdkBody;
use batch_cancel::{
    App, Clock,
    batch::{Batch, behavior_version},
    config::Config,
    respond::Failure,
};
use batch_emulator::{Emulator, JobSpec, PositionTime, Queue, Status};
use jiff::Timestamp;
use lambda_runtime::{Context, Diagnostic, LambdaEvent};
use serde_json::{Value, value::RawValue};

use crate::samples::{self, Sample};

/// The ARN under which the function is invoked.
pub const FUNCTION_ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:batch-cancel";
/// The job queue of a new function's account.
pub const QUEUE: &str = "main-queue";
/// Its ARN.
pub const QUEUE_ARN: &str = "arn:aws:batch:eu-west-1:123456789012:job-queue/main-queue";

/// The default settings of a function in tests: all queues are allowed, and calls have no ceiling.
pub const SETTINGS: [(&str, &str); 2] = [("ALLOWED_QUEUES", "*"), ("API_CALLS_PER_SECOND", "0")];

/// The time of an emulator, which tests can pause and advance.
fn clock(emulator: &Emulator) -> Clock {
    let emulator = emulator.clone();
    Box::new(move || now(&emulator))
}

/// The time of an emulator.
pub fn now(emulator: &Emulator) -> Timestamp {
    Timestamp::UNIX_EPOCH + emulator.now()
}

/// The position of a job that has been there for so long.
pub fn first_for(emulator: &Emulator, age: Duration) -> PositionTime {
    PositionTime::At((now(emulator) - age).as_millisecond())
}

/// What becomes of the body of an answer on its way.
pub type Alter = fn(String) -> String;

/// An HTTP client that calls the emulator.
#[derive(Clone, Debug)]
struct InProcess(Emulator, Alter);

impl HttpClient for InProcess {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self(emulator, alter) = self.clone();
        HttpConnectorFuture::new(async move {
            let request = request
                .try_into_http1x()
                .map_err(|e| ConnectorError::other(e.into(), None))?;
            let request = request.map(|body| body.bytes().unwrap_or_default().to_vec().into());
            let dropped = || ConnectorError::io("connection reset".into());
            let response = emulator.call(request).await.map_err(|_| dropped())?;
            let (parts, body) = response.into_parts();
            let body = body.into_bytes().map_err(|_| dropped())?;
            let body = String::from_utf8(body.to_vec()).map_err(|_| dropped())?;
            let response = http::Response::from_parts(parts, SdkBody::from(alter(body)));
            HttpResponse::try_from(response).map_err(|e| ConnectorError::other(e.into(), None))
        })
    }
}

/// The function, connected to an emulator.
pub struct Function {
    /// The function.
    pub app: App,
    /// The AWS Batch that it calls.
    pub emulator: Emulator,
    /// The time that each invocation has.
    pub deadline: Duration,
    /// The request id of each invocation.
    pub request_id: String,
}

impl Function {
    /// A function on an account with an empty queue, with `SETTINGS` and these.
    pub fn new(settings: &[(&str, &str)]) -> Self {
        let emulator = Emulator::new();
        emulator.add_queue(Queue::new(QUEUE));
        Self::on(emulator, settings)
    }

    /// The same on an account whose answers are altered on their way.
    pub fn with_answers(settings: &[(&str, &str)], alter: Alter) -> Self {
        let emulator = Emulator::new();
        emulator.add_queue(Queue::new(QUEUE));
        let batch = batch_with(&emulator, alter);
        Self::with_batch(emulator, batch, settings)
    }

    /// A function on this account.
    pub fn on(emulator: Emulator, settings: &[(&str, &str)]) -> Self {
        let batch = batch(&emulator);
        Self::with_batch(emulator, batch, settings)
    }

    fn with_batch(emulator: Emulator, batch: Batch, settings: &[(&str, &str)]) -> Self {
        let settings: Vec<(String, String)> = SETTINGS
            .iter()
            .chain(settings)
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let config = Config::from_lookup(|name| {
            let found = settings.iter().rev().find(|(setting, _)| setting == name);
            found.map(|(_, value)| value.clone())
        })
        .unwrap();
        let mut app = App::new(config, batch);
        app.clock = clock(&emulator);
        Self {
            app,
            emulator,
            deadline: Duration::from_mins(1),
            request_id: request_id(1),
        }
    }

    /// A function on the demo account, with the settings that this sample needs and these.
    pub fn for_sample(sample: &Sample, settings: &[(&str, &str)]) -> Self {
        let settings = [sample.settings(), settings].concat();
        Self::on(samples::account(), &settings)
    }

    /// Adds a job to the queue.
    pub fn add(&self, status: Status) -> String {
        self.emulator.add_job(JobSpec::new(status).queue(QUEUE))
    }

    /// The answer to an event.
    ///
    /// # Errors
    ///
    /// The invocation failed.
    pub async fn invoke(&self, event: impl Into<Value>) -> Result<Value, Failure> {
        self.invoke_text(&event.into().to_string()).await
    }

    /// The answer to the text of an event.
    ///
    /// # Errors
    ///
    /// The invocation failed.
    pub async fn invoke_text(&self, event: &str) -> Result<Value, Failure> {
        let mut context = Context::default();
        context.request_id.clone_from(&self.request_id);
        FUNCTION_ARN.clone_into(&mut context.invoked_function_arn);
        let environment = Arc::make_mut(&mut context.env_config);
        "batch-cancel".clone_into(&mut environment.function_name);
        let deadline = self.emulator.now() + self.deadline;
        context.deadline = u64::try_from(deadline.as_millis()).unwrap();
        let payload = RawValue::from_string(event.to_owned()).expect("JSON");
        let answer = self.app.handle(LambdaEvent::new(payload, context)).await?;
        Ok(serde_json::from_str(answer.get()).unwrap())
    }
}

/// The request id of the invocation of this number.
pub fn request_id(number: usize) -> String {
    format!("8f5d1c2e-0000-4000-8000-{number:012}")
}

/// A failed invocation, as Lambda shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// The stable short name of the kind of error.
    pub error_type: String,
    /// The text for a reader.
    pub message: String,
}

/// A failure as Lambda shows it.
pub fn failed(failure: Failure) -> Failed {
    let diagnostic = Diagnostic::from(failure);
    Failed {
        error_type: diagnostic.error_type,
        message: diagnostic.error_message,
    }
}

/// A Batch client whose requests go to the emulator.
pub fn batch(emulator: &Emulator) -> Batch {
    batch_with(emulator, std::convert::identity)
}

/// The same, with answers that are altered on their way.
fn batch_with(emulator: &Emulator, alter: Alter) -> Batch {
    let config = aws_sdk_batch::Config::builder()
        .behavior_version(behavior_version())
        .region(Region::from_static("eu-west-1"))
        // A signature, which the emulator does not read, takes a tenth of a call's time. Those with a real one are in
        // tests/process.
        .allow_no_auth()
        .endpoint_url("http://batch.test")
        .sleep_impl(SharedAsyncSleep::new(
            aws_smithy_async::rt::sleep::TokioSleep::new(),
        ))
        .http_client(InProcess(emulator.clone(), alter))
        .build();
    Batch::new(config)
}

/// `jobId` → (`outcome`, `before`, `after`) of a report.
pub fn outcomes(report: &Value) -> Vec<(String, String, String, String)> {
    let text = |job: &Value, field: &str| job[field].as_str().unwrap_or_default().to_owned();
    report["jobs"]
        .as_array()
        .unwrap_or_else(|| panic!("no report: {report}"))
        .iter()
        .map(|job| {
            (
                text(job, "jobId"),
                text(job, "outcome"),
                text(job, "before"),
                text(job, "after"),
            )
        })
        .collect()
}

/// The outcome of a report's only job.
pub fn only_outcome(report: &Value) -> String {
    let all = outcomes(report);
    assert_eq!(all.len(), 1, "{report}");
    all[0].1.clone()
}
