//! `bcancel`: cancels AWS Batch jobs from the command line.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "a test that panics fails"
    )
)]

mod account;
mod act;
mod args;
mod aws;
mod check;
mod door;
mod error;
mod event;
#[cfg(feature = "function")]
mod function;
mod jobs;
mod left;
mod outcome;
mod output;
mod preview;
mod progress;
mod question;
mod queues;
mod report;
mod request;
mod serve;
mod suggest;
mod words;

use std::io;

use clap::{CommandFactory, Parser};
use tracing_subscriber::filter::LevelFilter;

use args::{Cli, Command};
use error::Result;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let level = std::env::var("RUST_LOG").ok();
    let level: Option<LevelFilter> = level.and_then(|level| level.parse().ok());
    tracing_subscriber::fmt()
        .with_max_level(level.unwrap_or(LevelFilter::OFF))
        .with_writer(io::stderr)
        .with_target(false)
        .init();
    let done = Box::pin(run(Cli::parse())).await;
    let code = done.unwrap_or_else(|error| {
        output::err(&format!("error: {}\n", output::plain(&error.to_string())));
        act::NOTHING
    });
    // A thread may still wait for a line of standard input.
    std::process::exit(code.into())
}

async fn run(cli: Cli) -> Result<u8> {
    if let (Some(_), Some(flag)) = (&cli.command, cli.end.first_given()) {
        return Err(format!("{flag} is not for a command; see bcancel --help").into());
    }
    match &cli.command {
        None => act::end(&cli).await,
        Some(Command::Queues(args)) => queues::queues(&cli, args).await,
        Some(Command::Jobs(args)) => jobs::jobs(&cli, args).await,
        Some(Command::Event(args)) => event::event(&cli, args).await,
        Some(Command::Serve(args)) => serve::serve(&cli, args).await,
        Some(Command::Check(args)) => check::check(&cli, args).await,
        Some(Command::Completions { shell }) => {
            let name = "bcancel";
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), name, &mut script);
            output::out(&String::from_utf8_lossy(&script));
            Ok(0)
        }
    }
}
