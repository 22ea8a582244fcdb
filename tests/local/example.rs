//! `cargo local EVENT.json`: one event through the same code as in Lambda, against the emulator in memory.

#![allow(
    unreachable_pub,
    reason = "nothing outside of this binary can be reached"
)]

mod account;
mod arguments;
mod show;

use std::{
    fs,
    process::ExitCode,
    time::{Duration, SystemTime},
};

use aws_sdk_batch::config::{Credentials, Region};
use batch_cancel::{
    App,
    batch::{Batch, behavior_version, http_client},
    config::Config,
};
use lambda_runtime::{Context, Diagnostic, LambdaEvent, tracing};
use serde_json::value::RawValue;

use arguments::Arguments;

/// The ARN under which the function runs here: account and region of the emulator.
const FUNCTION_ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:batch-cancel";

/// The time that the function has, in Lambda the `Timeout` of the function.
const TIME: Duration = Duration::from_mins(1);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(code) => code,
        Err(message) => {
            eprintln!("cargo local: {message}");
            ExitCode::from(2)
        }
    }
}

async fn run() -> Result<ExitCode, String> {
    let Some(arguments) = Arguments::parse(std::env::args().skip(1))? else {
        print!("{}", arguments::HELP);
        return Ok(ExitCode::SUCCESS);
    };
    let event = read_event(&arguments.event)?;
    lambda_runtime::tracing::subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .with_writer(std::io::stderr)
        .without_time()
        .with_target(false)
        .init();
    let config =
        Config::from_lookup(|name| setting(name, &arguments)).map_err(|error| error.to_string())?;
    let mut context = Context::default();
    "00000000-0000-4000-8000-0000000000ff".clone_into(&mut context.request_id);
    let deadline = SystemTime::now() + TIME;
    let deadline = deadline
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    context.deadline = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);

    let answer = if arguments.aws {
        let aws = aws_config::defaults(behavior_version())
            .http_client(http_client())
            .load()
            .await;
        let dry = if arguments.for_real {
            "for real"
        } else {
            "a dry run; --for-real acts"
        };
        eprintln!(
            "AWS Batch in {}, {dry}",
            aws.region().map_or("no region", Region::as_ref)
        );
        let app = App::new(config, Batch::new(&aws));
        app.handle(LambdaEvent::new(event, context)).await
    } else {
        FUNCTION_ARN.clone_into(&mut context.invoked_function_arn);
        let emulator = account::emulator(arguments.account.as_deref(), &event, &config)?;
        let before = emulator.jobs();
        let server = emulator
            .serve()
            .await
            .map_err(|error| format!("the emulator: {error}"))?;
        let app = App::new(config, emulated(&server.url()));
        let answer = app.handle(LambdaEvent::new(event, context)).await;
        show::jobs(&before, &emulator);
        answer
    };
    match answer {
        Ok(answer) => {
            show::response(&answer);
            Ok(ExitCode::SUCCESS)
        }
        Err(failure) => {
            let Diagnostic {
                error_type,
                error_message,
                ..
            } = Diagnostic::from(failure);
            eprintln!("invocation error {error_type}: {error_message}");
            Ok(ExitCode::FAILURE)
        }
    }
}

/// The text of the event. An error in it is reported by line and column.
fn read_event(path: &str) -> Result<Box<RawValue>, String> {
    let text = fs::read_to_string(path)
        .map_err(|error| format!("{path}: {error}{}", arguments::suggest(path)))?;
    serde_json::from_str(&text).map_err(|error| format!("{path} is not JSON: {error}"))
}

/// A setting of the function from the environment, or a default for a first try.
fn setting(name: &str, arguments: &Arguments) -> Option<String> {
    if name == "DRY_RUN" && arguments.aws && !arguments.for_real {
        return Some("true".to_owned());
    }
    let default = (name == "ALLOWED_QUEUES").then(|| "*".to_owned());
    std::env::var(name).ok().or(default)
}

fn emulated(url: &str) -> Batch {
    let config = aws_sdk_batch::Config::builder()
        .behavior_version(behavior_version())
        .region(Region::from_static("eu-west-1"))
        .credentials_provider(Credentials::new(
            "local",
            "local",
            None,
            None,
            "cargo local",
        ))
        .http_client(http_client())
        .endpoint_url(url)
        .build();
    Batch::new(config)
}
