//! An account with jobs of many owners.

use std::{collections::HashMap, time::Duration};

use batch_emulator::{Emulator, JobSpec, Queue, Status};
use support::{Function, OWN_FAULT};

use crate::owners::callers::Caller;

pub(super) const OWNERS: [Option<&str>; 8] = [
    Some("ann"),
    Some("bob"),
    Some("Ann"),
    Some("ann "),
    Some(""),
    Some("*"),
    Some("http"),
    None,
];

/// An account of many owners, and who owns each job, by its id. Its ids are the same each time.
pub(super) struct Account {
    pub(super) function: Function,
    pub(super) owners: HashMap<String, Option<&'static str>>,
    pub(super) ids: Vec<String>,
}

impl Account {
    pub(super) fn new(caller: &Caller) -> Self {
        let emulator = Emulator::new();
        let (mut owners, mut ids) = (HashMap::new(), Vec::new());
        emulator.add_queue(Queue::new("mine"));
        emulator.add_queue(Queue::new("theirs"));
        for (number, owner) in OWNERS
            .into_iter()
            .cycle()
            .take(OWNERS.len() * 6)
            .enumerate()
        {
            let age = Duration::from_mins(60 + u64::try_from(number * 7 % 40).unwrap());
            let status = [Status::Runnable, Status::Submitted, Status::Running];
            let queue = if number % 11 == 10 { "theirs" } else { "mine" };
            let mut spec = JobSpec {
                status_reason: Some(OWN_FAULT.to_owned()),
                ..JobSpec::new(status[number / 8 % 3]).queue(queue).age(age)
            };
            spec = spec.name(["nightly-a", "nightly-b"][number % 2]);
            if let Some(owner) = owner {
                spec = spec
                    .tag("owner", owner)
                    .tag("Owner", "ann")
                    .tag("user", "ann");
            }
            let is_array = number / 8 >= 4;
            if is_array {
                spec.status = Status::Pending;
                spec = spec.array(&[Status::Runnable, Status::Running, Status::Runnable]);
            }
            let id = emulator.add_job(spec);
            if is_array {
                for index in 0..3 {
                    let child = format!("{id}:{index}");
                    owners.insert(child.clone(), owner);
                    ids.push(child);
                }
            }
            owners.insert(id.clone(), owner);
            ids.push(id);
        }
        let settings = [
            &[
                ("OWNER_TAG", "owner"),
                ("ALLOWED_QUEUES", "mine"),
                ("ALLOW_TERMINATE", "true"),
                ("BLOCKED_FOR", "0"),
                ("API_CALLS_PER_SECOND", "0"),
            ],
            caller.settings,
        ]
        .concat();
        Self {
            function: Function::on(emulator, &settings),
            owners,
            ids,
        }
    }
}
