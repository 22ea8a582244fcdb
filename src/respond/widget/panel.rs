//! A job queue: its counts, its first job, and its jobs with a button for each.

use std::fmt::Write;

use jiff::Timestamp;

use super::{
    head::first_in_line,
    html::{Escaped, number, page, pattern, time},
    jobs::table,
    notice,
};
use crate::queue::{Counts, Panel, QueueView};

/// A panel, whose buttons call the function with the ARN `function`.
pub(in crate::respond) fn panel(panel: &Panel, function: &str) -> String {
    let mut html = header(panel);
    if panel.is_dry_run {
        html += &notice(
            "Dry run",
            "DRY_RUN is true: the buttons say what they would do, and change nothing.",
        );
    }
    if let Some(status) = &panel.queue.status {
        let why = panel.queue.status_reason.as_deref().unwrap_or_default();
        html += &notice(&format!("The queue is {status}"), why);
    }
    html += &counts(&panel.queue.counts);
    html += &first_in_line(panel, function);
    html += &own_actions(&panel.queue);
    html += &table(panel, function);
    page(panel.request.is_narrow, &html)
}

/// The queue's name and state, and when this was read.
fn header(panel: &Panel) -> String {
    let queue = &panel.queue;
    let (sign, state) = match queue.state.as_deref().unwrap_or_default() {
        "ENABLED" => ("✓", "ENABLED"),
        "DISABLED" => ("✕", "DISABLED: takes no new jobs"),
        other => ("", other),
    };
    let in_use = queue.in_use.iter();
    let in_use: Vec<String> = in_use
        .map(|usage| format!("{} {}", usage.quantity, usage.unit))
        .collect();
    let in_use = match in_use.join(", ") {
        none if none.is_empty() => none,
        in_use => format!("uses {in_use}; "),
    };
    let read_at = Timestamp::from_millisecond(panel.now).map_or_else(
        |_| String::new(),
        |now| now.strftime("%H:%M:%S UTC").to_string(),
    );
    format!(
        "<div class=\"bc-row bc-top\"><h3>{}</h3><span class=\"bc-tag\">{sign} {}</span>\
         <span class=\"bc-grow bc-read\">Job queue, {}read at {read_at}</span></div>",
        Escaped(&queue.job_queue),
        Escaped(state),
        Escaped(in_use)
    )
}

/// What the queue does by itself with a job that blocks it, if it does anything.
fn own_actions(queue: &QueueView) -> String {
    let actions = queue.time_limit_actions.iter().map(|action| {
        let after = time(i64::from(action.seconds).saturating_mul(1000));
        format!("<code>{}</code> after {after}", Escaped(&action.reason))
    });
    match actions.collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => none,
        actions => {
            format!(
                "<p class=\"bc-dim\">The queue itself ends a job that blocks it: {actions}.</p>"
            )
        }
    }
}

/// The bar shows how many jobs are in each status; the list below it says it. A status has the same colour and pattern in
/// both.
fn counts(counts: &Counts) -> String {
    let mut bar = String::new();
    let mut list = String::new();
    let mut spoken = Vec::new();
    for (&status, &jobs) in &counts.jobs {
        let more = if counts.more.contains(&status) {
            "+"
        } else {
            ""
        };
        let amount = format!("{}{more}", number(jobs));
        if jobs > 0 {
            let _ = write!(
                bar,
                "<i class=\"{}\" style=\"flex-grow:{jobs}\"></i>",
                pattern(status)
            );
            spoken.push(format!("{status} {amount}"));
        }
        let none = if jobs == 0 { " class=\"bc-none\"" } else { "" };
        let _ = write!(
            list,
            "<li{none}><i class=\"bc-key {}\"></i><b>{amount}</b> <span>{status}</span></li>",
            pattern(status)
        );
    }
    let bar = if spoken.is_empty() {
        "<div class=\"bc-bar bc-empty\"></div>".to_owned()
    } else {
        let spoken = spoken.join(", ");
        format!(
            "<div class=\"bc-bar\" role=\"img\" aria-label=\"Jobs by status: {spoken}\">{bar}</div>"
        )
    };
    format!("{bar}<ul class=\"bc-counts\">{list}</ul>")
}
