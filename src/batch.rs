//! AWS Batch: the calls, and their errors classified once. Only this module names `aws_sdk_batch`.

mod describe;
mod end;
mod error;
mod job;
mod list;
mod operation;
mod pages;
mod queue;
mod read;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_sdk_batch::{
    Client, Config,
    config::{BehaviorVersion, SharedHttpClient, retry::RetryConfig, timeout::TimeoutConfig},
};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::{
    Connector,
    proxy::ProxyConfig,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::{
    HttpConnectorSettings, SharedHttpConnector, http_client_fn,
};
use tokio::time::Instant;

pub(crate) use describe::{DESCRIBE_LIMIT, DescribeServiceJob, LOOK_AGAIN};
pub use describe::{DescribeJobs, Described};
pub(crate) use end::{BULK_LIMIT, EndAnswer, EndJobs, EndOperation};
pub use error::{CallError, ErrorKind};
pub use job::{Children, JobDetail, JobSummary};
pub(crate) use job::{oldest_first, started};
pub(crate) use list::{Filter, ListJobs, ListOf, Listing, Page};
pub use operation::Operation;
pub(crate) use pages::Pages;
pub(crate) use queue::{
    DescribeJobQueues, GetJobQueueSnapshot, JobQueue, Position, QUEUES_LIMIT, QueueSnapshot,
};
pub use queue::{InUse, TimeLimitAction};
pub use read::{Rows, read_jobs};

/// How long the TCP and TLS handshakes may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// How long an endpoint is thought to lack the bulk calls. One answer may be a mistake of something on the way, and a process
/// lives for hours.
const ABSENT_FOR: Duration = Duration::from_mins(10);

/// AWS Batch in one account and region.
#[derive(Clone, Debug)]
pub struct Batch {
    client: Client,
    /// What was learned of the bulk calls last, and when.
    bulk: Arc<Mutex<Option<(BulkCalls, Instant)>>>,
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

/// The HTTP client for calls to AWS, with its trusted certificates loaded.
///
/// It uses the proxy that the environment names when it is built: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`,
/// in upper or lower case.
///
/// TLS is rustls on ring: aws-lc's entropy gathering costs 35 ms of CPU in every new process, before its first handshake.
/// The SDK's own client builds a connector for each combination of timeouts, and reads about 140 certificates for each.
/// There is only one combination here.
#[must_use]
pub fn http_client() -> SharedHttpClient {
    let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT);
    let connector = SharedHttpConnector::new(
        Connector::builder()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .connector_settings(settings.build())
            .proxy_config(ProxyConfig::from_env())
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
            bulk: Arc::default(),
        }
    }

    /// Whether the endpoint knows the bulk calls.
    pub(crate) fn bulk_calls(&self) -> BulkCalls {
        still_known(*self.bulk.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A bulk call was answered. An endpoint that answered one has them: a 404 of it later is some proxy's.
    pub(crate) fn learn_of_bulk_calls(&self, error: Option<ErrorKind>) {
        let mut known = self.bulk.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = match (still_known(*known), error) {
            (_, None) => BulkCalls::Present,
            (BulkCalls::Untried, Some(ErrorKind::NoSuchOperation)) => BulkCalls::Absent,
            (_, Some(_)) => return,
        };
        *known = Some((calls, Instant::now()));
    }
}

/// What is known of the bulk calls now, by what was learned of them last.
fn still_known(learned: Option<(BulkCalls, Instant)>) -> BulkCalls {
    match learned {
        Some((BulkCalls::Absent, since)) if since.elapsed() >= ABSENT_FOR => BulkCalls::Untried,
        Some((calls, _)) => calls,
        None => BulkCalls::Untried,
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_absence_of_bulk_calls_is_forgotten_after_ten_minutes() {
        let config = Config::builder().behavior_version(behavior_version());
        let batch = Batch::new(config.build());
        let absent = Some(ErrorKind::NoSuchOperation);
        for _ in 0..2 {
            batch.learn_of_bulk_calls(absent);
            assert_eq!(batch.bulk_calls(), BulkCalls::Absent);
            advance(Duration::from_secs(599)).await;
            batch.learn_of_bulk_calls(Some(ErrorKind::Throttled));
            assert_eq!(batch.bulk_calls(), BulkCalls::Absent);
            advance(Duration::from_secs(1)).await;
            assert_eq!(batch.bulk_calls(), BulkCalls::Untried);
        }
        batch.learn_of_bulk_calls(None);
        batch.learn_of_bulk_calls(absent);
        assert_eq!(batch.bulk_calls(), BulkCalls::Present);
    }
}
