//! The command line of `cargo local`.

use std::fs;

pub const HELP: &str = "\
usage: cargo local EVENT.json | - [--account FILE] [--aws [--for-real]]

Runs one event, or what - reads from standard input, through the function, against an AWS Batch
emulator in memory that holds the demo account of tests/emulator/demo.json. Standard error gets
a table of the jobs, standard output the response as JSON. Of SQS and Pipes, whose response says
little, it gets the events before that RESULT_BUS would get. The exit code is 1 when something is
left over, rejected or an error, and 2 when nothing was run.

  --account FILE  other queues and jobs for the emulator: a seed file, see `batch-emulator --help`
  --aws           AWS Batch itself, with your own credentials and region; a dry run …
  --for-real      … unless this is given too, with ALLOWED_QUEUES

The function's settings (ALLOW_TERMINATE, PROTECT_TAG …) are environment variables, as in Lambda;
ALLOWED_QUEUES is * here unless you set it. RUST_LOG=info (or debug, or batch_cancel=debug …) shows
the log. Sample events are in events/.
";

/// What is to be done.
#[derive(Debug)]
pub enum Arguments {
    /// Print this help.
    Help(&'static str),
    /// One event through the function.
    Run(Run),
}

/// One event through the function.
#[derive(Debug)]
pub struct Run {
    /// A file, or `-` for standard input.
    pub event: String,
    pub account: Option<String>,
    pub aws: bool,
    pub for_real: bool,
}

impl Arguments {
    /// Reads the command line.
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let Some(first) = words.next() else {
            return Err(format!("which event?{}\n\n{HELP}", suggest("")));
        };
        Run::parse([first].into_iter().chain(words))
    }
}

impl Run {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
        let (mut event, mut account, mut aws, mut for_real) = (None, None, false, false);
        while let Some(word) = words.next() {
            match word.as_str() {
                "--help" | "-h" => return Ok(Arguments::Help(HELP)),
                "--aws" => aws = true,
                "--for-real" => for_real = true,
                "--account" => account = Some(words.next().ok_or("--account needs a seed file")?),
                option if option.starts_with('-') && option != "-" => {
                    return Err(format!("unknown option {option}\n\n{HELP}"));
                }
                _ if event.is_some() => {
                    return Err(format!("one event only, and there is {word:?} too"));
                }
                _ => event = Some(word),
            }
        }
        let event = event.ok_or_else(|| format!("which event?{}\n\n{HELP}", suggest("")))?;
        if for_real && !aws {
            return Err(
                "--for-real goes with --aws: against the emulator everything is real".to_owned(),
            );
        }
        if aws && account.is_some() {
            return Err("--account is for the emulator, and --aws is without".to_owned());
        }
        Ok(Arguments::Run(Self {
            event,
            account,
            aws,
            for_real,
        }))
    }
}

/// The sample events whose names are most similar to a path that does not exist.
pub fn suggest(path: &str) -> String {
    let given = path
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .trim_end_matches(".json");
    let mut names: Vec<String> = fs::read_dir("events")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| Some(name.strip_suffix(".json")?.to_owned()))
        .collect();
    let likeness = |name: &str| {
        let words = given.split('-').filter(|word| !word.is_empty());
        words.filter(|word| name.contains(*word)).count()
    };
    names.sort_by_key(|name| (std::cmp::Reverse(likeness(name)), name.clone()));
    let best: Vec<String> = names
        .iter()
        .take(5)
        .map(|name| format!("\n  events/{name}.json"))
        .collect();
    if best.is_empty() {
        String::new()
    } else {
        format!("\nsample events:{}", best.concat())
    }
}
