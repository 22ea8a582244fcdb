//! What an event can ask for. These types are valid by construction: past `event/` there is no raw id, queue or reason.

mod decode;
mod job_id;
mod panel;
mod reason;
mod region;
mod schema;
mod select;
mod status;

use std::{num::NonZeroUsize, time::Duration};

use jiff::Timestamp;

pub use decode::RequestError;
pub(crate) use decode::{decode, flag, from_json, from_object};
pub use job_id::{AskedId, InvalidId, JobId};
pub use panel::{MAX_SHOWN, PanelRequest};
pub use reason::{AUDIT_MARKER, audit_reason};
pub use region::OwnRegion;
pub(crate) use schema::{FIELDS, TARGET_FIELDS};
pub use select::{NamePattern, OlderThan, Select, SelectFrom};
pub use status::Status;

/// The longest `waitSeconds` of a request: the longest Lambda timeout, 900 s, less a minute to begin and to answer in.
pub const MAX_WAIT: Duration = Duration::from_mins(14);

/// One request to end jobs, whatever envelope it came in.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Which jobs.
    pub target: Target,
    /// What is to be done with them.
    pub action: Action,
    /// Why, if the request or its source says so. The audit suffix is added when Batch is called.
    pub reason: Option<String>,
    /// Do everything but the calls that change something.
    pub dry_run: bool,
    /// Act on at most this many jobs, oldest first.
    pub max_jobs: Option<NonZeroUsize>,
    /// How long to keep looking until every accepted job is final.
    pub wait: Duration,
    /// Whether a report with something retryable or rejected is an invocation error.
    pub fail_on_incomplete: bool,
    /// When the event or alarm happened that asks for it.
    pub event_time: Option<Timestamp>,
    /// It comes from an alarm, whose queue may well be none that is allowed here.
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
    /// These ids, in the order asked.
    Jobs(Vec<AskedId>),
    /// This job, if the reason for which it blocks its queue, looked up now, matches `BLOCKED_REASONS`.
    Blocked(JobId),
    /// The jobs of a queue or an array that a selection matches.
    Select(Box<Select>),
}

/// What is to be done with a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// `CancelJob`: ends what has not reached STARTING.
    Cancel,
    /// `TerminateJob`: ends STARTING and RUNNING jobs too.
    Terminate,
}

impl Request {
    /// The same request with the reason that its source gives, unless the request gives one itself.
    #[must_use]
    pub fn with_default_reason(mut self, reason: impl FnOnce() -> String) -> Self {
        self.reason = Some(self.reason.unwrap_or_else(reason));
        self
    }
}
