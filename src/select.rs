//! Which jobs a request is about, where its ids alone do not tell: all that is conditional is decided here, before
//! anything is acted on. What comes out is definite: a list of jobs, and what to do with each.

mod blocked;
mod error;
mod limit;
mod list;
mod matches;
mod sources;
mod time;

use crate::{
    command::RequestRefused,
    jobs::Decision,
    plan::Intent,
    report::{Partial, UnreadQueue},
    request::{AskedId, Cause, JobId, Select, SelectFrom},
    session::Session,
};

pub(crate) use blocked::select_blocked;
use error::{not_looked_at, of_read, partial_by_look, refuse_too_many};
use limit::Planner;
use list::Listings;
use sources::{Sources, Stop, sources};
use time::ListingTime;

/// The jobs of a request, and what to do with each.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    /// The jobs of which nothing is known yet: they are to be looked at.
    pub(crate) unseen: Vec<AskedId>,
    /// The jobs about which something is decided already.
    pub(crate) jobs: Vec<Chosen>,
    /// How many more match, and are left alone because of `maxJobs`. They were not looked at.
    pub(crate) over_limit: usize,
    /// Why not all jobs that match could be found.
    pub(crate) partial: Option<Partial>,
    /// Why there is nothing to do.
    pub(crate) ignored: Option<String>,
    /// The queues of which not all jobs could be found.
    pub(crate) unread: Vec<UnreadQueue>,
}

/// A job, and what to do with it.
#[derive(Debug)]
pub(crate) struct Chosen {
    pub(crate) id: AskedId,
    /// What to do with it.
    pub(crate) decision: Decision,
    /// The beginning of the status reason that the reason sent to Batch overwrites, if that is worth repeating.
    pub(crate) overwrites: Option<String>,
}

impl Chosen {
    fn new(id: JobId, decision: Decision) -> Self {
        Self {
            id: AskedId::known(id),
            decision,
            overwrites: None,
        }
    }
}

/// A job that a listing shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Candidate {
    id: JobId,
    /// When it was created, in milliseconds since 1970.
    created_at: Option<i64>,
    /// How many jobs it stands for: an array parent counts as its size.
    size: usize,
}

/// A selection to be made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SelectionQuery {
    /// What to do with the jobs.
    pub(crate) intent: Intent,
    /// Act on at most this many jobs, the oldest first.
    pub(crate) max_jobs: Option<usize>,
    /// Only jobs that were created before then count, in milliseconds since 1970.
    pub(crate) before: i64,
    /// Through what it is asked.
    pub(crate) cause: Cause,
    /// Something brings the event again when it comes too soon.
    pub(crate) comes_again: bool,
    /// Nothing else is asked by the same event.
    pub(crate) is_alone: bool,
}

/// The jobs of `ids`, of which at most `maxJobs` are acted on.
pub(crate) async fn select_ids(
    ids: Vec<AskedId>,
    query: SelectionQuery,
    session: Session<'_>,
) -> Selection {
    let session = session.until(session.deadline.first_of(2));
    Planner::new(query, session).limit_ids(ids).await
}

/// The jobs that match a selection.
///
/// # Errors
///
/// When the selection is refused. A listing that fails midway or runs out of time is partial.
pub(crate) async fn select(
    select: &Select,
    query: SelectionQuery,
    session: Session<'_>,
) -> Result<Selection, RequestRefused> {
    let time = ListingTime::new(query, session);
    let first_half = session.until(session.deadline.first_of(2));
    let sources = match sources(select, first_half).await {
        Ok(sources) => sources,
        Err(Stop::Refused(why)) => return Err(why),
        Err(Stop::Call(error)) => return of_read(vec![(None, error)], false),
    };
    if select.head {
        return blocked::heads(sources, select, query, first_half).await;
    }
    let Sources { of, unread } = sources;
    let max_selected = session.policy.max_selected;
    // What `maxJobs` cuts to few enough need not be counted, and what only a look can tell may leave few of many.
    // A listing has no tags, so only looks tell whose jobs they are; of an array, one look at the array did.
    let is_array = matches!(select.from, SelectFrom::Array(_));
    let looks = select.needs_looks() || (session.owner.is_restricted() && !is_array);
    let is_counted = query.max_jobs.is_none_or(|max| max > max_selected);
    let most = (is_counted && !looks).then_some(max_selected);
    let listings = Listings {
        select,
        query,
        most,
        time: &time,
        session,
    };
    let count = of.len();
    let (candidates, not_listed) = listings.list(of).await?;
    let is_read = not_listed.len() < count;
    let found = of_read([unread, not_listed].concat(), is_read)?;
    // Acting and looking at the effect takes three times as many calls as these looks.
    let session = session.until(session.deadline.first_of(3));
    let planner = Planner::new(query, session);
    let mut found = match query.max_jobs {
        // Without the whole list nobody knows the oldest.
        Some(_) if found.partial.is_some() => found,
        Some(max) => {
            let most = (is_counted && looks).then_some(max_selected);
            planner.oldest(select, candidates, max, most).await?
        }
        None if looks => planner.all(select, candidates, found).await?,
        None => {
            let unseen = candidates.iter().map(|job| AskedId::known(job.id));
            let unseen = unseen.collect();
            Selection { unseen, ..found }
        }
    };
    let is_empty = found.unseen.is_empty() && found.jobs.is_empty();
    if is_empty && found.over_limit == 0 && found.partial.is_none() {
        found.ignored = Some(format!("no job in {} matches the selection", select.from));
    }
    Ok(found)
}
