//! The question before anything is ended.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, IsTerminal},
};

use rustix::termios::{QueueSelector, tcflush};

use crate::{
    error::{Result, UserError},
    output::err,
    progress::interrupted,
};

/// Up to so many jobs are listed, and `y` is enough. Of more the number is to be typed.
pub(crate) const FEW: usize = 10;

/// Where answers come from.
pub(crate) enum Answers {
    /// Standard input.
    Standard,
    /// The terminal, since standard input has the job ids.
    Terminal(File),
}

impl Answers {
    /// A person who can be asked.
    ///
    /// # Errors
    ///
    /// When there is no terminal.
    pub(crate) fn find(is_input_taken: bool) -> Result<Self> {
        if !is_input_taken && io::stdin().is_terminal() {
            return Ok(Self::Standard);
        }
        if is_input_taken && let Ok(terminal) = File::open("/dev/tty") {
            return Ok(Self::Terminal(terminal));
        }
        Err(UserError::new(
            "there is no terminal to ask on. Add --yes to cancel, or --dry-run to see what would happen.",
        ))
    }

    /// Asks; whether the answer is yes. The end of the input and Ctrl-C are no.
    pub(crate) async fn ask(self, count: usize, verb: &str) -> bool {
        // What was typed before the question is no answer to it.
        let _ = match &self {
            Self::Standard => tcflush(io::stdin(), QueueSelector::IFlush),
            Self::Terminal(terminal) => tcflush(terminal, QueueSelector::IFlush),
        };
        err(&question(count, verb));
        let read = tokio::task::spawn_blocking(move || self.line());
        tokio::select! {
            line = read => {
                let line = line.ok().flatten();
                if line.is_none() {
                    err("\n");
                }
                line.is_some_and(|line| is_yes(&line, count))
            }
            () = interrupted() => {
                err("\n");
                false
            }
        }
    }

    fn line(self) -> Option<String> {
        let mut line = String::new();
        let read = match self {
            Self::Standard => io::stdin().read_line(&mut line),
            Self::Terminal(terminal) => BufReader::new(terminal).read_line(&mut line),
        };
        (read.ok()? > 0).then_some(line)
    }
}

fn question(count: usize, verb: &str) -> String {
    let capital: String = verb
        .char_indices()
        .map(|(at, c)| if at == 0 { c.to_ascii_uppercase() } else { c })
        .collect();
    match count {
        1 => format!("{capital} this 1 job? [y/N] "),
        2..=FEW => format!("{capital} these {count} jobs? [y/N] "),
        _ => format!("Type {count} to {verb} them, anything else to stop: "),
    }
}

fn is_yes(line: &str, count: usize) -> bool {
    let line = line.trim();
    if count > FEW {
        line == count.to_string()
    } else {
        ["y", "yes"].contains(&line.to_ascii_lowercase().as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_jobs_take_a_yes_and_many_their_number() {
        assert_eq!(question(1, "cancel"), "Cancel this 1 job? [y/N] ");
        assert_eq!(question(10, "terminate"), "Terminate these 10 jobs? [y/N] ");
        assert_eq!(
            question(11, "cancel"),
            "Type 11 to cancel them, anything else to stop: "
        );
        for (line, count, expected) in [
            ("y\n", 1, true),
            ("YES\n", 10, true),
            ("\n", 1, false),
            ("1\n", 1, false),
            ("y\n", 11, false),
            (" 11 \n", 11, true),
            ("12\n", 11, false),
            ("011\n", 11, false),
        ] {
            assert_eq!(is_yes(line, count), expected, "{line:?} {count}");
        }
    }
}
