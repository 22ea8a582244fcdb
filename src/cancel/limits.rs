//! Requests whose jobs wait for one another: with `maxJobs` the oldest go first, and a selection whose conditions only a
//! look can tell must not match too many.

use std::collections::VecDeque;

use tokio::time::Instant;

use super::run::Run;
use crate::{
    batch::{DESCRIBE_LIMIT, Seen},
    jobs::{Conditions, Job, Place, Stage, Terms},
    report::Outcome,
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
    pub(super) held: Vec<Place>,
    /// Those that are not looked at yet, oldest first: perhaps they need not be.
    reserve: VecDeque<Place>,
    /// When to act on what is known by then.
    due: Option<Instant>,
    /// That time is over: what is seen from now on is left to the next invocation.
    is_over: bool,
}

impl Limit {
    /// The limit of a request with these terms, if it has one.
    fn of(terms: &Terms) -> Option<Self> {
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
    fn takes_few(&self, terms: &Terms) -> bool {
        terms.conditions.is_some() && self.room.is_some() && self.max_meant.is_none()
    }
}

impl Run<'_> {
    /// Queues the first looks.
    pub(super) fn start(&mut self) {
        let unseen = self
            .jobs
            .iter()
            .filter(|(_, job)| job.stage == Stage::Unseen);
        let unseen: Vec<(Place, u32)> = unseen.map(|(place, job)| (place, job.request)).collect();
        for (place, request) in unseen {
            let Some(terms) = self.jobs.terms(request) else {
                continue;
            };
            if !self.limits.contains_key(&request)
                && let Some(limit) = Limit::of(terms)
            {
                self.limits.insert(request, limit);
            }
            match self.limits.get_mut(&request) {
                Some(limit) if limit.takes_few(terms) => limit.reserve.push_back(place),
                Some(limit) => {
                    limit.unknown += 1;
                    self.look_first(place);
                }
                None => self.look_first(place),
            }
        }
        let few = self
            .limits
            .iter()
            .filter(|(_, limit)| !limit.reserve.is_empty());
        let few: Vec<u32> = few.map(|(request, _)| *request).collect();
        for request in few {
            self.look_at_more(request);
        }
    }

    fn look_first(&mut self, place: Place) {
        let Some(id) = self.jobs.get(place).and_then(Job::id) else {
            return;
        };
        if let Some(parent) = id.parent()
            && self.parents.expect(parent)
            && self.jobs.place(parent).is_none()
        {
            self.looks.push_first(parent);
        }
        self.looks.push_first(id);
    }

    /// Has as many more jobs looked at as there is room for.
    fn look_at_more(&mut self, request: u32) {
        let Some(limit) = self.limits.get_mut(&request) else {
            return;
        };
        let Some(room) = limit.room.filter(|&room| room > 0) else {
            return;
        };
        let count = room
            .next_multiple_of(DESCRIBE_LIMIT)
            .min(limit.reserve.len());
        limit.unknown += count;
        let next: Vec<Place> = limit.reserve.drain(..count).collect();
        for place in next {
            self.look_first(place);
        }
    }

    /// Whether a job is what its selection means, now that it was looked at. What was named always is.
    pub(super) fn is_meant(&mut self, place: Place, seen: &Seen) -> bool {
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

    /// One job fewer of its request is unknown.
    pub(super) fn known(&mut self, place: Place) {
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
            self.jobs.mark_partial(request);
            self.release(request);
            if let Some(limit) = self.limits.get_mut(&request) {
                limit.is_over = true;
            }
            self.jobs.leave_unseen(request);
        }
        let jobs = &self.jobs;
        let is_open = |id| {
            let job = jobs.place(id).and_then(|place| jobs.get(place));
            job.is_none_or(|job| job.stage == Stage::Unseen)
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
            let why = format!(
                "the selection matches {} jobs or more, more than MAX_SELECTED ({most}); nothing was done. Narrow it, or give a \
                 maxJobs of no more",
                limit.meant
            );
            return self.jobs.refuse(request, why);
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
    pub(super) fn close_limits(&mut self) {
        for (request, limit) in std::mem::take(&mut self.limits) {
            if limit.room.is_some_and(|room| room > 0) && !limit.reserve.is_empty() {
                self.jobs.mark_partial(request);
            }
            for place in limit.reserve {
                self.set_stage(place, Stage::Counted);
            }
        }
    }
}
