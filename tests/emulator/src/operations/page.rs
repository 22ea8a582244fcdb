//! Pages of a listing: how large, where the next one starts, and which filter chooses.

use std::time::Duration;

use crate::{
    clock::millis,
    error::ApiError,
    job::{Job, Key},
    queue::Place,
    status::Status,
    wire::Input,
};

/// Pages by status hold up to 1000 jobs, filtered ones and those of service jobs up to 100.
pub(super) const LARGE: usize = 1000;
pub(super) const SMALL: usize = 100;

/// What a filter lets through.
#[derive(Debug)]
pub(super) enum Choice {
    Name(Pattern),
    Definition(Pattern),
    Before(i64),
    After(i64),
    Share(Vec<String>),
}

/// Any of these texts, where one that ends in `*` is a prefix.
#[derive(Debug)]
pub(super) struct Pattern(Vec<String>);

impl Pattern {
    fn matches(&self, text: &str) -> bool {
        self.0.iter().any(|value| match value.strip_suffix('*') {
            Some(prefix) => text.starts_with(prefix),
            None => text == value,
        })
    }
}

impl Choice {
    /// The one filter of a request, if it has one.
    pub(super) fn of(input: &Input) -> Result<Option<Self>, ApiError> {
        let filters = input.filters.as_deref().unwrap_or_default();
        let filter = match filters {
            [] => return Ok(None),
            [filter] => filter,
            _ => return Err(ApiError::client("Only one filter can be used at a time")),
        };
        let Some(first) = filter.values.first() else {
            return Err(ApiError::client("A filter needs a value"));
        };
        let time = || {
            first
                .parse()
                .map_err(|_| ApiError::client(format!("{first} is not a number of milliseconds")))
        };
        let values = filter.values.clone();
        Ok(Some(match filter.name.as_str() {
            "JOB_NAME" => Self::Name(Pattern(values.iter().map(|v| v.to_lowercase()).collect())),
            "JOB_DEFINITION" => Self::Definition(Pattern(values)),
            "BEFORE_CREATED_AT" => Self::Before(time()?),
            "AFTER_CREATED_AT" => Self::After(time()?),
            "SHARE_IDENTIFIER" => Self::Share(values),
            other => return Err(ApiError::client(format!("{other} is not a filter"))),
        }))
    }

    /// Whether `jobStatus` counts beside this filter.
    pub(super) fn combines(&self) -> bool {
        matches!(self, Self::Share(_))
    }

    pub(super) fn lets_through(&self, job: &Job) -> bool {
        match self {
            Self::Name(pattern) => pattern.matches(&job.name.to_lowercase()),
            Self::Definition(pattern) => {
                // By ARN exactly one revision; by name all of them.
                let arn = &*job.definition;
                let versioned = arn.rsplit('/').next().unwrap_or(arn);
                let name = versioned.split(':').next().unwrap_or(versioned);
                pattern.0.iter().any(|value| value == arn) || pattern.matches(name)
            }
            Self::Before(time) => millis(job.created_at) < *time,
            Self::After(time) => millis(job.created_at) > *time,
            Self::Share(values) => job
                .share_identifier
                .as_deref()
                .is_some_and(|share| values.iter().any(|value| value == share)),
        }
    }
}

/// The `jobStatus` of a request, by default RUNNING.
pub(super) fn status(input: &Input, service: bool) -> Result<Status, ApiError> {
    let Some(name) = input.job_status.as_deref() else {
        return Ok(Status::Running);
    };
    Status::named(name)
        .filter(|status| service || *status != Status::Scheduled)
        .ok_or_else(|| {
            ApiError::client(
                "Job status is not one of SUBMITTED | PENDING | RUNNABLE | STARTING | RUNNING | \
                 SUCCEEDED | FAILED",
            )
        })
}

/// How many jobs a page may hold. More than the limit is taken for the limit.
pub(super) fn size(input: &Input, limit: usize) -> Result<usize, ApiError> {
    match input.max_results {
        None => Ok(limit),
        Some(asked) => match usize::try_from(asked) {
            Ok(asked) if asked > 0 => Ok(asked.min(limit)),
            _ => Err(ApiError::client("'maxResults' must be at least 1")),
        },
    }
}

/// The token of the page that starts after this place.
pub(super) fn token((created_at, Key(key)): Place) -> String {
    format!("{:x}.{key:x}", created_at.as_nanos())
}

/// The place after which the asked-for page starts.
pub(super) fn place(input: &Input) -> Result<Option<Place>, ApiError> {
    let Some(token) = input
        .next_token
        .as_deref()
        .filter(|token| !token.is_empty())
    else {
        return Ok(None);
    };
    let parse = || {
        let (nanos, key) = token.split_once('.')?;
        let nanos = u64::from_str_radix(nanos, 16).ok()?;
        let key = usize::from_str_radix(key, 16).ok()?;
        Some((Duration::from_nanos(nanos), Key(key)))
    };
    parse()
        .map(Some)
        .ok_or_else(|| ApiError::client("'nextToken' is not valid"))
}
