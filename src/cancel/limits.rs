//! Requests whose jobs wait for one another: with `maxJobs` the oldest go first, and a selection whose conditions only a
//! look can tell must not match too many.

use std::collections::VecDeque;

use tokio::time::Instant;

use super::run::Run;
use crate::{
    batch::{DESCRIBE_LIMIT, JobDetail},
    jobs::{Conditions, Job, JobIndex, RequestOptions, Stage},
    policy::too_many,
    report::{Outcome, Partial},
};

/// A request whose jobs wait for one another.
#[derive(Debug, Default)]
pub(super) struct Limit {
    /// How many more jobs may be acted on.
    room: Option<usize>,
    /// If more jobs than this are meant, none is acted on.
    max_meant: Option<usize>,
    /// How many are meant, as far as is known.
    meant: usize,
    /// How many are being looked at.
    unknown: usize,
    /// Those that are to be ended, if there is room.
    pub(super) held: Vec<JobIndex>,
    /// Those that are not looked at yet, oldest first: perhaps they need not be.
    reserve: VecDeque<JobIndex>,
    /// When to act on what is known by then.
    due: Option<Instant>,
    /// That time is over: what is seen from now on is left to the next invocation.
    is_over: bool,
}

impl Limit {
    /// The limit of a request with these terms, if it has one.
    fn of(terms: &RequestOptions) -> Option<Self> {
        let conditions = terms.conditions.as_ref();
        let counted = conditions.filter(|c| !c.select.head && c.select.needs_looks());
        if terms.max_jobs.is_none() && counted.is_none() {
            return None;
        }
        // What `maxJobs` cuts to few enough need not be counted.
        let max_meant = counted.map(|conditions| conditions.max_selected);
        let max_meant = max_meant.filter(|&most| terms.max_jobs.is_none_or(|max| max > most));
        let due = counted.map(|conditions| conditions.find_until);
        Some(Self {
            room: terms.max_jobs,
            max_meant,
            due: due.filter(|_| terms.max_jobs.is_none()),
            ..Self::default()
        })
    }

    /// Whether jobs can be looked at a few at a time: they come oldest first, and need not be counted.
    fn takes_few(&self, terms: &RequestOptions) -> bool {
        terms.conditions.is_some() && self.room.is_some() && self.max_meant.is_none()
    }
}

impl Run<'_> {
    /// Queues the first looks.
    pub(super) fn start(&mut self) {
        let unseen = self
            .jobs
            .iter()
            .filter(|(_, job)| job.stage == Stage::ToDescribe);
        let unseen: Vec<(JobIndex, u32)> =
            unseen.map(|(place, job)| (place, job.request)).collect();
        for request in 0..self.jobs.request_count() {
            if let Some(limit) = self.jobs.terms(request).and_then(Limit::of) {
                self.limits.insert(request, limit);
            }
        }
        let mut first = Vec::with_capacity(unseen.len());
        for (place, request) in unseen {
            let Some(terms) = self.jobs.terms(request) else {
                continue;
            };
            match self.limits.get_mut(&request) {
                Some(limit) if limit.takes_few(terms) => {
                    limit.reserve.push_back(place);
                    self.set_stage(place, Stage::Waiting);
                    continue;
                }
                Some(limit) => limit.unknown += 1,
                None => {}
            }
            first.push(place);
        }
        for place in first {
            self.look_first(place);
        }
        let requests: Vec<u32> = self.limits.keys().copied().collect();
        for request in requests {
            self.look_at_more(request);
        }
    }

    fn look_first(&mut self, place: JobIndex) {
        self.set_stage(place, Stage::ToDescribe);
        let Some(id) = self.jobs.get(place).and_then(Job::id) else {
            return;
        };
        if let Some(parent) = id.parent()
            && self.parents.expect(parent)
        {
            // A parent that is asked for too is looked at anyway, unless others come first.
            let asked = self
                .jobs
                .place(parent)
                .and_then(|place| self.jobs.get(place));
            if asked.is_none_or(|parent| parent.stage != Stage::ToDescribe) {
                self.looks.push_first(parent);
            }
        }
        self.looks.push_first(id);
    }

    /// Has as many more jobs looked at as there is room for. If there is none, the rest is left to whoever else wants it.
    fn look_at_more(&mut self, request: u32) {
        let Some(limit) = self.limits.get_mut(&request) else {
            return;
        };
        let Some(room) = limit.room else {
            return;
        };
        let waiting = limit.reserve.len();
        let count = room
            .min(waiting)
            .next_multiple_of(DESCRIBE_LIMIT)
            .min(waiting);
        limit.unknown += count;
        let next: Vec<JobIndex> = limit.reserve.drain(..count).collect();
        for place in next {
            self.look_first(place);
        }
        if room == 0
            && let Some(limit) = self.limits.get_mut(&request)
        {
            let left = std::mem::take(&mut limit.reserve);
            for &place in &left {
                self.set_stage(place, Stage::Counted);
            }
            self.leave_to_others(left);
        }
    }

    /// Jobs that their request does not act on are looked at for whoever else wants them.
    fn leave_to_others(&mut self, places: impl IntoIterator<Item = JobIndex>) {
        for place in places {
            if self.fall_back(place) {
                self.look_first(place);
            }
        }
    }

    /// The next request that wants a job takes over, if there is one.
    pub(super) fn fall_back(&mut self, place: JobIndex) -> bool {
        let falls = self.jobs.fall_back(place);
        if falls
            && let Some(job) = self.jobs.get(place)
            && let Some(limit) = self.limits.get_mut(&job.request)
        {
            limit.unknown += 1;
        }
        falls
    }

    /// Whether a job is what its selection means, now that it was looked at. What was named always is.
    pub(super) fn is_meant(&mut self, place: JobIndex, seen: &JobDetail) -> bool {
        let Some(job) = self.jobs.get(place) else {
            return true;
        };
        let (request, size) = (job.request, job.size as usize);
        let terms = self.jobs.terms(request);
        let Some(Conditions { select, before, .. }) =
            terms.and_then(|terms| terms.conditions.as_ref())
        else {
            return true;
        };
        let is_meant = select.shows(seen, *before);
        match self.limits.get_mut(&request) {
            Some(limit) if limit.is_over => false,
            Some(limit) if is_meant => {
                limit.meant += size;
                true
            }
            _ => is_meant,
        }
    }

    /// Whether a selected job has reached a status since it was listed that the selection leaves out.
    pub(super) fn has_started_since(&self, place: JobIndex, seen: &JobDetail) -> bool {
        let terms = self
            .jobs
            .get(place)
            .and_then(|job| self.jobs.terms(job.request));
        let conditions = terms.and_then(|terms| terms.conditions.as_ref());
        seen.summary.status.is_started()
            && conditions.is_some_and(|c| !c.select.statuses.contains(&seen.summary.status))
    }

    /// One job fewer of its request is unknown.
    pub(super) fn known(&mut self, place: JobIndex) {
        let Some(request) = self.jobs.get(place).map(|job| job.request) else {
            return;
        };
        let Some(limit) = self.limits.get_mut(&request) else {
            return;
        };
        limit.unknown = limit.unknown.saturating_sub(1);
        if limit.unknown == 0 && !limit.is_over {
            self.release(request);
            self.look_at_more(request);
        }
    }

    /// When the next request has to act on what it knows.
    pub(super) fn next_release(&self) -> Option<Instant> {
        let waiting = self
            .limits
            .values()
            .filter(|limit| limit.unknown > 0 && !limit.is_over);
        waiting.filter_map(|limit| limit.due).min()
    }

    /// Has requests act on what they know whose time to look around is over.
    pub(super) fn release_due(&mut self, now: Instant) {
        let is_due = |limit: &Limit| {
            limit.unknown > 0 && !limit.is_over && limit.due.is_some_and(|due| due <= now)
        };
        let due = self.limits.iter().filter(|(_, limit)| is_due(limit));
        let due: Vec<u32> = due.map(|(request, _)| *request).collect();
        if due.is_empty() {
            return;
        }
        for request in due {
            self.jobs.mark_partial(request, Partial::OutOfTime);
            self.release(request);
            if let Some(limit) = self.limits.get_mut(&request) {
                limit.is_over = true;
            }
            let wanted = self.jobs.leave_unseen(request);
            self.leave_to_others(wanted);
        }
        let jobs = &self.jobs;
        let parents = &self.parents;
        let is_open = |id| {
            let job = jobs.place(id).and_then(|place| jobs.get(place));
            parents.is_awaited(id) || job.is_none_or(|job| job.stage == Stage::ToDescribe)
        };
        self.looks.retain_first(is_open);
    }

    /// All that can be known of a request is known: the oldest of its jobs go, as far as there is room.
    fn release(&mut self, request: u32) {
        let Some(limit) = self.limits.get_mut(&request) else {
            return;
        };
        let mut held = std::mem::take(&mut limit.held);
        if let Some(most) = limit.max_meant.filter(|&most| limit.meant > most) {
            let why = too_many(limit.meant, most);
            let wanted = self.jobs.refuse(request, why);
            return self.leave_to_others(wanted);
        }
        let mut room = limit.room;
        held.sort_by_key(|&place| self.jobs.get(place).map(|job| (job.created_at, place)));
        for place in held {
            let size = self.jobs.get(place).map_or(1, |job| job.size as usize);
            match room {
                None => self.go(place),
                Some(left) if size <= left => {
                    room = Some(left - size);
                    self.go(place);
                }
                Some(_) if self.fall_back(place) => self.look_first(place),
                Some(_) => {
                    let message = (size > 1).then(|| format!("an array of {size} jobs").into());
                    self.settled(place, Outcome::OverLimit, message);
                }
            }
        }
        if let Some(limit) = self.limits.get_mut(&request) {
            limit.room = room;
        }
    }

    /// Time is over, or everything is done: what was not needed is counted.
    pub(super) fn finish_limits(&mut self) {
        for (request, limit) in std::mem::take(&mut self.limits) {
            if limit.room.is_some_and(|room| room > 0) && !limit.reserve.is_empty() {
                self.jobs.mark_partial(request, Partial::OutOfTime);
            }
            for place in limit.reserve {
                self.set_stage(place, Stage::Counted);
            }
        }
    }
}
