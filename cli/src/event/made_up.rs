//! Jobs that an event names and the demo account does not have. They are made up, and said to be.

use std::collections::BTreeSet;

use batch_cancel::{
    command::Command,
    config::Config,
    event::{self, Scope},
    request::{AskedId, JobId, OwnRegion, Target},
};
use batch_emulator::{Emulator, JobSpec, Status};
use jiff::Timestamp;
use serde_json::value::RawValue;

/// Where they are made up.
const QUEUE: &str = "demo-queue";

/// The most ids to name one by one.
const MANY: usize = 5;

/// Adds the jobs that an event names as RUNNABLE ones, if the account has none of them; what there is to say of that.
pub(crate) fn add(
    emulator: &Emulator,
    payload: &RawValue,
    config: &Config,
    own_region: &OwnRegion,
    now: Timestamp,
) -> String {
    let scope = Scope {
        config,
        own_region,
        now,
    };
    let named = match event::decode(payload, &scope).map(|event| event.command) {
        Ok(Command::Cancel { messages, .. }) => messages
            .into_iter()
            .filter_map(|message| message.request.ok())
            .flat_map(|request| ids(request.target))
            .collect(),
        Ok(Command::ShowJob { id, .. }) => BTreeSet::from([id]),
        _ => BTreeSet::new(),
    };
    let is_there = |id: &JobId| {
        emulator
            .job(&id.parent().unwrap_or(*id).to_string())
            .is_some()
    };
    if named.iter().any(is_there) {
        // An event for the demo account: what is not there is not to be found.
        return String::new();
    }
    let mut added: Vec<String> = Vec::new();
    for id in named {
        let whole = id.parent().unwrap_or(id);
        // The demo account has all service jobs that there are.
        if id.is_service_job() || emulator.job(&whole.to_string()).is_some() {
            continue;
        }
        let spec = JobSpec::new(Status::Runnable).id(whole.to_string());
        let spec = spec.name("made-up").queue(QUEUE);
        emulator.add_job(match id.to_string().rsplit_once(':') {
            // Large enough for the child that the event names.
            Some((_, index)) => {
                let last: usize = index.parse().unwrap_or_default();
                spec.array(&vec![Status::Runnable; (last + 1).max(2)])
            }
            None => spec,
        });
        added.push(whole.to_string());
    }
    if added.is_empty() {
        return String::new();
    }
    let more = added.len().saturating_sub(MANY);
    added.truncate(MANY);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!(
        "made up as RUNNABLE, since the demo account does not have them: {}{more}\n",
        added.join(", ")
    )
}

fn ids(target: Target) -> Vec<JobId> {
    match target {
        Target::Jobs(ids) => ids
            .into_iter()
            .filter_map(|asked| match asked {
                AskedId::Job { id, .. } => Some(id),
                AskedId::Invalid { .. } => None,
            })
            .collect(),
        Target::Blocked(id) => vec![id],
        Target::Select(_) => Vec::new(),
    }
}
