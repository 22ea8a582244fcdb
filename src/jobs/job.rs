//! One job: what is asked of it, how far it has come, and what is known of it.

use std::sync::Arc;

use super::{Observation, RequestIndex};
use crate::{
    batch::CallError,
    plan::{Intent, OutcomeMessage},
    report::{Outcome, ReportedId},
    request::{Action, JobId, Status},
};

/// What is known of a job before the work begins.
#[derive(Debug)]
pub(crate) enum Decision {
    Look,
    /// It was looked at, and is to be ended. The message says what decided.
    End(Observation, Option<OutcomeMessage>),
    /// It was looked at, or could not be, and is not to be ended.
    Settle(Outcome, Option<OutcomeMessage>, Option<Observation>),
}

#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(super) id: ReportedId,
    /// The text by which it was asked for, where that says more than the id.
    pub(super) asked_as: Option<Box<str>>,
    /// What is asked of it: the strongest of all requests that name it.
    pub(crate) intent: Arc<Intent>,
    /// The request that asks it.
    pub(crate) request: RequestIndex,
    /// How far it has come.
    pub(super) stage: Stage,
    /// Calls to end it that failed.
    pub(crate) failed_ends: u8,
    /// Looks in a row that showed the job unchanged.
    pub(crate) unchanged_looks: u8,
    /// The error of the last call for it.
    pub(crate) last_error: Option<Arc<CallError>>,
    /// A call to end it was sent.
    pub(crate) was_called: bool,
    /// A call to end it was sent and not answered: it may have been done.
    pub(crate) may_be_done: bool,
    /// What decided that it is to be ended.
    pub(super) decided_by: Option<Box<OutcomeMessage>>,
    /// What the first look showed.
    pub(super) first: Option<Observation>,
    /// Its status when last looked at.
    pub(super) after: Option<Status>,
}

/// How far a job has come.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Stage {
    /// Waits for its first look.
    ToLookAt,
    /// Waits for the call that ends it.
    Queued,
    /// The call is in flight.
    Sent,
    /// The call was answered or given up: waits for a look that shows the effect.
    ToVerify(CallResult),
    /// It has its outcome.
    Settled {
        outcome: Outcome,
        /// What there is to add.
        message: Option<OutcomeMessage>,
    },
}

/// The result of a call to end a job, as far as the answer tells.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum CallResult {
    Accepted,
    Unanswered,
    /// Batch refused it for good.
    Refused,
}

impl Stage {
    /// Whether a job in this stage may enter `next`.
    pub(super) fn may_enter(&self, next: &Self) -> bool {
        match next {
            Self::Settled { .. } => true,
            Self::Queued => matches!(
                self,
                Self::ToLookAt | Self::Sent | Self::ToVerify(CallResult::Unanswered)
            ),
            Self::Sent => *self == Self::Queued,
            Self::ToVerify(CallResult::Refused) => matches!(self, Self::Sent | Self::Queued),
            Self::ToVerify(_) => *self == Self::Sent,
            Self::ToLookAt => false,
        }
    }
}

impl Job {
    pub(super) fn new(
        id: ReportedId,
        asked_as: Option<Box<str>>,
        intent: Arc<Intent>,
        request: RequestIndex,
        decision: Decision,
    ) -> Self {
        let (stage, decided_by, first) = match decision {
            Decision::Look => (Stage::ToLookAt, None, None),
            Decision::End(observation, decided_by) => {
                (Stage::ToLookAt, decided_by, Some(observation))
            }
            Decision::Settle(outcome, message, observation) => {
                (Stage::Settled { outcome, message }, None, observation)
            }
        };
        Self {
            id,
            asked_as,
            intent,
            request,
            stage,
            failed_ends: 0,
            unchanged_looks: 0,
            last_error: None,
            was_called: false,
            may_be_done: false,
            decided_by: decided_by.map(Box::new),
            after: first.as_ref().map(|first| first.status),
            first,
        }
    }

    /// Its id, unless what was given is not a valid one.
    pub(crate) fn id(&self) -> Option<JobId> {
        match self.id {
            ReportedId::Id(id) => Some(id),
            ReportedId::Text(_) => None,
        }
    }

    /// How far it has come.
    pub(crate) fn stage(&self) -> &Stage {
        &self.stage
    }

    /// Its outcome, once that is known.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        match self.stage {
            Stage::Settled { outcome, .. } => Some(outcome),
            _ => None,
        }
    }

    /// Batch showed it as cancelled before anything was done.
    pub(crate) fn was_cancelled(&self) -> bool {
        self.first.as_ref().is_some_and(|first| first.is_cancelled)
    }

    /// What the first look showed.
    pub(crate) fn first(&self) -> Option<&Observation> {
        self.first.as_ref()
    }

    /// How strong what is asked of it is. Of two requests for one job the stronger counts, and what has ended has ended for
    /// both.
    pub(super) fn strength(&self) -> (bool, bool, bool, (bool, Action)) {
        let outcome = self.outcome();
        let has_ended = outcome.is_some() && self.after.is_some_and(Status::is_final);
        let is_left_out = outcome == Some(Outcome::OverLimit);
        let is_open = outcome.is_none();
        (has_ended, is_open, !is_left_out, self.intent.strength())
    }
}
