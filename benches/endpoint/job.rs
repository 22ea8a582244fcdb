//! Jobs of the size that real ones have.

use serde_json::{Map, Value, json};

/// A job as Batch shows it, with what a job on EC2 has.
const RECORDED: &str = include_str!("../job.json");

/// How many bytes the emulator itself says of a job.
const OWN: usize = 420;

/// Where a job begins in the emulator's answers.
const START: &str = "{\"jobArn\":";

/// What the recorded job has and the emulator's lack, as JSON fields, of so many bytes that the whole job has about `size`:
/// variables are added to the container's environment, or the last of its parts taken away.
pub(crate) fn details(size: usize) -> String {
    let mut job: Map<String, Value> = serde_json::from_str(RECORDED).unwrap_or_default();
    job.retain(|name, _| {
        matches!(
            name.as_str(),
            "retryStrategy" | "container" | "propagateTags" | "platformCapabilities"
        )
    });
    let size = size.saturating_sub(OWN);
    for number in 0.. {
        if text(&job).len() >= size {
            break;
        }
        let variable = json!({"name": format!("VARIABLE_{number}"), "value": format!("s3://genomics-work/run/{number}/input")});
        if let Some(Value::Array(environment)) = job
            .get_mut("container")
            .and_then(|container| container.get_mut("environment"))
        {
            environment.push(variable);
        }
    }
    while text(&job).len() > size + 100 {
        let container = job.get_mut("container").and_then(Value::as_object_mut);
        let Some(name) = container
            .as_ref()
            .and_then(|container| container.keys().next_back().cloned())
        else {
            break;
        };
        container.map(|container| container.remove(&name));
    }
    text(&job)
}

fn text(job: &Map<String, Value>) -> String {
    let text = Value::Object(job.clone()).to_string();
    let fields = text
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'));
    fields.unwrap_or_default().to_owned()
}

/// An answer with these details in each of its jobs.
pub(crate) fn with_details(answer: &str, details: &str) -> String {
    answer.replace(
        START,
        &format!("{{{details},{}", START.trim_start_matches('{')),
    )
}
