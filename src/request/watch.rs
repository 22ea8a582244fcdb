//! What a watch asks for: job queues to measure.

use serde::Deserialize;

use super::{
    RequestError,
    decode::{from_object, present},
};

/// The longest name or ARN of a job queue, in bytes: a name has at most 128, and an ARN about 60 more
/// ([API reference](https://docs.aws.amazon.com/batch/latest/APIReference/API_CreateJobQueue.html)).
const MAX_QUEUE: usize = 256;

/// Which job queues to measure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchRequest {
    /// Names or ARNs, each once, none of them empty. None: all queues in `ALLOWED_QUEUES`.
    pub job_queues: Option<Vec<String>>,
}

/// The fields of `watch`, before they are checked.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Fields {
    #[serde(default, deserialize_with = "present")]
    job_queues: Option<Vec<String>>,
}

impl WatchRequest {
    /// Reads the value of `watch`.
    ///
    /// # Errors
    ///
    /// When it is not an object, or one of its fields is unknown or wrong. The error names the field.
    pub fn from_json(text: &str) -> Result<Self, RequestError> {
        let fields: Fields = from_object(text)?;
        let Some(given) = fields.job_queues else {
            return Ok(Self { job_queues: None });
        };
        let refuse = |field: &str, expected: &str| Err(RequestError::new(field, expected));
        if given.is_empty() {
            return refuse(
                "jobQueues",
                "expected at least one job queue, or no jobQueues for all that are allowed",
            );
        }
        let mut job_queues: Vec<String> = Vec::new();
        for (index, queue) in given.into_iter().enumerate() {
            if queue.trim().is_empty() || queue.len() > MAX_QUEUE {
                return refuse(
                    &format!("jobQueues[{index}]"),
                    "expected a job queue's name or ARN",
                );
            }
            if !job_queues.contains(&queue) {
                job_queues.push(queue);
            }
        }
        Ok(Self {
            job_queues: Some(job_queues),
        })
    }
}
