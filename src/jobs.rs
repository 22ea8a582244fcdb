//! The jobs of one invocation: what is asked of each, how far it has come, and its outcome.
//!
//! ```text
//!  ToLookAt ─────► Queued ───► Sent ───► ToVerify ───► Settled
//!      │             ▲           │           │            ▲
//!      │             ├───────────┘           │            │
//!      │             │  refused for now      │            │
//!      │             └───────────────────────┘            │
//!      │                not answered, and unchanged;      │
//!      │                or back: refused, no time for     │
//!      │                another try                       │
//!      └──────────────────────────────────────────────────┘
//! ```
//!
//! From every stage a job can be settled: a look, a refusal or that time is over decides its outcome. A settled job may
//! be settled anew, when a later look shows that it has ended.

mod job;
mod observation;
mod result;
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
    batch::JobDetail,
    plan::{Intent, OutcomeMessage},
    report::{JobResult, Outcome, ReportedId},
    request::{AskedId, JobId},
};
pub(crate) use job::{CallResult, Decision, Job, Stage};
use observation::children;
pub(crate) use observation::{Observation, Texts};

/// A job among the [`Jobs`] that made the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct JobIndex(u32);

/// A request among the [`Jobs`] that made the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestIndex(u32);

/// The jobs of one invocation, in the order first asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Jobs {
    all: Vec<Job>,
    by_id: HashMap<JobId, JobIndex>,
    invalid: HashMap<Box<str>, JobIndex>,
    requests: Vec<RequestOptions>,
    texts: Texts,
    /// That of the job last added.
    intent: Option<Arc<Intent>>,
    /// How many have no outcome yet.
    open: usize,
}

/// The options of a request that hold for each of its jobs.
#[derive(Clone, Debug)]
pub(crate) struct RequestOptions {
    /// The reason as Batch gets it.
    pub(crate) reason: Arc<str>,
    /// How long to look for the end of each job.
    pub(crate) wait: Duration,
}

impl Jobs {
    /// Takes in a request's options; its jobs come with [`Jobs::add`].
    pub(crate) fn add_request(&mut self, options: RequestOptions) -> RequestIndex {
        self.requests.push(options);
        RequestIndex(u32::try_from(self.requests.len() - 1).unwrap_or(u32::MAX))
    }

    /// A request asks something of a job. Of several for one job the strongest counts: to be ended before not to be,
    /// real before dry run, terminate before cancel, and of equals the first. The job is ended in each state in which one
    /// of them asks for it.
    pub(crate) fn add(
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
        let intent = self.share(intent);
        let mut job = Job::new(id, asked_as, intent, request, decision);
        let known = match &job.id {
            ReportedId::Id(id) => self.by_id.get(id),
            ReportedId::Text(text) => self.invalid.get(text),
        };
        if let Some(&index) = known {
            let first = &mut self[index];
            let is_stronger = job.strength() > first.strength();
            if job.outcome().is_none() && first.outcome().is_none() {
                let both = first.intent.and(*job.intent);
                for intent in [&mut job.intent, &mut first.intent] {
                    if **intent != both {
                        *intent = Arc::new(both);
                    }
                }
            }
            if is_stronger {
                let (is_open, was_open) = (job.outcome().is_none(), first.outcome().is_none());
                job.asked_as = first.asked_as.take();
                *first = job;
                self.open = self.open + usize::from(is_open) - usize::from(was_open);
            }
            return index;
        }
        let index = JobIndex(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        match &job.id {
            ReportedId::Id(id) => self.by_id.insert(*id, index),
            ReportedId::Text(text) => self.invalid.insert(text.clone(), index),
        };
        self.open += usize::from(job.outcome().is_none());
        self.all.push(job);
        index
    }

    /// An intent, held once for all jobs of a request.
    fn share(&mut self, intent: Intent) -> Arc<Intent> {
        let known = self.intent.as_ref().filter(|known| ***known == intent);
        let shared = known.map_or_else(|| Arc::new(intent), Arc::clone);
        self.intent = Some(Arc::clone(&shared));
        shared
    }

    /// The job with this id.
    pub(crate) fn index_of(&self, id: JobId) -> Option<JobIndex> {
        self.by_id.get(&id).copied()
    }

    /// The options of the request that asks for a job to be ended.
    pub(crate) fn options(&self, index: JobIndex) -> &RequestOptions {
        let RequestIndex(request) = self[index].request;
        #[expect(
            clippy::indexing_slicing,
            reason = "only add_request makes these indices"
        )]
        &self.requests[request as usize]
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether every one has its outcome.
    pub(crate) fn are_settled(&self) -> bool {
        self.open == 0
    }

    /// How many have ended or are ending, and how many have no outcome yet.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let outcomes = self.all.iter().filter_map(Job::outcome);
        let ended = outcomes.filter(|outcome| outcome.is_end()).count();
        (ended, self.open)
    }

    /// The index of each job, in the order first asked.
    pub(crate) fn indices(&self) -> impl Iterator<Item = JobIndex> + use<> {
        (0..u32::try_from(self.all.len()).unwrap_or(u32::MAX)).map(JobIndex)
    }

    /// Keeps what the report says of a job that was looked at.
    pub(crate) fn observe(&mut self, index: JobIndex, job: &JobDetail, now: Instant) {
        match &mut self[index].first {
            Some(first) => first.children = children(job),
            None => self[index].first = Some(self.texts.observe(job, now)),
        }
        self[index].after = Some(job.summary.status);
    }

    /// Moves a job to another stage.
    pub(crate) fn enter(&mut self, index: JobIndex, stage: Stage) {
        let job = &mut self[index];
        debug_assert!(
            job.stage.may_enter(&stage),
            "{:?} cannot become {stage:?}",
            job.stage
        );
        let was_open = job.outcome().is_none();
        job.stage = stage;
        let is_settled = was_open && job.outcome().is_some();
        self.open -= usize::from(is_settled);
    }

    /// Gives a job its outcome.
    pub(crate) fn settle(
        &mut self,
        index: JobIndex,
        outcome: Outcome,
        message: Option<OutcomeMessage>,
    ) {
        self.enter(index, Stage::Settled { outcome, message });
    }

    /// Time is over: gives every job that has no outcome the one that is true of it now.
    pub(crate) fn settle_now(&mut self) {
        for job in &mut self.all {
            job.settle_now();
        }
        self.open = 0;
    }

    /// A line of the report for each job, in the order first asked.
    pub(crate) fn into_results(mut self) -> Vec<JobResult> {
        self.settle_now();
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
