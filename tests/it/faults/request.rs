//! What is asked for in an invocation, and by a crude reference which jobs that means: those that must be in the report, those
//! that may be, and those that may be ended.

use std::{collections::BTreeSet, time::Duration};

use batch_emulator::Status;

use super::{
    account::{Nature, RequestedJob},
    moment::Moment,
    sightings::Shown,
};

/// The jobs that are asked for.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// These.
    Ids(Vec<RequestedJob>),
    /// Those of a group in these queues, in these statuses.
    Select {
        queues: Vec<String>,
        group: usize,
        statuses: Vec<Status>,
    },
    /// The first of each of these queues, if it blocks its queue.
    Heads(Vec<String>),
    /// This one, if it blocks its queue and did so by the time of the event.
    Blocked {
        job: RequestedJob,
        told_at: Duration,
    },
    /// This one is only shown.
    Shown(RequestedJob),
    /// None: it cannot be read.
    Unreadable,
}

/// A request of an invocation.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) target: Target,
    pub(crate) terminate: bool,
    pub(crate) dry_run: bool,
    pub(crate) max_jobs: Option<usize>,
}

/// The jobs that a request means.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reach {
    /// Those that must be in the report, unless it says that not all were found.
    pub(crate) must: BTreeSet<String>,
    pub(crate) may: BTreeSet<String>,
    /// Those of which only a look can tell whether they are meant.
    pub(crate) unsure: BTreeSet<String>,
    pub(crate) may_end: BTreeSet<String>,
}

impl Request {
    pub(crate) fn new(target: Target) -> Self {
        Self {
            target,
            terminate: false,
            dry_run: false,
            max_jobs: None,
        }
    }

    /// A retry would select other jobs.
    pub(crate) fn reselects(&self) -> bool {
        self.max_jobs.is_some() || matches!(self.target, Target::Heads(_))
    }

    /// It looks at jobs before it is decided which it means.
    pub(crate) fn looks_first(&self) -> bool {
        self.is_conditional() || self.max_jobs.is_some()
    }

    /// What it finds depends on the time.
    pub(crate) fn is_conditional(&self) -> bool {
        !matches!(self.target, Target::Ids(_) | Target::Unreadable)
    }

    /// It may be refused as a whole: a selection by Batch, and an id that is none where there is but one.
    pub(crate) fn may_be_refused(&self) -> bool {
        match &self.target {
            Target::Ids(jobs) => matches!(jobs.as_slice(), [job] if job.nature == Nature::Invalid),
            _ => true,
        }
    }

    /// It names jobs that are to be ended.
    pub(crate) fn is_firm(&self) -> bool {
        !self.dry_run && self.max_jobs.is_none() && matches!(self.target, Target::Ids(_))
    }

    /// A job that it names is ended in whatever status it is.
    pub(crate) fn terminates_always(&self) -> bool {
        self.terminate && self.is_firm()
    }

    /// The jobs that it means.
    pub(crate) fn reach(&self, moment: &Moment<'_>) -> Reach {
        let mut reach = match &self.target {
            Target::Ids(jobs) => of_ids(jobs),
            Target::Select {
                queues,
                group,
                statuses,
            } => {
                let matches = |id: &str, shown: Shown, is_theirs: bool| {
                    let is_ending = if self.terminate {
                        shown.is_terminated || (shown.is_cancelled && !shown.is_array)
                    } else {
                        shown.is_cancelled || shown.is_terminated
                    };
                    let known = moment.account.known(id).filter(|_| !id.contains(':'));
                    let is_theirs = known.is_some_and(|known| {
                        (known.group == *group || !is_theirs)
                            && queues.contains(&known.queue)
                            && i128::from(known.created_at) < milliseconds(moment.began)
                    });
                    is_theirs && statuses.contains(&shown.status) && !is_ending
                };
                Reach {
                    unsure: moment
                        .of_selection(|id, shown| matches(id, shown, false))
                        .may,
                    ..moment.of_selection(|id, shown| matches(id, shown, true))
                }
            }
            Target::Heads(queues) => moment.of_heads(queues),
            Target::Blocked { job, told_at } => moment.of_event(job, *told_at),
            Target::Shown(_) | Target::Unreadable => Reach::default(),
        };
        let is_plain = |id: &String| {
            let known = moment.account.known(id);
            known.is_some_and(|known| known.nature == Nature::Plain)
        };
        reach.may_end.retain(is_plain);
        if self.dry_run {
            reach.may_end.clear();
        }
        reach
    }
}

fn milliseconds(time: Duration) -> i128 {
    i128::try_from(time.as_millis()).unwrap()
}

fn of_ids(jobs: &[RequestedJob]) -> Reach {
    let all: BTreeSet<String> = jobs.iter().map(|job| job.id.clone()).collect();
    let ends = jobs.iter().filter(|job| job.nature == Nature::Plain);
    Reach {
        must: all.clone(),
        may: all,
        may_end: ends.map(|job| job.id.clone()).collect(),
        ..Reach::default()
    }
}
