//! The one request schema, the same in every envelope. It is strict: a misspelt `dryrun` must never cancel for real.

use std::{fmt, num::NonZeroUsize, time::Duration};

use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny, value::StrDeserializer},
};
use serde_json::value::RawValue;
use thiserror::Error;

use super::{
    Action, AskedId, Home, InvalidId, MAX_WAIT, Request, Select, Target, select::SelectFields,
};

/// Why a text is not a request. The message names the field and what was expected.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{}{message}", if field.is_empty() { String::new() } else { format!("{field}: ") })]
pub struct RequestError {
    /// The path of the field, such as `jobIds[3]`; empty for the whole.
    pub field: String,
    /// What is wrong, and what was expected.
    pub message: String,
}

impl RequestError {
    pub(crate) fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }

    /// The same error with `prefix` before its field's path.
    #[must_use]
    pub fn within(mut self, prefix: &str) -> Self {
        self.field = match self.field.as_str() {
            "" => prefix.to_owned(),
            field if field.starts_with('[') => format!("{prefix}{field}"),
            field => format!("{prefix}.{field}"),
        };
        self
    }
}

/// Decodes `T` from JSON text, and names the field of what is wrong.
pub(crate) fn from_json<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, RequestError> {
    let json = &mut serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut *json).map_err(|error| {
        let path = error.path().to_string();
        RequestError::new(
            if path == "." { "" } else { &path },
            plain(&error.into_inner()),
        )
    })?;
    // What stands behind the value may well be a second one, which would be lost.
    json.end()
        .map_err(|error| RequestError::new("", format!("not JSON: {}", plain(&error))))?;
    Ok(value)
}

/// Decodes `T` from a JSON object: serde would also take an array for a struct, its fields in their order.
pub(crate) fn from_object<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, RequestError> {
    if !text.trim_start().starts_with('{') {
        if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
            let why = plain(&error);
            return Err(RequestError::new("", format!("not JSON: {why}")));
        }
        let found = match text.trim_start().chars().next() {
            Some('[') => "an array",
            Some('"') => "a string",
            Some('t' | 'f') => "true or false",
            Some('n') => "null",
            _ => "a number",
        };
        let message = format!("expected an object, found {found}");
        return Err(RequestError::new("", message));
    }
    from_json(text)
}

/// What serde says, less what is of no use or not for logs: the line and column, which mean nothing in a nested text, and
/// the text that was there instead of what was expected.
fn plain(error: &serde_json::Error) -> String {
    let mut text = error.to_string();
    if let Some(end) = text.rfind(" at line ") {
        text.truncate(end);
    }
    for what in ["invalid type: string", "invalid value: string"] {
        if let (Some(rest), Some(expected)) = (text.strip_prefix(what), text.rfind(", expected "))
            && rest.starts_with(" \"")
        {
            text = format!("{what}{}", text.get(expected..).unwrap_or_default());
        }
    }
    text
}

/// The fields of the schema. `null` is not "absent": each field that is there has to have its type.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Fields<'a> {
    #[serde(default, deserialize_with = "present")]
    job_ids: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    job_id: Option<String>,
    #[serde(default, deserialize_with = "present", borrow)]
    select: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "present")]
    reason: Option<String>,
    #[serde(default)]
    terminate: bool,
    #[serde(default)]
    dry_run: bool,
    #[serde(default, deserialize_with = "present")]
    max_jobs: Option<WholeNumber>,
    #[serde(default, deserialize_with = "present")]
    wait_seconds: Option<WholeNumber>,
    #[serde(default)]
    fail_on_incomplete: bool,
}

/// The names of the schema's fields that say which jobs are meant.
pub(crate) const TARGET_FIELDS: [&str; 3] = ["jobIds", "jobId", "select"];

/// The names of all fields of the schema.
pub(crate) const FIELDS: [&str; 9] = [
    "jobIds",
    "jobId",
    "select",
    "reason",
    "terminate",
    "dryRun",
    "maxJobs",
    "waitSeconds",
    "failOnIncomplete",
];

/// A field that is there must hold its type: without this, serde reads `null` as absent.
pub(super) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// A number without a fraction. `2.0` is one: JavaScript's and Step Functions' arithmetic write whole numbers so.
#[derive(Clone, Copy)]
struct WholeNumber(u64);

impl<'de> Deserialize<'de> for WholeNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = WholeNumber;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number")
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<WholeNumber, E> {
                Ok(WholeNumber(value))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<WholeNumber, E> {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "checked to be whole and in the range that f64 holds exactly"
                )]
                if value.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(&value) {
                    Ok(WholeNumber(value as u64))
                } else {
                    Err(E::invalid_type(de::Unexpected::Float(value), &self))
                }
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// Why a request says nothing about why.
const DEFAULT_REASON: &str = "Cancelled on request";

impl Request {
    /// Reads a request in the product's own schema.
    ///
    /// # Errors
    ///
    /// When the text is no JSON object, or a field is unknown, twice there, of the wrong type or out of range; the
    /// error names the field.
    pub fn from_json(text: &str, home: &Home) -> Result<Self, RequestError> {
        from_object::<Fields>(text)?.into_request(home)
    }

    /// The request that `text` stands for once its selection's queue is known; nothing if it still is not. It may not
    /// name jobs.
    ///
    /// # Errors
    ///
    /// As [`Request::from_json`].
    pub fn from_template(
        text: &str,
        queue: Option<&str>,
        home: &Home,
    ) -> Result<Option<Self>, RequestError> {
        let fields: Fields<'_> = from_object(text)?;
        let Some(select) = fields
            .select
            .filter(|_| fields.job_ids.is_none() && fields.job_id.is_none())
        else {
            return Err(RequestError::new(
                "",
                "select is required, and jobs cannot be named",
            ));
        };
        let mut select: SelectFields =
            from_object(select.get()).map_err(|error| error.within("select"))?;
        if !select.fill_queue(queue) {
            return Ok(None);
        }
        fields.into_request_for(Some(select), home).map(Some)
    }

    /// Gives the reason, if the asker gave none.
    pub fn explain(&mut self, reason: impl FnOnce() -> String) {
        if self.reason == DEFAULT_REASON {
            self.reason = reason();
        }
    }

    /// The request about `ids` whose other fields are the JSON object `options`.
    ///
    /// # Errors
    ///
    /// As [`Request::from_json`], and when `options` names jobs too.
    pub fn for_ids_with_options(
        ids: Vec<String>,
        options: &str,
        home: &Home,
    ) -> Result<Self, RequestError> {
        let fields: Fields<'_> = from_object(options)?;
        if fields.job_ids.is_some() || fields.job_id.is_some() || fields.select.is_some() {
            return Err(RequestError::new(
                "",
                "jobs are named by the items, not here",
            ));
        }
        let fields = Fields {
            job_ids: Some(ids),
            ..fields
        };
        fields.into_request(home)
    }

    /// The request that a list of ids alone stands for.
    #[must_use]
    pub fn for_ids<'a>(ids: impl IntoIterator<Item = &'a str>, home: &Home) -> Self {
        let asked = ids.into_iter().map(|id| AskedId::parse(id, home));
        let mut request = Self::cancel(Target::Jobs(asked.collect()), DEFAULT_REASON);
        request.refuse_service_jobs();
        request
    }

    /// Without `terminate` there is nothing that Batch could do with a service job.
    fn refuse_service_jobs(&mut self) {
        let Target::Jobs(ids) = &mut self.target else {
            return;
        };
        for asked in ids {
            if let AskedId::Job { id, written } = asked
                && id.is_service_job()
            {
                *asked = AskedId::Invalid {
                    written: written.take().unwrap_or_else(|| id.to_string().into()),
                    why: InvalidId::ServiceJobNeedsTerminate,
                };
            }
        }
    }
}

impl Fields<'_> {
    fn into_request(self, home: &Home) -> Result<Request, RequestError> {
        let select = self
            .select
            .map(|select| from_object(select.get()))
            .transpose();
        let select = select.map_err(|error: RequestError| error.within("select"))?;
        self.into_request_for(select, home)
    }

    fn into_request_for(
        self,
        select: Option<SelectFields>,
        home: &Home,
    ) -> Result<Request, RequestError> {
        let action = if self.terminate {
            Action::Terminate
        } else {
            Action::Cancel
        };
        let parse = |id: &String| AskedId::parse(id, home);
        let target = match (self.job_ids, self.job_id, select) {
            (Some(ids), None, None) => Target::Jobs(ids.iter().map(parse).collect()),
            (None, Some(id), None) => Target::Jobs(vec![parse(&id)]),
            (None, None, Some(select)) => {
                let select = Select::new(select, action, home).map_err(|e| e.within("select"))?;
                Target::Select(Box::new(select))
            }
            (None, None, None) => {
                return Err(RequestError::new(
                    "",
                    "one of jobIds, jobId and select is required",
                ));
            }
            _ => {
                return Err(RequestError::new(
                    "",
                    "only one of jobIds, jobId and select may be given",
                ));
            }
        };
        let mut request = Request {
            action,
            reason: self
                .reason
                .filter(|reason| !reason.trim().is_empty())
                .unwrap_or_else(|| DEFAULT_REASON.to_owned()),
            dry_run: self.dry_run,
            max_jobs: self.max_jobs.map(max_jobs).transpose()?,
            wait: self.wait_seconds.map(wait).transpose()?.unwrap_or_default(),
            fail_on_incomplete: self.fail_on_incomplete,
            ..Request::cancel(target, String::new())
        };
        if action == Action::Cancel {
            request.refuse_service_jobs();
        }
        Ok(request)
    }
}

fn max_jobs(WholeNumber(number): WholeNumber) -> Result<NonZeroUsize, RequestError> {
    usize::try_from(number)
        .ok()
        .and_then(NonZeroUsize::new)
        .ok_or_else(|| {
            RequestError::new(
                "maxJobs",
                format!("{number} is out of range, expected at least 1"),
            )
        })
}

fn wait(WholeNumber(seconds): WholeNumber) -> Result<Duration, RequestError> {
    if seconds > MAX_WAIT.as_secs() {
        let most = MAX_WAIT.as_secs();
        return Err(RequestError::new(
            "waitSeconds",
            format!("{seconds} is out of range, expected 0 to {most}"),
        ));
    }
    Ok(Duration::from_secs(seconds))
}

/// `true` or `false` in a query string.
pub(crate) fn flag(field: &str, text: &str) -> Result<bool, RequestError> {
    let read: Result<bool, de::value::Error> = match text {
        "true" => Ok(true),
        "false" => Ok(false),
        other => Err(de::Error::invalid_value(
            de::Unexpected::Str(other),
            &"true or false",
        )),
    };
    read.map_err(|error| RequestError::new(field, error.to_string()))
}

/// Reads one word of a closed set, such as a status, with serde's list of what is allowed as the error.
pub(super) fn word<'de, T: Deserialize<'de>>(
    field: &str,
    text: &'de str,
) -> Result<T, RequestError> {
    let deserializer: StrDeserializer<'de, de::value::Error> = StrDeserializer::new(text);
    T::deserialize(deserializer).map_err(|error| RequestError::new(field, error.to_string()))
}
