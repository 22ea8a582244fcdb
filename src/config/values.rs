//! The values of settings: each is read, or the error says what is allowed.

use std::time::Duration;

use tracing::level_filters::LevelFilter;

use crate::{
    policy::{self, Admins, ArnPattern, Policy, entries},
    request::{OwnRegion, RequestError, RequestTemplate, Status, seconds_or_length},
};

/// The longest name or ARN of an event bus.
const MAX_BUS: usize = 1600;

/// The longest namespace of metrics, in bytes
/// ([API reference](https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html)).
const MAX_NAMESPACE: usize = 255;

/// Checks the request with a queue filled in, so that an error stops the function at start and not at the first alarm.
pub(super) fn alarm_request(text: &str, policy: &Policy) -> Result<RequestTemplate, String> {
    let expected =
        |why: String| format!("a request with a select, whose jobQueue is filled in: {why}");
    let refused = |error: RequestError| expected(error.to_string());
    let template = RequestTemplate::from_json(text).map_err(refused)?;
    let request = template.fill(Some("any"), &OwnRegion::default());
    if let Some(request) = request.map_err(refused)? {
        policy.admit(&request).map_err(expected)?;
    }
    Ok(template)
}

/// The tag that names a job's owner; empty for no owners.
pub(super) fn owner_tag(text: &str) -> Result<Option<String>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let key = policy::tag_key(text)
        .map_err(|expected| format!("{expected}, or nothing for no owners"))?;
    Ok(Some(key))
}

/// The name of one claim.
pub(super) fn claim(text: &str) -> Result<String, String> {
    let is_one = !text.contains(|c: char| c == ',' || c.is_whitespace() || c.is_control());
    let expected = || "the name of one claim, such as sub or email".to_owned();
    is_one.then(|| text.to_owned()).ok_or_else(expected)
}

pub(super) fn owner_roles(text: &str) -> Result<Vec<ArnPattern>, String> {
    policy::roles(text).map_err(|expected| format!("a comma-separated list of {expected}"))
}

pub(super) fn admins(text: &str) -> Result<Admins, String> {
    Admins::parse(text).map_err(|expected| {
        format!(
            "a comma-separated list of names, each of which that begins with arn: is {expected}"
        )
    })
}

pub(super) fn log_level(text: &str) -> Result<LevelFilter, String> {
    let expected = || "one of off, error, warn, info, debug and trace".to_owned();
    // `LevelFilter` takes numbers too.
    let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let level = text.parse().ok().filter(|_| is_word);
    level.ok_or_else(expected)
}

pub(super) fn words(text: &str) -> Vec<String> {
    entries(text).map(str::to_owned).collect()
}

pub(super) fn statuses(text: &str) -> Result<Vec<Status>, String> {
    let all = Status::LIVE;
    entries(text)
        .map(|name| {
            let status = Status::from_batch(name);
            all.contains(&status).then_some(status).ok_or_else(|| {
                let names = all.map(Status::as_str).join(", ");
                format!("a comma-separated list of {names}")
            })
        })
        .collect()
}

/// Seconds, or a length of time such as `15m`.
pub(super) fn age(text: &str, zero: &str) -> Result<Duration, String> {
    seconds_or_length(text).map_err(|_| {
        format!("a number of seconds, or a length of time such as 15m, PT1H or 1d, a year at most; {zero}")
    })
}

/// A bus name or ARN, as `PutEvents` takes it
/// ([API reference](https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html)).
pub(super) fn bus(text: &str) -> Result<String, String> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b".-_/#:".contains(&b);
    if text.len() <= MAX_BUS && text.bytes().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err("the name or ARN of an event bus, or nothing for none".to_owned())
    }
}

pub(super) fn namespace(text: &str) -> Result<String, String> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b".-_/#: ".contains(&b);
    if text.len() <= MAX_NAMESPACE && text.bytes().all(allowed) && !text.starts_with("AWS/") {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "at most {MAX_NAMESPACE} letters, digits and .-_/#: that do not begin with AWS/"
        ))
    }
}
