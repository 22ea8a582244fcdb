//! AWS Batch: the calls, and their errors classified once. The only room that knows `aws_sdk_batch`.

mod error;
mod listing;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_sdk_batch::{
    Client, Config,
    config::{BehaviorVersion, SharedHttpClient, retry::RetryConfig, timeout::TimeoutConfig},
    types::JobDetail,
};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::{
    Connector,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::{
    HttpConnectorSettings, SharedHttpConnector, http_client_fn,
};

pub use error::{CallError, ErrorKind};
pub use listing::{Filter, JobQueue, ListOf, Listed, Listing, Page};

use crate::request::{Action, JobId, Status};

/// The most ids in one `DescribeJobs` call ([API reference](https://docs.aws.amazon.com/batch/latest/APIReference/API_DescribeJobs.html)).
pub const DESCRIBE_LIMIT: usize = 100;

/// The most ids in one `CancelJobs`, `TerminateJobs` or `TerminateServiceJobs` call
/// ([API reference](https://docs.aws.amazon.com/batch/latest/APIReference/API_CancelJobs.html)).
pub const BULK_LIMIT: usize = 50;

/// How long the TCP and TLS handshakes may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// AWS Batch in one account and region.
#[derive(Clone, Debug)]
pub struct Batch {
    client: Client,
    bulk: Arc<Mutex<BulkCalls>>,
}

/// Whether the endpoint knows the bulk calls, which are younger than the others and which some emulators lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BulkCalls {
    /// None was answered yet.
    Untried,
    /// It answered one.
    Present,
    /// It does not.
    Absent,
}

/// A job as Batch shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// The job.
    pub id: JobId,
    /// Where it stands.
    pub status: Status,
    /// Batch says that it was cancelled.
    pub is_cancelled: bool,
    /// Batch says that it was terminated.
    pub is_terminated: bool,
    /// The ARN of its job queue.
    pub job_queue: String,
    /// Its name.
    pub job_name: String,
    /// Why it stands where it does.
    pub status_reason: Option<String>,
    /// When it was created, in milliseconds since 1970.
    pub created_at: i64,
    /// How many children it has, if it is an array parent.
    pub array_size: Option<u32>,
    /// The ARN of its job definition.
    pub job_definition: Option<String>,
    /// The share that it was submitted under.
    pub share_identifier: Option<String>,
    /// Its tags.
    pub tags: HashMap<String, String>,
}

/// Which call ends a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verb {
    /// `CancelJob` and `CancelJobs`.
    CancelJob,
    /// `TerminateJob` and `TerminateJobs`.
    TerminateJob,
    /// `TerminateServiceJob` and `TerminateServiceJobs`.
    TerminateServiceJob,
}

impl Verb {
    /// The call that does `action` to the job `id`.
    #[must_use]
    pub fn of(action: Action, id: JobId) -> Self {
        match action {
            _ if id.is_service_job() => Self::TerminateServiceJob,
            Action::Cancel => Self::CancelJob,
            Action::Terminate => Self::TerminateJob,
        }
    }

    /// The name of the operation that ends this many jobs.
    #[must_use]
    pub fn operation(self, jobs: usize) -> &'static str {
        match (self, jobs) {
            (Self::CancelJob, 1) => "CancelJob",
            (Self::CancelJob, _) => "CancelJobs",
            (Self::TerminateJob, 1) => "TerminateJob",
            (Self::TerminateJob, _) => "TerminateJobs",
            (Self::TerminateServiceJob, 1) => "TerminateServiceJob",
            (Self::TerminateServiceJob, _) => "TerminateServiceJobs",
        }
    }
}

/// The answer of a bulk call, which is 200 whatever happened to each job. A job in neither list was not answered for.
#[derive(Debug, Default)]
pub struct BulkAnswer {
    /// The jobs for which the call was accepted, also those that Batch does not know.
    pub accepted: Vec<JobId>,
    /// The jobs for which it was not.
    pub refused: Vec<(JobId, CallError)>,
}

/// The HTTP client for calls to AWS, with its trusted certificates loaded.
///
/// TLS is rustls on ring: aws-lc's entropy gathering costs 35 ms of CPU in every new process, before its first handshake.
/// The SDK's own client makes a connector for each combination of timeouts, one of them only to try whether it can, and
/// reads about 140 certificates for each; there is but one combination here.
#[must_use]
pub fn http_client() -> SharedHttpClient {
    let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT);
    let connector = SharedHttpConnector::new(
        Connector::builder()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .connector_settings(settings.build())
            .sleep_impl(TokioSleep::new())
            .build(),
    );
    http_client_fn(move |_, _| connector.clone())
}

/// The date that pins what the SDK does by default.
#[must_use]
pub fn behavior_version() -> BehaviorVersion {
    BehaviorVersion::v2026_01_12()
}

impl Batch {
    /// A client that never retries by itself: `pace` does, within the limits on calls and time that hold for all of them.
    #[must_use]
    pub fn new(config: impl Into<Config>) -> Self {
        let config = config
            .into()
            .to_builder()
            .retry_config(RetryConfig::disabled())
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT_TIMEOUT)
                    .build(),
            )
            .build();
        Self {
            client: Client::from_conf(config),
            bulk: Arc::new(Mutex::new(BulkCalls::Untried)),
        }
    }

    /// Whether the endpoint knows the bulk calls.
    #[must_use]
    pub fn bulk_calls(&self) -> BulkCalls {
        *self.bulk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A bulk call was answered. What was learned once is not unlearned: a 404 of an endpoint that answered before is
    /// some proxy's.
    pub fn learn_of_bulk_calls(&self, error: Option<ErrorKind>) {
        let mut known = self.bulk.lock().unwrap_or_else(PoisonError::into_inner);
        *known = match (*known, error) {
            (_, None) => BulkCalls::Present,
            (BulkCalls::Untried, Some(ErrorKind::NoSuchOperation)) => BulkCalls::Absent,
            (known, Some(_)) => known,
        };
    }

    /// What Batch shows of these jobs, at most [`DESCRIBE_LIMIT`]. Jobs that it does not know are left out.
    ///
    /// # Errors
    ///
    /// When the call was not answered.
    pub async fn describe_jobs(&self, ids: &[JobId]) -> Result<Vec<Seen>, CallError> {
        let ids = ids.iter().map(ToString::to_string).collect();
        let answer = self
            .client
            .describe_jobs()
            .set_jobs(Some(ids))
            .send()
            .await?;
        Ok(answer
            .jobs
            .unwrap_or_default()
            .into_iter()
            .filter_map(seen)
            .collect())
    }

    /// What Batch shows of a service job, or nothing if it does not know it.
    ///
    /// # Errors
    ///
    /// When the call was not answered.
    pub async fn describe_service_job(&self, id: JobId) -> Result<Option<Seen>, CallError> {
        let answer = match self
            .client
            .describe_service_job()
            .job_id(id.to_string())
            .send()
            .await
        {
            Ok(answer) => answer,
            Err(error) => {
                let error = CallError::from(error);
                return if error.says_not_found() {
                    Ok(None)
                } else {
                    Err(error)
                };
            }
        };
        Ok(Some(Seen {
            id,
            status: answer
                .status
                .map_or(Status::Unknown, |s| Status::from_batch(s.as_str())),
            is_cancelled: false,
            is_terminated: answer.is_terminated.unwrap_or_default(),
            job_queue: answer.job_queue.unwrap_or_default(),
            job_name: answer.job_name.unwrap_or_default(),
            status_reason: answer.status_reason,
            created_at: answer.created_at.unwrap_or_default(),
            array_size: None,
            job_definition: None,
            share_identifier: answer.share_identifier,
            tags: answer.tags.unwrap_or_default(),
        }))
    }

    /// Cancels or terminates one job.
    ///
    /// # Errors
    ///
    /// When Batch did not accept it. That it did says nothing: Batch also accepts jobs that run, ended or never were.
    pub async fn end_job(&self, verb: Verb, id: JobId, reason: &str) -> Result<(), CallError> {
        let id = id.to_string();
        match verb {
            Verb::CancelJob => drop(
                self.client
                    .cancel_job()
                    .job_id(id)
                    .reason(reason)
                    .send()
                    .await?,
            ),
            Verb::TerminateJob => drop(
                self.client
                    .terminate_job()
                    .job_id(id)
                    .reason(reason)
                    .send()
                    .await?,
            ),
            Verb::TerminateServiceJob => {
                drop(
                    self.client
                        .terminate_service_job()
                        .job_id(id)
                        .reason(reason)
                        .send()
                        .await?,
                );
            }
        }
        Ok(())
    }

    /// Cancels or terminates up to [`BULK_LIMIT`] jobs.
    ///
    /// # Errors
    ///
    /// When the call as a whole was not answered; [`ErrorKind::NoSuchOperation`] when the endpoint does not know it.
    pub async fn end_jobs(
        &self,
        verb: Verb,
        ids: &[JobId],
        reason: &str,
    ) -> Result<BulkAnswer, CallError> {
        let texts = Some(ids.iter().map(ToString::to_string).collect());
        let client = &self.client;
        // The three answers are of three types that look the same.
        macro_rules! bulk {
            ($call:ident) => {{
                let answer = client.$call().set_jobs(texts).reason(reason).send().await?;
                let errors = answer.errors.unwrap_or_default().into_iter();
                (
                    answer.successful.unwrap_or_default(),
                    errors
                        .map(|e| {
                            (
                                e.job.unwrap_or_default(),
                                CallError::of_item(
                                    &e.code.unwrap_or_default(),
                                    e.message.as_deref(),
                                ),
                            )
                        })
                        .collect::<Vec<_>>(),
                )
            }};
        }
        let (successful, errors) = match verb {
            Verb::CancelJob => bulk!(cancel_jobs),
            Verb::TerminateJob => bulk!(terminate_jobs),
            Verb::TerminateServiceJob => bulk!(terminate_service_jobs),
        };
        let read = |text: &str| match verb {
            Verb::TerminateServiceJob => JobId::service_from_batch(text),
            Verb::CancelJob | Verb::TerminateJob => JobId::from_batch(text),
        };
        Ok(BulkAnswer {
            accepted: successful.iter().filter_map(|id| read(id)).collect(),
            refused: errors
                .into_iter()
                .filter_map(|(id, error)| Some((read(&id)?, error)))
                .collect(),
        })
    }
}

/// A job without an id that can be read is as good as not there.
fn seen(job: JobDetail) -> Option<Seen> {
    Some(Seen {
        id: JobId::from_batch(job.job_id.as_deref()?)?,
        status: job
            .status
            .map_or(Status::Unknown, |s| Status::from_batch(s.as_str())),
        is_cancelled: job.is_cancelled.unwrap_or_default(),
        is_terminated: job.is_terminated.unwrap_or_default(),
        job_queue: job.job_queue.unwrap_or_default(),
        job_name: job.job_name.unwrap_or_default(),
        status_reason: job.status_reason,
        created_at: job.created_at.unwrap_or_default(),
        array_size: array_size(job.array_properties.and_then(|array| array.size)),
        job_definition: job.job_definition,
        share_identifier: job.share_identifier,
        tags: job.tags.unwrap_or_default(),
    })
}

/// Only a parent has a size; a child shows none, or zero.
fn array_size(size: Option<i32>) -> Option<u32> {
    size.and_then(|size| u32::try_from(size).ok())
        .filter(|&size| size > 0)
}
