//! Answers of Batch are read as the SDK reads them.

mod broken;
mod random;
mod sdk;

use aws_sdk_batch::{
    Client, Config,
    config::{
        Credentials, Region,
        http::{HttpRequest, HttpResponse},
    },
};
use aws_smithy_runtime_api::{
    client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;

use super::*;
use crate::batch::{Batch, DescribeJobs, Described, ErrorKind, Operation, behavior_version};

/// A job as Batch shows it, with what a job on EC2 has.
const RECORDED: &str = include_str!("../../../benches/job.json");

/// Its id.
const ID: &str = "1f0c7a52-6d2e-4f6b-9a53-0a7d3c1b9e01";

/// The status and body with which everything is answered.
#[derive(Clone, Debug, Default)]
struct Answers(Arc<Mutex<(u16, String)>>);

impl HttpConnector for Answers {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let (status, body) = self.0.lock().unwrap().clone();
        let status = StatusCode::try_from(status).unwrap();
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(body))))
    }
}

/// An endpoint that answers everything in one way, and two clients of it.
struct Endpoint {
    answers: Answers,
    ours: Batch,
    sdk: Client,
}

impl Endpoint {
    fn new() -> Self {
        let answers = Answers::default();
        let connector = SharedHttpConnector::new(answers.clone());
        let config = Config::builder()
            .behavior_version(behavior_version())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::for_tests())
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .build();
        Self {
            answers,
            ours: Batch::new(config.clone()),
            sdk: Client::from_conf(config),
        }
    }

    /// The same, which answers in this way from now on.
    fn answering(&self, status: u16, body: impl Into<String>) -> &Self {
        *self.answers.0.lock().unwrap() = (status, body.into());
        self
    }

    /// The same, which shows these jobs from now on.
    fn showing(&self, jobs: &[&str]) -> &Self {
        self.answering(200, answer(jobs))
    }

    /// What the function reads of the answer to a look at one job.
    async fn ours(&self) -> Result<Described, CallError> {
        let ids = [JobId::from_batch(ID).unwrap()];
        DescribeJobs(&ids).send(&self.ours).await
    }

    /// The jobs of the answer, by the SDK's own deserializer.
    async fn sdk(&self) -> Result<Vec<JobDetail>, CallError> {
        let call = self.sdk.describe_jobs().jobs(ID);
        let jobs = call.send().await?.jobs.unwrap_or_default();
        jobs.into_iter().map(sdk::used_of).collect()
    }
}

/// The body of an answer with these jobs.
fn answer(jobs: &[&str]) -> String {
    format!(r#"{{"jobs": [{}]}}"#, jobs.join(", "))
}

/// The jobs of an answer that can be read.
fn jobs_in(body: &str) -> Vec<JobDetail> {
    read_jobs(body.as_bytes()).unwrap().jobs
}

#[tokio::test]
async fn a_recorded_answer_is_read_as_the_sdk_reads_it() {
    let endpoint = Endpoint::new();
    endpoint.showing(&[RECORDED, RECORDED]);
    let jobs = endpoint.ours().await.unwrap().jobs;
    assert_eq!(jobs.len(), 2);
    assert_eq!(jobs[0].tags["Owner"], "alice");
    assert_eq!(Ok(jobs), endpoint.sdk().await);
}

#[tokio::test(start_paused = true)]
async fn errors_stay_the_sdks() {
    let refused = r#"{"__type": "ClientException", "message": "no"}"#;
    let denied = r#"{"__type": "AccessDeniedException"}"#;
    let endpoint = Endpoint::new();
    for (status, body, kind) in [
        (400, refused, ErrorKind::Refused),
        (403, denied, ErrorKind::Denied),
        (429, r#"{"jobs": []}"#, ErrorKind::Throttled),
        (500, r#"{"jobs": []}"#, ErrorKind::Server),
    ] {
        let error = endpoint.answering(status, body).ours().await.unwrap_err();
        assert_eq!(error.kind, kind, "{status}");
        assert_eq!(Err(error), endpoint.sdk().await);
    }
}

#[test]
fn what_nobody_reads_may_be_nested_deeply() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let job = format!(r#"{{"x": {deep}, "jobId": "{ID}"}}"#);
    let body = format!(r#"{{"x": {deep}, "jobs": [{job}]}}"#);
    assert_eq!(jobs_in(&body).len(), 1);
}

#[test]
fn times_that_no_calendar_has_are_none_and_long_texts_are_cut() {
    let long = "\u{0}🦀".repeat(300_000);
    let stopped_at = 1_764_066_311_000_i64;
    let job = serde_json::json!({
        "jobId": ID,
        "createdAt": i64::MAX,
        "startedAt": i64::MIN,
        "stoppedAt": stopped_at,
        "statusReason": long,
        "jobName": long,
        "attempts": [{"stoppedAt": stopped_at, "statusReason": long}],
    });
    let job = jobs_in(&answer(&[&job.to_string()])).remove(0);
    let summary = job.summary;
    assert_eq!((summary.created_at, summary.started_at), (None, None));
    let reason = summary.status_reason.unwrap();
    for text in [reason, summary.job_name, job.ran_to_end.unwrap()] {
        assert!(text.ends_with('…') && text.chars().count() < 1200);
    }
}
