//! The outcomes of a request's jobs as a table, with buttons.

use std::fmt::Write;

use super::{
    html::{Button, Escaped},
    problem,
};
use crate::{
    event::{Confirmation, WidgetReply},
    intake::MessageOutcome,
    report::{Class, JobResult, Outcome, Report, ReportedId},
    request::Status,
};

/// The longest table, in bytes. It is far below the longest answer of Lambda, and more than anybody reads.
const MAX_HTML: usize = 200_000;

/// The outcomes of a request's jobs, or why it could not be acted on. Buttons call the function with the ARN `function`.
pub(in crate::respond) fn report(
    report: &Report,
    messages: &[MessageOutcome],
    reply: &WidgetReply,
    function: &str,
) -> String {
    let error = messages.iter().find_map(|message| message.error.as_ref());
    let mut html = match error {
        Some(error) => problem("Refused", &format!("Nothing was done. {error}")),
        None => outcomes(report, reply, function),
    };
    if let Some(payload) = &reply.back {
        let back = Button {
            label: "Back".to_owned(),
            question: None,
            payload,
            function,
        };
        let _ = write!(html, "<p>{back}</p>");
    }
    html
}

fn outcomes(report: &Report, reply: &WidgetReply, function: &str) -> String {
    let mut html = format!("<h3>{}</h3>", heading(report));
    let summary = report.summary();
    let counts: Vec<String> = summary
        .iter()
        .map(|(outcome, count)| format!("{} {count}", outcome.as_str()))
        .collect();
    let _ = write!(
        html,
        "<p>{}: {}</p>",
        jobs(report.count()),
        counts.join(", ")
    );
    if let Some(why) = &report.ignored {
        let _ = write!(html, "<p>{}</p>", Escaped(why));
    }
    if let Some(confirmation) = &reply.unconfirmed {
        html += &confirm(report, confirmation, function);
    }
    html += "<table><tr><th>Job</th><th>Name</th><th>Outcome</th><th>Before</th><th>After</th><th></th></tr>";
    for job in &report.jobs {
        html += &row(job);
        if html.len() > MAX_HTML {
            html += "<tr><td>… and more: the log names all jobs</td></tr>";
            break;
        }
    }
    html + "</table>"
}

/// The result in a few words. It says "Done" only if nothing is left for anybody to do.
fn heading(report: &Report) -> String {
    let is_left = |job: &&JobResult| job.outcome.class() != Class::Done;
    let left = report.jobs.iter().filter(is_left).count();
    let unfinished = match left {
        0 if report.partial.is_some() => "the selection could not be listed to its end".to_owned(),
        left => format!("{} left over", jobs(left)),
    };
    match (report.dry_run, left > 0 || report.partial.is_some()) {
        (false, false) if report.ignored.is_some() => "Nothing to do".to_owned(),
        (false, false) => "Done".to_owned(),
        (true, false) => "Dry run".to_owned(),
        (false, true) => format!("Not finished: {unfinished}"),
        (true, true) => format!("Dry run, not finished: {unfinished}"),
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
            let label = format!("{verb} {}", jobs(cancel + terminate));
            let button = Button {
                question: Some(format!("{label}?")),
                label,
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

fn row(job: &JobResult) -> String {
    let name = match &job.job_id {
        ReportedId::Id(id) => id.to_string(),
        ReportedId::Text(text) => text.to_string(),
    };
    let status = |status: Option<Status>| status.map_or("", Status::as_str);
    format!(
        "<tr><td><code>{}</code></td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
        Escaped(name),
        Escaped(job.job_name.as_deref().unwrap_or_default()),
        job.outcome.as_str(),
        status(job.before),
        status(job.after),
        Escaped(job.message.as_deref().unwrap_or_default()),
    )
}

fn jobs(count: usize) -> String {
    match count {
        1 => "1 job".to_owned(),
        count => format!("{count} jobs"),
    }
}
