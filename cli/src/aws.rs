//! AWS itself: region, credentials and caller are found at once, or what to do is said in one line.

use std::time::Duration;

use aws_config::{
    Region, SdkConfig,
    default_provider::credentials::DefaultCredentialsChain,
    imds,
    meta::region::RegionProviderChain,
    profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider},
    provider_config::ProviderConfig,
};
use aws_sdk_batch::config::{Credentials, ProvideCredentials};
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use batch_cancel::batch::{behavior_version, http_client};

use crate::{
    account::Account,
    args::To,
    error::{Result, UserError, innermost},
};

/// How long the instance metadata of EC2, which is asked last, may take to answer. Elsewhere nobody answers.
const METADATA_TIMEOUT: Duration = Duration::from_millis(500);

/// The configuration for AWS.
pub(crate) async fn load(to: &To) -> Result<SdkConfig> {
    let region = region(to).await.ok_or(
        "no AWS region: add --region, set AWS_REGION, or name a profile with a region by --profile",
    )?;
    let credentials = credentials(to, region.clone()).await?;
    let config = aws_config::defaults(behavior_version())
        .http_client(http_client())
        .region(region)
        .credentials_provider(credentials);
    Ok(config.load().await)
}

/// Whose credentials these are.
pub(crate) async fn account(aws: &SdkConfig, to: &To) -> Result<Account> {
    let caller = aws_sdk_sts::Client::new(aws).get_caller_identity().send();
    let caller = caller.await.map_err(|error| {
        UserError::new(format!(
            "AWS STS does not say whose credentials these are: {}. Try: aws sts get-caller-identity",
            say(&error)
        ))
    })?;
    let region = aws.region().map(ToString::to_string).unwrap_or_default();
    let arn = caller.arn.unwrap_or_default();
    Ok(Account {
        id: caller.account.unwrap_or_default(),
        partition: arn.split(':').nth(1).unwrap_or("aws").to_owned(),
        caller: arn,
        region,
        through: through(to),
    })
}

/// What an SDK error says, in the service's words if it answered.
pub(crate) fn say<E>(error: &SdkError<E>) -> String
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        _ => innermost(error),
    }
}

/// The code of an SDK error, if the service answered.
#[cfg(feature = "function")]
pub(crate) fn code<E: ProvideErrorMetadata>(error: &SdkError<E>) -> Option<String> {
    error.code().map(str::to_owned)
}

/// By which setting the credentials were found, if a person may have forgotten it.
fn through(to: &To) -> Option<String> {
    match (&to.profile, std::env::var("AWS_PROFILE")) {
        (Some(profile), _) => Some(format!("--profile {profile}")),
        (None, Ok(profile)) if std::env::var_os("AWS_ACCESS_KEY_ID").is_none() => {
            Some(format!("AWS_PROFILE={profile}"))
        }
        _ => None,
    }
}

/// As the AWS CLI finds it: the flag, the environment, the profile.
async fn region(to: &To) -> Option<Region> {
    let variables = ["AWS_REGION", "AWS_DEFAULT_REGION"];
    let set = variables.into_iter().find_map(|name| {
        let region = std::env::var(name).ok()?;
        (!region.is_empty()).then(|| Region::new(region))
    });
    let mut profile = ProfileFileRegionProvider::builder();
    if let Some(name) = &to.profile {
        profile = profile.profile_name(name);
    }
    RegionProviderChain::first_try(to.region.clone().map(Region::new))
        .or_else(set)
        .or_else(profile.build())
        .region()
        .await
}

async fn credentials(to: &To, region: Region) -> Result<Credentials> {
    let config = ProviderConfig::without_region()
        .with_http_client(http_client())
        .with_region(Some(region.clone()));
    let found = if let Some(profile) = &to.profile {
        let provider = ProfileFileCredentialsProvider::builder()
            .configure(&config)
            .profile_name(profile)
            .build();
        provider.provide_credentials().await
    } else {
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
        chain.provide_credentials().await
    };
    found.map_err(|error| {
        let sso = if cfg!(feature = "sso") {
            ""
        } else {
            "; this build knows no SSO"
        };
        let why = match std::error::Error::source(&error) {
            Some(source) => format!(" {}.", innermost(source)),
            None => String::new(),
        };
        UserError::new(format!(
            "no AWS credentials were found (looked at the environment, ~/.aws, the instance{sso}).{why} Try: aws sso login",
        ))
    })
}
