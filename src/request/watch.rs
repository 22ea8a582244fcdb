//! What a watch asks for: job queues to measure.

use serde::Deserialize;

use super::{
    RequestError,
    decode::{from_object, present},
    queues::job_queues,
};

/// Which job queues to measure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchRequest {
    /// Names or ARNs, each once, none of them empty. None: all queues in `ALLOWED_QUEUES`.
    pub job_queues: Option<Vec<String>>,
}

/// The fields of `watch`, before they are checked.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WatchFields {
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
        let fields: WatchFields = from_object(text)?;
        let job_queues = fields.job_queues.map(|given| job_queues(given, usize::MAX));
        Ok(Self {
            job_queues: job_queues.transpose()?,
        })
    }
}
