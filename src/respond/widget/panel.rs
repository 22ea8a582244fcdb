//! A job queue: its counts, its first job, and its jobs with a button for each.

use std::fmt::Write;

use serde_json::json;

use super::html::{Button, Escaped};
use crate::{panel::Panel, request::JobId};

/// A panel, whose buttons call the function with the ARN `function`.
pub(in crate::respond) fn panel(panel: &Panel, function: &str) -> String {
    let mut html = format!("<h3>Job queue {}</h3>", Escaped(&panel.job_queue));
    html += &bar(panel);
    if let Some((id, reason)) = &panel.head {
        let reason = reason
            .as_deref()
            .unwrap_or("no reason shown: it is not blocked");
        let _ = write!(
            html,
            "<p><b>First in line:</b> <code>{id}</code> – {}</p>",
            Escaped(reason)
        );
    }
    if panel.jobs.is_empty() {
        return html + "<p>No jobs in these statuses.</p>";
    }
    let all: Vec<JobId> = panel.jobs.iter().map(|job| job.id).collect();
    html += &cancel_button(&all, format!("Cancel all {} shown", all.len()), function);
    html += "<table><tr><th>Name</th><th>Job</th><th>Status</th><th>Age</th><th>Reason</th><th></th></tr>";
    for job in &panel.jobs {
        let cancelled = if job.is_cancelled || job.is_terminated {
            " (cancelled)"
        } else {
            ""
        };
        let _ = write!(
            html,
            "<tr><td>{}</td><td><code>{}</code></td><td>{}{cancelled}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            Escaped(&job.job_name),
            job.id,
            job.status,
            job.created_at
                .map(|at| age(panel.now - at))
                .unwrap_or_default(),
            Escaped(job.status_reason.as_deref().unwrap_or_default()),
            cancel_button(&[job.id], "Cancel".to_owned(), function),
        );
    }
    html + "</table>"
}

/// The counts as a bar. Each status is as wide as its number of jobs, with its name and number.
fn bar(panel: &Panel) -> String {
    let parts = panel.counts.iter().map(|count| {
        let more = if count.or_more { "+" } else { "" };
        let weight = count.jobs.max(1);
        format!(
            "<div style=\"flex:{weight} 1 auto;border:1px solid currentColor;padding:2px 8px;white-space:nowrap\">\
             {} <b>{}{more}</b></div>",
            count.status, count.jobs
        )
    });
    format!(
        "<div style=\"display:flex;gap:2px\">{}</div>",
        parts.collect::<String>()
    )
}

/// A button that cancels these jobs.
fn cancel_button(jobs: &[JobId], label: String, function: &str) -> String {
    let ids: Vec<String> = jobs.iter().map(ToString::to_string).collect();
    let payload = json!({
        "jobIds": ids,
        "reason": "Cancelled on the dashboard",
        "confirmed": true,
    });
    let question = match ids.as_slice() {
        [id] => format!("Cancel job {id}?"),
        many => format!("Cancel {} jobs?", many.len()),
    };
    let button = Button {
        label,
        question: Some(question),
        payload: &payload.to_string(),
        function,
    };
    button.to_string()
}

/// The age of a job, in the two largest units.
fn age(milliseconds: i64) -> String {
    let minutes = milliseconds.max(0) / 60_000;
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes} min"),
        (0, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}
