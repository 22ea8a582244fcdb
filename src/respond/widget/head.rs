//! The first job in line: since when, why, what that means, what helps, and whether the function acts by itself.

use std::fmt::{self, Display, Write};

use super::{
    end::{End, end_button},
    html::{Escaped, time},
};
use crate::{
    queue::{Head, Panel},
    request::Action,
};

/// The first in line, with a button that cancels it.
pub(super) fn first_in_line(panel: &Panel, function: &str) -> String {
    match &panel.head {
        Ok(Some(head)) => card(head, panel, function),
        Ok(None) => "<p class=\"bc-first\">No job waits for a place: nothing is first in line.</p>"
            .to_owned(),
        Err(error) => format!(
            "<div class=\"bc-first\"><b>First in line: cannot be read.</b> {}</div>",
            Escaped(error)
        ),
    }
}

fn card(head: &Head, panel: &Panel, function: &str) -> String {
    let (class, sign, says) = if head.is_blocked() {
        ("bc-first bc-blocked", "!", "It blocks the queue")
    } else {
        ("bc-first", "…", "It waits for its turn")
    };
    let since = head.since.as_deref().unwrap_or("a time that is not known");
    let age = head.age_seconds.and_then(|age| i64::try_from(age).ok());
    let age = age.map_or_else(String::new, |age| {
        let age = time(age.saturating_mul(1000));
        format!(" for <span title=\"since {}\">{age}</span>", Escaped(since))
    });
    let name = head.job_name.as_deref().unwrap_or("Job");
    let end = End {
        action: Action::Cancel,
        ids: &[head.job_id],
        names: &format!("the first in line, {name}"),
        label: "Cancel this job",
        is_primary: head.is_blocked(),
    };
    let button = end_button(end, panel, function);
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
    let (would, when) = match head.not_before {
        _ if head.would_cancel => ("Yes", ", when an alarm tells of this queue".to_owned()),
        Some(at) => {
            let whole_minutes = at.saturating_sub(now).saturating_add(59_999);
            let left = time(whole_minutes);
            ("Not yet", format!(", in {left} at the earliest"))
        }
        None => ("Not now", String::new()),
    };
    let would = format!(
        "<b>{would}</b>{when}: {}.",
        Escaped(head.why.trim_end_matches('.'))
    );
    let _ = fact(&mut html, "Does the function act by itself?", would);
    html
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
