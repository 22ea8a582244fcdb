//! The endpoints under `/_emulator/`, with which tests in other languages steer the emulator.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    body::Body,
    emulator::Emulator,
    seed::{check_job, from_json},
    spec::JobSpec,
    wire,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    #[serde(with = "crate::span")]
    seconds: Duration,
}

/// Answers a request for `/_emulator/<path>`.
pub(crate) fn answer(
    emulator: &Emulator,
    method: &Method,
    path: &str,
    body: &Bytes,
) -> Response<Body> {
    let result = match (method.as_str(), path) {
        ("GET", "calls") => show(&emulator.calls()),
        ("DELETE", "calls") => {
            emulator.forget_calls();
            show(&json!({}))
        }
        ("GET", "jobs") => show(&emulator.jobs()),
        ("POST", "jobs") => add_jobs(emulator, body),
        ("GET", "faults") => show(&emulator.faults()),
        ("GET", "faults/counts") => show(&emulator.fault_counts()),
        ("PUT", "faults") => read(body).and_then(|faults| {
            emulator.set_faults(faults);
            show(&emulator.faults())
        }),
        ("GET", "behaviour") => show(&emulator.behaviour()),
        ("PUT", "behaviour") => read(body).and_then(|behaviour| {
            emulator.set_behaviour(behaviour);
            show(&emulator.behaviour())
        }),
        ("POST", "queues") => read(body).and_then(|queue| {
            emulator.add_queue(queue);
            show(&json!({}))
        }),
        ("POST", "advance") => read(body).and_then(|Advance { seconds }| {
            emulator.advance(seconds);
            show(&json!({"now": emulator.now().as_secs_f64()}))
        }),
        _ => Err((
            StatusCode::NOT_FOUND,
            format!("no {method} /_emulator/{path}"),
        )),
    };
    match result {
        Ok(body) => wire::json(StatusCode::OK, body),
        Err((status, message)) => {
            let body = json!({ "message": message }).to_string();
            wire::json(status, body.into())
        }
    }
}

type Answer = Result<Bytes, (StatusCode, String)>;

fn show(value: &impl Serialize) -> Answer {
    serde_json::to_vec(value)
        .map(Bytes::from)
        .map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

fn read<'de, T: Deserialize<'de>>(body: &'de Bytes) -> Result<T, (StatusCode, String)> {
    from_json(body).map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))
}

/// One job or a list of them; all are read before any is made.
fn add_jobs(emulator: &Emulator, body: &Bytes) -> Answer {
    let many = body.trim_ascii_start().starts_with(b"[");
    let specs: Vec<JobSpec> = if many { read(body)? } else { vec![read(body)?] };
    for spec in &specs {
        check_job(spec)
            .map_err(|(field, problem)| (StatusCode::BAD_REQUEST, format!("{field}: {problem}")))?;
    }
    let ids: Vec<String> = specs
        .iter()
        .flat_map(|spec| emulator.add_jobs(spec))
        .collect();
    show(&json!({ "jobIds": ids }))
}
