//! What is asked of a job.

use crate::{
    batch::JobSummary,
    report::Outcome,
    request::{Action, Select, Status},
};

/// What is asked of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intent {
    /// What to do.
    pub action: Action,
    /// Only say what would be done.
    pub dry_run: bool,
    /// In which states of the job.
    pub when: When,
}

/// In which states a job is to be ended. A selection leaves alone what has come to another state since it was listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct When {
    /// Before it has started.
    waiting: bool,
    /// While it is STARTING.
    starting: bool,
    /// While it is RUNNING.
    running: Running,
}

/// Which RUNNING jobs are to be ended. Those of each are among those of the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Running {
    No,
    /// Those whose present attempt has been RUNNING since this time, in milliseconds since 1970, or before.
    Since(i64),
    All,
}

impl When {
    const WAITING: Self = Self {
        waiting: true,
        starting: false,
        running: Running::No,
    };

    const ALWAYS: Self = Self {
        waiting: true,
        starting: true,
        running: Running::All,
    };

    /// The states that a selection asks for. `now` is in milliseconds since 1970.
    fn of_selection(select: &Select, now: i64) -> Self {
        let has = |status| select.statuses.contains(&status);
        let since = select.running_since(now);
        Self {
            waiting: since.is_none(),
            starting: has(Status::Starting),
            running: match since {
                Some(since) => Running::Since(since),
                None if has(Status::Running) => Running::All,
                None => Running::No,
            },
        }
    }

    /// Either of two.
    fn or(self, other: Self) -> Self {
        Self {
            waiting: self.waiting || other.waiting,
            starting: self.starting || other.starting,
            running: self.running.max(other.running),
        }
    }

    /// Why a job is left alone, if it is.
    pub(super) fn leaves_alone(self, job: &JobSummary) -> Option<&'static str> {
        const STARTED: &str = "started after it was listed";
        const TRIED_AGAIN: &str = "its attempt ended after it was listed, and it is tried again: that has not run for runningFor";
        let is_included = match job.status {
            Status::Starting => self.starting,
            Status::Running => match self.running {
                Running::No => false,
                Running::Since(since) => job.runs_since(since),
                Running::All => true,
            },
            _ => self.waiting,
        };
        match self.running {
            _ if is_included => None,
            Running::Since(_) => Some(TRIED_AGAIN),
            Running::No | Running::All => Some(STARTED),
        }
    }
}

impl Intent {
    /// To end a job that is named, or to say so in a dry run.
    #[must_use]
    pub const fn new(action: Action, dry_run: bool) -> Self {
        let when = match action {
            Action::Cancel => When::WAITING,
            Action::Terminate => When::ALWAYS,
        };
        Self {
            action,
            dry_run,
            when,
        }
    }

    /// To end a job that a selection has found. `now` is in milliseconds since 1970.
    #[must_use]
    pub fn of_selection(action: Action, dry_run: bool, select: &Select, now: i64) -> Self {
        Self {
            when: When::of_selection(select, now),
            ..Self::new(action, dry_run)
        }
    }

    /// What two requests ask of one job: real before dry run, terminate before cancel, and in each state that one of them
    /// asks for.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        if self.dry_run != other.dry_run {
            return if self.dry_run { other } else { self };
        }
        Self {
            action: self.action.max(other.action),
            when: self.when.or(other.when),
            ..self
        }
    }

    /// Of two requests for one job that of the stronger gives the reason: real before dry run, terminate before cancel.
    pub(crate) fn strength(self) -> (bool, Action) {
        (!self.dry_run, self.action)
    }

    /// The outcome of a dry run.
    #[must_use]
    pub fn would(self) -> Outcome {
        match self.action {
            Action::Cancel => Outcome::WouldCancel,
            Action::Terminate => Outcome::WouldTerminate,
        }
    }
}
