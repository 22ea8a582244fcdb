//! AWS itself: region and credentials are found at once, or what to set is said in one line.

use std::time::Duration;

use aws_config::{
    Region, SdkConfig, default_provider::credentials::DefaultCredentialsChain, imds,
    meta::region::RegionProviderChain, profile::ProfileFileRegionProvider,
    provider_config::ProviderConfig,
};
use aws_sdk_batch::config::{Credentials, ProvideCredentials};
use batch_cancel::batch::{behavior_version, http_client};

use super::Lookup;

/// How long the instance metadata of EC2, which is asked last, may take to answer. Elsewhere nobody answers.
const METADATA_TIMEOUT: Duration = Duration::from_millis(500);

/// The configuration for AWS.
pub async fn load(env: Lookup<'_>) -> Result<SdkConfig, String> {
    let region = region(env).await.ok_or(
        "no AWS region: set AWS_REGION, or AWS_PROFILE to a profile with a region in ~/.aws/config",
    )?;
    let credentials = credentials(region.clone()).await?;
    let config = aws_config::defaults(behavior_version())
        .http_client(http_client())
        .region(region)
        .credentials_provider(credentials);
    Ok(config.load().await)
}

async fn region(env: Lookup<'_>) -> Option<Region> {
    let variables = ["AWS_REGION", "AWS_DEFAULT_REGION"];
    let set = variables.into_iter().find_map(|name| {
        let region = env(name).filter(|region| !region.is_empty())?;
        Some(Region::new(region))
    });
    let profile = ProfileFileRegionProvider::builder().build();
    RegionProviderChain::first_try(set)
        .or_else(profile)
        .region()
        .await
}

async fn credentials(region: Region) -> Result<Credentials, String> {
    let config = ProviderConfig::without_region()
        .with_http_client(http_client())
        .with_region(Some(region.clone()));
    let metadata = imds::Client::builder()
        .configure(&config)
        .connect_timeout(METADATA_TIMEOUT)
        .operation_attempt_timeout(METADATA_TIMEOUT * 2)
        .max_attempts(1)
        .build();
    let chain = DefaultCredentialsChain::builder()
        .configure(config)
        .region(region)
        .imds_client(metadata)
        .build()
        .await;
    chain.provide_credentials().await.map_err(|error| {
        let mut text = "no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or \
            sign in with `aws sso login`"
            .to_owned();
        // The chain's own text says only that it found nothing; what a source found is below it.
        let mut cause = std::error::Error::source(&error);
        let mut last = None;
        while let Some(error) = cause {
            last = Some(error.to_string());
            cause = error.source();
        }
        if let Some(last) = last {
            text = format!("{text} ({})", last.lines().next().unwrap_or_default());
        }
        text
    })
}
