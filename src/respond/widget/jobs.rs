//! The jobs of a queue, by status, with a button for each, for each status, and for all that wait.

use std::fmt::Write;

use super::{
    end::{JobsToEnd, end_button, verb},
    html::{Escaped, jobs, number, pattern, time},
};
use crate::{
    batch::{JobSummary, started},
    queue::{Group, NoButton, Panel, PanelJob, since},
    request::{Action, JobId, Status},
};
use jiff::Timestamp;

/// The longest reason that can be typed. Batch takes 1,024 characters, of which the caller's name needs some.
const MAX_TYPED: usize = 400;

/// The form for the reason, and the table of jobs.
pub(super) fn table(panel: &Panel, function: &str) -> String {
    let is_empty = panel.groups.is_empty();
    let has_buttons = !is_empty || panel.queue.first().is_some();
    let mut html = String::new();
    if has_buttons {
        html += &form(panel, function);
    }
    if is_empty {
        return html + "<p class=\"bc-nothing\"><b>No jobs in these statuses.</b></p>";
    }
    let columns: &[&str] = if panel.request.is_narrow {
        &["Job"]
    } else {
        &["Job", "Job id", "Age", "AWS Batch says"]
    };
    html += "<table><thead><tr>";
    for column in columns {
        let _ = write!(html, "<th scope=\"col\">{column}</th>");
    }
    html += "<th scope=\"col\"><span class=\"bc-spoken\">Action</span></th></tr></thead>";
    for group in &panel.groups {
        html += &group_rows(group, panel, function);
    }
    html + "</table>"
}

/// The reason, and the button for all jobs that wait.
fn form(panel: &Panel, function: &str) -> String {
    let waiting = panel.groups.iter().flat_map(|group| &group.jobs);
    let (ids, children) = ending(waiting, Action::Cancel);
    let label = format!("Cancel the {} waiting jobs shown", number(ids.len()));
    let button = if ids.len() < 2 {
        String::new()
    } else {
        let names = format!(
            "all that are shown and have not started{children}, of the queue {}",
            panel.queue.job_queue
        );
        let to_end = JobsToEnd {
            action: Action::Cancel,
            ids: &ids,
            names: &names,
            label: &label,
            is_primary: false,
        };
        end_button(to_end, panel, function)
    };
    format!(
        "<form class=\"bc-row bc-form\"><label class=\"bc-grow\">Reason, for each button here\
         <textarea name=\"reason\" rows=\"1\" maxlength=\"{MAX_TYPED}\" placeholder=\"Cancelled on the dashboard\">{}</textarea>\
         </label><div>{button}</div></form>",
        Escaped(panel.request.typed_reason.as_deref().unwrap_or_default())
    )
}

/// The jobs that a button of this action would end, and of the arrays among them, what becomes of the children.
fn ending<'a>(
    shown: impl IntoIterator<Item = &'a PanelJob>,
    action: Action,
) -> (Vec<JobId>, String) {
    let (mut ids, mut children, mut running) = (Vec::new(), 0, 0);
    for PanelJob { job, .. } in shown.into_iter().filter(|shown| shown.button == Ok(action)) {
        ids.push(job.id);
        children += job.array_size.map_or(0, widen);
        running += widen(started(&job.children));
    }
    let children = match (children, run_on(running, action)) {
        (0, _) => String::new(),
        (children, run_on) => format!(", with the {} of their arrays{run_on}", jobs(children)),
    };
    (ids, children)
}

/// That children run on which have started.
fn run_on(running: usize, action: Action) -> String {
    match (running, action) {
        (0, _) | (_, Action::Terminate) => String::new(),
        (1, Action::Cancel) => ", of which 1 has started and runs on".to_owned(),
        (more, Action::Cancel) => format!(", of which {} have started and run on", number(more)),
    }
}

fn widen(size: u32) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}

fn group_rows(group: &Group, panel: &Panel, function: &str) -> String {
    let status = group.status;
    let counts = &panel.queue.counts;
    let counted = counts.jobs.get(&status).copied().unwrap_or_default();
    let amount = number(group.jobs.len());
    let shown = if counts.more.contains(&status) {
        // The panel reads one page, and Batch does not say which jobs are on it.
        let read = number(counted);
        format!("{amount} of {read} that were read: there are more")
    } else if group.jobs.len() < counted {
        format!("the {amount} oldest of {}", number(counted))
    } else {
        jobs(counted)
    };
    let button = if status.is_started() && !panel.can_terminate {
        "<small class=\"bc-dim\">run on: this function may not terminate jobs</small>".to_owned()
    } else {
        group_button(group, panel, function)
    };
    let columns = if panel.request.is_narrow { 2 } else { 5 };
    let mut html = format!(
        "<tbody><tr class=\"bc-group\"><th scope=\"rowgroup\" colspan=\"{columns}\"><div class=\"bc-row\">\
         <div class=\"bc-grow\"><i class=\"bc-key {}\"></i>{status} <small>{shown}</small></div><div>{button}</div></div></th></tr>",
        pattern(status)
    );
    for job in &group.jobs {
        html += &row(job, panel, function);
    }
    html + "</tbody>"
}

/// The button for all shown jobs in one status, where there are several.
fn group_button(group: &Group, panel: &Panel, function: &str) -> String {
    let action = if group.status.is_started() {
        Action::Terminate
    } else {
        Action::Cancel
    };
    let (ids, children) = ending(&group.jobs, action);
    if ids.len() < 2 {
        return String::new();
    }
    let (verb, status) = (verb(action), group.status);
    let to_end = JobsToEnd {
        action,
        ids: &ids,
        names: &format!(
            "those shown as {status}{children}, of the queue {}",
            panel.queue.job_queue
        ),
        label: &format!("{verb} these {}", number(ids.len())),
        is_primary: false,
    };
    end_button(to_end, panel, function)
}

fn row(shown: &PanelJob, panel: &Panel, function: &str) -> String {
    let job = &shown.job;
    let name = Escaped(&job.job_name);
    let head = panel.queue.first().filter(|head| head.job_id == job.id);
    let is_first_with_reason = head.is_some_and(|head| head.status_reason.is_some());
    let first = if head.is_some() {
        " <span class=\"bc-tag\">first in line</span>"
    } else {
        ""
    };
    let array = job.array_size.map_or_else(String::new, |size| {
        format!(" <span class=\"bc-tag\">array of {size}</span>")
    });
    let age = age(job, panel.now);
    let reason = match job.status_reason.as_deref() {
        Some(_) if is_first_with_reason => "see above",
        reason => reason.unwrap_or_default(),
    };
    let reason = Escaped(reason);
    let cells = if panel.request.is_narrow {
        format!(
            "<td><b>{name}</b> <small>{age}</small>{first}{array}<br><code>{}</code>\
             <div><small>{reason}</small></div></td>",
            job.id
        )
    } else {
        format!(
            "<td><b>{name}</b>{first}{array}</td><td class=\"bc-line\"><code>{}</code></td>\
             <td class=\"bc-line\">{age}</td><td>{reason}</td>",
            job.id
        )
    };
    let button = row_button(shown, panel, function);
    format!("<tr>{cells}<td class=\"bc-line bc-act\">{button}</td></tr>")
}

/// How long a job waits or runs.
fn age(job: &JobSummary, now: i64) -> String {
    let Some(at) = since(job) else {
        return String::new();
    };
    let runs = if job.status == Status::Running {
        "runs "
    } else {
        ""
    };
    let exactly = Timestamp::from_millisecond(at).map(|at| format!(" title=\"since {at:.0}\""));
    let age = time(now.saturating_sub(at));
    format!("<span{}>{runs}{age}</span>", exactly.unwrap_or_default())
}

fn row_button(shown: &PanelJob, panel: &Panel, function: &str) -> String {
    let job = &shown.job;
    let action = match shown.button {
        Ok(action) => action,
        Err(NoButton::NotInThisStatus) => return String::new(),
        Err(NoButton::IsEnding) => return "<small>is being ended</small>".to_owned(),
        Err(NoButton::Protected) => return "<small>protected</small>".to_owned(),
        Err(NoButton::MovedOn) => return "<small>has moved on</small>".to_owned(),
        Err(NoButton::Unseen) => return "<small>cannot be read</small>".to_owned(),
    };
    let array = job.array_size.map_or_else(String::new, |size| {
        let run_on = run_on(widen(started(&job.children)), action);
        format!(", an array of {}{run_on}", jobs(widen(size)))
    });
    let to_end = JobsToEnd {
        action,
        ids: &[job.id],
        names: &format!("the job {}{array}", job.job_name),
        label: verb(action),
        is_primary: false,
    };
    end_button(to_end, panel, function)
}
