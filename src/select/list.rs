//! Listing while jobs move: sweeps through the statuses in the order of a job's life, until one finds nothing new.
//!
//! Batch can filter by one condition, at a hundred jobs a page and over all statuses, jobs that ended days ago included;
//! or list one status at a thousand a page. Which is cheaper depends on what is there. So the first sweep turns the pages
//! of both by turns, and whichever comes to its end first is kept: at most twice the cheaper one.

use std::collections::{HashSet, VecDeque};

use super::{Candidate, SelectionQuery, partial, refuse_too_many};
use crate::{
    batch::{CallError, ErrorKind, Filter, ListJobs, ListOf, Listing, Page, Pages},
    command::RequestRefused,
    report::Partial,
    request::{JobId, NamePattern, Select, Status},
    session::Session,
};

/// How often a queue is swept at most, however much is new in it.
const MAX_SWEEPS: usize = 3;

/// Lists the jobs that match as far as a listing tells. The listing ends as soon as it has found more than `most`.
///
/// # Errors
///
/// When Batch refuses or IAM denies it, or more than `most` match. A listing that fails otherwise is partial.
pub(super) async fn list(
    select: &Select,
    query: SelectionQuery,
    of: ListOf,
    most: Option<usize>,
    session: Session<'_>,
) -> Result<(Vec<Candidate>, Option<Partial>), RequestRefused> {
    let sweep = Sweep {
        select,
        query,
        of,
        most,
        session,
    };
    let mut found = Found::default();
    let mut kept = None;
    for _ in 0..MAX_SWEEPS {
        let known = found.jobs.len();
        let end = match kept.clone() {
            None => {
                let (cursor, end) = sweep.first(&mut found).await;
                kept = Some(cursor);
                end
            }
            Some(cursor) => sweep.to_end(cursor, &mut found).await,
        };
        match end {
            End::Complete if found.jobs.len() == known => break,
            End::Complete => {}
            End::TooMany => return Err(refuse_too_many(found.size, session.policy)),
            End::Failed(error) => return Ok((found.jobs, Some(partial(error)?))),
        }
    }
    let partial = found.has_unreadable.then_some(Partial::Failed);
    Ok((found.jobs, partial))
}

struct Sweep<'a> {
    select: &'a Select,
    query: SelectionQuery,
    of: ListOf,
    most: Option<usize>,
    session: Session<'a>,
}

/// Listings to be read one after the other.
#[derive(Clone, Debug, Default)]
struct Cursor {
    listings: VecDeque<Listing>,
    pages: Pages,
}

/// The jobs found so far.
#[derive(Debug, Default)]
struct Found {
    known: HashSet<JobId>,
    jobs: Vec<Candidate>,
    size: usize,
    /// Whether a listing has shown a job that cannot be read.
    has_unreadable: bool,
}

impl Found {
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

/// How a sweep has ended.
enum End {
    Complete,
    TooMany,
    Failed(CallError),
}

impl Sweep<'_> {
    /// The first sweep, by the cheaper listings, which it returns.
    async fn first(&self, found: &mut Found) -> (Cursor, End) {
        let by_status = self.by_status(None);
        let (Some(filter), is_exact) = self.filter() else {
            return (by_status.clone(), self.to_end(by_status, found).await);
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
            return (filtered.clone(), self.to_end(filtered, found).await);
        }
        let mut other = Found::default();
        let (mut one, mut two) = (filtered.clone(), by_status.clone());
        loop {
            // Where one fails, the other goes on alone.
            match self.turn(&mut one, found).await {
                None => {}
                Some(End::Failed(_)) => {
                    let end = self.to_end(two, &mut other).await;
                    found.join(other);
                    return (by_status, end);
                }
                Some(end) => return (filtered, end),
            }
            match self.turn(&mut two, &mut other).await {
                None => {}
                Some(End::Failed(_)) => {
                    found.join(other);
                    return (filtered, self.to_end(one, found).await);
                }
                Some(end) => {
                    *found = other;
                    return (by_status, end);
                }
            }
        }
    }

    /// A whole sweep.
    async fn to_end(&self, mut cursor: Cursor, found: &mut Found) -> End {
        loop {
            if let Some(end) = self.turn(&mut cursor, found).await {
                return end;
            }
        }
    }

    /// Turns a page. The end, if that was the last.
    async fn turn(&self, cursor: &mut Cursor, found: &mut Found) -> Option<End> {
        let Some(listing) = cursor.listings.front() else {
            return Some(End::Complete);
        };
        let call = ListJobs {
            listing,
            next: cursor.pages.next(),
            limit: None,
        };
        let page = match self.session.call(&call).await {
            Ok(page) => page,
            Err(error) if call.next.is_some() => return Some(End::Failed(midway(error))),
            Err(error) => return Some(End::Failed(error)),
        };
        self.take(&page, found);
        if self.most.is_some_and(|most| found.size > most) {
            return Some(End::TooMany);
        }
        match cursor.pages.turn(page.next) {
            Ok(true) => {}
            Ok(false) => {
                cursor.listings.pop_front();
                cursor.pages = Pages::default();
            }
            Err(error) => return Some(End::Failed(error)),
        }
        cursor.listings.is_empty().then_some(End::Complete)
    }

    fn take(&self, page: &Page, found: &mut Found) {
        let Self { select, query, .. } = self;
        found.has_unreadable |= page.unreadable > 0;
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
    }

    /// A listing for each status, in the order of a job's life, so that a job that moves on is met again.
    fn by_status(&self, filter: Option<&Filter>) -> Cursor {
        let listing = |&status: &Status| Listing {
            of: self.of.clone(),
            status: Some(status),
            filter: filter.cloned(),
        };
        Cursor::of(self.select.statuses.iter().map(listing))
    }

    /// The condition that Batch can filter by best, and whether it spares looks, so that nothing else is worth a try.
    fn filter(&self) -> (Option<Filter>, bool) {
        let select = self.select;
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
