//! Reads the answers of `DescribeJobs`, and of them only what is used.
//!
//! Batch shows 2 to 5 kB of each job, nearly all of it about containers. Building that and dropping it again took most of
//! the function's CPU time (`benches/run`). The call and its errors stay the SDK's: once an answer says success, an
//! interceptor puts this reader in the place of the SDK's own.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use aws_sdk_batch::{
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::BeforeDeserializationInterceptorContextMut,
    },
    error::BoxError,
    operation::{describe_jobs::DescribeJobsOutput, list_jobs::ListJobsOutput},
};
use aws_smithy_runtime_api::client::{
    interceptors::{
        context::{Output, OutputOrError},
        dyn_dispatch_hint,
    },
    orchestrator::HttpResponse,
    ser_de::{DeserializeResponse, SharedResponseDeserializer},
};
use serde::Deserialize;
use serde_json::{Number, Value, value::RawValue};

use super::{
    CallError, JobDetail, JobSummary,
    job::{array_size, children, job_id, shown, status, time, time_since},
};
use crate::request::{JobId, from_object};

/// An attempt that stopped this close to its job, in milliseconds, stopped with it.
const SAME_STOP: u64 = 1000;

/// Whole numbers up to this one have a floating-point number of their own.
const MAX_WHOLE: f64 = 9_007_199_254_740_992.0;

/// What was read of an answer.
type Read = Result<Rows, CallError>;

/// The jobs of an answer.
#[derive(Debug, Default, PartialEq)]
pub struct Rows {
    /// Those that can be read.
    pub jobs: Vec<JobDetail>,
    /// What is wrong with each other one, and its id if that can be read. It would not be otherwise another time.
    pub unreadable: Vec<(Option<JobId>, CallError)>,
    /// What asks for the next page of a listing, if there is one.
    pub next: Option<String>,
}

/// Reads the answer of one call, and keeps the jobs in it.
#[derive(Clone, Debug)]
pub(super) struct JobsReader {
    rows: Arc<Mutex<Option<Read>>>,
    /// The answer as the SDK gets it: empty.
    output: fn() -> Output,
}

impl JobsReader {
    /// A reader of one answer of `DescribeJobs`.
    pub(super) fn of_looks() -> Self {
        Self::new(|| Output::erase(DescribeJobsOutput::builder().build()))
    }

    /// A reader of one answer of `ListJobs`.
    pub(super) fn of_listings() -> Self {
        Self::new(|| Output::erase(ListJobsOutput::builder().build()))
    }

    fn new(output: fn() -> Output) -> Self {
        let rows = Arc::default();
        Self { rows, output }
    }

    /// The jobs of the answer, once the call has returned.
    pub(super) fn into_rows(self) -> Read {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = || Err(CallError::unknown("Batch's answer was not read"));
        rows.take().unwrap_or_else(missing)
    }
}

#[dyn_dispatch_hint]
impl Intercept for JobsReader {
    fn name(&self) -> &'static str {
        "JobsReader"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if context.response().status().is_success() {
            let reader = SharedResponseDeserializer::new(self.clone());
            config.interceptor_state().store_put(reader);
        }
        Ok(())
    }
}

impl DeserializeResponse for JobsReader {
    fn deserialize_nonstreaming_with_config(
        &self,
        response: &HttpResponse,
        _: &ConfigBag,
    ) -> OutputOrError {
        let rows = read_jobs(response.body().bytes().unwrap_or_default());
        *self.rows.lock().unwrap_or_else(PoisonError::into_inner) = Some(rows);
        Ok((self.output)())
    }
}

/// The jobs in the body of an answer of `DescribeJobs`
/// ([API reference](https://docs.aws.amazon.com/batch/latest/APIReference/API_DescribeJobs.html)) or `ListJobs`
/// ([API reference](https://docs.aws.amazon.com/batch/latest/APIReference/API_ListJobs.html)).
///
/// A value of another type than the reference says harms its own job alone.
///
/// # Errors
///
/// When the body is not JSON, is cut short, or holds no list of jobs (which would make all of them unknown to Batch): it
/// counts as no answer.
pub fn read_jobs(body: &[u8]) -> Result<Rows, CallError> {
    let answer = serde_json::from_slice::<JsonBody<DescribedJob<'_>>>(body).ok();
    if let Some((jobs, next)) = answer.and_then(JsonBody::into_jobs) {
        let mut rows = Rows::of_page(next);
        for job in jobs {
            rows.add(Ok(job));
        }
        return Ok(rows);
    }
    read_each(&String::from_utf8_lossy(body))
}

/// The same, each job by itself. It takes longer: where each stops has to be found first.
fn read_each(body: &str) -> Result<Rows, CallError> {
    let unreadable = |error| CallError::unknown(format!("Batch's answer cannot be read: {error}"));
    let answer: JsonBody<&RawValue> = serde_json::from_str(body).map_err(unreadable)?;
    let no_jobs = || CallError::unknown("Batch's answer cannot be read: it has no list of jobs");
    let (jobs, next) = answer.into_jobs().ok_or_else(no_jobs)?;
    let mut rows = Rows::of_page(next);
    for job in jobs {
        let described = from_object::<DescribedJob<'_>>(job.get());
        rows.add(described.map_err(|error| {
            let known = serde_json::from_str::<JobIdOnly<'_>>(job.get()).ok();
            let id = known.and_then(|known| JobId::from_batch(known.job_id.as_str()));
            (id, CallError::unreadable(error))
        }));
    }
    Ok(rows)
}

impl Rows {
    fn of_page(next: Option<String>) -> Self {
        Self {
            next: next.filter(|token| !token.is_empty()),
            ..Self::default()
        }
    }

    fn add(&mut self, job: Result<DescribedJob<'_>, (Option<JobId>, CallError)>) {
        let job = job.and_then(|job| JobDetail::try_from(job).map_err(|error| (None, error)));
        match job {
            Ok(job) => self.jobs.push(job),
            Err(unreadable) => self.unreadable.push(unreadable),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonBody<J> {
    jobs: Option<Vec<J>>,
    job_summary_list: Option<Vec<J>>,
    next_token: Option<Value>,
}

impl<J> JsonBody<J> {
    /// The jobs; none if there is no list of them, which would make all of them unknown to Batch.
    fn into_jobs(self) -> Option<(Vec<J>, Option<String>)> {
        let next = self.next_token.as_ref().and_then(Value::as_str);
        let next = next.map(str::to_owned);
        Some((self.jobs.or(self.job_summary_list)?, next))
    }
}

/// The id of a job whose other fields cannot be read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JobIdOnly<'a> {
    #[serde(borrow)]
    job_id: Text<'a>,
}

/// A job as it stands in the answer. What is not named here is skipped.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DescribedJob<'a> {
    #[serde(borrow)]
    job_id: Option<Text<'a>>,
    #[serde(borrow)]
    status: Option<Text<'a>>,
    #[serde(borrow)]
    status_reason: Option<Text<'a>>,
    #[serde(borrow)]
    job_name: Option<Text<'a>>,
    #[serde(borrow)]
    job_queue: Option<Text<'a>>,
    #[serde(borrow)]
    job_definition: Option<Text<'a>>,
    #[serde(borrow)]
    share_identifier: Option<Text<'a>>,
    created_at: Option<Whole>,
    started_at: Option<Whole>,
    stopped_at: Option<Whole>,
    is_cancelled: Option<bool>,
    is_terminated: Option<bool>,
    #[serde(borrow)]
    array_properties: Option<ArrayProperties<'a>>,
    #[serde(borrow)]
    tags: Option<HashMap<Text<'a>, Text<'a>>>,
    #[serde(borrow)]
    attempts: Option<Vec<Attempt<'a>>>,
    #[serde(borrow)]
    eks_attempts: Option<Vec<Attempt<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ArrayProperties<'a> {
    size: Option<Whole>,
    #[serde(borrow)]
    status_summary: Option<HashMap<Text<'a>, Whole>>,
}

/// An attempt to run a job, on ECS with one container, on EKS with several.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attempt<'a> {
    stopped_at: Option<Whole>,
    #[serde(borrow)]
    status_reason: Option<Text<'a>>,
    container: Option<Container>,
    containers: Option<Vec<Container>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Container {
    exit_code: Option<Whole>,
}

/// A text, copied only if it has escapes. Half of a surrogate pair, which JSON can express and UTF-8 cannot, becomes
/// `U+FFFD`: one such text must not make the other jobs of the answer unreadable.
#[derive(PartialEq, Eq, Hash, Deserialize)]
#[serde(from = "Bytes<'a>")]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
#[serde(transparent)]
struct Bytes<'a>(#[serde(borrow)] Cow<'a, [u8]>);

impl<'a> From<Bytes<'a>> for Text<'a> {
    fn from(bytes: Bytes<'a>) -> Self {
        Self(match bytes.0 {
            Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
        })
    }
}

impl Text<'_> {
    fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Text<'_>> for String {
    fn from(text: Text<'_>) -> Self {
        text.0.into_owned()
    }
}

impl TryFrom<DescribedJob<'_>> for JobDetail {
    type Error = CallError;

    fn try_from(job: DescribedJob<'_>) -> Result<Self, CallError> {
        let ran_to_end = time(job.stopped_at.map(|time| time.0)).and_then(|stopped_at| {
            let mut attempts = job.attempts.iter().chain(&job.eks_attempts).flatten();
            attempts.find_map(|attempt| attempt.last_of_job(stopped_at))
        });
        let array = job.array_properties.as_ref();
        let array_size = array_size(array.and_then(|array| Some(array.size?.0)));
        let children = array.and_then(|array| array.status_summary.as_ref());
        let children = children.into_iter().flatten();
        let children = children.map(|(name, count)| (name.as_str(), count.0));
        let created_at = job.created_at.map(|time| time.0);
        let tags = job.tags.into_iter().flatten();
        Ok(Self {
            summary: JobSummary {
                id: job_id(job.job_id.as_ref().map(Text::as_str))?,
                status: status(job.status.as_ref().map(Text::as_str)),
                status_reason: job.status_reason.map(|text| shown(text.0)),
                job_name: job.job_name.map(|text| shown(text.0)).unwrap_or_default(),
                job_definition: job.job_definition.map(String::from),
                share_identifier: job.share_identifier.map(String::from),
                created_at: time(created_at),
                started_at: time_since(created_at, job.started_at.map(|time| time.0)),
                is_cancelled: job.is_cancelled.unwrap_or_default(),
                is_terminated: job.is_terminated.unwrap_or_default(),
                children: array_size
                    .map(|_| self::children(children))
                    .unwrap_or_default(),
                array_size,
            },
            job_queue: job.job_queue.map(String::from).unwrap_or_default(),
            tags: tags
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
            ran_to_end,
        })
    }
}

impl Attempt<'_> {
    /// How it went, if it stopped with its job, which did so at this time in milliseconds since 1970.
    fn last_of_job(&self, job_stopped_at: i64) -> Option<String> {
        let stopped_at = time(self.stopped_at.map(|time| time.0))?;
        if stopped_at.abs_diff(job_stopped_at) > SAME_STOP {
            return None;
        }
        let mut containers = self
            .container
            .iter()
            .chain(self.containers.iter().flatten());
        let exit_code = containers.find_map(|container| container.exit_code);
        Some(match (exit_code, &self.status_reason) {
            (Some(code), _) => format!("exit code {}", code.0),
            (None, Some(reason)) => shown(reason.as_str().into()),
            (None, None) => "no exit code".to_owned(),
        })
    }
}

/// A whole number, also where it is written as `1.7e12` or `3.0`.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "Number")]
struct Whole(i64);

impl TryFrom<Number> for Whole {
    type Error = &'static str;

    fn try_from(number: Number) -> Result<Self, &'static str> {
        let is_whole = |float: &f64| float.fract() == 0.0 && float.abs() <= MAX_WHOLE;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "it is whole and small enough"
        )]
        let whole = || Some(number.as_f64().filter(is_whole)? as i64);
        let number = number.as_i64().or_else(whole);
        number.map(Self).ok_or("expected a whole number")
    }
}

#[cfg(test)]
mod tests;
