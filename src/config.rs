//! The settings of the function: read from the environment once. An error names the variable and its value.

mod values;

use std::{ffi::OsString, fmt::Display, str::FromStr, time::Duration};

use thiserror::Error;
use tracing::level_filters::LevelFilter;

use crate::{
    policy::{IDENTITY_CENTER_ROLES, OwnerRule, Patterns, ProtectTag, Queues, entries},
    request::{RequestTemplate, Status},
};

pub use crate::policy::{Owner, Ownership, Policy, queue_name};
use values::{
    admins, age, alarm_request, bus, claim, log_level, namespace, owner_roles, owner_tag, statuses,
    words,
};

/// The settings of the function.
#[derive(Clone, Debug)]
pub struct Config {
    /// What the deployer allows.
    pub policy: Policy,
    /// `RESULT_BUS`: the `EventBridge` bus that reports are published on, by name or ARN.
    pub result_bus: Option<String>,
    /// `CANCEL_ON_STATUS`: which Batch Job State Change events are acted on.
    pub(crate) cancel_on_status: Vec<Status>,
    /// `MAX_EVENT_AGE`: alarm and Batch events older than this are ignored.
    pub(crate) max_event_age: Option<Duration>,
    /// `ALARM_REQUEST`: the request that an alarm stands for; the queue is filled in.
    pub(crate) alarm_request: RequestTemplate,
    /// `ALARM_DESCRIPTIONS`: whether an alarm's description may give the request.
    pub(crate) alarm_descriptions: bool,
    /// `QUEUE_DIMENSIONS`: the metric dimensions whose value is a job queue.
    pub(crate) queue_dimensions: Vec<String>,
    /// `REQUIRE_CALLER`: an HTTP request without an authenticated caller is 401.
    pub(crate) require_caller: bool,
    /// `API_CALLS_PER_SECOND`: the ceiling on calls to Batch; none if it is 0.
    pub calls_per_second: Option<u32>,
    /// `API_CONCURRENCY`: how many calls to Batch may be in flight.
    pub concurrency: usize,
    /// `LOG_LEVEL`: which ordinary log lines are written.
    pub log_level: LevelFilter,
    /// `METRICS_NAMESPACE`: the namespace of the metrics in `CloudWatch`.
    pub(crate) metrics_namespace: String,
}

/// A setting whose value is not allowed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{name} is {value:?}, expected {expected}")]
pub struct ConfigError {
    /// The environment variable.
    pub name: &'static str,
    /// Its value.
    pub value: String,
    /// What is allowed.
    pub expected: String,
}

/// The default of `BLOCKED_REASONS`: the only reason that is the job's own fault, in any queue.
const BLOCKED_REASONS: &str = "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT*";

/// The default of `ALARM_REQUEST`: cancel the job that blocks the queue, if that is its own fault.
const ALARM_REQUEST: &str = r#"{"select":{"head":true}}"#;

/// The most calls in flight. An account has about 50 calls a second, so more would only wait.
const MAX_CONCURRENCY: usize = 256;

impl Config {
    /// Reads the settings from the process's environment.
    ///
    /// # Errors
    ///
    /// The first variable whose value is not allowed.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_os_lookup(&|name| std::env::var_os(name))
    }

    /// Reads the settings through `lookup`. An empty value counts as not set, since a template
    /// cannot leave a variable out.
    ///
    /// # Errors
    ///
    /// The first variable whose value is not allowed.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Self::from_os_lookup(&|name| lookup(name).map(OsString::from))
    }

    fn from_os_lookup(lookup: &dyn Fn(&str) -> Option<OsString>) -> Result<Self, ConfigError> {
        let env = Env(lookup);
        let policy = policy(&env)?;
        Ok(Self {
            result_bus: Some(env.read("RESULT_BUS", "", bus)?).filter(|bus| !bus.is_empty()),
            cancel_on_status: env.list(
                "CANCEL_ON_STATUS",
                "SUBMITTED,PENDING,RUNNABLE",
                statuses,
            )?,
            max_event_age: Some(
                env.read("MAX_EVENT_AGE", "0", |text| age(text, "0 for no limit"))?,
            )
            .filter(|age| !age.is_zero()),
            alarm_request: env.read("ALARM_REQUEST", ALARM_REQUEST, |text| {
                alarm_request(text, &policy)
            })?,
            alarm_descriptions: env.flag("ALARM_DESCRIPTIONS", "false")?,
            queue_dimensions: env.list("QUEUE_DIMENSIONS", "JobQueueName,JobQueue", |text| {
                Ok(words(text))
            })?,
            require_caller: env.flag("REQUIRE_CALLER", "true")?,
            calls_per_second: Some(env.number("API_CALLS_PER_SECOND", "10", 0, 10_000)?)
                .filter(|&n| n > 0),
            concurrency: env.number("API_CONCURRENCY", "8", 1, MAX_CONCURRENCY)?,
            log_level: env.read("LOG_LEVEL", "info", log_level)?,
            metrics_namespace: env.read("METRICS_NAMESPACE", "BatchCancel", namespace)?,
            policy,
        })
    }
}

fn policy(env: &Env<'_>) -> Result<Policy, ConfigError> {
    Ok(Policy {
        allowed_queues: env.list("ALLOWED_QUEUES", "", |text| Ok(Queues::parse(text)))?,
        protect_tag: env.read("PROTECT_TAG", "batch-cancel:protect", ProtectTag::parse)?,
        allow_terminate: env.flag("ALLOW_TERMINATE", "false")?,
        max_selected: env.number("MAX_SELECTED", "1000", 1, usize::MAX)?,
        blocked_reasons: env.list("BLOCKED_REASONS", BLOCKED_REASONS, |text| {
            Ok(Patterns::parse(text))
        })?,
        blocked_for: env.read("BLOCKED_FOR", "10m", |text| age(text, "0 for at once"))?,
        owner_rule: OwnerRule {
            tag: env.read("OWNER_TAG", "", owner_tag)?,
            claim: env.read("OWNER_CLAIM", "sub", claim)?,
            roles: env.list("OWNER_ROLES", IDENTITY_CENTER_ROLES, owner_roles)?,
            admins: env.list("ADMIN_CALLERS", "", admins)?,
        },
        dry_run: env.flag("DRY_RUN", "false")?,
    })
}

/// The environment, read through a lookup function.
struct Env<'a>(&'a dyn Fn(&str) -> Option<OsString>);

impl Env<'_> {
    fn read<T, E: Display>(
        &self,
        name: &'static str,
        default: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<T, ConfigError> {
        let set = (self.0)(name).filter(|value| !value.to_string_lossy().trim().is_empty());
        let value = set.unwrap_or_else(|| default.into());
        let text = value.to_string_lossy();
        let expected = match (parse(text.trim()), value.to_str()) {
            (Ok(read), Some(_)) => return Ok(read),
            (Ok(_), None) => "a text in UTF-8".to_owned(),
            (Err(expected), Some(_)) => expected.to_string(),
            (Err(expected), None) => format!("{expected}, in UTF-8"),
        };
        Err(ConfigError {
            name,
            value: text.into_owned(),
            expected,
        })
    }

    /// A comma-separated list. One of nothing but commas would silently turn off what it lists.
    fn list<T>(
        &self,
        name: &'static str,
        default: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, ConfigError> {
        self.read(name, default, |text| {
            if !text.is_empty() && entries(text).next().is_none() {
                return Err(
                    "at least one entry between the commas, or nothing for the default".to_owned(),
                );
            }
            parse(text)
        })
    }

    fn flag(&self, name: &'static str, default: &str) -> Result<bool, ConfigError> {
        self.read(name, default, |text| {
            text.parse().map_err(|_| "true or false")
        })
    }

    fn number<T>(
        &self,
        name: &'static str,
        default: &str,
        least: T,
        most: T,
    ) -> Result<T, ConfigError>
    where
        T: FromStr + PartialOrd + Display + Copy,
    {
        self.read(name, default, |text| {
            text.parse()
                .ok()
                .filter(|number| (least..=most).contains(number))
                .ok_or_else(|| format!("a whole number from {least} to {most}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, collections::BTreeSet};

    use super::*;

    fn with(name: &str, value: &str) -> Result<Config, ConfigError> {
        Config::from_lookup(|asked| (asked == name).then(|| value.to_owned()))
    }

    #[test]
    fn the_defaults_allow_no_queue_and_terminate_nothing() {
        let config = Config::from_lookup(|_| None).unwrap();
        assert!(!config.policy.allowed_queues.contain("any"));
        assert!(!config.policy.allow_terminate && !config.policy.dry_run && config.require_caller);
        assert_eq!(config.calls_per_second, Some(10));
        assert_eq!(config.concurrency, 8);
        assert_eq!(config.max_event_age, None);
        assert_eq!(config.log_level, LevelFilter::INFO);
        assert_eq!(
            with("LOG_LEVEL", "WARN").unwrap().log_level,
            LevelFilter::WARN
        );
        assert_eq!(config.policy.protect_tag.as_str(), "batch-cancel:protect");
    }

    #[test]
    fn an_empty_value_is_the_default() {
        assert_eq!(with("API_CONCURRENCY", " ").unwrap().concurrency, 8);
        assert_eq!(
            with("API_CALLS_PER_SECOND", "0").unwrap().calls_per_second,
            None
        );
        assert_eq!(
            with("MAX_EVENT_AGE", "15m").unwrap().max_event_age,
            Some(Duration::from_mins(15))
        );
    }

    #[test]
    fn lengths_of_time_are_seconds_or_as_in_a_request() {
        for (text, hours) in [
            ("86400", 24),
            ("1d", 24),
            ("1d 12h", 36),
            ("P1DT1H", 25),
            ("365d", 8760),
        ] {
            let length = Duration::from_hours(hours);
            let config = with("MAX_EVENT_AGE", text).unwrap();
            assert_eq!(config.max_event_age, Some(length), "{text}");
            let config = with("BLOCKED_FOR", text).unwrap();
            assert_eq!(config.policy.blocked_for, length, "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_not_utf_8_is_an_error_for_every_variable() {
        use std::os::unix::ffi::OsStringExt;
        let asked = RefCell::new(Vec::new());
        Config::from_os_lookup(&|name| {
            asked.borrow_mut().push(name.to_owned());
            None
        })
        .unwrap();
        for name in asked.into_inner() {
            let value =
                |asked: &str| (asked == name).then(|| OsString::from_vec(b"tr\xffue".to_vec()));
            let error = Config::from_os_lookup(&value).unwrap_err().to_string();
            let begin = format!("{name} is \"tr\u{fffd}ue\", expected ");
            assert!(
                error.starts_with(&begin) && error.ends_with("UTF-8"),
                "{error}"
            );
        }
    }

    #[test]
    fn owners_are_off_and_named_by_identity_center_until_the_deployer_says_otherwise() {
        let rule = Config::from_lookup(|_| None).unwrap().policy.owner_rule;
        assert_eq!((rule.tag, rule.claim.as_str()), (None, "sub"));
        assert_eq!(rule.roles.len(), 1);
        let tag = |text: &str| with("OWNER_TAG", text).unwrap().policy.owner_rule.tag;
        assert_eq!(tag(" team:owner "), Some("team:owner".to_owned()));
        for claim in [
            "cognito:username",
            "https://example.com/owner",
            "custom:name",
        ] {
            let config = with("OWNER_CLAIM", claim).unwrap();
            assert_eq!(config.policy.owner_rule.claim, claim);
        }
    }

    const REFUSED: &[(&str, &str)] = &[
        ("ALLOW_TERMINATE", "yes"),
        ("DRY_RUN", "1"),
        ("REQUIRE_CALLER", "False"),
        ("ALARM_DESCRIPTIONS", "on"),
        ("MAX_SELECTED", "0"),
        ("MAX_SELECTED", "-1"),
        ("API_CALLS_PER_SECOND", "fast"),
        ("API_CONCURRENCY", "0"),
        ("API_CONCURRENCY", "1000"),
        ("CANCEL_ON_STATUS", "RUNNABLE,DONE"),
        ("CANCEL_ON_STATUS", "FAILED"),
        ("CANCEL_ON_STATUS", ","),
        ("ALLOWED_QUEUES", ","),
        ("BLOCKED_REASONS", " , ,"),
        ("OWNER_ROLES", ",,"),
        ("ADMIN_CALLERS", ","),
        ("QUEUE_DIMENSIONS", ","),
        ("MAX_EVENT_AGE", "soon"),
        ("MAX_EVENT_AGE", "366d"),
        ("BLOCKED_FOR", "31536001"),
        ("BLOCKED_FOR", "9223372036854775808"),
        ("BLOCKED_FOR", "1y"),
        ("MAX_EVENT_AGE", "-5m"),
        ("PROTECT_TAG", "=x"),
        ("METRICS_NAMESPACE", "AWS/Batch"),
        ("RESULT_BUS", "my bus"),
        ("LOG_LEVEL", "loud"),
        ("LOG_LEVEL", "3"),
        ("OWNER_TAG", "owner,team"),
        ("OWNER_TAG", "*"),
        ("OWNER_CLAIM", "sub,email"),
        ("OWNER_CLAIM", "my claim"),
        ("OWNER_ROLES", "ops"),
        ("OWNER_ROLES", "arn:aws:iam::123456789012:role/ops"),
        ("OWNER_ROLES", "arn:aws:sts::123456789012:assumed-role/"),
        ("OWNER_ROLES", "arn:aws:sts::123456789012:*"),
        ("OWNER_ROLES", "arn:aws:sts::123456789012:assumed-role/a,*"),
        ("ADMIN_CALLERS", "arn:*"),
        (
            "ADMIN_CALLERS",
            "ann,arn:aws:batch:eu-west-1:123456789012:job/x",
        ),
        ("ALARM_REQUEST", "{}"),
        ("ALARM_REQUEST", r#"{"select":{"heads":true}}"#),
        (
            "ALARM_REQUEST",
            r#"{"select":{"head":true},"terminate":true}"#,
        ),
        ("ALARM_REQUEST", r#"{"jobIds":[]}"#),
        ("ALARM_REQUEST", r#"{"select":{"jobQueues":["*"]}}"#),
    ];

    #[test]
    fn each_setting_refuses_a_value() {
        let asked = RefCell::new(BTreeSet::new());
        Config::from_lookup(|name| {
            asked.borrow_mut().insert(name.to_owned());
            None
        })
        .unwrap();
        let is_refused = |asked: &String| REFUSED.iter().any(|(name, _)| asked == name);
        let asked = asked.into_inner();
        let left_out: Vec<&String> = asked.iter().filter(|name| !is_refused(name)).collect();
        assert!(left_out.is_empty(), "not in REFUSED: {left_out:?}");
    }

    #[test]
    fn a_bad_value_is_named_with_what_is_allowed() {
        for &(name, value) in REFUSED {
            let error = with(name, value).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("{name} is {value:?}, expected ")),
                "{error}"
            );
        }
    }
}
