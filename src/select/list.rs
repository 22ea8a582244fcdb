//! Listing while jobs move: sweeps through the statuses in the order of a job's life, until one finds nothing new.
//!
//! Batch can filter by one condition, at a hundred jobs a page and over all statuses, jobs that ended days ago included;
//! or list one status at a thousand a page. Which is cheaper depends on what is there. So the first sweep turns the pages
//! of both by turns, and whichever is complete first is kept: at most twice the cheaper one.

use std::{
    collections::{HashSet, VecDeque},
    sync::atomic::{AtomicUsize, Ordering},
};

use futures_util::stream::{FuturesUnordered, StreamExt};

use super::{
    Candidate, SelectionQuery,
    error::{Unread, refuse_too_many},
    time::ListingTime,
};
use crate::{
    batch::{CallError, ErrorKind, Filter, ListJobs, ListOf, Listing, Page, Pages},
    command::RequestRefused,
    request::{JobId, NamePattern, Select, Status},
    session::Session,
};

/// How often a queue is swept at most, however much is new in it.
const MAX_SWEEPS: usize = 3;

/// What is listed, and how.
#[derive(Clone, Copy)]
pub(super) struct Listings<'a> {
    pub(super) select: &'a Select,
    pub(super) query: SelectionQuery,
    /// Listing stops as soon as it has found more than this: an array parent counts as its size.
    pub(super) most: Option<usize>,
    pub(super) time: &'a ListingTime,
    pub(super) session: Session<'a>,
}

impl Listings<'_> {
    /// Lists all sources side by side: the jobs that match as far as a listing tells, and what could not be read.
    ///
    /// # Errors
    ///
    /// When more than `most` match.
    pub(super) async fn list(
        self,
        sources: Vec<ListOf>,
    ) -> Result<(Vec<Candidate>, Vec<Unread>), RequestRefused> {
        let sizes: Vec<AtomicUsize> = sources.iter().map(|_| AtomicUsize::new(0)).collect();
        let sweeps = sources.into_iter().enumerate().map(|(place, of)| Sweep {
            of,
            place,
            sizes: &sizes,
            listings: self,
        });
        let mut sweeping: FuturesUnordered<_> = sweeps.map(Sweep::sweep).collect();
        let mut swept = Vec::with_capacity(sizes.len());
        while let Some((place, of, found, result)) = sweeping.next().await {
            if let SweepResult::TooMany(size) = result {
                return Err(refuse_too_many(size, self.session.policy));
            }
            swept.push((place, of, found, result));
        }
        swept.sort_unstable_by_key(|(place, ..)| *place);
        let (mut jobs, mut unread) = (Vec::new(), Vec::new());
        for (_, of, found, result) in swept {
            jobs.extend(found.jobs);
            let some = || CallError::new(ErrorKind::Server, "some of its jobs cannot be read");
            let error = match result {
                SweepResult::Failed(error) => Some(error),
                _ => found.has_unreadable.then(some),
            };
            unread.extend(error.map(|error| (of.into_queue(), error)));
        }
        Ok((jobs, unread))
    }
}

/// A queue or array whose jobs are listed.
struct Sweep<'a> {
    of: ListOf,
    /// Its place among all sources.
    place: usize,
    /// How many jobs each source is known to have that match.
    sizes: &'a [AtomicUsize],
    listings: Listings<'a>,
}

/// Listings to be read one after the other.
#[derive(Clone, Debug, Default)]
struct Cursor {
    listings: VecDeque<Listing>,
    pages: Pages,
}

/// The jobs listed so far.
#[derive(Debug, Default)]
struct Listed {
    known: HashSet<JobId>,
    jobs: Vec<Candidate>,
    size: usize,
    /// Whether a listing has shown a job that cannot be read.
    has_unreadable: bool,
}

impl Listed {
    fn join(&mut self, other: Self) {
        self.has_unreadable |= other.has_unreadable;
        self.add(other.jobs);
    }

    fn add(&mut self, jobs: impl IntoIterator<Item = Candidate>) {
        for job in jobs {
            if self.known.insert(job.id) {
                self.size += job.size;
                self.jobs.push(job);
            }
        }
    }
}

/// How a sweep went.
enum SweepResult {
    Complete,
    TooMany(usize),
    Failed(CallError),
}

impl Sweep<'_> {
    /// Sweeps until nothing new is found: once where nothing matches.
    async fn sweep(self) -> (usize, ListOf, Listed, SweepResult) {
        let mut found = Listed::default();
        let (cursor, mut result) = self.first(&mut found).await;
        let mut known = 0;
        for _ in 1..MAX_SWEEPS {
            if !matches!(result, SweepResult::Complete) || found.jobs.len() == known {
                break;
            }
            known = found.jobs.len();
            result = self.turn_all(cursor.clone(), &mut found).await;
        }
        (self.place, self.of, found, result)
    }

    /// How many jobs match in all sources, as far as it is known, of which this one has so many.
    fn known(&self, size: usize) -> usize {
        if let Some(own) = self.sizes.get(self.place) {
            own.fetch_max(size, Ordering::Relaxed);
        }
        let sizes = self.sizes.iter();
        sizes.map(|size| size.load(Ordering::Relaxed)).sum()
    }

    /// The first sweep, by the cheaper listings, which it returns.
    async fn first(&self, found: &mut Listed) -> (Cursor, SweepResult) {
        let by_status = self.by_status(None);
        let (Some(filter), is_exact) = self.filter() else {
            return (by_status.clone(), self.turn_all(by_status, found).await);
        };
        let filtered = match &filter {
            Filter::ShareIdentifier(_) => self.by_status(Some(&filter)),
            _ => Cursor::of([Listing {
                of: self.of.clone(),
                status: None,
                filter: Some(filter),
            }]),
        };
        if is_exact {
            return (filtered.clone(), self.turn_all(filtered, found).await);
        }
        let mut other = Listed::default();
        let (mut one, mut two) = (filtered.clone(), by_status.clone());
        loop {
            // Where one fails, the other goes on alone.
            match self.turn(&mut one, found).await {
                None => {}
                Some(SweepResult::Failed(_)) => {
                    let result = self.turn_all(two, &mut other).await;
                    found.join(other);
                    return (by_status, result);
                }
                Some(result) => return (filtered, result),
            }
            match self.turn(&mut two, &mut other).await {
                None => {}
                Some(SweepResult::Failed(_)) => {
                    found.join(other);
                    return (filtered, self.turn_all(one, found).await);
                }
                Some(result) => {
                    *found = other;
                    return (by_status, result);
                }
            }
        }
    }

    /// A whole sweep.
    async fn turn_all(&self, mut cursor: Cursor, found: &mut Listed) -> SweepResult {
        loop {
            if let Some(result) = self.turn(&mut cursor, found).await {
                return result;
            }
        }
    }

    /// Turns a page. The result of the sweep, if that was the last.
    async fn turn(&self, cursor: &mut Cursor, found: &mut Listed) -> Option<SweepResult> {
        let Some(listing) = cursor.listings.front() else {
            return Some(SweepResult::Complete);
        };
        let call = ListJobs {
            listing,
            next: cursor.pages.next(),
            limit: None,
        };
        let Listings {
            most,
            time,
            session,
            ..
        } = self.listings;
        let session = session.until(time.deadline(session));
        let page = match session.call(&call).await {
            Ok(page) => page,
            Err(error) if call.next.is_some() => return Some(SweepResult::Failed(midway(error))),
            Err(error) => return Some(SweepResult::Failed(error)),
        };
        self.take(&page, found);
        let known = self.known(found.size);
        if let Some(control) = session.control {
            control.found(known);
        }
        if most.is_some_and(|most| known > most) {
            return Some(SweepResult::TooMany(known));
        }
        match cursor.pages.turn(page.next) {
            Ok(true) => {}
            Ok(false) => {
                cursor.listings.pop_front();
                cursor.pages = Pages::default();
            }
            Err(error) => return Some(SweepResult::Failed(error)),
        }
        cursor.listings.is_empty().then_some(SweepResult::Complete)
    }

    fn take(&self, page: &Page, found: &mut Listed) {
        let Listings {
            select,
            query,
            time,
            ..
        } = self.listings;
        found.has_unreadable |= page.unreadable > 0;
        let known = found.jobs.len();
        for job in &page.jobs {
            let matches = select.matches_listed(job, query.intent.action, query.before);
            if matches {
                found.add([Candidate {
                    id: job.id,
                    created_at: job.created_at,
                    size: job.array_size.map_or(1, |size| size as usize),
                }]);
            }
        }
        time.add(found.jobs.len() - known);
    }

    /// A listing for each status, in the order of a job's life, so that a job that moves on is met again.
    fn by_status(&self, filter: Option<&Filter>) -> Cursor {
        let listing = |&status: &Status| Listing {
            of: self.of.clone(),
            status: Some(status),
            filter: filter.cloned(),
        };
        Cursor::of(self.listings.select.statuses.iter().map(listing))
    }

    /// The condition that Batch can filter by best, and whether no look is needed then, so that nothing else is worth a try.
    fn filter(&self) -> (Option<Filter>, bool) {
        let select = self.listings.select;
        if matches!(self.of, ListOf::Array(_)) {
            return (None, false);
        }
        if let Some(share) = &select.share_identifier {
            return (Some(Filter::ShareIdentifier(share.clone())), false);
        }
        if let Some(name) = &select.job_name {
            return (Some(Filter::JobName(name.as_str().to_owned())), false);
        }
        // A name with a revision is neither a name nor an ARN to Batch.
        let is_understood = |pattern: &&NamePattern| {
            let text = pattern.as_str();
            if text.starts_with("arn:") {
                !text.ends_with('*')
            } else {
                !text.contains(':')
            }
        };
        let definition = select.job_definition.as_ref().filter(is_understood);
        let filter = definition.map(|name| Filter::JobDefinition(name.as_str().to_owned()));
        (filter, true)
    }
}

impl Cursor {
    fn of(listings: impl IntoIterator<Item = Listing>) -> Self {
        Self {
            listings: listings.into_iter().collect(),
            pages: Pages::default(),
        }
    }
}

/// The error of a page after the first of its listing. What Batch refuses then, the whole listing is not refused for: a token that
/// has expired does not matter to the next listing.
fn midway(error: CallError) -> CallError {
    let kind = match error.kind {
        ErrorKind::Refused | ErrorKind::Denied | ErrorKind::NoSuchOperation => ErrorKind::Server,
        kind => kind,
    };
    CallError { kind, ..error }
}
