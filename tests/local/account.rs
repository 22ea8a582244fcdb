//! The emulated account: the jobs that the event names, in mixed states, or a seed file's.

use std::{collections::BTreeSet, fs};

use batch_cancel::{
    config::Config,
    event::{self, Ask, Asks, Scope},
    request::{AskedId, Home, JobId, Request, Target},
};
use batch_emulator::{Emulator, JobSpec, Queue, Seed, Status};
use serde_json::value::RawValue;

use super::FUNCTION_ARN;

const QUEUE: &str = "demo-queue";
const SERVICE_QUEUE: &str = "demo-service-queue";

/// The states of the jobs that an event names, in turn: what can be cancelled first.
const STATES: [Status; 5] = [
    Status::Runnable,
    Status::Running,
    Status::Submitted,
    Status::Succeeded,
    Status::Runnable,
];

/// Why a job that blocks its queue does so: the reason that `BLOCKED_REASONS` matches by default.
const BLOCKED: &str =
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job needs more than any instance has.";

pub fn emulator(
    seed: Option<&str>,
    payload: &RawValue,
    config: &Config,
) -> Result<Emulator, String> {
    if let Some(path) = seed {
        let text = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
        let seed = Seed::from_json(&text).map_err(|error| format!("{path}: {error}"))?;
        return Emulator::from_seed(seed).map_err(|error| format!("{path}: {error}"));
    }
    let emulator = Emulator::new();
    emulator.add_queue(Queue::new(QUEUE));
    emulator.add_queue(Queue::service(SERVICE_QUEUE));
    let home = Home::from_function_arn(FUNCTION_ARN);
    let scope = Scope {
        config,
        home: &home,
        now: jiff::Timestamp::now(),
    };
    let mut known = BTreeSet::new();
    for (id, blocks) in named_jobs(payload, &scope) {
        add(&emulator, id, blocks, &mut known);
    }
    Ok(emulator)
}

/// The jobs that an event names, and whether it is said to block its queue. An event that cannot be read names none.
fn named_jobs(payload: &RawValue, scope: &Scope<'_>) -> Vec<(JobId, bool)> {
    let Ok(event) = event::decode(payload, scope) else {
        return Vec::new();
    };
    let messages = match event.ask {
        Ask::Cancel(messages) => messages,
        Ask::ShowJob(id) => return vec![(id, false)],
        _ => return Vec::new(),
    };
    let asks = messages.into_iter().filter_map(|message| message.asks.ok());
    let requests = asks.flat_map(|asks| match asks {
        Asks::Requests(requests) => requests,
        Asks::Nothing(_) => Vec::new(),
    });
    requests
        .flat_map(|request: Request| match request.target {
            Target::Blocked(id) => vec![(id, true)],
            Target::Jobs(ids) => ids
                .iter()
                .filter_map(|asked| match asked {
                    AskedId::Job { id, .. } => Some((*id, false)),
                    AskedId::Invalid { .. } => None,
                })
                .collect(),
            Target::Select(_) => Vec::new(),
        })
        .collect()
}

fn add(emulator: &Emulator, id: JobId, blocks: bool, known: &mut BTreeSet<JobId>) {
    let whole = id.parent().unwrap_or(id);
    if !known.insert(whole) {
        return;
    }
    let status = match STATES.get((known.len() - 1) % STATES.len()) {
        Some(status) if !blocks => *status,
        _ => Status::Runnable,
    };
    let mut spec = JobSpec::new(status)
        .id(whole.to_string())
        .name(format!("demo-{}", known.len()))
        .queue(if id.is_service_job() {
            SERVICE_QUEUE
        } else {
            QUEUE
        });
    if blocks {
        spec.status_reason = Some(BLOCKED.to_owned());
    }
    if id.parent().is_some() {
        // Any child that is asked for has to be there.
        let last = id
            .to_string()
            .rsplit(':')
            .next()
            .and_then(|index| index.parse().ok())
            .unwrap_or(0_usize);
        spec.status = Status::Pending;
        spec = spec.array(&vec![Status::Runnable; (last + 1).max(2)]);
    }
    emulator.add_job(spec);
}
