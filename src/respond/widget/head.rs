//! The first job in line: since when, why, what that means, what helps, and whether the function acts by itself.

use std::fmt::{self, Display, Write};

use super::{
    end::{JobsToEnd, end_button},
    html::{Escaped, time},
};
use crate::{
    queue::{Acts, Head, Panel},
    report::Outcome,
    request::Action,
};
use jiff::Timestamp;

/// The first in line, with a button that cancels it.
pub(super) fn first_in_line(panel: &Panel, function: &str) -> String {
    match &panel.queue.head {
        Some(Some(head)) => card(head, panel, function),
        Some(None) => {
            "<p class=\"bc-first\">No job waits for a place: nothing is first in line.</p>"
                .to_owned()
        }
        None => {
            let why = panel.queue.error.as_ref().map(ToString::to_string);
            format!(
                "<div class=\"bc-first\"><b>First in line: cannot be read.</b> {}</div>",
                Escaped(why.unwrap_or_default())
            )
        }
    }
}

fn card(head: &Head, panel: &Panel, function: &str) -> String {
    let (class, sign, says) = if head.is_blocked() {
        ("bc-first bc-blocked", "!", "It blocks the queue")
    } else {
        ("bc-first", "…", "It waits for its turn")
    };
    let since = head
        .since
        .and_then(|at| Timestamp::from_millisecond(at).ok());
    let since = since.map_or_else(String::new, |at| format!("{at:.0}"));
    let age = head.age_seconds.and_then(|age| i64::try_from(age).ok());
    let age = age.map_or_else(String::new, |age| {
        let age = time(age.saturating_mul(1000));
        format!(" for <span title=\"since {}\">{age}</span>", Escaped(since))
    });
    let name = head.job_name.as_deref().unwrap_or("Job");
    let to_end = JobsToEnd {
        action: Action::Cancel,
        ids: &[head.job_id],
        names: &format!("the first in line, {name}"),
        label: "Cancel this job",
        is_primary: head.is_blocked(),
    };
    let button = if head.can_be_cancelled {
        end_button(to_end, panel, function)
    } else {
        String::new()
    };
    let mut html = format!(
        "<div class=\"{class}\"><div class=\"bc-row\"><div class=\"bc-grow\">\
         <div class=\"bc-dim\">First in line{age}</div>\
         <h4>{}</h4><code>{}</code></div><div>{button}</div></div>\
         <p class=\"bc-says\"><i class=\"bc-sign\">{sign}</i> <b>{says}</b>",
        Escaped(name),
        head.job_id
    );
    if let Some(code) = head.code {
        let _ = write!(html, " <code>{}</code>", Escaped(code));
    }
    html + "</p><dl>" + &facts(head, panel.now) + "</dl></div>"
}

/// What AWS Batch says, what that means, what helps, and whether the function acts by itself.
fn facts(head: &Head, now: i64) -> String {
    let mut html = String::new();
    let none = "It shows no reason, as a job does that is not blocked.";
    let reason = head
        .status_reason
        .as_deref()
        .map_or(none, |reason| without(head.code, reason));
    let _ = fact(&mut html, "AWS Batch says", Escaped(reason));
    if let (Some(meaning), Some(help)) = (&head.meaning, &head.help) {
        let _ = fact(&mut html, "What it means", Escaped(meaning));
        let _ = fact(&mut html, "What helps", Escaped(help));
    }
    let would = acts(head, now);
    let _ = fact(&mut html, "Does the function act by itself?", would);
    html
}

/// Whether the function ends the job by itself.
fn acts(head: &Head, now: i64) -> String {
    let (would, why) = match head.acts {
        Acts::Now => (
            "Yes",
            "when an alarm, an event or a schedule tells of this queue".to_owned(),
        ),
        Acts::Later(Some(at)) => {
            let whole_minutes = at.saturating_sub(now).saturating_add(59_999);
            let left = time(whole_minutes);
            let why = format!("in {left} at the earliest, if the job is still the first then");
            ("Not yet", why)
        }
        Acts::Later(None) => (
            "Not yet",
            "since when the job is the first is not known".to_owned(),
        ),
        Acts::DryRun => ("No", "all that it does is a dry run".to_owned()),
        Acts::NotForThis if head.status_reason.is_some() => (
            "No",
            "it is not set up to end jobs for this reason".to_owned(),
        ),
        Acts::NotForThis => ("No", "the job shows no reason for waiting".to_owned()),
        Acts::Never(Outcome::Protected) => ("No", "the job is protected by its tag".to_owned()),
        Acts::Never(outcome) if outcome.is_under_way() => {
            ("No", "the job is being ended already".to_owned())
        }
        Acts::Never(_) | Acts::NotShown => ("No", "the job has moved on".to_owned()),
    };
    format!("<b>{would}</b>: {why}.")
}

/// A status reason without its code, which stands before it already.
fn without<'a>(code: Option<&str>, reason: &'a str) -> &'a str {
    let text = code.and_then(|code| reason.strip_prefix(code));
    let text = text.map(|text| text.trim_start_matches([' ', '-', '–', ':']));
    text.filter(|text| !text.is_empty()).unwrap_or(reason)
}

fn fact(html: &mut String, name: &str, text: impl Display) -> fmt::Result {
    write!(html, "<div><dt>{name}</dt><dd>{text}</dd></div>")
}
