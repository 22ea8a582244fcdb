//! Reports, and refusals of messages, as events on an `EventBridge` bus, for whoever subscribes to them.
//!
//! Publishing comes last and changes nothing: neither an outcome nor what is delivered again.

mod detail;
mod parts;

use std::{sync::OnceLock, time::Duration};

use aws_sdk_eventbridge::{
    Client, Config,
    config::{retry::RetryConfig, timeout::TimeoutConfig},
    error::ProvideErrorMetadata,
    types::{PutEventsRequestEntry, PutEventsResultEntry},
};
use futures_util::stream::{self, StreamExt};
use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::error;

use crate::{event::OWN_SOURCE, pace::backoff, session::Deadline};
pub use detail::{Entry, Publication, entries};

/// The most entries of one `PutEvents` call
/// ([API reference](https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html)).
const MAX_ENTRIES: usize = 10;

/// The most bytes of one `PutEvents` call, of all its entries together.
const MAX_CALL: usize = 256 * 1024;

/// How many calls may be in flight.
const CONCURRENCY: usize = 4;

/// How long one call may take before it is sent again.
const CALL_TIMEOUT: Duration = Duration::from_millis(1500);

/// The errors of a call or of one entry that stay as they are: the bus does not exist, or IAM denies it.
const FINAL_ERRORS: [&str; 6] = [
    "AccessDeniedException",
    "NotAuthorizedForSourceException",
    "ResourceNotFoundException",
    "ValidationException",
    "MalformedDetail",
    "InvalidArgument",
];

/// The bus that reports are published on.
pub struct Publisher {
    bus: String,
    config: Config,
    /// Made when something is first published, so that it costs nothing at the start.
    client: OnceLock<Client>,
}

impl Publisher {
    /// Publishes on `bus`, a name or ARN.
    #[must_use]
    pub fn new(config: impl Into<Config>, bus: impl Into<String>) -> Self {
        let timeout = TimeoutConfig::builder().connect_timeout(Duration::from_secs(1));
        let config = config
            .into()
            .to_builder()
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeout.build())
            .build();
        Self {
            bus: bus.into(),
            config,
            client: OnceLock::new(),
        }
    }

    /// Publishes events, and tries those again that failed, until the deadline. Returns how many could not be published.
    pub async fn publish(&self, entries: Vec<Entry>, deadline: Deadline) -> usize {
        let calls = stream::iter(calls(entries));
        let calls = calls.map(|entries| self.put(entries, deadline));
        let left: Vec<usize> = calls.buffer_unordered(CONCURRENCY).collect().await;
        left.into_iter().sum()
    }

    /// Publishes what fits into one call.
    async fn put(&self, mut entries: Vec<Entry>, deadline: Deadline) -> usize {
        let mut tries = 0;
        loop {
            tries += 1;
            let problem = match self.put_once(&entries, deadline).await {
                Ok(results) => {
                    entries = failed(entries, &results);
                    results.into_iter().find_map(Problem::of)
                }
                Err(problem) => Some(problem),
            };
            let Some(problem) = problem.filter(|_| !entries.is_empty()) else {
                return 0;
            };
            let again = Instant::now() + backoff(tries);
            if problem.is_final || deadline.is_over(again) {
                let (reports, bus, problem) = (entries.len(), &self.bus, problem.text);
                error!(reports, bus, problem, "reports could not be published");
                return entries.len();
            }
            sleep_until(again).await;
        }
    }

    async fn put_once(
        &self,
        entries: &[Entry],
        deadline: Deadline,
    ) -> Result<Vec<PutEventsResultEntry>, Problem> {
        let client = self
            .client
            .get_or_init(|| Client::from_conf(self.config.clone()));
        let entries = entries.iter().map(|entry| self.to_sdk(entry)).collect();
        let call = client.put_events().set_entries(Some(entries)).send();
        let limit = deadline.instant().min(Instant::now() + CALL_TIMEOUT);
        let unanswered = |_| Problem {
            text: "no answer in time".to_owned(),
            is_final: false,
        };
        let answer = timeout_at(limit, Box::pin(call))
            .await
            .map_err(unanswered)?;
        let answer = answer.map_err(|error| {
            let code = error.code().unwrap_or("no answer");
            Problem::new(code, error.message())
        })?;
        Ok(answer.entries.unwrap_or_default())
    }

    fn to_sdk(&self, entry: &Entry) -> PutEventsRequestEntry {
        PutEventsRequestEntry::builder()
            .event_bus_name(&self.bus)
            .source(OWN_SOURCE)
            .detail_type(entry.detail_type)
            .detail(&entry.detail)
            .set_resources(Some(entry.resources.clone()))
            .build()
    }
}

/// Why an event could not be published.
struct Problem {
    text: String,
    /// Another try would end in the same way.
    is_final: bool,
}

impl Problem {
    fn new(code: &str, message: Option<&str>) -> Self {
        Self {
            text: format!("{code}: {}", message.unwrap_or_default()),
            is_final: FINAL_ERRORS.contains(&code),
        }
    }

    fn of(result: PutEventsResultEntry) -> Option<Self> {
        let code = result.error_code?;
        Some(Self::new(&code, result.error_message.as_deref()))
    }
}

/// The entries that were refused. `EventBridge` answers for each in its order.
fn failed(entries: Vec<Entry>, results: &[PutEventsResultEntry]) -> Vec<Entry> {
    let is_failed = |index: usize| {
        let result = results.get(index);
        result.is_none_or(|result| result.error_code.is_some() || result.event_id.is_none())
    };
    let entries = entries.into_iter().enumerate();
    let failed = entries.filter(|(index, _)| is_failed(*index));
    failed.map(|(_, entry)| entry).collect()
}

/// What fits into each call.
fn calls(entries: Vec<Entry>) -> Vec<Vec<Entry>> {
    let mut calls: Vec<Vec<Entry>> = Vec::new();
    let mut size = 0;
    for entry in entries {
        size += entry.size();
        match calls.last_mut() {
            Some(call) if call.len() < MAX_ENTRIES && size <= MAX_CALL => call.push(entry),
            _ => {
                size = entry.size();
                calls.push(vec![entry]);
            }
        }
    }
    calls
}
