//! `bcancel queues`: what each queue holds, and what is first in line.

use std::{fmt::Write, time::Duration};

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    act::{NOT_ALL, NOTHING, say_where},
    args::{Cli, End, Queues},
    door::Door,
    error::Result,
    output::{err, out, plain, table},
    progress::{Done, Work, watched},
    words::{age, flags, wrapped},
};

const STATUSES: [&str; 5] = ["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING"];

/// Where the texts about a blocked queue begin.
const INDENT: usize = 19;

/// Shows queues.
pub(crate) async fn queues(cli: &Cli, args: &Queues) -> Result<u8> {
    let door = Door::open(&cli.to, &End::default()).await?;
    say_where(&door.place());
    let watched = watched(Work::Look, async |_| door.watch(&args.queues).await).await;
    let Done::Result(watch) = watched.0 else {
        return Ok(NOTHING);
    };
    let watch = watch?;
    if args.json {
        let text = serde_json::to_string_pretty(&watch).map_err(|error| error.to_string())?;
        out(&(text + "\n"));
    } else {
        out(&show(&watch, Timestamp::now()));
    }
    let complete = watch.get("complete").and_then(Value::as_bool) == Some(true);
    if let Some(error) = text(&watch, "error") {
        err(&format!("error: there may be other queues: {error}\n"));
    }
    Ok(if complete { 0 } else { NOT_ALL })
}

/// The answer of a watch as a table, and what blocks which queue.
pub(crate) fn show(watch: &Value, now: Timestamp) -> String {
    let queues = watch.get("queues").and_then(Value::as_array);
    let queues: Vec<&Value> = queues.into_iter().flatten().collect();
    let rows = queues.iter().map(|queue| row(queue));
    let headings = [
        "QUEUE",
        "STATE",
        "SUBMITTED",
        "PENDING",
        "RUNNABLE",
        "STARTING",
        "RUNNING",
        "FIRST IN LINE",
    ];
    let mut shown = table(headings, rows, &[2, 3, 4, 5, 6]);
    for queue in queues {
        if let Some(head) = queue
            .get("head")
            .filter(|head| text(head, "code").is_some())
        {
            shown.push('\n');
            shown.push_str(&blocked(queue, head, now));
        }
    }
    shown
}

fn row(queue: &Value) -> [String; 8] {
    let name = text(queue, "jobQueue").unwrap_or_default();
    let state = match (text(queue, "status"), text(queue, "state")) {
        (Some(status), _) => status,
        (None, state) => state.unwrap_or("–"),
    };
    let [submitted, pending, runnable, starting, running] =
        STATUSES.map(|status| counted(queue, status));
    [
        name.to_owned(),
        state.to_owned(),
        submitted,
        pending,
        runnable,
        starting,
        running,
        first(queue),
    ]
}

fn counted(queue: &Value, status: &str) -> String {
    let Some(count) = queue.get("jobs").and_then(|jobs| jobs.get(status)) else {
        return "–".to_owned();
    };
    let more = queue.get("more").and_then(Value::as_array);
    let is_more = more.is_some_and(|more| more.iter().any(|known| known == status));
    format!("{count}{}", if is_more { "+" } else { "" })
}

/// What is said of the first in line.
fn first(queue: &Value) -> String {
    if let Some(error) = text(queue, "error") {
        return flags(error);
    }
    if let Some(skipped) = text(queue, "skipped") {
        return skipped.to_owned();
    }
    let Some(head) = queue.get("head").filter(|head| head.is_object()) else {
        return "–".to_owned();
    };
    let waits = if text(head, "code").is_some() {
        "blocked"
    } else {
        "waits"
    };
    match head.get("ageSeconds").and_then(Value::as_u64) {
        Some(seconds) => format!("{waits} for {}", age(Duration::from_secs(seconds))),
        None => waits.to_owned(),
    }
}

/// What blocks a queue, and what helps.
fn blocked(queue: &Value, head: &Value, now: Timestamp) -> String {
    let of = |field| plain(text(head, field).unwrap_or_default());
    let name = plain(text(queue, "jobQueue").unwrap_or_default());
    let job = of("jobId");
    let mut shown = format!("{name} is blocked by {} ({job})\n", of("jobName"));
    // What the function would do, and what the queue does by itself, is said below.
    let help = of("help");
    let remedy = help.split(" The queue's own").next().unwrap_or_default();
    let remedy = remedy.split(" The queue has no").next().unwrap_or_default();
    let reason = of("statusReason");
    for (label, said) in [
        ("AWS Batch says", &*reason),
        ("It means", &*of("meaning")),
        ("What helps", remedy),
    ] {
        let said = wrapped(said, INDENT);
        let _ = writeln!(shown, "  {label:<width$}{said}", width = INDENT - 2);
    }
    if let Some(own) = own_action(queue, head, now) {
        let _ = writeln!(shown, "  {own}");
    }
    let _ = writeln!(
        shown,
        "  {:<width$}bcancel {job}",
        "End it now",
        width = INDENT - 2
    );
    shown
}

/// When the queue's own time limit action ends its first job.
fn own_action(queue: &Value, head: &Value, now: Timestamp) -> Option<String> {
    let after: Timestamp = text(head, "batchActsAfter")?.parse().ok()?;
    let since: Timestamp = text(head, "since")?.parse().ok()?;
    let limit: Duration = after.duration_since(since).try_into().ok()?;
    let code = text(head, "code")?;
    let actions = queue.get("timeLimitActions")?.as_array()?;
    let is_it = |action: &&Value| {
        let seconds = action.get("seconds").and_then(Value::as_u64);
        text(action, "reason").is_some_and(|reason| reason.starts_with(code))
            && seconds == Some(limit.as_secs())
    };
    let action = actions
        .iter()
        .find(is_it)
        .and_then(|action| text(action, "action"));
    let ends = if action == Some("TERMINATE") {
        "terminates"
    } else {
        "cancels"
    };
    let limit = age(limit);
    Some(match Duration::try_from(after.duration_since(now)) {
        Ok(left) if !left.is_zero() => format!(
            "The queue's own action {ends} it in {} (its time limit is {limit}).",
            age(left)
        ),
        _ => format!(
            "The queue's own action {ends} it any moment (its time limit, {limit}, is over)."
        ),
    })
}

fn text<'a>(object: &'a Value, field: &str) -> Option<&'a str> {
    object.get(field)?.as_str()
}
