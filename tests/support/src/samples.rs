//! The sample events of `events/`: the account that they are about, and what each of them must lead to.

mod expected;
mod table;

use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use batch_emulator::{Emulator, JobSpec, Queue, Status};
use serde_json::Value;

pub use expected::{Expected, Failed};
pub use table::table;

/// The settings under which the table holds, beside those that have defaults.
pub const SETTINGS: [(&str, &str); 2] = [("ALLOWED_QUEUES", "*"), ("API_CALLS_PER_SECOND", "0")];

/// RUNNABLE, the oldest, and blocks its queue by its own fault.
pub const RUNNABLE: &str = "1f0c7a52-6d2e-4f6b-9a53-0a7d3c1b9e01";
/// RUNNING.
pub const RUNNING: &str = "2b9d4e63-7e3f-4a7c-8b64-1b8e4d2cae02";
/// SUBMITTED.
pub const SUBMITTED: &str = "3cae5f74-8f40-4b8d-9c75-2c9f5e3dbf03";
/// SUCCEEDED.
pub const SUCCEEDED: &str = "4dbf6085-9051-4c9e-8d86-3da06f4ec004";
/// RUNNABLE with the protect tag, and blocks its queue for want of capacity.
pub const PROTECTED: &str = "5ec07196-a162-4daf-9e97-4eb1705fd105";
/// A service job, RUNNABLE, which blocks its queue.
pub const SERVICE: &str = "6fd182a7-b273-4eb0-8fa8-5fc281610e06";
/// An array of a RUNNABLE and a RUNNING child.
pub const ARRAY: &str = "70e293b8-c384-4fc1-90b9-60d392721f07";

pub const QUEUE: &str = "demo-queue";
pub const SERVICE_QUEUE: &str = "demo-service-queue";

const OWN_FAULT: &str =
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job needs more than any instance has.";
const NO_CAPACITY: &str = "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - There are no p5.48xlarge.";

/// When the jobs were created, minute by minute: 2025-01-01, which is so many days after 1970-01-01.
const BEGAN: Duration = Duration::from_hours(24 * 20_089);

/// What a sample event must lead to.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// The file's name without `.json`.
    pub name: &'static str,
    /// The answer.
    pub expected: Expected,
    /// The operations called, in their order, separated by spaces.
    pub calls: &'static str,
    /// The jobs that Batch really cancelled or terminated.
    pub ended: &'static [&'static str],
    /// A job that is an array of five RUNNABLE children here.
    pub array: Option<&'static str>,
}

impl Sample {
    /// The text of the file.
    pub fn text(&self) -> String {
        let path = folder().join(format!("{}.json", self.name));
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }

    /// The first word of the name: where the event comes from.
    pub fn source(&self) -> &'static str {
        self.name.split('-').next().unwrap()
    }

    /// Puts the account's jobs into the states in which the event finds them, and forgets what was before.
    pub fn set_up(&self, emulator: &Emulator) {
        for job in emulator.jobs() {
            emulator.forget_job(&job.job_id);
        }
        emulator.add_queue(Queue::new(QUEUE));
        emulator.add_queue(Queue::service(SERVICE_QUEUE));
        for job in account() {
            let is_array = job.job_id.as_deref() == self.array;
            emulator.add_job(if self.array.is_some() && is_array {
                JobSpec {
                    status: Status::Pending,
                    ..job
                }
                .array(&[Status::Runnable; 5])
            } else {
                job
            });
        }
        emulator.forget_calls();
    }

    /// Checks the answer, the calls that were made, and what became of the jobs.
    pub fn check(&self, answer: Result<Value, Failed>, emulator: &Emulator) {
        let name = self.name;
        self.expected.check(self, answer);
        let calls: Vec<&str> = emulator
            .calls()
            .iter()
            .map(|call| call.operation.name())
            .collect();
        assert_eq!(calls.join(" "), self.calls, "{name}: calls");
        let ended: BTreeSet<String> = emulator
            .jobs()
            .into_iter()
            .filter(|job| job.is_cancelled || job.is_terminated)
            .map(|job| job.job_id)
            .collect();
        let expected = self.ended.iter().map(|&id| id.to_owned()).collect();
        assert_eq!(ended, expected, "{name}: jobs really ended");
    }
}

/// The names of the files in `events/`, without `.json`.
pub fn files() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let name = file.strip_suffix(".json");
        names.insert(
            name.unwrap_or_else(|| panic!("{file} is no sample"))
                .to_owned(),
        );
    }
    names
}

/// Every file has its entry, and every entry its file.
pub fn assert_complete() {
    let listed = table();
    let names: BTreeSet<String> = listed.iter().map(|sample| sample.name.to_owned()).collect();
    assert_eq!(
        names.len(),
        listed.len(),
        "a sample stands in the table twice"
    );
    let files = files();
    let without_entry: Vec<_> = files.difference(&names).collect();
    let without_file: Vec<_> = names.difference(&files).collect();
    assert!(
        without_entry.is_empty() && without_file.is_empty(),
        "tests/support/samples/table.rs lacks {without_entry:?}, events/ lacks {without_file:?}"
    );
}

/// The sample of this name.
pub fn sample(name: &str) -> Sample {
    let found = table().into_iter().find(|sample| sample.name == name);
    found.unwrap_or_else(|| panic!("no sample {name}"))
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../events"))
}

fn account() -> Vec<JobSpec> {
    let jobs = [
        (RUNNABLE, JobSpec::new(Status::Runnable).tag("user", "ann")),
        (RUNNING, JobSpec::new(Status::Running)),
        (SUBMITTED, JobSpec::new(Status::Submitted)),
        (SUCCEEDED, JobSpec::new(Status::Succeeded)),
        (
            PROTECTED,
            JobSpec::new(Status::Runnable).tag("batch-cancel:protect", "keep"),
        ),
        (SERVICE, JobSpec::new(Status::Runnable)),
        (
            ARRAY,
            JobSpec::new(Status::Pending).array(&[Status::Runnable, Status::Running]),
        ),
    ];
    let mut created_at = BEGAN;
    jobs.into_iter()
        .zip(1..)
        .map(|((id, job), number)| {
            created_at += Duration::from_mins(1);
            let queue = if id == SERVICE { SERVICE_QUEUE } else { QUEUE };
            let reason = match id {
                RUNNABLE | SERVICE => Some(OWN_FAULT.to_owned()),
                PROTECTED => Some(NO_CAPACITY.to_owned()),
                _ => None,
            };
            JobSpec {
                created_at: Some(created_at),
                status_reason: reason,
                ..job.id(id).name(format!("render-{number}")).queue(queue)
            }
        })
        .collect()
}
