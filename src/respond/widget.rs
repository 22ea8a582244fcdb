//! The HTML of a dashboard's widget. CloudWatch removes scripts, so nothing here needs one; it gives tables, form fields and
//! buttons the look of the console, light or dark, and the style sheet adds to that. No colour stands alone: each has a
//! pattern, a sign or a word beside it. All text from Batch or from the event is escaped.

mod end;
mod head;
mod html;
mod jobs;
mod panel;
mod report;

use html::{Escaped, page};
pub(super) use panel::panel;
pub(super) use report::report;

/// The documentation that the console shows beside the widget's parameters.
pub(super) const DOCUMENTATION: &str = include_str!("widget.md");

/// What is wrong with the widget's parameters, or why its queue cannot be shown.
pub(super) fn problem(is_refused: bool, why: &str) -> String {
    let help = if is_refused {
        "Correct the parameters of this widget, or the settings of the function."
    } else {
        "Nothing was changed. Refresh the widget to try again."
    };
    let title = if is_refused {
        "Refused"
    } else {
        "Not available"
    };
    page(false, &format!("{}<p>{help}</p>", notice(title, why)))
}

/// A box with what has to be read first.
fn notice(title: &str, why: &str) -> String {
    format!(
        "<div class=\"bc-note\"><h3><i class=\"bc-sign\">!</i> {}</h3><p>{}</p></div>",
        Escaped(title),
        Escaped(why)
    )
}
