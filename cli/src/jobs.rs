//! `bcancel jobs`: the jobs of a queue.

use std::time::Duration;

use batch_cancel::{
    batch::JobSummary,
    queue::{self, QueueError},
    request::{PageRequest, QueueName, RequestError, Status},
    session::{Calls, Session},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    account::Place,
    act::{NOTHING, say_where},
    args::{Cli, End, Jobs},
    error::{Result, UserError},
    output::{err, out, table},
    progress::{Done, Work, watched},
    request::upper,
    suggest,
    words::{age, count, flags},
};

/// The most jobs on a page.
const PAGE: &str = "100";

/// A page that is to be read: its queue, and its parameters as the HTTP route has them.
type Page = (QueueName, Vec<(String, String)>);

/// Lists the jobs of a queue.
pub(crate) async fn jobs(cli: &Cli, args: &Jobs) -> Result<u8> {
    if cli.to.function.is_some() {
        return Err("jobs asks AWS Batch itself: leave out --function".into());
    }
    let place = &Place::of(&cli.to, &End::default()).await?;
    let statuses = statuses(&args.status)?;
    let pages = pages(args, &statuses, place)?;
    if !args.quiet {
        say_where(&place.say());
    }
    let calls = Calls::default();
    let session = place.session(&calls, None, None);
    let limit = args.limit.map_or(usize::MAX, |limit| limit as usize);
    let reading = watched(Work::Look, async |_| read(pages, limit, session).await).await;
    let Done::Result(found) = reading.0 else {
        return Ok(NOTHING);
    };
    let (found, is_all) = match found {
        Ok(found) => found,
        Err(QueueError::NotFound(_)) => return Err(suggest::queue_of(&args.queue, place).await),
        Err(error) => return Err(UserError::new(flags(&error.to_string()))),
    };
    if args.quiet {
        let lines = found.iter().map(|job| format!("{}\n", job.id));
        out(&lines.collect::<String>());
    } else if args.json {
        let jobs: Vec<Value> = found.iter().map(shown).collect();
        let text = serde_json::to_string_pretty(&jobs).map_err(|error| error.to_string())?;
        out(&(text + "\n"));
    } else if found.is_empty() {
        out(&format!("No job in {} matches.\n", args.queue));
    } else {
        out(&list(&found, Timestamp::now()));
        err(&format!("\n{}\n", count(found.len(), "job")));
    }
    if !is_all {
        err("There are more: --limit shows so many.\n");
    }
    Ok(0)
}

/// The statuses that are asked for, in the order of a job's life.
fn statuses(given: &[String]) -> Result<Vec<Status>> {
    if given.is_empty() {
        return Ok(Status::LIVE.to_vec());
    }
    let mut statuses = Vec::new();
    for text in upper(given) {
        let status = Status::from_batch(&text);
        if status.as_str() != text {
            let all = "SUBMITTED, PENDING, RUNNABLE, STARTING, RUNNING, SUCCEEDED, FAILED";
            return Err(UserError::new(format!(
                "--status {text}: expected one of {all}"
            )));
        }
        statuses.push(status);
    }
    statuses.sort_unstable();
    statuses.dedup();
    Ok(statuses)
}

/// The first page of each status.
fn pages(args: &Jobs, statuses: &[Status], place: &Place) -> Result<Vec<Page>> {
    let queue = QueueName::parse(&args.queue, &place.account.own_region());
    let queue = queue.map_err(wrong)?;
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let page = |status: &Status| {
        let mut query = vec![pair("status", status.as_str()), pair("limit", PAGE)];
        query.extend(args.name.iter().map(|name| pair("jobName", name)));
        PageRequest::new(queue.clone(), &query).map_err(wrong)?;
        Ok((queue.clone(), query))
    };
    statuses.iter().map(page).collect()
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn wrong(error: RequestError) -> UserError {
    UserError::new(flags(&error.to_string()))
}

/// Reads pages until there are no more, or there are enough jobs. Whether these are all.
async fn read(
    pages: Vec<Page>,
    limit: usize,
    session: Session<'_>,
) -> std::result::Result<(Vec<JobSummary>, bool), QueueError> {
    let mut found: Vec<JobSummary> = Vec::new();
    for (queue, mut query) in pages {
        while let Ok(request) = PageRequest::new(queue.clone(), &query) {
            let page = queue::list(&request, session).await?;
            found.extend(page.jobs);
            if found.len() > limit {
                found.truncate(limit);
                return Ok((found, false));
            }
            let Some(next) = page.next_token else { break };
            query.retain(|(name, _)| name != "nextToken");
            query.push(("nextToken".to_owned(), next));
        }
    }
    Ok((found, true))
}

fn list(jobs: &[JobSummary], now: Timestamp) -> String {
    let rows = jobs.iter().map(|job| {
        [
            job.id.to_string(),
            job.job_name.clone(),
            job.status.as_str().to_owned(),
            since(job.created_at, now).map(age).unwrap_or_default(),
            note(job, now),
        ]
    });
    table(["JOB", "NAME", "STATUS", "AGE", ""], rows, &[])
}

fn note(job: &JobSummary, now: Timestamp) -> String {
    let array = job.array_size.map(|size| format!("array of {size}"));
    let ending = if job.is_terminated {
        Some("being terminated".to_owned())
    } else {
        job.is_cancelled.then(|| "being cancelled".to_owned())
    };
    let runs = since(job.started_at, now).filter(|_| job.status == Status::Running);
    let runs = runs.map(|time| format!("runs for {}", age(time)));
    let parts = [array, ending, runs, job.status_reason.clone()];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn since(time: Option<i64>, now: Timestamp) -> Option<Duration> {
    let time = Timestamp::from_millisecond(time?).ok()?;
    let passed: SignedDuration = now.duration_since(time);
    passed.try_into().ok()
}

/// A job as JSON, with the names of the HTTP route.
fn shown(job: &JobSummary) -> Value {
    let time = |time: Option<i64>| {
        Timestamp::from_millisecond(time?)
            .ok()
            .map(|time| time.to_string())
    };
    json!({
        "jobId": job.id.to_string(),
        "jobName": job.job_name,
        "status": job.status.as_str(),
        "statusReason": job.status_reason,
        "createdAt": time(job.created_at),
        "startedAt": time(job.started_at),
        "isCancelled": job.is_cancelled,
        "isTerminated": job.is_terminated,
    })
}
