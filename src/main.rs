//! The Lambda function: reads the settings, builds the client, then handles events.

use aws_config::AppName;
use batch_cancel::{
    App,
    batch::{Batch, behavior_version, http_client},
    config::Config,
    publish::Publisher,
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
        .app_name(AppName::new("batch-cancel")?)
        .load()
        .await;
    let bus = config.result_bus.clone();
    let app = App::new(config, Batch::new(&aws))
        .with_publisher(bus.map(|bus| Publisher::new(&aws, bus)))
        .with_metrics(telemetry::print);
    lambda_runtime::run(service_fn(|event: LambdaEvent<Box<RawValue>>| {
        app.handle(event)
    }))
    .await
}
