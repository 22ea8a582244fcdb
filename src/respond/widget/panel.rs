//! A job queue: its counts, its first job, and its jobs with a button for each.

use std::fmt::Write;

use serde_json::json;

use super::html::{Button, Escaped};
use crate::{panel::Panel, request::JobId, watch::Head};

/// A panel, whose buttons call the function with the ARN `function`.
pub(in crate::respond) fn panel(panel: &Panel, function: &str) -> String {
    let mut html = format!("<h3>Job queue {}</h3>", Escaped(&panel.job_queue));
    html += &bar(panel);
    if let Some(head) = &panel.head {
        html += &first_in_line(head);
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
                .map(|at| age_of(panel.now - at))
                .unwrap_or_default(),
            Escaped(job.status_reason.as_deref().unwrap_or_default()),
            cancel_button(&[job.id], "Cancel".to_owned(), function),
        );
    }
    html + "</table>"
}

/// The first job in line, since when, what its reason means, what helps, and whether the function would cancel it.
fn first_in_line(head: &Head) -> String {
    let reason = head.status_reason.as_deref();
    let reason = reason.unwrap_or("no reason shown: it is not blocked");
    let age = head.age_seconds.and_then(|age| i64::try_from(age).ok());
    let since = age.map_or_else(String::new, |seconds| {
        format!(" for {}", age_of(seconds.saturating_mul(1000)))
    });
    let mut html = format!(
        "<p><b>First in line{since}:</b> <code>{}</code> – {}</p>",
        head.job_id,
        Escaped(reason)
    );
    if let (Some(meaning), Some(help)) = (&head.meaning, &head.help) {
        let _ = write!(html, "<p>{} {}</p>", Escaped(meaning), Escaped(help));
    }
    let would = if head.would_cancel {
        "The function cancels it by itself for an alarm"
    } else {
        "The function does not cancel it by itself now"
    };
    let _ = write!(html, "<p>{would}: {}</p>", Escaped(&head.why));
    html
}

/// The counts as a bar. Each status is as wide as its number of jobs, with its name and number.
fn bar(panel: &Panel) -> String {
    let parts = panel.counts.jobs.iter().map(|(status, &jobs)| {
        let more = panel.counts.more.contains(status);
        let more = if more { "+" } else { "" };
        let weight = jobs.max(1);
        format!(
            "<div style=\"flex:{weight} 1 auto;border:1px solid currentColor;padding:2px 8px;white-space:nowrap\">\
             {status} <b>{jobs}{more}</b></div>"
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

/// A length of time, in its two largest units.
fn age_of(milliseconds: i64) -> String {
    let minutes = milliseconds.max(0) / 60_000;
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes} min"),
        (0, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}
