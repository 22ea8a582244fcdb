//! The HTML of a dashboard's widget. CloudWatch takes out scripts, and so nothing here needs one; it gives tables and
//! buttons the look of the console, light or dark. All that comes from Batch or from the event is escaped.

use std::fmt::{self, Display, Write};

use serde_json::json;

use crate::{
    intake::MessageOutcome,
    panel::{Panel, PanelError},
    report::{Report, ReportedId},
    request::JobId,
};

/// The documentation that the console shows beside the widget's parameters.
pub(super) const DOCUMENTATION: &str = include_str!("widget.md");

/// Text in HTML, also within quotes.
struct Escaped<T>(T);

impl<T: Display> Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.to_string().chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c if c.is_control() => f.write_char(' ')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// A panel, whose buttons call the function with the ARN `function`; or why there is none.
pub(super) fn panel(panel: &Result<Panel, PanelError>, function: &str) -> String {
    let panel = match panel {
        Ok(panel) => panel,
        Err(PanelError::Refused(why)) => return format!("<p>{}</p>", Escaped(why)),
        Err(PanelError::Call(error)) => {
            return format!("<p>AWS Batch did not answer: {}</p>", Escaped(error));
        }
    };
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
    html += &button(&all, &format!("Cancel all {} shown", all.len()), function);
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
            button(&[job.id], "Cancel", function),
        );
    }
    html + "</table>"
}

/// The counts as a bar whose parts are as wide as they are many, each with its name and number.
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

/// A button that, once confirmed, has the function cancel these jobs and show the report in the widget's place.
fn button(jobs: &[JobId], label: &str, function: &str) -> String {
    let ids: Vec<String> = jobs.iter().map(ToString::to_string).collect();
    let request = json!({ "jobIds": ids, "reason": "Cancelled on the dashboard" });
    let question = match ids.as_slice() {
        [id] => format!("Cancel job {id}?"),
        many => format!("Cancel {} jobs?", many.len()),
    };
    format!(
        "<a class=\"btn\">{label}</a><cwdb-action action=\"call\" display=\"widget\" endpoint=\"{}\" confirmation=\"{}\">{}\
         </cwdb-action>",
        Escaped(function),
        Escaped(question),
        Escaped(request)
    )
}

/// The age of a job, in its largest two units.
fn age(milliseconds: i64) -> String {
    let minutes = milliseconds.max(0) / 60_000;
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes} min"),
        (0, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// The outcomes of a request's jobs, or why it could not be acted on.
pub(super) fn report(report: &Report, messages: Vec<MessageOutcome>) -> String {
    if let Some(error) = messages.into_iter().find_map(|message| message.error) {
        return format!("<p><b>Nothing was done.</b> {}</p>", Escaped(error));
    }
    let mut html = "<h3>".to_owned();
    html += if report.dry_run { "Dry run" } else { "Done" };
    let counts: Vec<String> = report
        .summary()
        .iter()
        .map(|(outcome, count)| format!("{} {count}", outcome.as_str()))
        .collect();
    let _ = write!(
        html,
        "</h3><p>{} jobs: {}</p>",
        report.count(),
        counts.join(", ")
    );
    if let Some(why) = &report.ignored {
        let _ = write!(html, "<p>Nothing to do: {}</p>", Escaped(why));
    }
    html += "<table><tr><th>Job</th><th>Name</th><th>Outcome</th><th>Before</th><th>After</th><th></th></tr>";
    for job in &report.jobs {
        let name = match &job.job_id {
            ReportedId::Id(id) => id.to_string(),
            ReportedId::Text(text) => text.to_string(),
        };
        let status = |status: Option<crate::request::Status>| {
            status.map_or("", crate::request::Status::as_str)
        };
        let _ = write!(
            html,
            "<tr><td><code>{}</code></td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            Escaped(name),
            Escaped(job.job_name.as_deref().unwrap_or_default()),
            job.outcome.as_str(),
            status(job.before),
            status(job.after),
            Escaped(job.message.as_deref().unwrap_or_default()),
        );
        if html.len() > MAX_HTML {
            html += "<tr><td>… and more: the log names all jobs</td></tr>";
            break;
        }
    }
    html + "</table>"
}

/// The longest table, far below what Lambda can answer with and what anybody reads.
const MAX_HTML: usize = 200_000;
