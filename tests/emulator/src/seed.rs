//! The seed: an account written down as JSON.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{behaviour::Behaviour, faults::Faults, queue::Queue, span, spec::JobSpec};

/// An account to start from. In JSON, everything is optional, and what is misspelt is an error:
///
/// ```
/// let seed = batch_emulator::Seed::from_json(r#"{
///   "account": "123456789012",
///   "region": "eu-west-1",
///   "now": "2026-11-22T10:00:00Z",
///   "queues": [{"name": "render", "state": "ENABLED", "type": "ECS", "priority": 1}],
///   "jobs": [
///     {"jobName": "frame", "jobQueue": "render", "status": "RUNNABLE", "age": "2h", "count": 1000},
///     {"jobId": "0a1b2c3d-0000-4000-8000-000000000001", "jobQueue": "render", "status": "RUNNING",
///      "tags": {"team": "film"}, "lifecycle": {"runningFor": 30, "exit": "FAILED"}},
///     {"jobQueue": "render", "status": "PENDING",
///      "dependsOn": [{"jobId": "0a1b2c3d-0000-4000-8000-000000000001"}]},
///     {"jobQueue": "render", "arraySize": 6, "children": ["RUNNING", "RUNNABLE", "SUCCEEDED"]}
///   ],
///   "behaviour": {"cancelDelay": "5s"},
///   "faults": {"latency": 0.02, "throttleRate": 0.1}
/// }"#)?;
/// let emulator = batch_emulator::Emulator::from_seed(seed)?;
/// assert_eq!(emulator.jobs().len(), 1000 + 1 + 1 + 7);
/// # Ok::<(), batch_emulator::SeedError>(())
/// ```
///
/// Lengths of time are seconds, or text such as `90s`, `2h`, `PT1H`; points in time are milliseconds
/// since the epoch, or timestamps. Where `queues` is given, a job in another queue is an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Seed {
    /// 123456789012 by default.
    pub account: String,
    /// eu-west-1 by default.
    pub region: String,
    /// What the clock shows at the start; the system's time by default.
    #[serde(with = "span::time")]
    pub now: Option<Duration>,
    /// The queues. If there are none here, those that jobs name are made.
    pub queues: Vec<Queue>,
    /// The jobs, in the order of creation.
    pub jobs: Vec<JobSpec>,
    /// How Batch behaves where its documentation is silent.
    pub behaviour: Behaviour,
    /// What goes wrong.
    pub faults: Faults,
}

impl Default for Seed {
    fn default() -> Self {
        Self {
            account: "123456789012".to_owned(),
            region: "eu-west-1".to_owned(),
            now: None,
            queues: Vec::new(),
            jobs: Vec::new(),
            behaviour: Behaviour::default(),
            faults: Faults::default(),
        }
    }
}

/// Why a seed is of no use. The text names the field, `jobs[2].status: unknown variant …`.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// It cannot be read.
    #[error("{}: {}", .0.path(), in_words(.0.inner()))]
    Json(#[from] serde_path_to_error::Error<serde_json::Error>),
    /// It contradicts itself.
    #[error("{field}: {problem}")]
    Contradiction {
        /// Where, `jobs[2].jobQueue`.
        field: String,
        /// What is wrong there.
        problem: String,
    },
}

impl Seed {
    /// Reads a seed.
    ///
    /// # Errors
    ///
    /// If it is no JSON or has a wrong field; the error names it.
    pub fn from_json(json: &str) -> Result<Self, SeedError> {
        Ok(from_json(json.as_bytes())?)
    }

    /// Whether AWS Batch could have given out the ids of the jobs. Tests may use shorter ones.
    ///
    /// # Errors
    ///
    /// If an id is not a UUID in lower case; the error names it.
    pub fn check_ids(&self) -> Result<(), SeedError> {
        for (place, job) in self.jobs.iter().enumerate() {
            let Some(id) = &job.job_id else { continue };
            let uuid = uuid::Uuid::try_parse(id).map(|uuid| uuid.to_string());
            if uuid.as_ref() != Ok(id) {
                return Err(SeedError::Contradiction {
                    field: format!("jobs[{place}].jobId"),
                    problem: format!("{id:?} is not a job id, a UUID in lower case"),
                });
            }
        }
        Ok(())
    }

    /// Whether the parts fit together.
    pub(crate) fn check(&self) -> Result<(), SeedError> {
        for (place, job) in self.jobs.iter().enumerate() {
            check_job(job).map_err(|(field, problem)| SeedError::Contradiction {
                field: format!("jobs[{place}].{field}"),
                problem,
            })?;
            let named = |queue: &Queue| job.job_queue.rsplit('/').next() == Some(&queue.name);
            if !self.queues.is_empty() && !self.queues.iter().any(named) {
                return Err(SeedError::Contradiction {
                    field: format!("jobs[{place}].jobQueue"),
                    problem: format!("no queue {:?} in queues", job.job_queue),
                });
            }
        }
        Ok(())
    }
}

/// An error of the JSON reader without Rust's words.
fn in_words(error: &serde_json::Error) -> String {
    error
        .to_string()
        .replace("unknown variant", "unknown value")
        .replace("invalid type: map", "invalid type: object")
}

/// Whether a job can be made; else the field and what is wrong with it.
pub(crate) fn check_job(job: &JobSpec) -> Result<(), (&'static str, String)> {
    if job.count > 1 && job.job_id.is_some() {
        return Err(("count", "several jobs cannot have one jobId".to_owned()));
    }
    if !job.children.is_empty() && job.array_size.is_none() {
        return Err(("children", "needs an arraySize".to_owned()));
    }
    if job.array_size == Some(0) {
        return Err(("arraySize", "must be at least 1".to_owned()));
    }
    if job.array_size.is_some() && !job.attempts.is_empty() {
        return Err(("attempts", "an array job has none".to_owned()));
    }
    if job.array_size.is_some() && job.nodes.is_some() {
        return Err(("nodes", "an array job has none".to_owned()));
    }
    Ok(())
}

/// Reads JSON so that an error names the field.
pub(crate) fn from_json<'de, T: Deserialize<'de>>(
    json: &'de [u8],
) -> Result<T, serde_path_to_error::Error<serde_json::Error>> {
    let mut from = serde_json::Deserializer::from_slice(json);
    serde_path_to_error::deserialize(&mut from)
}
