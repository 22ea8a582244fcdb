//! The attempts of a job: each time that it ran, and how that ended.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    job::{Job, Shape},
    span,
    spec::JobSpec,
    status::Status,
};

/// What Batch says of a container that exited by itself, whatever its exit code (moto#2829).
pub(crate) const ENDED_BY_ITSELF: &str = "Essential container in task exited";
pub(crate) const EXIT_SUCCEEDED: i32 = 0;
pub(crate) const EXIT_FAILED: i32 = 1;
/// 128 + SIGKILL: the exit code of a container that a terminate ended. Unverified.
pub(crate) const EXIT_KILLED: i32 = 137;

/// One time that a job ran, as an entry of `attempts` or `eksAttempts` (`AttemptDetail` and
/// `EksAttemptDetail` of the service model). ARNs, log streams and pods are made up from the job's
/// id where they are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Attempt {
    /// When it came to RUNNING, since the Unix epoch; None if it never did (its image was not
    /// found, say). In JSON milliseconds or a timestamp.
    #[serde(with = "span::time")]
    pub started_at: Option<Duration>,
    /// When it ended; None while it runs.
    #[serde(with = "span::time")]
    pub stopped_at: Option<Duration>,
    /// The container's exit code; None while it runs, and where no container ran.
    pub exit_code: Option<i32>,
    /// The container's `reason`, such as `CannotPullContainerError: …`.
    pub reason: Option<String>,
    /// The attempt's own `statusReason`.
    pub status_reason: Option<String>,
}

impl Attempt {
    fn ended(started_at: Duration, stopped_at: Duration, exit_code: i32) -> Self {
        Self {
            started_at: Some(started_at),
            stopped_at: Some(stopped_at),
            exit_code: Some(exit_code),
            status_reason: Some(ENDED_BY_ITSELF.to_owned()),
            ..Self::default()
        }
    }

    fn open(started_at: Duration) -> Self {
        Self {
            started_at: Some(started_at),
            ..Self::default()
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.stopped_at.is_none()
    }
}

impl Job {
    /// Begins an attempt with RUNNING, and ends it with the status that follows.
    pub(crate) fn note_attempt(&mut self, before: Status, at: Duration) {
        if before == self.status || matches!(self.shape, Shape::Parent { .. }) {
            return;
        }
        match self.status {
            Status::Running => {
                self.started_at = Some(at);
                self.attempts.push(Attempt::open(at));
            }
            Status::Succeeded if before == Status::Running => {
                self.end_attempt(at, EXIT_SUCCEEDED, Some(ENDED_BY_ITSELF.to_owned()));
            }
            // Put there from outside, it has run all the same.
            Status::Succeeded => {
                self.started_at = Some(at);
                self.attempts.push(Attempt::ended(at, at, EXIT_SUCCEEDED));
            }
            _ => self.end_attempt(at, EXIT_FAILED, Some(ENDED_BY_ITSELF.to_owned())),
        }
    }

    /// Ends the attempt that runs, if one does.
    pub(crate) fn end_attempt(
        &mut self,
        at: Duration,
        exit_code: i32,
        status_reason: Option<String>,
    ) {
        if let Some(attempt) = self.attempts.last_mut().filter(|last| last.is_open()) {
            attempt.stopped_at = Some(at);
            attempt.exit_code = Some(exit_code);
            attempt.status_reason = status_reason;
        }
    }

    /// The attempts of a job that is put in: those of its spec, or what its status and times imply.
    pub(crate) fn begin_attempts(&mut self, spec: &JobSpec) {
        self.attempts.clone_from(&spec.attempts);
        let Some(started_at) = self.started_at else {
            return;
        };
        let has_open = self.attempts.last().is_some_and(Attempt::is_open);
        match (self.status, self.stopped_at) {
            (Status::Running, _) if !has_open => self.attempts.push(Attempt::open(started_at)),
            (Status::Succeeded, Some(stopped_at)) if self.attempts.is_empty() => {
                let attempt = Attempt::ended(started_at, stopped_at, EXIT_SUCCEEDED);
                self.attempts.push(attempt);
            }
            (Status::Failed, Some(stopped_at)) if self.attempts.is_empty() => {
                let attempt = Attempt::ended(started_at, stopped_at, EXIT_FAILED);
                self.attempts.push(attempt);
            }
            _ => {}
        }
    }
}
