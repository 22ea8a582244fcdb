//! The account in which jobs are ended: that of the caller's credentials, or a made-up one.

use std::fs;

use aws_sdk_batch::{
    Client,
    config::{Credentials, Region},
};
use batch_cancel::{
    App,
    batch::{Batch, behavior_version, http_client},
    config::{Config, ConfigError},
    request::OwnRegion,
};
use batch_emulator::{Emulator, Seed, Server, demo};

use crate::{
    args::{End, To},
    aws,
    error::{Result, UserError},
    words::flags,
};

/// An account, and who asks in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    /// Twelve digits.
    pub(crate) id: String,
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub(crate) partition: String,
    /// The region.
    pub(crate) region: String,
    /// The ARN of the caller.
    pub(crate) caller: String,
    /// By which setting the credentials were found, if that is worth saying.
    pub(crate) through: Option<String>,
}

impl Account {
    /// The caller as people say it: `ann`, `Admin/ann`.
    pub(crate) fn name(&self) -> &str {
        let name = self.caller.rsplit(':').next().unwrap_or_default();
        name.split_once('/').map_or(name, |(_, name)| name)
    }

    /// Region and account, for the ARNs of jobs and queues.
    pub(crate) fn own_region(&self) -> OwnRegion {
        OwnRegion::from_function_arn(&self.function_arn())
    }

    /// The ARN that a function of this name would have here.
    pub(crate) fn function_arn(&self) -> String {
        let Self {
            id,
            partition,
            region,
            ..
        } = self;
        format!("arn:{partition}:lambda:{region}:{id}:function:bcancel")
    }
}

/// AWS Batch of an account, or the emulator in its place.
pub(crate) struct Place {
    pub(crate) app: App,
    pub(crate) account: Account,
    /// For the calls that `check` tries.
    pub(crate) client: Client,
    /// Holds the emulator up.
    pub(crate) emulator: Option<(Emulator, Server)>,
}

impl Place {
    /// The caller's own account, or the emulator's. No variable of the function counts: IAM is the caller's policy.
    pub(crate) async fn of(to: &To, end: &End) -> Result<Self> {
        if let Some(seed) = &to.emulator {
            let (emulator, account) = emulated_account(seed)?;
            let config = policy(end, to, &account)?;
            return Self::emulated(emulator, account, config).await;
        }
        let aws = aws::load(to).await?;
        let account = aws::account(&aws, to).await?;
        let config = policy(end, to, &account)?;
        Ok(Self {
            app: App::new(config, Batch::new(&aws)),
            client: Client::new(&aws),
            account,
            emulator: None,
        })
    }

    /// An emulator with these settings.
    pub(crate) async fn emulated(
        emulator: Emulator,
        account: Account,
        config: Config,
    ) -> Result<Self> {
        let server = emulator.serve().await;
        let server = server.map_err(|error| format!("the emulator cannot be reached: {error}"))?;
        let credentials = Credentials::new("local", "local", None, None, "bcancel");
        let client = aws_sdk_batch::Config::builder()
            .behavior_version(behavior_version())
            .region(Region::new(account.region.clone()))
            .credentials_provider(credentials)
            .http_client(http_client())
            .endpoint_url(server.url())
            .build();
        Ok(Self {
            app: App::new(config, Batch::new(client.clone())),
            client: Client::from_conf(client),
            account,
            emulator: Some((emulator, server)),
        })
    }
}

/// The made-up account of a seed file, or without one the demo account.
pub(crate) fn emulated_account(seed_file: &str) -> Result<(Emulator, Account)> {
    let refuse = |error: &dyn std::fmt::Display| UserError::new(format!("{seed_file}: {error}"));
    let seed = if seed_file.is_empty() {
        demo::seed()
    } else {
        let text = fs::read_to_string(seed_file).map_err(|error| refuse(&error))?;
        let seed = Seed::from_json(&text).map_err(|error| refuse(&error))?;
        seed.check_ids().map_err(|error| refuse(&error))?;
        seed
    };
    let account = Account {
        id: seed.account.clone(),
        partition: "aws".to_owned(),
        region: seed.region.clone(),
        caller: format!("arn:aws:iam::{}:user/you", seed.account),
        through: None,
    };
    let emulator = Emulator::from_seed(seed).map_err(|error| refuse(&error))?;
    Ok((emulator, account))
}

/// The policy of who sends events and requests to AWS from here: no variable of the function counts, and they may terminate.
pub(crate) fn own_policy(to: &To, account: &Account, is_dry_run: bool) -> Result<Config> {
    let end = End {
        terminate: true,
        ..End::default()
    };
    let mut config = policy(&end, to, account)?;
    config.policy.dry_run = is_dry_run;
    Ok(config)
}

/// The policy of the flags: every queue of the account, and what was asked for.
fn policy(end: &End, to: &To, account: &Account) -> Result<Config> {
    let queues = format!("arn:*:batch:*:{}:job-queue/*", account.id);
    let config = Config::from_lookup(|name| match name {
        "ALLOWED_QUEUES" => Some(queues.clone()),
        "ALLOW_TERMINATE" => Some(end.terminate.to_string()),
        "MAX_SELECTED" => end.max_selected.map(|max| max.to_string()),
        "BLOCKED_FOR" => end.blocked_for.clone(),
        "BLOCKED_REASONS" => end.blocked_reasons.clone(),
        "API_CALLS_PER_SECOND" => Some(to.calls_per_second.to_string()),
        "API_CONCURRENCY" => Some(to.concurrency.to_string()),
        _ => None,
    });
    let said = |error: ConfigError| UserError::new(flags(&error.to_string()));
    config.map_err(said)
}

impl Account {
    /// The ARNs of job queues that are given by name or ARN.
    pub(crate) fn queue_arns(&self, queues: &[String]) -> Vec<String> {
        let arn = |queue: &String| {
            if queue.starts_with("arn:") {
                return queue.clone();
            }
            format!("{}:job-queue/{queue}", self.of_batch())
        };
        queues.iter().map(arn).collect()
    }

    /// The ARN that stands for all jobs.
    pub(crate) fn job_arns(&self) -> String {
        format!("{}:job/*", self.of_batch())
    }

    fn of_batch(&self) -> String {
        format!("arn:{}:batch:{}:{}", self.partition, self.region, self.id)
    }
}
