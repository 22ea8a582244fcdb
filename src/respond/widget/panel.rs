//! A job queue: its counts, its first job, and its jobs with a button for each.

use jiff::Timestamp;

use super::{
    counts::counts,
    head::first_in_line,
    html::{Escaped, page},
    jobs::table,
    notice,
};
use crate::queue::Panel;

/// A panel, whose buttons call the function with the ARN `function`.
pub(in crate::respond) fn panel(panel: &Panel, function: &str) -> String {
    let mut html = header(panel);
    if panel.is_dry_run {
        html += &notice(
            "Dry run",
            "DRY_RUN is true: the buttons say what they would do, and change nothing.",
        );
    }
    html += &counts(&panel.counts);
    html += &first_in_line(panel, function);
    html += &table(panel, function);
    page(panel.request.is_narrow, &html)
}

/// The queue's name and state, and when this was read.
fn header(panel: &Panel) -> String {
    let (sign, state) = match panel.state.as_str() {
        "ENABLED" => ("✓", "ENABLED"),
        "DISABLED" => ("✕", "DISABLED: takes no new jobs"),
        other => ("", other),
    };
    let read_at = Timestamp::from_millisecond(panel.now).map_or_else(
        |_| String::new(),
        |now| now.strftime("%H:%M:%S UTC").to_string(),
    );
    format!(
        "<div class=\"bc-row bc-top\"><h3>{}</h3><span class=\"bc-tag\">{sign} {}</span>\
         <span class=\"bc-grow bc-read\">Job queue, read at {read_at}</span></div>",
        Escaped(&panel.name),
        Escaped(state)
    )
}
