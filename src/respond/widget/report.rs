//! The outcomes of a request's jobs as a table, with buttons.

use std::fmt::Write;

use super::{
    html::{Button, Escaped, jobs, number, page},
    notice,
};
use crate::{
    command::{Confirmation, WidgetReply},
    report::{Class, JobResult, Outcome, Report},
    request::Status,
    results::Results,
};

/// The longest table, in bytes. It is far below the longest answer of Lambda, and more than anybody reads.
const MAX_HTML: usize = 200_000;

/// The outcomes of a request's jobs, or why it could not be acted on. Buttons call the function with the ARN `function`.
pub(in crate::respond) fn report(results: &Results, reply: &WidgetReply, function: &str) -> String {
    let back = reply.back.as_deref().map(|payload| {
        let button = Button {
            label: "← Back",
            spoken: None,
            is_primary: true,
            question: None,
            payload,
            function,
        };
        format!("<p>{button}</p>")
    });
    let back = back.unwrap_or_default();
    let html = match results.refusal() {
        Some(error) => notice("Refused", &format!("Nothing was done. {error}")) + &back,
        None => outcomes(&results.report, reply, &back, function),
    };
    page(reply.is_narrow, &html)
}

fn outcomes(report: &Report, reply: &WidgetReply, back: &str, function: &str) -> String {
    let (sign, heading) = heading(report);
    let mut html = format!(
        "<h3><i class=\"bc-sign\">{sign}</i> {}</h3><ul class=\"bc-counts\">",
        Escaped(heading)
    );
    let summary = report.summary().into_iter();
    let counts = summary.map(|(outcome, count)| (number(count), outcome.as_str()));
    let asked = if report.count() == 1 {
        "job asked for"
    } else {
        "jobs asked for"
    };
    for (count, outcome) in std::iter::once((number(report.count()), asked)).chain(counts) {
        let _ = write!(html, "<li><b>{count}</b> <span>{outcome}</span></li>");
    }
    html += "</ul>";
    if let Some(why) = &report.ignored {
        let _ = write!(html, "<p>{}</p>", Escaped(why));
    }
    if let Some(confirmation) = &reply.unconfirmed {
        html += &confirm(report, confirmation, function);
    }
    html += back;
    if !report.jobs.is_empty() {
        html += &table(report, reply.is_narrow);
    }
    html
}

fn table(report: &Report, is_narrow: bool) -> String {
    let mut html =
        "<table><thead><tr><th scope=\"col\">Job</th><th scope=\"col\">Outcome</th>".to_owned();
    if !is_narrow {
        html += "<th scope=\"col\">Status</th><th scope=\"col\">Message</th>";
    }
    html += "</tr></thead><tbody>";
    for job in &report.jobs {
        html += &row(job, is_narrow);
        if html.len() > MAX_HTML {
            html += "<tr><td>… and more: the log names all jobs</td></tr>";
            break;
        }
    }
    html + "</tbody></table>"
}

/// A sign and the result in a few words. It says "Done" only if nothing is left for anybody to do.
fn heading(report: &Report) -> (&'static str, String) {
    let is_left = |job: &&JobResult| job.outcome.class() != Class::Done;
    let left = report.jobs.iter().filter(is_left).count();
    let mut incomplete = Vec::new();
    if left > 0 {
        incomplete.push(format!("{} left over", jobs(left)));
    }
    if report.partial.is_some() {
        let queues = report.unread.iter().map(|queue| queue.job_queue.as_str());
        let queues = queues.collect::<Vec<_>>().join(", ");
        let of = if queues.is_empty() { "" } else { ": " };
        incomplete.push(format!(
            "the selection could not be listed to its end{of}{queues}"
        ));
    }
    let incomplete = incomplete.join("; ");
    match (report.dry_run, !incomplete.is_empty()) {
        (false, false) if report.ignored.is_some() => ("–", "Nothing to do".to_owned()),
        (false, false) => ("✓", "Done".to_owned()),
        (true, false) => ("–", "Dry run".to_owned()),
        (false, true) => ("!", format!("Not finished: {incomplete}")),
        (true, true) => ("!", format!("Dry run, not finished: {incomplete}")),
    }
}

/// Why a request among the widget's saved parameters was not acted on, and the button that acts.
fn confirm(report: &Report, confirmation: &Confirmation, function: &str) -> String {
    let mut html = "<p><b>Nothing was done.</b> The request is among the saved parameters of this widget, and showing a \
        widget never acts."
        .to_owned();
    let summary = report.summary();
    let count = |outcome| summary.get(&outcome).copied().unwrap_or_default();
    let (cancel, terminate) = (count(Outcome::WouldCancel), count(Outcome::WouldTerminate));
    match confirmation {
        Confirmation::Button(payload) if cancel + terminate > 0 => {
            let verb = if terminate > 0 { "Terminate" } else { "Cancel" };
            let jobs = jobs(cancel + terminate);
            let label = format!("{verb} {jobs}");
            let button = Button {
                label: &label,
                spoken: None,
                is_primary: true,
                question: Some(&format!("This {}s {jobs}. Continue?", verb.to_lowercase())),
                payload,
                function,
            };
            let _ = write!(html, "</p><p>{button}");
        }
        Confirmation::IsSaved => {
            html += " Remove <code>confirmed</code> from the saved parameters: only a click can confirm a request.";
        }
        Confirmation::Button(_) | Confirmation::IsDryRun => {}
    }
    html + "</p>"
}

fn row(job: &JobResult, is_narrow: bool) -> String {
    let name = job.job_name.as_deref();
    let name = name.map(|name| format!("<b>{}</b><br>", Escaped(name)));
    let name = name.unwrap_or_default();
    let status = match (job.before, job.after) {
        (Some(before), Some(after)) if before != after => format!("{before} → {after}"),
        (before, after) => after.or(before).map_or("", Status::as_str).to_owned(),
    };
    let sign = match (job.outcome, job.outcome.class()) {
        (outcome, _) if outcome.is_under_way() => "…",
        (Outcome::Cancelled | Outcome::Terminated, _) => "✓",
        (_, Class::Done) => "–",
        _ => "!",
    };
    let message = Escaped(job.message.as_deref().unwrap_or_default());
    let rest = if is_narrow {
        format!("<br><small>{status}<br>{message}</small></td>")
    } else {
        format!("</td><td>{status}</td><td>{message}</td>")
    };
    format!(
        "<tr><td>{name}<code>{}</code></td><td><i class=\"bc-sign\">{sign}</i> {}{rest}</tr>",
        Escaped(&job.job_id),
        job.outcome.as_str()
    )
}
