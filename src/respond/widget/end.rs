//! The buttons that end jobs.

use serde_json::json;

use super::html::{Button, jobs};
use crate::{
    queue::Panel,
    request::{Action, JobId},
};

/// Jobs to end, and how that is said.
#[derive(Clone, Copy)]
pub(super) struct JobsToEnd<'a> {
    pub(super) action: Action,
    pub(super) ids: &'a [JobId],
    /// Which jobs they are, in words.
    pub(super) names: &'a str,
    pub(super) label: &'a str,
    pub(super) is_primary: bool,
}

/// The button that ends jobs. It says what it does, and asks first.
pub(super) fn end_button(to_end: JobsToEnd<'_>, panel: &Panel, function: &str) -> String {
    let ids: Vec<String> = to_end.ids.iter().map(ToString::to_string).collect();
    let (payload, what_happens) = match to_end.action {
        Action::Cancel => (
            json!({"jobIds": ids, "confirmed": true}),
            "A job that has not started becomes FAILED, and so do the jobs that depend on it.",
        ),
        Action::Terminate => (
            json!({"jobIds": ids, "terminate": true, "confirmed": true}),
            "Their containers are stopped, what they have not saved is lost, and the jobs become FAILED.",
        ),
    };
    let count = match ids.len() {
        1 => String::new(),
        count => format!("{}: ", jobs(count)),
    };
    let (verb, names) = (verb(to_end.action).to_lowercase(), to_end.names);
    // The console's dialog may have a button "Cancel" of its own, so the question does not begin with that word.
    let (question, label) = if panel.is_dry_run {
        (
            format!("Dry run: this would {verb} {count}{names}. Nothing is changed. Continue?"),
            format!("{} (dry run)", to_end.label),
        )
    } else {
        (
            format!("This {verb}s {count}{names}. {what_happens} Continue?"),
            to_end.label.to_owned(),
        )
    };
    let button = Button {
        spoken: Some(&format!("{label}: {}", to_end.names)),
        label: &label,
        is_primary: to_end.is_primary,
        question: Some(&question),
        payload: &payload.to_string(),
        function,
    };
    button.to_string()
}

/// The verb on a button.
pub(super) fn verb(action: Action) -> &'static str {
    match action {
        Action::Cancel => "Cancel",
        Action::Terminate => "Terminate",
    }
}
