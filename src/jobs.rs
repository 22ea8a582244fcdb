//! The jobs of one invocation: what is wanted of each, by which messages, and how far it has come.

mod finish;

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    batch::{ErrorKind, JobDetail},
    plan::Intent,
    report::{JobResult, Outcome, Partial, Report, ReportedId},
    request::{AskedId, JobId, Request, Select, Status},
};

/// A job's place among the jobs of an invocation.
pub type JobIndex = u32;

/// The jobs of one invocation, in the order first asked.
#[derive(Debug, Default)]
pub struct Jobs {
    all: Vec<Job>,
    places: HashMap<JobId, JobIndex>,
    invalid: HashMap<Box<str>, JobIndex>,
    requests: Vec<RequestOptions>,
    refused: BTreeMap<u32, String>,
    partial: BTreeMap<u32, Partial>,
    queues: HashSet<Arc<str>>,
}

/// What a selection asks of each of its jobs beyond what a listing shows.
#[derive(Clone, Debug)]
pub struct Conditions {
    /// The selection.
    pub select: Arc<Select>,
    /// Only jobs that were created before then, in milliseconds since 1970, count.
    pub before: i64,
    /// If more jobs than this are meant, none is acted on.
    pub max_selected: usize,
    /// When to act on what is found by then.
    pub find_until: Instant,
}

/// The terms of a request that hold for each of its jobs.
#[derive(Debug)]
pub struct RequestOptions {
    /// What the jobs have to be like, if they were selected.
    pub conditions: Option<Conditions>,
    /// The reason as Batch gets it.
    pub reason: Arc<str>,
    /// Only to say what would be done.
    pub dry_run: bool,
    /// Act on at most this many.
    pub max_jobs: Option<usize>,
    /// How long to look for the end of each job.
    pub wait: Duration,
}

/// One job.
#[derive(Debug)]
pub struct Job {
    name: ReportedId,
    asked_as: Option<Box<str>>,
    /// What is wanted, after the strongest of all that name the job.
    pub intent: Intent,
    /// The request that wants it.
    pub request: u32,
    /// What else is wanted, by requests that come into play if this one's conditions turn out not to hold.
    others: Vec<(Intent, u32)>,
    /// Calls for it that failed in a row.
    pub tries: u8,
    /// Looks that showed nothing new in a row.
    pub unchanged_looks: u8,
    /// The error of the last call for it.
    pub last_error: Option<ErrorKind>,
    /// How far it has come.
    pub stage: Stage,
    /// A call that changes something was sent for it.
    pub was_called: bool,
    /// What decided that it was to be ended, if that is worth a word.
    pub because: Option<Cow<'static, str>>,
    /// How many jobs it stands for: an array parent counts as its size.
    pub size: u32,
    /// When it was created, in milliseconds since 1970.
    pub created_at: i64,
    /// Batch showed it as cancelled before anything was done.
    pub was_cancelled: bool,
    before: Option<Status>,
    after: Option<Status>,
    queue: Option<Arc<str>>,
    title: Option<Box<str>>,
}

/// How far a job has come.
#[derive(Clone, Debug, PartialEq)]
pub enum Stage {
    /// Not looked at yet.
    ToDescribe,
    /// Not needed yet: older jobs come first, and perhaps leave no room for it.
    Waiting,
    /// To be ended, if `maxJobs` leaves room for it.
    Held,
    /// To be ended.
    Queued,
    /// Batch has been asked, and has not answered yet.
    Sent,
    /// Batch accepted the call, or may have: to be looked at again. Should nothing show, then this is what came of it.
    Accepted {
        /// The outcome if nothing shows.
        unless_shown: Outcome,
        /// What there is to say then.
        why: Cow<'static, str>,
    },
    /// This came of it.
    Settled {
        /// What came of it.
        outcome: Outcome,
        /// What there is to add.
        message: Option<Cow<'static, str>>,
    },
    /// The condition under which it was to be ended does not hold: it is not reported.
    Ignored(String),
    /// It is not what the selection means, or the selection was refused: it is not reported.
    Unmeant,
    /// Beyond `maxJobs`, and not looked at: it is only counted.
    Counted,
}

impl Job {
    /// Its id, unless what was given is none.
    #[must_use]
    pub fn id(&self) -> Option<JobId> {
        match self.name {
            ReportedId::Id(id) => Some(id),
            ReportedId::Text(_) => None,
        }
    }

    /// What came of it, once that is known.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        match self.stage {
            Stage::Settled { outcome, .. } => Some(outcome),
            _ => None,
        }
    }
}

impl Jobs {
    /// Takes in a request's terms; the jobs that it names come with [`Jobs::ask`].
    pub fn add_request(
        &mut self,
        request: &Request,
        reason: Arc<str>,
        conditions: Option<Conditions>,
    ) -> u32 {
        let terms = RequestOptions {
            reason,
            dry_run: request.dry_run,
            max_jobs: request.max_jobs.map(std::num::NonZeroUsize::get),
            wait: request.wait,
            conditions,
        };
        self.requests.push(terms);
        u32::try_from(self.requests.len() - 1).unwrap_or(u32::MAX)
    }

    /// The terms of a request.
    #[must_use]
    pub fn terms(&self, request: u32) -> Option<&RequestOptions> {
        self.requests.get(request as usize)
    }

    /// Something is wanted of a job. Of several wishes for one job the strongest counts.
    pub fn ask(&mut self, asked: AskedId, intent: Intent, request: u32) -> JobIndex {
        let next = JobIndex::try_from(self.all.len()).unwrap_or(JobIndex::MAX);
        let (place, name, asked_as, stage) = match asked {
            AskedId::Job { id, written } => {
                let place = self.places.get(&id).copied();
                (place, ReportedId::Id(id), written, Stage::ToDescribe)
            }
            AskedId::Invalid { written, why } => {
                let place = self.invalid.get(&written).copied();
                let stage = Stage::Settled {
                    outcome: Outcome::InvalidId,
                    message: Some(why.to_string().into()),
                };
                (place, ReportedId::Text(written), None, stage)
            }
        };
        if let Some(place) = place {
            self.ask_again(place, intent, request);
            return place;
        }
        match &name {
            ReportedId::Id(id) => self.places.insert(*id, next),
            ReportedId::Text(text) => self.invalid.insert(text.clone(), next),
        };
        self.all.push(Job {
            name,
            asked_as,
            intent,
            request,
            others: Vec::new(),
            tries: 0,
            unchanged_looks: 0,
            last_error: None,
            stage,
            because: None,
            was_called: false,
            size: 1,
            created_at: 0,
            was_cancelled: false,
            before: None,
            after: None,
            queue: None,
            title: None,
        });
        next
    }

    /// How many requests there are.
    #[must_use]
    pub fn request_count(&self) -> u32 {
        u32::try_from(self.requests.len()).unwrap_or(u32::MAX)
    }

    /// One more wish for a job. The strongest counts, and those that may fall away keep the others in store.
    fn ask_again(&mut self, place: JobIndex, intent: Intent, request: u32) {
        let new = (self.rank(intent, request), intent, request);
        let Some(job) = self.get(place).filter(|job| job.request != request) else {
            return;
        };
        let old = (self.rank(job.intent, job.request), job.intent, job.request);
        let (stronger, weaker) = if new.0 > old.0 {
            (new, old)
        } else {
            (old, new)
        };
        let (_, is_firm) = stronger.0;
        let Some(job) = self.get_mut(place) else {
            return;
        };
        (job.intent, job.request) = (stronger.1, stronger.2);
        if is_firm {
            job.others.clear();
        } else {
            job.others.push((weaker.1, weaker.2));
        }
    }

    /// How strong a wish is, and whether it holds whatever turns out.
    fn rank(&self, intent: Intent, request: u32) -> ((bool, bool), bool) {
        let terms = self.terms(request);
        let is_free =
            terms.is_none_or(|terms| terms.max_jobs.is_none() && terms.conditions.is_none());
        (intent.rank(), is_free && !intent.only_if_blocked)
    }

    /// The request that wants a job has fallen away for it: the strongest of the others takes its place, if there is one,
    /// and the job is to be decided about anew.
    pub fn fall_back(&mut self, place: JobIndex) -> bool {
        let Some(others) = self.get(place).map(|job| &job.others) else {
            return false;
        };
        let ranked = others.iter().enumerate();
        let strongest = ranked.max_by_key(|&(index, &(intent, request))| {
            (self.rank(intent, request), std::cmp::Reverse(index))
        });
        let Some((index, &(intent, request))) = strongest else {
            return false;
        };
        let Some(job) = self.get_mut(place) else {
            return false;
        };
        job.others.remove(index);
        (job.intent, job.request, job.stage, job.because) =
            (intent, request, Stage::ToDescribe, None);
        true
    }

    /// The request is refused after all: nothing of it is done, and this is why. The jobs that others want too are
    /// returned.
    pub fn refuse(&mut self, request: u32, why: String) -> Vec<JobIndex> {
        self.refused.insert(request, why);
        self.drop_request(request, |_| true)
    }

    /// Jobs that a request selects and that nobody has looked at yet are left to another invocation. Those that others
    /// want too are returned.
    pub fn leave_unseen(&mut self, request: u32) -> Vec<JobIndex> {
        self.drop_request(request, |stage| *stage == Stage::ToDescribe)
    }

    fn drop_request(&mut self, request: u32, drops: impl Fn(&Stage) -> bool) -> Vec<JobIndex> {
        let mut wanted = Vec::new();
        for (place, job) in (0..).zip(&mut self.all) {
            if job.request == request && drops(&job.stage) {
                job.stage = Stage::Unmeant;
                if !job.others.is_empty() {
                    wanted.push(place);
                }
            }
        }
        wanted
    }

    /// Why a request was refused after all.
    #[must_use]
    pub fn refusal(&self, request: u32) -> Option<&str> {
        self.refused.get(&request).map(String::as_str)
    }

    /// Not all jobs that the request means could be found.
    pub fn mark_partial(&mut self, request: u32, why: Partial) {
        self.partial.entry(request).or_insert(why);
    }

    /// Whether some jobs that the request means could not be found.
    #[must_use]
    pub fn is_partial(&self, request: u32) -> bool {
        self.partial.contains_key(&request)
    }

    /// The place of a job.
    #[must_use]
    pub fn place(&self, id: JobId) -> Option<JobIndex> {
        self.places.get(&id).copied()
    }

    /// The job at a place.
    #[must_use]
    pub fn get(&self, place: JobIndex) -> Option<&Job> {
        self.all.get(place as usize)
    }

    /// The job at a place.
    pub fn get_mut(&mut self, place: JobIndex) -> Option<&mut Job> {
        self.all.get_mut(place as usize)
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

    /// All jobs, in the order first asked.
    pub fn iter(&self) -> impl Iterator<Item = (JobIndex, &Job)> {
        (0..).zip(&self.all)
    }

    /// Keeps what the report says of a job that was looked at.
    pub fn note(&mut self, place: JobIndex, seen: &JobDetail) {
        let queue = if let Some(known) = self.queues.get(seen.job_queue.as_str()) {
            Arc::clone(known)
        } else {
            let queue: Arc<str> = seen.job_queue.as_str().into();
            self.queues.insert(Arc::clone(&queue));
            queue
        };
        let Some(job) = self.get_mut(place) else {
            return;
        };
        if job.before.is_none() {
            job.before = Some(seen.summary.status);
            job.queue = Some(queue);
            job.title = Some(seen.summary.job_name.as_str().into());
            job.size = seen.summary.array_size.unwrap_or(1);
            job.created_at = seen.summary.created_at.unwrap_or_default();
            job.was_cancelled = seen.summary.is_cancelled;
        }
        job.after = Some(seen.summary.status);
    }

    /// Time is over: gives every job that is not settled the outcome that is true of it now.
    pub fn finish(&mut self) {
        for job in &mut self.all {
            job.finish();
        }
    }

    /// The report of all jobs, each in the place where it was first asked.
    #[must_use]
    pub fn into_report(self) -> Report {
        let ignored = self.all.iter().find_map(|job| match &job.stage {
            Stage::Ignored(why) => Some(why.clone()),
            _ => None,
        });
        let dry_run = !self.requests.is_empty() && self.requests.iter().all(|terms| terms.dry_run);
        let counted = self.all.iter().filter(|job| job.stage == Stage::Counted);
        let over_limit = counted.map(|job| job.size as usize).sum();
        let jobs: Vec<JobResult> = self.all.into_iter().filter_map(Job::into_result).collect();
        Report {
            over_limit,
            ignored: ignored.filter(|_| jobs.is_empty()),
            jobs,
            dry_run,
            partial: self.partial.into_values().next(),
        }
    }
}
