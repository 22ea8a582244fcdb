//! The Lambda function: reads the settings, builds the client, then handles events.

use std::process::ExitCode;

use aws_config::AppName;
use batch_cancel::{
    App,
    batch::{Batch, behavior_version, http_client},
    config::Config,
    publish::Publisher,
    telemetry,
};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::value::RawValue;
use tracing::{error, level_filters::LevelFilter};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let config = Config::from_env();
    let level = config.as_ref().map(|config| config.log_level);
    telemetry::init(level.unwrap_or(LevelFilter::INFO));
    let result = match config {
        Ok(config) => run(config).await,
        Err(error) => Err(error.into()),
    };
    if let Err(error) = result {
        error!(%error, "the function cannot run");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

async fn run(config: Config) -> Result<(), Error> {
    let aws = aws_config::defaults(behavior_version())
        .http_client(http_client())
        .app_name(AppName::new("batch-cancel")?)
        .load()
        .await;
    let bus = config.result_bus.clone();
    let mut app = App::new(config, Batch::new(&aws));
    app.publisher = bus.map(|bus| Publisher::new(&aws, bus));
    app.output = Some(Box::new(telemetry::print));
    lambda_runtime::run(service_fn(|event: LambdaEvent<Box<RawValue>>| {
        app.handle(event)
    }))
    .await
}
