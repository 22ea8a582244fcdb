//! What a command would end, before it is done.

use std::{collections::BTreeMap, fmt::Write, time::Duration};

use batch_cancel::{queue_name, report::Outcome};
use jiff::Timestamp;

use crate::{
    left::{note, why},
    output::{plain, table},
    question::FEW,
    report::{Job, Report},
    words::{age, count},
};

/// What the commands do to a job: cancel or terminate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Cancel,
    Terminate,
}

impl Verb {
    pub(crate) fn of(terminate: bool) -> Self {
        if terminate {
            Self::Terminate
        } else {
            Self::Cancel
        }
    }

    pub(crate) fn present(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Terminate => "terminate",
        }
    }

    pub(crate) fn past(self) -> &'static str {
        match self {
            Self::Cancel => "cancelled",
            Self::Terminate => "terminated",
        }
    }
}

/// The text before the question: few jobs one by one, many by queue and status.
pub(crate) fn preview(report: &Report, verb: Verb, now: Timestamp) -> String {
    let mut text = if report.count() <= FEW && report.truncated.is_none() {
        list(&report.jobs, now)
    } else {
        summary(report, verb, now)
    };
    for queue in &report.unread {
        let (name, error) = (plain(&queue.job_queue), plain(&queue.error));
        let _ = writeln!(text, "  not all of {name} could be read: {error}");
    }
    if report.selection.is_some() && report.unread.is_empty() {
        text.push_str("  not all jobs that match could be found\n");
    }
    text
}

fn list(jobs: &[Job], now: Timestamp) -> String {
    let rows = jobs.iter().map(|job| {
        [
            job.asked().to_owned(),
            job.job_name.clone().unwrap_or_default(),
            queue_of(job).to_owned(),
            job.before.clone().unwrap_or_default(),
            age_of(job, now).map(age).unwrap_or_default(),
            note(job),
        ]
    });
    table(["JOB", "NAME", "QUEUE", "STATUS", "AGE", ""], rows, &[])
}

fn queue_of(job: &Job) -> &str {
    queue_name(job.job_queue.as_deref().unwrap_or_default())
}

pub(crate) fn age_of(job: &Job, now: Timestamp) -> Option<Duration> {
    let created_at: Timestamp = job.created_at.as_deref()?.parse().ok()?;
    now.duration_since(created_at).try_into().ok()
}

fn summary(report: &Report, verb: Verb, now: Timestamp) -> String {
    let all = report.would_end();
    let mut text = format!("  {} would be {}\n", count(all, "job"), verb.past());
    let ends: Vec<&Job> = report.jobs.iter().filter(|job| job.would_end()).collect();
    if ends.len() < all {
        let _ = writeln!(text, "        {} of them are shown here", ends.len());
    }
    let mut queues: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for job in &ends {
        let status = job.before.as_deref().unwrap_or_default();
        *queues
            .entry(queue_of(job))
            .or_default()
            .entry(status)
            .or_default() += 1;
    }
    let width = queues.keys().map(|queue| queue.len()).max().unwrap_or(0);
    let mut queues: Vec<_> = queues.into_iter().collect();
    queues.sort_by_key(|(_, statuses)| std::cmp::Reverse(statuses.values().sum::<usize>()));
    let digits = all.to_string().len();
    for (queue, statuses) in queues {
        let sum: usize = statuses.values().sum();
        let mut statuses: Vec<_> = statuses.into_iter().collect();
        statuses.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let statuses: Vec<String> = statuses
            .into_iter()
            .map(|(status, count)| format!("{status} {count}"))
            .collect();
        let _ = writeln!(
            text,
            "        {queue:<width$}  {sum:>digits$}   {}",
            statuses.join(", ")
        );
    }
    let ages = ends.iter().filter_map(|job| age_of(job, now));
    if let (Some(oldest), Some(newest)) = (ages.clone().max(), ages.min()) {
        let _ = writeln!(
            text,
            "        oldest {}, newest {}",
            age(oldest),
            age(newest)
        );
    }
    arrays(&mut text, &ends);
    left_alone(&mut text, report);
    text
}

/// What a cancel of an array leaves running.
fn arrays(text: &mut String, ends: &[&Job]) {
    let arrays: Vec<&&Job> = ends
        .iter()
        .filter(|job| job.running_children() > 0)
        .collect();
    let of = |job: &Job| -> u32 { job.children.iter().flatten().map(|(_, count)| count).sum() };
    let children: u32 = arrays.iter().map(|job| of(job)).sum();
    let run: u32 = arrays.iter().map(|job| job.running_children()).sum();
    let ended = |job: &Job| -> u32 {
        let children = job.children.iter().flatten();
        let ended = children.filter(|(status, _)| ["SUCCEEDED", "FAILED"].contains(&&***status));
        ended.map(|(_, count)| count).sum()
    };
    let waits = children - run - arrays.iter().map(|job| ended(job)).sum::<u32>();
    let _ = match arrays.len() {
        0 => Ok(()),
        1 => writeln!(
            text,
            "    1 of them is an array of {children}: {waits} children wait, {run} run and would run on (--terminate ends them)"
        ),
        several => writeln!(
            text,
            "    {several} of them are arrays: {waits} children wait, {run} run and would run on (--terminate ends them)"
        ),
    };
}

/// How many jobs are left alone, and why.
fn left_alone(text: &mut String, report: &Report) {
    let all = report.count() - report.would_end();
    if all == 0 {
        return;
    }
    let is = if all == 1 { "is" } else { "are" };
    let _ = writeln!(text, "    {} {is} left alone", count(all, "job"));
    for outcome in Outcome::ALL {
        let number = report.count_of(*outcome);
        let Some((one, several)) = why(*outcome).filter(|_| number > 0) else {
            continue;
        };
        let what = if number == 1 { one } else { several };
        let _ = writeln!(text, "        {number} {what}");
    }
}
