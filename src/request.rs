//! Requests. These types are valid by construction: after decoding there are no unchecked ids, queues or reasons.

mod decode;
mod job_id;
mod length;
mod page;
mod panel;
mod pattern;
mod queues;
mod reason;
mod region;
mod schema;
mod select;
mod spelling;
mod status;
mod watch;

use std::{num::NonZeroUsize, time::Duration};

use jiff::Timestamp;

pub use decode::RequestError;
pub(crate) use decode::{decode, flag, from_json, from_object};
pub use job_id::{AskedId, InvalidId, JobId};
pub(crate) use length::{length_of_time, seconds_or_length};
pub use page::PageRequest;
pub use panel::{MAX_SHOWN, PanelRequest};
pub use pattern::{NamePattern, Pattern};
pub use reason::{AUDIT_MARKER, audit_reason};
pub use region::{OwnRegion, QueueName};
pub(crate) use schema::{FIELDS, TARGET_FIELDS, WATCH};
pub use select::{Select, SelectFrom};
pub(crate) use spelling::{is_field, is_spelling_of};
pub use status::Status;
pub use watch::WatchRequest;

/// The longest `waitSeconds` of a request: the longest Lambda timeout, 900 s, minus a minute to start and to answer.
pub const MAX_WAIT: Duration = Duration::from_mins(14);

/// One request to end jobs, from any source.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The jobs.
    pub target: Target,
    /// Whether to cancel or to terminate them.
    pub action: Action,
    /// Why, if the request or its source says so. The audit suffix is added when Batch is called.
    pub reason: Option<String>,
    /// Make no call that changes anything.
    pub dry_run: bool,
    /// Act on at most this many jobs, oldest first.
    pub max_jobs: Option<NonZeroUsize>,
    /// How long to keep looking until every accepted job is final.
    pub wait: Duration,
    /// Whether a report with something retryable or rejected is an invocation error.
    pub fail_on_incomplete: bool,
    /// When the event or alarm happened that asks for it.
    pub event_time: Option<Timestamp>,
    /// The request comes from an alarm. Its queue may be one that is not allowed, which is no error then.
    pub from_alarm: bool,
}

impl Request {
    /// A request about `target` that cancels, with every option at its default.
    #[must_use]
    pub fn cancel(target: Target) -> Self {
        Self {
            target,
            action: Action::Cancel,
            reason: None,
            dry_run: false,
            max_jobs: None,
            wait: Duration::ZERO,
            fail_on_incomplete: false,
            event_time: None,
            from_alarm: false,
        }
    }
}

/// Which jobs a request is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// These ids, in the order of the request.
    Jobs(Vec<AskedId>),
    /// This job, if it blocks its queue now, for a reason that matches `BLOCKED_REASONS`.
    Blocked(JobId),
    /// The jobs of a queue or an array that a selection matches.
    Select(Box<Select>),
}

/// How a job is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// `CancelJob`: ends a job that has not reached STARTING.
    Cancel,
    /// `TerminateJob`: ends STARTING and RUNNING jobs too.
    Terminate,
}

impl Action {
    /// The name in logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Terminate => "terminate",
        }
    }
}

impl Request {
    /// The same request with this reason, unless it has one.
    #[must_use]
    pub fn with_default_reason(mut self, reason: impl FnOnce() -> String) -> Self {
        self.reason = Some(self.reason.unwrap_or_else(reason));
        self
    }
}
