//! Listing while jobs move: sweeps through the statuses in the order of a job's life, until one finds nothing new.
//!
//! Batch can select by one condition of its own, at a hundred jobs a page and over all statuses, those of jobs that ended
//! days ago included; or list one status at a thousand a page. Which is cheaper depends on what is there. So the first
//! sweep turns the pages of both by turns, and whichever comes to its end first is kept: at most twice the cheaper one.

use std::collections::{HashSet, VecDeque};

use super::{Candidate, SelectError, Selection, SelectionQuery, partial, unlisted};
use crate::{
    batch::{CallError, ErrorKind, Filter, ListJobs, ListOf, Listing, Page},
    policy::too_many,
    report::Partial,
    request::{NamePattern, Select},
    session::Session,
};

/// How often a queue is swept at most, however much is new in it.
const MAX_SWEEPS: usize = 3;

pub(super) struct Sweep<'a> {
    wanted: SelectionQuery<'a>,
    of: ListOf,
}

/// Listings to be read one after the other.
#[derive(Clone, Debug, Default)]
struct Cursor {
    listings: VecDeque<Listing>,
    next: Option<String>,
}

/// The jobs found so far.
#[derive(Debug, Default)]
struct Found {
    known: HashSet<crate::request::JobId>,
    jobs: Vec<Candidate>,
    size: usize,
}

/// How a sweep has ended.
enum End {
    Complete,
    TooMany,
    Failed(CallError),
}

impl<'a> Sweep<'a> {
    pub(super) fn new(wanted: SelectionQuery<'a>, of: ListOf) -> Self {
        Self { wanted, of }
    }

    pub(super) async fn run(self, session: Session<'_>) -> Result<Selection, SelectError> {
        let mut found = Found::default();
        let mut plan = None;
        for _ in 0..MAX_SWEEPS {
            let known = found.jobs.len();
            let end = match plan.clone() {
                None => {
                    let (cursor, end) = self.first(&mut found, session).await;
                    plan = Some(cursor);
                    end
                }
                Some(cursor) => self.again(cursor, &mut found, session).await,
            };
            match end {
                End::Complete if found.jobs.len() == known => break,
                End::Complete => {}
                End::TooMany => return Err(self.too_many(found.size)),
                End::Failed(error)
                    if matches!(error.kind, ErrorKind::Denied | ErrorKind::Refused) =>
                {
                    return unlisted(error, session);
                }
                End::Failed(error) => {
                    return Ok(found.into_selection(Some(partial(&error, session))));
                }
            }
        }
        Ok(found.into_selection(None))
    }

    fn too_many(&self, size: usize) -> SelectError {
        SelectError::Refused(too_many(size, self.wanted.max.unwrap_or_default()))
    }

    /// The first sweep, by the cheaper plan, which it returns.
    async fn first(&self, found: &mut Found, session: Session<'_>) -> (Cursor, End) {
        let by_status = self.by_status(None);
        let (Some(filter), exact) = self.filter() else {
            return (
                by_status.clone(),
                self.again(by_status, found, session).await,
            );
        };
        let filtered = match &filter {
            Filter::ShareIdentifier(_) => self.by_status(Some(&filter)),
            _ => Cursor::of([Listing {
                of: self.of.clone(),
                status: None,
                filter: Some(filter),
            }]),
        };
        if exact {
            return (filtered.clone(), self.again(filtered, found, session).await);
        }
        let mut other = Found::default();
        let (mut one, mut two) = (filtered.clone(), by_status.clone());
        loop {
            if let Some(end) = self.turn(&mut one, found, session).await {
                return (filtered, end);
            }
            if let Some(end) = self.turn(&mut two, &mut other, session).await {
                *found = other;
                return (by_status, end);
            }
        }
    }

    /// A whole sweep by a plan.
    async fn again(&self, mut cursor: Cursor, found: &mut Found, session: Session<'_>) -> End {
        loop {
            if let Some(end) = self.turn(&mut cursor, found, session).await {
                return end;
            }
        }
    }

    /// Turns a page. The end, if that was the last.
    async fn turn(
        &self,
        cursor: &mut Cursor,
        found: &mut Found,
        session: Session<'_>,
    ) -> Option<End> {
        let Some(listing) = cursor.listings.front() else {
            return Some(End::Complete);
        };
        let call = ListJobs {
            listing,
            next: cursor.next.as_deref(),
        };
        let page = match session.call(&call).await {
            Ok(page) => page,
            Err(error) => return Some(End::Failed(error)),
        };
        found.take(&page, self.wanted);
        if self.wanted.max.is_some_and(|max| found.size > max) {
            return Some(End::TooMany);
        }
        cursor.next = page.next;
        if cursor.next.is_none() {
            cursor.listings.pop_front();
        }
        cursor.listings.is_empty().then_some(End::Complete)
    }

    /// A listing for each status, in the order of a job's life, so that a job that moves on is met again.
    fn by_status(&self, filter: Option<&Filter>) -> Cursor {
        let listing = |&status| Listing {
            of: self.of.clone(),
            status: Some(status),
            filter: filter.cloned(),
        };
        Cursor::of(self.wanted.select.statuses.iter().map(listing))
    }

    /// The condition that Batch can select by best, and whether it spares looks, so that nothing else is worth a try.
    fn filter(&self) -> (Option<Filter>, bool) {
        let select: &Select = self.wanted.select;
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
        let understood = |pattern: &&NamePattern| {
            let text = pattern.as_str();
            if text.starts_with("arn:") {
                !text.ends_with('*')
            } else {
                !text.contains(':')
            }
        };
        let definition = select.job_definition.as_ref().filter(understood);
        (
            definition.map(|d| Filter::JobDefinition(d.as_str().to_owned())),
            true,
        )
    }
}

impl Cursor {
    fn of(listings: impl IntoIterator<Item = Listing>) -> Self {
        Self {
            listings: listings.into_iter().collect(),
            next: None,
        }
    }
}

impl Found {
    fn take(&mut self, page: &Page, wanted: SelectionQuery<'_>) {
        for job in &page.jobs {
            if wanted.select.lists(job, wanted.action, wanted.before) && self.known.insert(job.id) {
                self.size += job.array_size.map_or(1, |size| size as usize);
                self.jobs.push(Candidate {
                    id: job.id,
                    created_at: job.created_at,
                });
            }
        }
    }

    fn into_selection(self, partial: Option<Partial>) -> Selection {
        Selection {
            jobs: self.jobs,
            partial,
        }
    }
}
