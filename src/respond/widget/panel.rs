//! A job queue: its counts, its first job, and its jobs with a button for each.

use jiff::Timestamp;

use super::{
    counts::counts,
    head::first_in_line,
    html::{Escaped, page, time},
    jobs::table,
    notice,
};
use crate::queue::{Panel, QueueView};

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
        format!(
            "<li><code>{}</code> after {after}</li>",
            Escaped(&action.reason)
        )
    });
    let actions: String = actions.collect();
    if actions.is_empty() {
        return actions;
    }
    format!(
        "<div class=\"bc-dim\">The queue itself ends a job that blocks it by<ul>{actions}</ul></div>"
    )
}
