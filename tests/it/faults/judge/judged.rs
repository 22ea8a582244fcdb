//! What came of an invocation, held against what may come of it.

use std::collections::{BTreeMap, BTreeSet};

use batch_emulator::{Call, Operation};

use super::{
    Class, Invocation, Judge, class,
    truth::{Evidence, Wanted},
};
use crate::faults::{
    account::{Account, Nature},
    log::Logged,
    request::{Reach, Target},
    sightings::{Shown, Sighting},
};

/// What came of an invocation.
pub(super) struct Judged<'a> {
    pub(super) invocation: &'a Invocation,
    pub(super) logged: &'a Logged,
    pub(super) reaches: &'a [Reach],
    pub(super) sightings: &'a [Sighting],
    pub(super) outcomes: BTreeMap<&'a str, &'a str>,
    /// The jobs for which a call was sent that would end them.
    pub(super) called: BTreeSet<&'a str>,
}

impl Judged<'_> {
    /// Every job that must be in the report is there once, and nothing else than what may be; ids in the order in which they
    /// were first asked for.
    pub(super) fn names_each_job_once(&self) {
        let Self {
            logged,
            reaches,
            outcomes,
            ..
        } = self;
        let requests = &self.invocation.requests;
        assert_eq!(
            outcomes.len(),
            logged.results.len(),
            "each job once: {:?}",
            logged.results
        );
        for (id, outcome) in outcomes {
            // Whether a job matches by its tags is not known if it could not be looked at.
            let is_unknown = *outcome == "notFound" || class(outcome) != Class::Done;
            let is_asked = reaches
                .iter()
                .any(|reach| reach.may.contains(*id) || (is_unknown && reach.unsure.contains(*id)));
            assert!(
                is_asked,
                "{id}, which is {:?}, was not asked for: {}",
                self.seen(id),
                self.story()
            );
        }
        let mut counted = logged.over_limit();
        counted -= outcomes
            .values()
            .filter(|outcome| **outcome == "overLimit")
            .count();
        for (request, reach) in requests.iter().zip(*reaches) {
            let is_excused = (request.is_conditional() && logged.is_partial())
                || (request.may_be_refused() && logged.refused() > 0);
            let missing = reach
                .must
                .iter()
                .filter(|id| !outcomes.contains_key(id.as_str()));
            let missing: Vec<&String> = missing.collect();
            let most = if request.max_jobs.is_some() {
                counted
            } else {
                0
            };
            assert!(
                is_excused || missing.len() <= most,
                "{missing:?} are not in the report of {request:?}: {:?}, {}",
                missing.iter().map(|id| self.seen(id)).collect::<Vec<_>>(),
                self.story()
            );
        }
        if let Some(ids) = self.asked_ids() {
            let reported: Vec<&str> = logged.results.iter().map(|(id, _)| id.as_str()).collect();
            assert_eq!(reported, ids, "as first asked");
        }
    }

    /// The ids asked for, where nothing else is.
    fn asked_ids(&self) -> Option<Vec<&str>> {
        let mut seen = BTreeSet::new();
        let mut ids = Vec::new();
        for request in &self.invocation.requests {
            let Target::Ids(jobs) = &request.target else {
                return None;
            };
            let jobs = jobs.iter().map(|job| job.id.as_str());
            ids.extend(jobs.filter(|id| seen.insert(*id)));
        }
        Some(ids).filter(|_| self.logged.refused() == 0)
    }

    /// Each call that ends jobs names only such as a request may end in this way.
    pub(super) fn has_ended_what_it_may<'a>(&self, ends: impl Iterator<Item = &'a Call>) {
        for call in ends {
            let terminates = matches!(
                call.operation,
                Operation::TerminateJob
                    | Operation::TerminateJobs
                    | Operation::TerminateServiceJob
                    | Operation::TerminateServiceJobs
            );
            for id in &call.job_ids {
                let requests = self.invocation.requests.iter().zip(self.reaches);
                let mut asked = requests.filter(|(request, _)| request.terminate == terminates);
                let is_asked = asked.any(|(_, reach)| reach.may_end.contains(id));
                assert!(
                    is_asked,
                    "{id} was not to be ended by {call:?}: {}",
                    self.story()
                );
            }
        }
    }

    /// A selection ends no job that was last seen in a status that it does not ask for.
    pub(super) fn leaves_alone_what_started(&self, evidence: &Evidence<'_>) {
        let [request] = self.invocation.requests.as_slice() else {
            return;
        };
        let Target::Select { statuses, .. } = &request.target else {
            return;
        };
        for id in &self.called {
            let seen = evidence.seen_before_the_end(id);
            assert!(
                seen.is_none_or(|status| statuses.contains(&status)),
                "{id} was {seen:?} when it was ended: {}",
                self.story()
            );
        }
    }

    /// No request ends more than its `maxJobs`, and those are the oldest; and none more than `MAX_SELECTED`.
    pub(super) fn keeps_limits(&self, judge: &Judge) {
        let [request] = self.invocation.requests.as_slice() else {
            return;
        };
        let size = |id: &&str| {
            let job = judge.account.emulator.job(id).unwrap();
            job.array_size
                .map_or(1, |size| usize::try_from(size).unwrap())
        };
        let ended: usize = self.called.iter().map(size).sum();
        let most = match request.target {
            Target::Ids(_) => usize::MAX,
            _ => judge.process.max_selected,
        };
        let max_jobs = request.max_jobs.unwrap_or(most).min(most);
        assert!(
            ended <= max_jobs,
            "{ended} jobs ended of at most {max_jobs}"
        );
        let created_at = |id: &str| judge.account.known(id).unwrap().created_at;
        let youngest = self.called.iter().map(|id| created_at(id)).max();
        let Some(youngest) = youngest.filter(|_| request.max_jobs.is_some()) else {
            return;
        };
        // What is over the limit is younger than what is ended, but for arrays for which there was no room.
        let is_single = |id: &&String| {
            let is_plain = judge
                .account
                .known(id)
                .is_some_and(|known| known.nature == Nature::Plain);
            is_plain && size(&id.as_str()) == 1
        };
        for id in self.reaches[0].must.iter().filter(is_single) {
            let outcome = self.outcomes.get(id.as_str());
            let is_left = outcome.is_none_or(|outcome| *outcome == "overLimit");
            assert!(
                !is_left || created_at(id) >= youngest,
                "{id} is older than what was ended"
            );
        }
    }

    /// What is asked of a job in the report.
    pub(super) fn asked(&self, id: &str, account: &Account) -> Wanted {
        let requests = self.invocation.requests.iter().zip(self.reaches);
        let requests: Vec<_> = requests
            .filter(|(_, reach)| reach.may.contains(id) || reach.unsure.contains(id))
            .collect();
        let must = |reach: &Reach| reach.must.contains(id);
        let named = requests
            .iter()
            .find_map(|(request, _)| match &request.target {
                Target::Ids(jobs) => jobs.iter().find(|job| job.id == id),
                Target::Blocked { job, .. } => Some(job).filter(|job| job.id == id),
                _ => None,
            });
        let nature = named.map(|job| job.nature);
        let is_head = |target: &Target| matches!(target, Target::Heads(_) | Target::Blocked { .. });
        Wanted {
            nature: nature.unwrap_or_else(|| {
                account
                    .known(id)
                    .map_or(Nature::Unknown, |known| known.nature)
            }),
            terminates: requests
                .iter()
                .any(|(request, _)| request.terminates_always()),
            only_cancels: !requests.iter().any(|(request, _)| request.terminate),
            may_be_dry: requests.iter().any(|(request, _)| request.dry_run)
                && !requests.iter().any(|(request, _)| request.is_firm()),
            is_limited: requests
                .iter()
                .any(|(request, _)| request.max_jobs.is_some()),
            may_be_too_soon: requests
                .iter()
                .any(|(request, reach)| is_head(&request.target) && !must(reach)),
        }
    }

    /// What was seen of a job.
    fn seen(&self, id: &str) -> Vec<(Option<Operation>, Option<Shown>)> {
        let of = |sighting: &Sighting| (sighting.by, sighting.jobs.get(id).copied());
        self.sightings.iter().map(of).collect()
    }

    pub(super) fn story(&self) -> String {
        format!("{:?}, {}", self.invocation.requests, self.logged.done)
    }
}
