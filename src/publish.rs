//! Reports, and refusals of messages, as events on an `EventBridge` bus, for whoever subscribes to them.
//!
//! Publishing comes last and changes nothing: neither an outcome nor what is delivered again.

mod detail;
mod parts;
mod requests;

use std::{iter, sync::OnceLock, time::Duration};

use aws_sdk_eventbridge::{
    Client, Config,
    config::{retry::RetryConfig, timeout::TimeoutConfig},
    error::ProvideErrorMetadata,
    types::{PutEventsRequestEntry, PutEventsResultEntry},
};
use futures_util::stream::{self, StreamExt};
use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::error;

use crate::{command::OWN_SOURCE, pace::backoff, session::Deadline, text::cut};
pub(crate) use detail::{Entry, Publication, entries};

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
    INVALID,
    "MalformedDetail",
    "InvalidArgument",
];

/// What is wrong with an event that an answer leaves out.
const LEFT_OUT: &str = "EventBridge's answer does not say that it was published";

/// The error of a call of which some part is wrong.
const INVALID: &str = "ValidationException";

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

    /// Publishes events, and tries those again that were not answered for, until the deadline. Returns how many could not
    /// be published. The events are taken as they are sent: only those in flight are in memory.
    pub async fn publish(
        &self,
        entries: impl Iterator<Item = Result<Entry, serde_json::Error>>,
        deadline: Deadline,
    ) -> usize {
        let mut unwritable = 0;
        let entries = entries.filter_map(|entry| {
            unwritable += usize::from(entry.is_err());
            entry.ok()
        });
        let calls = stream::iter(calls(entries));
        let calls = calls.map(|entries| self.put(entries, deadline));
        let lost: Vec<usize> = calls.buffer_unordered(CONCURRENCY).collect().await;
        lost.into_iter().sum::<usize>() + unwritable
    }

    /// Publishes what fits into one call. Returns how many events could not be published.
    async fn put(&self, mut entries: Vec<Entry>, deadline: Deadline) -> usize {
        let mut lost = 0;
        let mut tries: u8 = 0;
        loop {
            tries = tries.saturating_add(1);
            let left = self.put_once(entries, deadline).await.into_iter();
            let is_final = |(_, why): &Left| FINAL_ERRORS.contains(&why.code.as_str());
            let (refused, again): (Vec<_>, Vec<_>) = left.partition(is_final);
            lost += self.give_up(&refused);
            let next = Instant::now() + backoff(tries);
            if again.is_empty() || deadline.is_over(next) {
                return lost + self.give_up(&again);
            }
            sleep_until(next).await;
            entries = again.into_iter().map(|(entry, _)| entry).collect();
        }
    }

    /// Says which events are lost, and returns how many.
    fn give_up(&self, left: &[Left]) -> usize {
        let reports = left.len();
        if let Some((_, PublishError { text: problem, .. })) = left.last() {
            let bus = &self.bus;
            error!(reports, bus, problem, "reports could not be published");
        }
        reports
    }

    /// Sends a call once: the events that are not published then.
    async fn put_once(&self, entries: Vec<Entry>, deadline: Deadline) -> Vec<Left> {
        let results: Vec<Result<(), PublishError>> = match self.send(&entries, deadline).await {
            Ok(results) => results.iter().map(outcome).collect(),
            // One of them is at fault: each by itself tells which.
            Err(problem) if problem.code == INVALID && entries.len() > 1 => {
                let mut left = Vec::new();
                for entry in entries {
                    left.extend(Box::pin(self.put_once(vec![entry], deadline)).await);
                }
                return left;
            }
            Err(problem) => vec![Err(problem); entries.len()],
        };
        // EventBridge answers for each in its order. What it leaves out was perhaps not published.
        let left_out = || Err(PublishError::unanswered(LEFT_OUT));
        let results = results.into_iter().chain(iter::repeat_with(left_out));
        let results = entries.into_iter().zip(results);
        results
            .filter_map(|(entry, result)| Some((entry, result.err()?)))
            .collect()
    }

    async fn send(
        &self,
        entries: &[Entry],
        deadline: Deadline,
    ) -> Result<Vec<PutEventsResultEntry>, PublishError> {
        let client = self
            .client
            .get_or_init(|| Client::from_conf(self.config.clone()));
        let entries = entries.iter().map(|entry| self.to_sdk(entry)).collect();
        let call = client.put_events().set_entries(Some(entries)).send();
        let limit = deadline.instant().min(Instant::now() + CALL_TIMEOUT);
        let answer = timeout_at(limit, Box::pin(call))
            .await
            .map_err(|_| PublishError::unanswered("no answer in time"))?;
        let answer = answer.map_err(|error| {
            let code = error.code().unwrap_or("no answer");
            PublishError::new(code, error.message())
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

/// An event of a call that was not published, and why.
type Left = (Entry, PublishError);

/// Why an event could not be published.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PublishError {
    /// EventBridge's name of the error, if it gave one.
    code: String,
    text: String,
}

impl PublishError {
    fn new(code: &str, message: Option<&str>) -> Self {
        let text = format!("{code}: {}", message.unwrap_or_default());
        Self {
            code: code.to_owned(),
            text: cut(&text).into_owned(),
        }
    }

    fn unanswered(text: &str) -> Self {
        Self {
            code: String::new(),
            text: text.to_owned(),
        }
    }
}

/// The outcome of an event: only one that has an id is published.
fn outcome(result: &PutEventsResultEntry) -> Result<(), PublishError> {
    match (result.event_id.as_deref(), result.error_code.as_deref()) {
        (Some(id), _) if !id.is_empty() => Ok(()),
        (_, Some(code)) => Err(PublishError::new(code, result.error_message.as_deref())),
        (_, None) => Err(PublishError::unanswered(LEFT_OUT)),
    }
}

/// What fits into each call.
fn calls(entries: impl Iterator<Item = Entry>) -> impl Iterator<Item = Vec<Entry>> {
    let mut entries = entries.peekable();
    iter::from_fn(move || {
        let mut call = vec![entries.next()?];
        let mut size = call.iter().map(Entry::size).sum::<usize>();
        while call.len() < MAX_ENTRIES {
            let fits = |entry: &Entry| size + entry.size() <= MAX_CALL;
            let Some(entry) = entries.next_if(fits) else {
                break;
            };
            size += entry.size();
            call.push(entry);
        }
        Some(call)
    })
}
