//! `cargo local EVENT.json`: one event through the same code as in Lambda, against the emulator in memory.

#![allow(
    unreachable_pub,
    reason = "nothing outside of this binary can be reached"
)]

mod account;
mod arguments;
mod aws;
mod show;
#[cfg(test)]
mod tests;

use std::{
    env::VarError,
    fs, io,
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use aws_sdk_batch::config::{Credentials, Region};
use batch_cancel::{
    App,
    batch::{Batch, behavior_version, http_client},
    config::Config,
    telemetry::Output,
};
use lambda_runtime::{
    Context, Diagnostic, LambdaEvent,
    tracing::{
        level_filters::LevelFilter,
        subscriber::{self, EnvFilter},
    },
};
use serde_json::{Value, value::RawValue};
use support::bus::Bus;

use arguments::{Arguments, Run};
use show::Ran;

/// The ARN under which the function runs here: account and region of the emulator.
const FUNCTION_ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:batch-cancel";

/// The time that the function has, in Lambda the `Timeout` of the function.
const TIME: Duration = Duration::from_mins(1);

/// The environment variables, or what stands for them in a test.
type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::ERROR.into());
    subscriber::fmt()
        .with_env_filter(filter.from_env_lossy())
        .with_writer(io::stderr)
        .without_time()
        .with_target(false)
        .init();
    match run(std::env::args().skip(1), &variable).await {
        Ok(Some(ran)) => {
            eprint!("{}", ran.table);
            print!("{}", ran.answer);
            ExitCode::from(u8::from(!ran.is_complete))
        }
        Ok(None) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("cargo local: {message}");
            ExitCode::from(2)
        }
    }
}

/// A variable of the environment. As for the function itself, one that is not UTF-8 does not count as not set.
fn variable(name: &str) -> Option<String> {
    match std::env::var(name) {
        Ok(value) => Some(value),
        Err(VarError::NotPresent) => None,
        Err(VarError::NotUnicode(value)) => {
            eprintln!(
                "cargo local: {name} is {:?}, expected a text in UTF-8",
                value.to_string_lossy()
            );
            std::process::exit(2)
        }
    }
}

/// Does what the command line asks for; None if there is no event in that.
async fn run(words: impl Iterator<Item = String>, env: Lookup<'_>) -> Result<Option<Ran>, String> {
    match Arguments::parse(words)? {
        Arguments::Help(text) => print!("{text}"),
        Arguments::Run(arguments) => return run_event(arguments, env).await.map(Some),
    }
    Ok(None)
}

/// Runs the event.
async fn run_event(arguments: Run, env: Lookup<'_>) -> Result<Ran, String> {
    if arguments.for_real && env("ALLOWED_QUEUES").is_none_or(|queues| queues.trim().is_empty()) {
        return Err("--for-real needs ALLOWED_QUEUES: the job queues whose jobs may be cancelled, by name or \
            ARN, comma-separated, with * as wildcard"
            .to_owned());
    }
    let event = read_event(&arguments.event)?;
    let config = Config::from_lookup(|name| setting(name, &arguments, env))
        .map_err(|error| error.to_string())?;
    let bus = Bus::default();
    let lines = Lines::default();
    let finish = |mut app: App| {
        app.publisher = Some(bus.publisher());
        app.output = Some(lines.output(env("RUST_LOG").is_some()));
        app
    };
    let function_arn = if arguments.aws { "" } else { FUNCTION_ARN };
    let (answer, calls) = if arguments.aws {
        let aws = aws::load(env).await?;
        let region = aws.region().map(Region::as_ref).unwrap_or_default();
        let how = if arguments.for_real {
            "for real"
        } else {
            "a dry run; --for-real acts"
        };
        eprintln!("AWS Batch in {region}, {how}");
        let app = finish(App::new(config, Batch::new(&aws)));
        (invoke(&app, event, function_arn).await, None)
    } else {
        let emulator = account::account(arguments.account.as_deref())?;
        let server = emulator.serve().await;
        let server = server.map_err(|error| format!("the emulator: {error}"))?;
        let app = finish(App::new(config, emulated(&server.url())));
        (
            invoke(&app, event, function_arn).await,
            Some(emulator.calls()),
        )
    };
    let done = lines.done();
    Ok(show::ran(&answer, &bus, &done, calls.as_deref()))
}

async fn invoke(
    app: &App,
    event: Box<RawValue>,
    function_arn: &str,
) -> Result<Box<RawValue>, Diagnostic> {
    let mut context = Context::default();
    "00000000-0000-4000-8000-0000000000ff".clone_into(&mut context.request_id);
    let environment = Arc::make_mut(&mut context.env_config);
    "batch-cancel".clone_into(&mut environment.function_name);
    function_arn.clone_into(&mut context.invoked_function_arn);
    let deadline = SystemTime::now() + TIME;
    let deadline = deadline.duration_since(SystemTime::UNIX_EPOCH);
    let deadline = u64::try_from(deadline.unwrap_or_default().as_millis());
    context.deadline = deadline.unwrap_or(u64::MAX);
    let answer = app.handle(LambdaEvent::new(event, context)).await;
    answer.map_err(Diagnostic::from)
}

/// The lines that the function always writes.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<Value>>>);

impl Lines {
    fn output(&self, are_shown: bool) -> Output {
        let lines = self.clone();
        Box::new(move |line| {
            if are_shown {
                eprintln!("{line}");
            }
            let mut all = lines.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.extend(serde_json::from_str(line));
        })
    }

    /// The line about the invocation.
    fn done(&self) -> Value {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_done = |line: &&Value| line.get("message").is_some_and(|text| text == "done");
        all.iter().find(is_done).cloned().unwrap_or_default()
    }
}

/// The text of the event. An error in it is reported by line and column.
fn read_event(path: &str) -> Result<Box<RawValue>, String> {
    let text = if path == "-" {
        io::read_to_string(io::stdin()).map_err(|error| format!("standard input: {error}"))?
    } else {
        fs::read_to_string(path)
            .map_err(|error| format!("{path}: {error}{}", arguments::suggest(path)))?
    };
    serde_json::from_str(&text).map_err(|error| format!("{path} is not JSON: {error}"))
}

/// A setting of the function from the environment, or a default for a first try.
fn setting(name: &str, arguments: &Run, env: Lookup<'_>) -> Option<String> {
    if name == "DRY_RUN" && arguments.aws && !arguments.for_real {
        return Some("true".to_owned());
    }
    let default = (name == "ALLOWED_QUEUES").then(|| "*".to_owned());
    env(name).or(default)
}

fn emulated(url: &str) -> Batch {
    let credentials = Credentials::new("local", "local", None, None, "cargo local");
    let config = aws_sdk_batch::Config::builder()
        .behavior_version(behavior_version())
        .region(Region::from_static("eu-west-1"))
        .credentials_provider(credentials)
        .http_client(http_client())
        .endpoint_url(url)
        .build();
    Batch::new(config)
}
