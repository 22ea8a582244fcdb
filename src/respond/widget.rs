//! The HTML of a dashboard's widget. CloudWatch removes scripts, so nothing here needs one; it gives tables and buttons
//! the look of the console, light or dark. All text from Batch or from the event is escaped.

mod html;
mod panel;
mod report;

use html::Escaped;
pub(super) use panel::panel;
pub(super) use report::report;

/// The documentation that the console shows beside the widget's parameters.
pub(super) const DOCUMENTATION: &str = include_str!("widget.md");

/// A title, and what is wrong.
pub(super) fn problem(title: &str, why: &str) -> String {
    format!("<h3>{}</h3><p>{}</p>", Escaped(title), Escaped(why))
}
