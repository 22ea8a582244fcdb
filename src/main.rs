//! The Lambda function: reads the settings, builds the client, then handles events.

use batch_cancel::{
    App,
    batch::{Batch, behavior_version, http_client},
    config::Config,
    telemetry,
};
use lambda_runtime::{Error, LambdaEvent, service_fn, tracing};
use serde_json::value::RawValue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let config = Config::from_env().inspect_err(|error| tracing::error!(%error, "bad setting"))?;
    let aws = aws_config::defaults(behavior_version())
        .http_client(http_client())
        .load()
        .await;
    let app = App::new(config, Batch::new(&aws)).with_metrics(telemetry::print);
    lambda_runtime::run(service_fn(|event: LambdaEvent<Box<RawValue>>| {
        app.handle(event)
    }))
    .await
}
