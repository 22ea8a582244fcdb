//! Why a job is not ended, in a few words.

use batch_cancel::report::{Class, Outcome};

use crate::report::Job;

/// Why jobs of an outcome are left alone: of one job, of several. None of those that are ended.
pub(crate) fn why(outcome: Outcome) -> Option<(&'static str, &'static str)> {
    Some(match outcome {
        Outcome::WouldCancel | Outcome::WouldTerminate => return None,
        Outcome::Cancelled | Outcome::Terminated => ("was ended before", "were ended before"),
        Outcome::Cancelling | Outcome::Terminating => {
            ("is being ended already", "are being ended already")
        }
        Outcome::Running => (
            "has started (--terminate ends it)",
            "have started (--terminate ends them)",
        ),
        Outcome::Finished => ("has ended by itself", "have ended by themselves"),
        Outcome::NotFound => ("does not exist", "do not exist"),
        Outcome::Protected => ("carries the protect tag", "carry the protect tag"),
        Outcome::QueueNotAllowed => (
            "is in a queue that is not allowed",
            "are in queues that are not allowed",
        ),
        Outcome::NotOwner => ("is somebody else's", "are somebody else's"),
        Outcome::OverLimit => ("is newer, over --max-jobs", "are newer, over --max-jobs"),
        Outcome::TooSoon => (
            "has not blocked its queue for long enough",
            "have not blocked their queue for long enough",
        ),
        Outcome::InvalidId => ("is not a job id", "are not job ids"),
        Outcome::Denied => ("may not be read, by IAM", "may not be read, by IAM"),
        Outcome::Throttled | Outcome::Failed | Outcome::Unconfirmed | Outcome::NotAttempted => {
            ("could not be looked at", "could not be looked at")
        }
    })
}

/// What there is to say of a job in a list: why it is left alone, or what runs on.
pub(crate) fn note(job: &Job) -> String {
    let children = job.running_children();
    if children > 0 {
        return format!("{children} of its children run on: only --terminate ends them");
    }
    match job.outcome {
        Outcome::Running => "runs on: only --terminate ends it".to_owned(),
        Outcome::Protected => "left alone: it carries the protect tag".to_owned(),
        outcome if outcome.class() == Class::Done => {
            why(outcome).map_or_else(String::new, |(one, _)| one.to_owned())
        }
        outcome => {
            let said = job.message.clone();
            said.unwrap_or_else(|| why(outcome).map_or("", |(one, _)| one).to_owned())
        }
    }
}
