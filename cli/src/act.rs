//! Ending jobs: what would be ended is shown, a person is asked, and exactly what was counted is ended.

use std::{
    io,
    time::{Duration, Instant},
};

use batch_cancel::request::{AskedId, JobId};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    args::{Cli, End},
    door::Door,
    error::{Result, UserError},
    outcome::outcome,
    output::{err, out, plain},
    preview::{Verb, preview},
    progress::{Done, Work, watched},
    question::Answers,
    report::Report,
    suggest,
};

/// Something runs on, was left alone, is unknown or unclear.
pub(crate) const NOT_ALL: u8 = 1;
/// Nothing was done.
pub(crate) const NOTHING: u8 = 2;
/// Left by a second Ctrl-C.
const LEFT: u8 = 130;

/// `bcancel ID…` and `bcancel --queue …`.
pub(crate) async fn end(cli: &Cli) -> Result<u8> {
    let args = &cli.end;
    let time = args.timeout.as_deref().map(timeout).transpose()?;
    let is_input_taken = args.ids.iter().any(|id| id == "-");
    args.check_head()?;
    let which = which(args)?;
    // Whether there is somebody to ask is known before anything is looked at.
    let answers = if args.yes || args.dry_run {
        None
    } else {
        Some(Answers::find(is_input_taken)?)
    };
    let door = Door::open(&cli.to, args).await?;
    say_where(&door.place());
    let request = args.request(which.0, &which.1, true);
    let began = Instant::now();
    let looked = watched(Work::Look, async |control| {
        door.ask(&request, time, control).await
    });
    let found = match looked.await.0 {
        Done::Result(Ok(found)) => found,
        Done::Result(Err(error)) => return Err(suggest::queue(error, args, &door).await),
        Done::Stopped | Done::Left => return Ok(stopped()),
    };
    let verb = Verb::of(args.terminate);
    if let Some(why) = nothing(&found, args) {
        return Ok(show_nothing(&found, args, &why));
    }
    let text = preview(&found, verb, Timestamp::now());
    if args.dry_run {
        if args.json {
            print_json(&found)?;
        } else {
            out(&text);
        }
        return Ok(0);
    }
    err(&text);
    let which = (which.0, &which.1);
    if found.would_end() > 0 {
        return confirm(args, &door, time, &found, which, answers).await;
    }
    err(&format!("Nothing to {}.\n", verb.present()));
    if args.wait && found.is_ending() {
        return confirm(args, &door, time, &found, which, None).await;
    }
    let report = Report {
        dry_run: false,
        ..found
    };
    finish(args, &report, began.elapsed())
}

/// Ends what a preview has found, if there is nobody to ask or the answer is yes.
pub(crate) async fn confirm(
    args: &End,
    door: &Door,
    time: Option<Duration>,
    found: &Report,
    which: (&str, &Value),
    answers: Option<Answers>,
) -> Result<u8> {
    let verb = Verb::of(args.terminate);
    let count = found.would_end();
    if let Some(answers) = answers
        && !answers.ask(count, verb.present()).await
    {
        return Ok(stopped());
    }
    let request = args.confirmed(found, which);
    let began = Instant::now();
    let work = Work::End {
        jobs: count,
        ended: verb.past(),
        can_stop: matches!(door, Door::Own(_)),
    };
    let ended = watched(work, async |control| {
        door.ask(&request, time, control).await
    });
    match ended.await {
        (Done::Result(Ok(acted)), is_stopped) => {
            let report = found.clone().with(acted, is_stopped);
            finish(args, &report, began.elapsed())
        }
        (Done::Result(Err(error)), _) => {
            let again = "Some of the jobs may be ended: look with the same command and --dry-run";
            err(&format!("error: {}. {again}\n", plain(&error.to_string())));
            Ok(NOT_ALL)
        }
        (Done::Stopped | Done::Left, _) => {
            err(
                "left at once: some of the jobs may be ended; look with the same command and --dry-run\n",
            );
            Ok(LEFT)
        }
    }
}

/// Prints the outcome.
fn finish(args: &End, report: &Report, time: Duration) -> Result<u8> {
    if args.json {
        print_json(report)?;
    } else if args.answers_elsewhere {
        err(&outcome(report, time));
    } else {
        out(&outcome(report, time));
    }
    Ok(if report.all_ended() { 0 } else { NOT_ALL })
}

fn stopped() -> u8 {
    err("Nothing was changed.\n");
    NOTHING
}

/// Why there is nothing to show, if there is no job at all.
fn nothing(report: &Report, args: &End) -> Option<String> {
    if report.count() > 0 || report.selection.is_some() {
        return None;
    }
    if args.head {
        return report.ignored.as_deref().map(plain);
    }
    let of = match &args.array {
        Some(array) => format!("array {array}"),
        None => args.queue.join(", "),
    };
    Some(match (&args.older_than, args.condition_count()) {
        (Some(time), 1) => format!("No job in {of} is older than {time}."),
        (_, 0) => format!("No job waits in {of}."),
        _ => format!("No job in {of} matches."),
    })
}

fn show_nothing(report: &Report, args: &End, why: &str) -> u8 {
    if args.json {
        // Writing a report that has just been read does not fail.
        let _ = print_json(report);
    } else {
        out(&format!("{why}\n"));
    }
    // Of a head that is left alone, there is a job that was asked for.
    u8::from(args.head && !why.starts_with("no job in "))
}

fn print_json(report: &Report) -> Result<()> {
    let text = serde_json::to_string_pretty(report).map_err(|error| error.to_string())?;
    out(&(text + "\n"));
    Ok(())
}

/// The account, the region and the caller.
pub(crate) fn say_where(place: &str) {
    err(&format!("{place}\n\n"));
}

/// What is asked for: `jobIds` or `select`, and its value.
fn which(args: &End) -> Result<(&'static str, Value)> {
    if args.has_conditions() {
        return Ok(("select", args.selection()?));
    }
    let mut ids = Vec::new();
    for given in &args.ids {
        if given == "-" {
            let text = io::read_to_string(io::stdin());
            let text = text.map_err(|error| format!("standard input: {error}"))?;
            ids.extend(ids_of(&text)?);
        } else {
            ids.push(given.clone());
        }
    }
    let is_wrong = |given: &&String| *given != "-" && !is_id(given);
    if let Some(wrong) = args.ids.iter().find(is_wrong) {
        return Err(suggest::command(wrong));
    }
    if args.ids.is_empty() {
        let why = "which jobs? Give job ids, or --queue; see bcancel --help";
        return Err(UserError::new(why));
    }
    if ids.is_empty() {
        return Err("there are no job ids on standard input".into());
    }
    Ok(("jobIds", json!(ids)))
}

/// The ids of a text: separated by white space or commas, or a JSON array.
fn ids_of(text: &str) -> Result<Vec<String>> {
    if text.trim_start().starts_with('[') {
        let ids = serde_json::from_str(text);
        return ids.map_err(|error| {
            UserError::new(format!(
                "standard input is not an array of job ids: {error}"
            ))
        });
    }
    let ids = text.split(|c: char| c.is_whitespace() || c == ',');
    let ids = ids.filter(|id| !id.is_empty()).map(str::to_owned);
    Ok(ids.collect())
}

/// Whether a text is the id or the ARN of a job, in whatever account.
pub(crate) fn is_id(text: &str) -> bool {
    let anywhere = batch_cancel::request::OwnRegion::from_function_arn("");
    matches!(AskedId::parse(text, &anywhere), AskedId::Job { .. })
        || JobId::from_batch(text).is_some()
}

fn timeout(text: &str) -> Result<Duration> {
    let parsed: std::result::Result<SignedDuration, _> = text.parse();
    let positive = parsed.ok().and_then(|time| Duration::try_from(time).ok());
    positive.filter(|time| !time.is_zero()).ok_or_else(|| {
        UserError::new(format!(
            "--timeout {text}: expected a length of time such as 90s or 10m"
        ))
    })
}
