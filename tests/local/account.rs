//! The emulated account: the jobs that the event names, in mixed states, or those of a seed file.

use std::{collections::BTreeSet, fs, time::Duration};

use batch_cancel::{
    command::Command,
    config::{Config, queue_name},
    event::{self, Scope},
    request::{AskedId, JobId, OwnRegion, SelectFrom, Target},
};
use batch_emulator::{Emulator, JobSpec, PositionTime, Queue, Seed, Status};
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

/// The account of a seed file.
pub fn of_seed(path: &str) -> Result<Emulator, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    let seed = Seed::from_json(&text).map_err(|error| format!("{path}: {error}"))?;
    let emulator = seed.check_ids().and_then(|()| Emulator::from_seed(seed));
    emulator.map_err(|error| format!("{path}: {error}"))
}

/// An account with the jobs of these events.
pub fn of_events(emulator: &Emulator, payloads: &[Box<RawValue>], config: &Config) {
    emulator.add_queue(Queue::new(QUEUE));
    emulator.add_queue(Queue::service(SERVICE_QUEUE));
    let own_region = OwnRegion::from_function_arn(FUNCTION_ARN);
    let scope = Scope {
        config,
        own_region: &own_region,
        now: jiff::Timestamp::now(),
    };
    let mut selectable = BTreeSet::new();
    let mut jobs = BTreeSet::new();
    let mut named = Vec::new();
    for payload in payloads {
        for queue in shown_queues(payload, &scope) {
            add_selectable(emulator, &SelectFrom::Queue(queue), &mut selectable);
        }
        for target in targets(payload, &scope) {
            match target {
                Target::Blocked(id) => add(emulator, id, true, &mut jobs),
                Target::Select(select) => add_selectable(emulator, &select.from, &mut selectable),
                Target::Jobs(ids) => named.extend(ids),
            }
        }
    }
    for asked in named {
        if let AskedId::Job { id, .. } = asked {
            add(emulator, id, false, &mut jobs);
        }
    }
}

/// The queues that an event asks to be shown or measured.
fn shown_queues(payload: &RawValue, scope: &Scope<'_>) -> Vec<String> {
    match event::decode(payload, scope).map(|event| event.command) {
        Ok(Command::Panel(panel)) => vec![panel.job_queue],
        Ok(Command::ShowQueue { queue, .. }) => vec![queue.name],
        Ok(Command::ListJobs { page, .. }) => vec![page.queue.name],
        Ok(Command::Watch(watch)) => {
            let named = watch.job_queues.unwrap_or_else(|| vec![QUEUE.to_owned()]);
            let is_there =
                |queue: &String| ![SERVICE_QUEUE, "no-such-queue"].contains(&queue_name(queue));
            named.into_iter().filter(is_there).collect()
        }
        _ => Vec::new(),
    }
}

/// The targets of an event. An event that cannot be decoded has none.
fn targets(payload: &RawValue, scope: &Scope<'_>) -> Vec<Target> {
    let messages = match event::decode(payload, scope).map(|event| event.command) {
        Ok(Command::Cancel { messages, .. }) => messages,
        Ok(Command::ShowJob { id, .. }) => return vec![Target::Jobs(vec![AskedId::known(id)])],
        _ => return Vec::new(),
    };
    let requests = messages.into_iter();
    let requests = requests.filter_map(|message| message.request.ok());
    requests.map(|request| request.target).collect()
}

/// Jobs for a selection to choose from: old and new ones, one that blocks the queue, one that runs, one protected.
fn add_selectable(emulator: &Emulator, from: &SelectFrom, known: &mut BTreeSet<String>) {
    if let SelectFrom::Array(id) = from {
        return add_array(emulator, *id, known);
    }
    for queue in from.queues() {
        // A pattern stands for queues of the demo account.
        let queue = match queue_name(queue) {
            pattern if pattern.contains('*') => QUEUE,
            name => name,
        };
        if known.insert(queue.to_owned()) {
            add_jobs(emulator, queue);
        }
    }
}

/// An array of four children, one of which runs.
fn add_array(emulator: &Emulator, id: JobId, known: &mut BTreeSet<String>) {
    let children = [
        Status::Runnable,
        Status::Running,
        Status::Succeeded,
        Status::Runnable,
    ];
    if known.insert(id.to_string()) {
        let spec = JobSpec::new(Status::Pending)
            .id(id.to_string())
            .queue(QUEUE)
            .name("demo-array");
        emulator.add_job(spec.age(Duration::from_hours(3)).array(&children));
    }
}

fn add_jobs(emulator: &Emulator, queue: &str) {
    emulator.add_queue(Queue::new(queue));
    let job = |name: &str, status, hours| {
        let spec = JobSpec::new(status).name(name).queue(queue);
        spec.age(Duration::from_hours(hours)).tag("user", "ann")
    };
    let mut blocks = job("demo-too-large", Status::Runnable, 14);
    blocks.status_reason = Some(BLOCKED.to_owned());
    blocks.position_time = first_since(emulator);
    emulator.add_job(blocks);
    emulator.add_job(job("demo-old", Status::Runnable, 13));
    emulator.add_job(job("demo-kept", Status::Runnable, 3).tag("batch-cancel:protect", ""));
    for (name, hours) in [("demo-running", 3), ("demo-just-started", 1)] {
        let started_at = emulator.now().checked_sub(Duration::from_hours(hours));
        emulator.add_job(JobSpec {
            started_at,
            ..job(name, Status::Running, 4)
        });
    }
    emulator.add_job(job("demo-new", Status::Runnable, 1));
}

/// The position of a job that has been first for two hours, and blocks its queue for longer than `BLOCKED_FOR`.
fn first_since(emulator: &Emulator) -> PositionTime {
    let since = emulator.now().saturating_sub(Duration::from_hours(2));
    i64::try_from(since.as_millis()).map_or(PositionTime::Missing, PositionTime::At)
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
        spec.position_time = first_since(emulator);
    }
    if id.parent().is_some() {
        // The array is large enough for the child that the event names.
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
