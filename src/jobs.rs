//! The jobs of one invocation: what is asked of each, how far it has come, and its outcome.
//!
//! ```text
//!  ToDescribe ───► Queued ───► Sent ───► ToVerify ───► Settled
//!      │             ▲           │           │            ▲
//!      │             ├───────────┘           │            │
//!      │             │  refused for now      │            │
//!      │             └───────────────────────┘            │
//!      │                not answered, and unchanged       │
//!      └──────────────────────────────────────────────────┘
//! ```
//!
//! From every stage a job can be settled: a look, a refusal or the end of the time decides its outcome. A settled job may
//! be settled anew, when a later look shows that it has ended.

mod finish;
mod observation;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    ops::{Index, IndexMut},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    batch::{CallError, JobDetail},
    plan::{Intent, Message},
    report::{JobResult, Outcome, ReportedId},
    request::{AskedId, JobId, Status},
};
pub use observation::{Observation, Texts};

/// A job among the [`Jobs`] that made the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobIndex(u32);

/// A request among the [`Jobs`] that made the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestIndex(u32);

/// The jobs of one invocation, in the order first asked.
#[derive(Debug, Default)]
pub struct Jobs {
    all: Vec<Job>,
    by_id: HashMap<JobId, JobIndex>,
    invalid: HashMap<Box<str>, JobIndex>,
    requests: Vec<RequestOptions>,
    texts: Texts,
}

/// The options of a request that hold for each of its jobs.
#[derive(Debug)]
pub struct RequestOptions {
    /// The reason as Batch gets it.
    pub reason: Arc<str>,
    /// How long to look for the end of each job.
    pub wait: Duration,
}

/// What is known of a job before the work begins.
#[derive(Debug)]
pub enum Decision {
    /// Nothing: look at it first.
    Look,
    /// It was looked at, and is to be ended. The message says what decided.
    End(Observation, Option<Message>),
    /// It was looked at, or could not be, and is not to be ended.
    Settle(Outcome, Option<Message>, Option<Observation>),
}

/// One job.
#[derive(Debug)]
pub struct Job {
    id: ReportedId,
    asked_as: Option<Box<str>>,
    /// What is asked of it: the strongest of all requests that name it.
    pub intent: Intent,
    /// The request that asks it.
    pub request: RequestIndex,
    /// How far it has come.
    stage: Stage,
    /// Looks that failed in a row.
    pub failed_looks: u8,
    /// Calls to end it that failed.
    pub failed_ends: u8,
    /// Looks in a row that did not show the job, or showed it unchanged.
    pub unchanged_looks: u8,
    /// The error of the last call for it.
    pub last_error: Option<Arc<CallError>>,
    /// A call to end it was sent.
    pub was_called: bool,
    /// A call to end it was sent and not answered: it may have been done.
    pub may_be_done: bool,
    /// What decided that it is to be ended.
    because: Option<Message>,
    /// What the first look showed.
    first: Option<Observation>,
    /// Its status when last looked at.
    after: Option<Status>,
}

/// How far a job has come.
#[derive(Clone, Debug, PartialEq)]
pub enum Stage {
    /// Waits for its first look.
    ToDescribe,
    /// Waits for the call that ends it.
    Queued,
    /// The call is in flight.
    Sent,
    /// The call was answered or given up: waits for a look that shows the effect.
    ToVerify(CallResult),
    /// It has its outcome.
    Settled {
        /// The outcome.
        outcome: Outcome,
        /// What there is to add.
        message: Option<Message>,
    },
}

/// The result of a call to end a job, as far as the answer tells.
#[derive(Clone, Debug, PartialEq)]
pub enum CallResult {
    /// Batch accepted it.
    Accepted,
    /// Batch did not answer.
    Unanswered,
    /// Batch refused it for good.
    Refused,
}

impl Stage {
    /// Whether a job in this stage may enter `next`.
    fn may_enter(&self, next: &Self) -> bool {
        match next {
            Self::Settled { .. } => true,
            Self::Queued => matches!(
                self,
                Self::ToDescribe | Self::Sent | Self::ToVerify(CallResult::Unanswered)
            ),
            Self::Sent => *self == Self::Queued,
            Self::ToVerify(_) => *self == Self::Sent,
            Self::ToDescribe => false,
        }
    }
}

impl Job {
    /// Its id, unless what was given is not a valid one.
    #[must_use]
    pub fn id(&self) -> Option<JobId> {
        match self.id {
            ReportedId::Id(id) => Some(id),
            ReportedId::Text(_) => None,
        }
    }

    /// How far it has come.
    #[must_use]
    pub fn stage(&self) -> &Stage {
        &self.stage
    }

    /// Its outcome, once that is known.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        match self.stage {
            Stage::Settled { outcome, .. } => Some(outcome),
            _ => None,
        }
    }

    /// Batch showed it as cancelled before anything was done.
    #[must_use]
    pub fn was_cancelled(&self) -> bool {
        self.first.as_ref().is_some_and(|first| first.is_cancelled)
    }

    /// What the first look showed.
    #[must_use]
    pub fn first(&self) -> Option<&Observation> {
        self.first.as_ref()
    }

    /// How strong what is asked of it is. Of two requests for one job the stronger counts.
    fn strength(&self) -> (bool, bool, (bool, bool, bool)) {
        let is_open = self.outcome().is_none();
        let is_left_out = self.outcome() == Some(Outcome::OverLimit);
        (is_open, !is_left_out, self.intent.strength())
    }
}

impl Jobs {
    /// Takes in a request's options; its jobs come with [`Jobs::add`].
    pub fn add_request(&mut self, options: RequestOptions) -> RequestIndex {
        self.requests.push(options);
        RequestIndex(u32::try_from(self.requests.len() - 1).unwrap_or(u32::MAX))
    }

    /// A request asks something of a job. Of several for one job the strongest counts: to be ended before not to be,
    /// real before dry run, terminate before cancel, and of equals the first.
    pub fn add(
        &mut self,
        asked: AskedId,
        intent: Intent,
        request: RequestIndex,
        decision: Decision,
    ) -> JobIndex {
        let (id, asked_as, decision) = match asked {
            AskedId::Job { id, written } => (ReportedId::Id(id), written, decision),
            AskedId::Invalid { written, why } => {
                let why = Some(why.to_string().into());
                let decision = Decision::Settle(Outcome::InvalidId, why, None);
                (ReportedId::Text(written), None, decision)
            }
        };
        let mut job = Job::new(id, asked_as, intent, request, decision);
        let known = match &job.id {
            ReportedId::Id(id) => self.by_id.get(id),
            ReportedId::Text(text) => self.invalid.get(text),
        };
        if let Some(&index) = known {
            let first = &mut self[index];
            if job.strength() > first.strength() {
                job.asked_as = first.asked_as.take();
                *first = job;
            }
            return index;
        }
        let index = JobIndex(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        match &job.id {
            ReportedId::Id(id) => self.by_id.insert(*id, index),
            ReportedId::Text(text) => self.invalid.insert(text.clone(), index),
        };
        self.all.push(job);
        index
    }

    /// The job with this id.
    #[must_use]
    pub fn index_of(&self, id: JobId) -> Option<JobIndex> {
        self.by_id.get(&id).copied()
    }

    /// The options of the request that asks for a job to be ended.
    #[must_use]
    pub fn options(&self, index: JobIndex) -> &RequestOptions {
        let RequestIndex(request) = self[index].request;
        #[expect(
            clippy::indexing_slicing,
            reason = "only add_request makes these indices"
        )]
        &self.requests[request as usize]
    }

    /// How many jobs there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The index of each job, in the order first asked.
    pub fn indices(&self) -> impl Iterator<Item = JobIndex> + use<> {
        (0..u32::try_from(self.all.len()).unwrap_or(u32::MAX)).map(JobIndex)
    }

    /// Keeps what the report says of a job that was looked at.
    pub fn observe(&mut self, index: JobIndex, job: &JobDetail, now: Instant) {
        let known = &self[index];
        if known.first.is_none() {
            let observation = self.texts.observe(job, now);
            self[index].first = Some(observation);
        }
        self[index].after = Some(job.summary.status);
    }

    /// Moves a job to another stage.
    pub fn enter(&mut self, index: JobIndex, stage: Stage) {
        let job = &mut self[index];
        debug_assert!(
            job.stage.may_enter(&stage),
            "{:?} cannot become {stage:?}",
            job.stage
        );
        job.stage = stage;
    }

    /// Gives a job its outcome.
    pub fn settle(&mut self, index: JobIndex, outcome: Outcome, message: Option<Message>) {
        self.enter(index, Stage::Settled { outcome, message });
    }

    /// Time is over: gives every job that has no outcome the one that is true of it now.
    pub fn finish(&mut self) {
        for job in &mut self.all {
            job.finish();
        }
    }

    /// A line of the report for each job, in the order first asked.
    #[must_use]
    pub fn into_results(mut self) -> Vec<JobResult> {
        self.finish();
        self.all.into_iter().map(Job::into_result).collect()
    }
}

impl Index<JobIndex> for Jobs {
    type Output = Job;

    #[expect(clippy::indexing_slicing, reason = "only Jobs makes these indices")]
    fn index(&self, JobIndex(index): JobIndex) -> &Job {
        &self.all[index as usize]
    }
}

impl IndexMut<JobIndex> for Jobs {
    #[expect(clippy::indexing_slicing, reason = "only Jobs makes these indices")]
    fn index_mut(&mut self, JobIndex(index): JobIndex) -> &mut Job {
        &mut self.all[index as usize]
    }
}
