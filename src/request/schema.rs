//! The request schema, the same from every source. It is strict: a misspelt `dryrun` must never cancel for real.

use std::{num::NonZeroUsize, time::Duration};

use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

use super::{
    Action, AskedId, InvalidId, MAX_WAIT, OwnRegion, Request, RequestError, Select, Target,
    decode::{WholeNumber, decode, from_object, present},
    refuse,
    select::SelectFields,
};

/// The fields of the schema. `null` does not count as absent: a field that is given must have its type.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RequestFields {
    #[serde(default, deserialize_with = "present")]
    job_ids: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    job_id: Option<String>,
    #[serde(default, deserialize_with = "present")]
    select: Option<Box<RawValue>>,
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
    /// No request to end jobs: known here so that the error says where it may be sent.
    #[serde(default, deserialize_with = "present")]
    watch: Option<IgnoredAny>,
}

/// The fields of the schema that name jobs, or queues to watch.
pub(crate) const TARGET_FIELDS: [&str; 4] = ["jobIds", "jobId", "select", WATCH];

/// The field that asks for a watch, alone.
pub(crate) const WATCH: &str = "watch";

/// The names of all fields of the schema.
pub(crate) const FIELDS: [&str; 10] = [
    "jobIds",
    "jobId",
    "select",
    "reason",
    "terminate",
    "dryRun",
    "maxJobs",
    "waitSeconds",
    "failOnIncomplete",
    WATCH,
];

impl Request {
    /// Reads a request.
    ///
    /// # Errors
    ///
    /// When the text is not a JSON object, or a field is unknown, given twice, of the wrong type or out of range. The error
    /// names the field.
    pub fn from_json(text: &str, own_region: &OwnRegion) -> Result<Self, RequestError> {
        from_object::<RequestFields>(text)?.into_request(own_region)
    }

    /// The same from a JSON object whose fields are read by `deserializer`.
    pub(crate) fn from_fields<'de, D>(
        deserializer: D,
        own_region: &OwnRegion,
    ) -> Result<Self, RequestError>
    where
        D: serde::Deserializer<'de, Error = serde_json::Error>,
    {
        decode::<RequestFields, _>(deserializer)?.into_request(own_region)
    }

    /// A request for `ids`, with its other fields in the JSON object `options`.
    ///
    /// # Errors
    ///
    /// As [`Request::from_json`], and when `options` names jobs too.
    pub fn for_ids_with_options(
        ids: Vec<String>,
        options: &str,
        own_region: &OwnRegion,
    ) -> Result<Self, RequestError> {
        let fields: RequestFields = from_object(options)?;
        if fields.job_ids.is_some() || fields.job_id.is_some() || fields.select.is_some() {
            let why = "jobIds, jobId and select are not allowed here: the items name the jobs";
            return refuse("", why);
        }
        let fields = RequestFields {
            job_ids: Some(ids),
            ..fields
        };
        fields.into_request(own_region)
    }

    /// A request for these ids, with every option at its default.
    #[must_use]
    pub fn for_ids<'a>(ids: impl IntoIterator<Item = &'a str>, own_region: &OwnRegion) -> Self {
        let asked = ids.into_iter().map(|id| AskedId::parse(id, own_region));
        let mut request = Self::cancel(Target::Jobs(asked.collect()));
        request.refuse_service_jobs();
        request
    }

    /// Batch can only terminate a service job, so without `terminate` its id is invalid here.
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

/// A request with a selection whose queue may have to be filled in.
#[derive(Clone, Debug)]
pub(crate) struct RequestTemplate {
    fields: RequestFields,
    select: SelectFields,
}

impl RequestTemplate {
    /// Reads a template.
    ///
    /// # Errors
    ///
    /// When the text is no request with a selection. What its values must be is checked when it is filled in.
    pub(crate) fn from_json(text: &str) -> Result<Self, RequestError> {
        let mut fields: RequestFields = from_object(text)?;
        let names_jobs = fields.job_ids.is_some() || fields.job_id.is_some();
        let Some(select) = fields.select.take().filter(|_| !names_jobs) else {
            let why = "select is required, and jobIds or jobId are not allowed";
            return refuse("", why);
        };
        let within = |error: RequestError| error.within("select");
        let select: SelectFields = from_object(select.get()).map_err(within)?;
        select.refuse_several_queues().map_err(within)?;
        Ok(Self { fields, select })
    }

    /// The request, with `queue` filled in if its selection names no queue or array. None if it then still names none.
    ///
    /// # Errors
    ///
    /// As [`Request::from_json`].
    pub(crate) fn fill(
        &self,
        queue: Option<&str>,
        own_region: &OwnRegion,
    ) -> Result<Option<Request>, RequestError> {
        let mut select = self.select.clone();
        if !select.fill_queue(queue) {
            return Ok(None);
        }
        let fields = self.fields.clone();
        fields.into_request_for(Some(select), own_region).map(Some)
    }
}

impl RequestFields {
    fn into_request(mut self, own_region: &OwnRegion) -> Result<Request, RequestError> {
        let select = self.select.take();
        let select = select.map(|select| from_object(select.get())).transpose();
        let select = select.map_err(|error: RequestError| error.within("select"))?;
        self.into_request_for(select, own_region)
    }

    fn into_request_for(
        self,
        select: Option<SelectFields>,
        own_region: &OwnRegion,
    ) -> Result<Request, RequestError> {
        if self.watch.is_some() {
            let why = "only a direct invocation, EventBridge Scheduler or Step Functions may watch job queues";
            return refuse(WATCH, why);
        }
        let action = if self.terminate {
            Action::Terminate
        } else {
            Action::Cancel
        };
        let parse = |id: &String| AskedId::parse(id, own_region);
        let target = match (self.job_ids, self.job_id, select) {
            (Some(ids), None, None) => Target::Jobs(ids.iter().map(parse).collect()),
            (None, Some(id), None) => Target::Jobs(vec![parse(&id)]),
            (None, None, Some(select)) => {
                let select =
                    Select::new(select, action, own_region).map_err(|e| e.within("select"))?;
                Target::Select(Box::new(select))
            }
            (None, None, None) => return refuse("", "one of jobIds, jobId and select is required"),
            _ => return refuse("", "only one of jobIds, jobId and select may be given"),
        };
        let mut request = Request {
            action,
            reason: self.reason.filter(|reason| !reason.trim().is_empty()),
            dry_run: self.dry_run,
            max_jobs: self.max_jobs.map(max_jobs).transpose()?,
            wait: self.wait_seconds.map(wait).transpose()?.unwrap_or_default(),
            fail_on_incomplete: self.fail_on_incomplete,
            ..Request::cancel(target)
        };
        if action == Action::Cancel {
            request.refuse_service_jobs();
        }
        Ok(request)
    }
}

fn max_jobs(WholeNumber(number): WholeNumber) -> Result<NonZeroUsize, RequestError> {
    let most = usize::try_from(number).ok().and_then(NonZeroUsize::new);
    let why = || format!("{number} is out of range, expected at least 1");
    most.ok_or_else(|| RequestError::new("maxJobs", why()))
}

fn wait(WholeNumber(seconds): WholeNumber) -> Result<Duration, RequestError> {
    if seconds > MAX_WAIT.as_secs() {
        let most = MAX_WAIT.as_secs();
        let why = format!("{seconds} is out of range, expected 0 to {most}");
        return refuse("waitSeconds", why);
    }
    Ok(Duration::from_secs(seconds))
}
