//! The command line.

use std::fs;

pub const HELP: &str = "\
usage: cargo local EVENT.json [--account FILE] [--aws [--for-real]]

Runs one event through the function, against an AWS Batch emulator in memory that holds the
jobs that the event names, in mixed states, and prints their new states and the response.

  --account FILE  other queues and jobs for the emulator: a seed file, see `batch-emulator --help`
  --aws           AWS Batch itself, with your own credentials and region; a dry run …
  --for-real      … unless this is given too

The function's settings (ALLOW_TERMINATE, PROTECT_TAG …) are environment variables, as in Lambda;
ALLOWED_QUEUES is * here unless you set it. Sample events are in events/.
";

pub struct Arguments {
    pub event: String,
    pub account: Option<String>,
    pub aws: bool,
    pub for_real: bool,
}

impl Arguments {
    /// Reads the command line; `None` if it is `--help`.
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let (mut event, mut account, mut aws, mut for_real) = (None, None, false, false);
        while let Some(word) = words.next() {
            match word.as_str() {
                "--help" | "-h" => return Ok(None),
                "--aws" => aws = true,
                "--for-real" => for_real = true,
                "--account" => account = Some(words.next().ok_or("--account needs a seed file")?),
                option if option.starts_with('-') => {
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
        Ok(Some(Self {
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
