//! The doors through which requests come, and what cannot be met at each.

use std::time::Duration;

/// A door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// Ids to cancel: direct, over HTTP, on an event bus, and in messages.
    Ids,
    /// The same to terminate.
    Terminate,
    /// Selections by tags in one queue.
    Tags,
    /// Selections and ids with `maxJobs`.
    MaxJobs,
    /// Selections in several queues.
    Queues,
    /// The heads of queues.
    Head,
    /// Batch Job Queue Blocked events.
    Blocked,
    /// Alarms.
    Alarm,
    /// Batches of messages that ask for all sorts of things.
    Messages,
    /// HTTP.
    Http,
    /// The panel of a dashboard, and its buttons.
    Panel,
}

/// The time that a job must have blocked its queue for, unless a process has another setting.
const BLOCKED_FOR: Duration = Duration::from_mins(10);

/// What a request to cancel meets, and one to terminate does not.
const OF_CANCEL: [&str; 5] = [
    "running",
    "wouldCancel",
    "refuseStartedRate",
    "runsAnyway",
    "runsAnywayRate",
];

/// What only several jobs in one call meet.
const OF_BULK: [&str; 7] = [
    "itemThrottleRate",
    "itemServerErrorRate",
    "omitDone",
    "omitDoneRate",
    "omitUndone",
    "omitUndoneRate",
    "bulkCalls",
];

/// The forms of bulk calls that are not there.
const ABSENT: [&str; 5] = [
    "NotFound",
    "UnknownOperation",
    "MissingToken",
    "UndeterminedOperation",
    "UndeterminedOperationXml",
];

impl Door {
    /// Its name on the command line and in the printed line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ids => "ids",
            Self::Terminate => "terminate",
            Self::Tags => "tags",
            Self::MaxJobs => "max_jobs",
            Self::Queues => "queues",
            Self::Head => "head",
            Self::Blocked => "blocked",
            Self::Alarm => "alarm",
            Self::Messages => "messages",
            Self::Http => "http",
            Self::Panel => "panel",
        }
    }

    /// How many jobs, or events, a short run has, so that it meets everything.
    pub(crate) fn short_run(self) -> usize {
        match self {
            Self::Ids => 4_600,
            Self::Terminate => 6_000,
            Self::Head | Self::Blocked | Self::Alarm => 600,
            Self::Queues | Self::Panel => 1_300,
            _ => 2_000,
        }
    }

    /// It takes one job, or one a queue, so that its events are counted.
    pub(crate) fn takes_one_job(self) -> bool {
        matches!(self, Self::Head | Self::Blocked | Self::Alarm)
    }

    /// Processes are killed at it.
    pub(crate) fn is_killed(self) -> bool {
        matches!(self, Self::Ids | Self::Terminate)
    }

    /// Messages come back at it.
    pub(crate) fn is_of_messages(self) -> bool {
        matches!(self, Self::Ids | Self::Terminate | Self::Messages)
    }

    /// How many queues the account of a process has.
    pub(crate) fn queues(self, seed: u64) -> usize {
        match self {
            // More than DescribeJobQueues shows on a page.
            Self::Queues if seed.is_multiple_of(8) => 105,
            Self::Queues | Self::Head | Self::Blocked | Self::Alarm => 4,
            Self::Messages => 2,
            _ => 1,
        }
    }

    /// How long a job must have blocked its queue.
    pub(crate) fn blocked_for(seed: u64) -> Duration {
        if seed % 4 == 3 {
            Duration::ZERO
        } else {
            BLOCKED_FOR
        }
    }

    /// Whether everything that a process does is a dry run: where no request can say so.
    pub(crate) fn is_dry_run(self, seed: u64) -> bool {
        matches!(self, Self::Blocked | Self::Alarm) && seed % 8 == 5
    }

    /// Why a switch, a fault of a call or an outcome cannot be met at this door.
    pub(crate) fn cannot_meet(self, name: &str) -> Option<&'static str> {
        let is = |names: &[&str]| names.contains(&name);
        let is_of_blocked = matches!(self, Self::Head | Self::Blocked | Self::Alarm);
        let is_of_ids = matches!(self, Self::Ids | Self::Terminate | Self::Panel);
        let selects = matches!(self, Self::Tags | Self::Queues | Self::Head | Self::Alarm);
        let has_max_jobs = matches!(self, Self::MaxJobs | Self::Head | Self::Messages);
        let why = match (self, name) {
            (Self::Terminate, _) if is(&OF_CANCEL) => "only a cancel leaves running jobs alone",
            (Self::Ids, "terminated" | "terminating" | "wouldTerminate") => "it only cancels",
            (Self::Ids | Self::Terminate, "queueErrors") => "ids list nothing",
            (_, "tokens") if is_of_ids || is_of_blocked => "nothing is listed beyond a page",
            (_, "tooSoon") if !is_of_blocked && self != Self::Messages => {
                "nothing that it asks for has to wait"
            }
            (_, "overLimit") if !has_max_jobs => "it has no maxJobs",
            (Self::Blocked | Self::Alarm, "terminated" | "terminating" | "wouldTerminate") => {
                "events and alarms only cancel"
            }
            (Self::Blocked | Self::Alarm, _) if is(&OF_BULK) || is(&ABSENT) => {
                "one job is ended by a call of its own"
            }
            (_, "invalidId") if selects || is_of_blocked => "it names jobs by Batch's ids",
            (_, "notFound") if selects => "what is listed is found by a look",
            (_, "queueNotAllowed") if selects => "only queues are asked that are allowed",
            _ => return None,
        };
        Some(why)
    }
}
