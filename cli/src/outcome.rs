//! What has become of the jobs.

use std::{cmp::Reverse, fmt::Write, time::Duration};

use batch_cancel::{
    queue_name,
    report::{Class, Outcome},
};

use crate::{
    left::why,
    output::table,
    question::FEW,
    report::{Job, Report},
    words::took,
};

/// The most lines about jobs. `--json` has all of them.
const MANY: usize = 50;

/// The text after the work: a line a job where there are few, else for each that is not ended, the worst first; and
/// the outcome of all.
pub(crate) fn outcome(report: &Report, time: Duration) -> String {
    let said =
        |job: &&Job| report.count() <= FEW || !job.outcome.is_end() || job.running_children() > 0;
    // Of work that a person stopped they know what was not touched.
    let is_stopped = |job: &&Job| {
        let message = job.message.as_deref().unwrap_or_default();
        job.outcome == Outcome::NotAttempted && message.starts_with("stopped")
    };
    let jobs = report
        .jobs
        .iter()
        .filter(|job| said(job) && !is_stopped(job));
    let mut jobs: Vec<&Job> = jobs.collect();
    jobs.sort_by_key(|job| Reverse(badness(job)));
    let more = jobs.len().saturating_sub(MANY);
    jobs.truncate(MANY);
    let is_plain = jobs
        .iter()
        .all(|job| job.outcome.is_end() && job.running_children() == 0);
    let mut text = if jobs.is_empty() {
        String::new()
    } else if is_plain {
        let line = |job: &&Job| format!("{}  {}\n", job.asked(), job.outcome.as_str());
        jobs.iter().map(line).collect()
    } else {
        let rows = jobs.iter().map(|job| row(job));
        table(["JOB", "QUEUE", "WAS", "IS", "OUTCOME", ""], rows, &[])
    };
    if more > 0 {
        let _ = writeln!(text, "… and {more} more; --json has them all");
    }
    if let Some(missing) = report.truncated {
        let _ = writeln!(text, "… and {missing} that the function's answer left out");
    }
    let sum = sum(report);
    text + &format!("{sum:<70} {}\n", took(time))
}

fn badness(job: &Job) -> (Class, bool) {
    (job.outcome.class(), !job.outcome.is_end())
}

fn row(job: &Job) -> [String; 6] {
    let children = job.running_children();
    let message = match &job.message {
        _ if children > 0 => format!("{children} of its children run on"),
        Some(message) => message.clone(),
        None => why(job.outcome)
            .filter(|_| !job.outcome.is_end())
            .map_or("", |(one, _)| one)
            .to_owned(),
    };
    [
        job.asked().to_owned(),
        queue_name(job.job_queue.as_deref().unwrap_or_default()).to_owned(),
        job.before.clone().unwrap_or_default(),
        job.after.clone().unwrap_or_default(),
        job.outcome.as_str().to_owned(),
        message,
    ]
}

/// The outcome of all jobs, in one line.
fn sum(report: &Report) -> String {
    let mut parts = Vec::new();
    let mut add = |outcomes: &[Outcome], one: &str, several: &str| {
        let number = report.count_of_any(outcomes);
        if number > 0 {
            parts.push(format!(
                "{number} {}",
                if number == 1 { one } else { several }
            ));
        }
    };
    add(&[Outcome::Cancelled], "cancelled", "cancelled");
    add(&[Outcome::Terminated], "terminated", "terminated");
    add(
        &[Outcome::Cancelling, Outcome::Terminating],
        "is ending",
        "are ending",
    );
    add(
        &[Outcome::Finished],
        "ended by itself",
        "ended by themselves",
    );
    add(&[Outcome::Running], "runs on", "run on");
    let children: u32 = report.jobs.iter().map(Job::running_children).sum();
    if children > 0 {
        parts.push(format!("{children} children run on"));
    }
    let mut add = |outcomes: &[Outcome], words: &str| {
        let number = report.count_of_any(outcomes);
        if number > 0 {
            parts.push(format!("{number} {words}"));
        }
    };
    add(&[Outcome::Unconfirmed], "unconfirmed");
    add(
        &[Outcome::Failed, Outcome::Throttled, Outcome::Denied],
        "refused",
    );
    add(&[Outcome::NotAttempted], "not touched");
    add(&[Outcome::NotFound], "not found");
    add(&[Outcome::InvalidId], "not job ids");
    add(
        &[
            Outcome::Protected,
            Outcome::QueueNotAllowed,
            Outcome::NotOwner,
            Outcome::OverLimit,
            Outcome::TooSoon,
        ],
        "left alone",
    );
    if parts.is_empty() {
        parts.push("no jobs".to_owned());
    }
    let again = report
        .jobs
        .iter()
        .any(|job| job.outcome.class() == Class::Retryable);
    let again = if again {
        ": run the same command again"
    } else {
        ""
    };
    parts.join(", ") + again
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_last_line_counts_jobs_of_each_outcome() {
        for outcome in Outcome::ALL {
            let report = json!({
                "requestId": "", "source": "direct", "dryRun": false, "complete": true,
                "summary": {"jobs": 7, outcome.as_str(): 7},
            });
            let report: Report = serde_json::from_value(report).unwrap();
            // What would be ended is in no report on what was done.
            let is_counted = !matches!(outcome, Outcome::WouldCancel | Outcome::WouldTerminate);
            assert_eq!(sum(&report).contains("7 "), is_counted, "{outcome:?}");
        }
    }
}
