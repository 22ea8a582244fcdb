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

use strum::IntoStaticStr;

pub use decode::RequestError;
pub(crate) use decode::{decode, flag, from_json, from_object};
pub use job_id::{AskedId, InvalidId, JobId};
pub(crate) use length::{length_of_time, seconds_or_length};
pub use page::PageRequest;
pub(crate) use page::each_once;
pub(crate) use panel::MAX_SHOWN;
pub use panel::PanelRequest;
pub use pattern::NamePattern;
pub(crate) use pattern::Pattern;
pub(crate) use reason::{AUDIT_MARKER, audit_reason};
pub use region::{OwnRegion, QueueName};
pub(crate) use schema::{FIELDS, RequestTemplate, TARGET_FIELDS, WATCH};
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
    /// Through what it came.
    pub cause: Cause,
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
            cause: Cause::Request,
        }
    }

    /// The same request with this reason, unless it has one.
    pub(crate) fn with_default_reason(mut self, reason: impl FnOnce() -> String) -> Self {
        self.reason = Some(self.reason.unwrap_or_else(reason));
        self
    }
}

/// Through what a request came. Times are in milliseconds since 1970; none: the event has no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Somebody asked.
    Request,
    /// An alarm of that time. Its queue may be one that is not allowed, which is no error then.
    Alarm {
        /// When it happened.
        at: Option<i64>,
    },
    /// An event of that time, by which a job blocks its queue. It is the first of the two times that the job is seen to.
    Blocked {
        /// When it happened.
        at: Option<i64>,
    },
}

impl Cause {
    /// When the event or alarm happened.
    #[must_use]
    pub fn at(self) -> Option<i64> {
        match self {
            Self::Request => None,
            Self::Alarm { at } | Self::Blocked { at } => at,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
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
        self.into()
    }
}
