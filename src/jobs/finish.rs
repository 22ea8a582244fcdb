//! What is true of a job when no more can be done for it, and its line in the report.

use super::{Job, Stage};
use crate::{
    batch::ErrorKind,
    report::{JobResult, Outcome},
};

impl Job {
    /// Time is over: settles the job as what is true of it now.
    pub(super) fn finish(&mut self) {
        let (outcome, message) = match &self.stage {
            Stage::Settled { .. } | Stage::Ignored(_) | Stage::Unmeant | Stage::Counted => return,
            Stage::ToDescribe | Stage::Waiting | Stage::Held | Stage::Queued => {
                match self.last_error {
                    Some(ErrorKind::Throttled) => {
                        (Outcome::Throttled, "out of time while throttled".into())
                    }
                    Some(_) if self.was_called => {
                        (Outcome::Failed, "out of time while calls failed".into())
                    }
                    Some(_) => (
                        Outcome::NotAttempted,
                        "out of time while looks failed".into(),
                    ),
                    None => (Outcome::NotAttempted, "out of time".into()),
                }
            }
            Stage::Sent => (
                Outcome::Unconfirmed,
                "out of time while Batch had yet to answer the call".into(),
            ),
            Stage::Accepted {
                unless_shown: Outcome::Unconfirmed,
                ..
            } => (
                Outcome::Unconfirmed,
                "Batch accepted the call; out of time before it could be looked at again".into(),
            ),
            Stage::Accepted { unless_shown, why } => (*unless_shown, why.clone()),
        };
        self.stage = Stage::Settled {
            outcome,
            message: Some(message),
        };
    }

    /// The job's line in the report, if it has one.
    pub(super) fn into_result(mut self) -> Option<JobResult> {
        self.finish();
        let Stage::Settled { outcome, message } = self.stage else {
            return None;
        };
        // Of a job in a queue that is not allowed, no more is shown than that it is there, where, and in which status.
        let shown = outcome != Outcome::QueueNotAllowed;
        Some(JobResult {
            job_id: self.name,
            outcome,
            before: self.before,
            after: self.after,
            job_queue: self.queue,
            job_name: self.title.filter(|_| shown),
            asked_as: self.asked_as,
            message: message.or(self.because),
        })
    }
}
