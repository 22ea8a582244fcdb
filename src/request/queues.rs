//! Job queues as a request names them.

use super::{RequestError, refuse};

/// The longest name or ARN of a job queue, in bytes: a name has at most 128, and an ARN about 60 more
/// ([API reference](https://docs.aws.amazon.com/batch/latest/APIReference/API_CreateJobQueue.html)).
const MAX_QUEUE: usize = 256;

/// What the field `jobQueues` names, each once, at most `most`.
pub(super) fn job_queues(given: Vec<String>, most: usize) -> Result<Vec<String>, RequestError> {
    if given.is_empty() || given.len() > most {
        let expected = match most {
            usize::MAX => "expected at least one job queue".to_owned(),
            most => format!("expected 1 to {most} job queues"),
        };
        return refuse("jobQueues", expected);
    }
    let mut queues: Vec<String> = Vec::with_capacity(given.len());
    for (index, queue) in given.into_iter().enumerate() {
        let is_allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_:/*".contains(&b);
        if queue.is_empty() || queue.len() > MAX_QUEUE || !queue.bytes().all(is_allowed) {
            let field = format!("jobQueues[{index}]");
            let expected =
                "expected a job queue's name or ARN, at most 256 letters, digits, - and _";
            return refuse(field, expected);
        }
        if !queues.contains(&queue) {
            queues.push(queue);
        }
    }
    Ok(queues)
}

/// What the field of this name names.
pub(super) fn job_queue(field: &str, queue: String) -> Result<String, RequestError> {
    if queue.trim().is_empty() {
        let expected = "expected a job queue's name or ARN";
        return refuse(field, expected);
    }
    Ok(queue)
}
