//! The account for mutated events: a job for every id in the samples, and jobs that no event names.

use std::{collections::BTreeSet, time::Duration};

use batch_emulator::{Emulator, JobSpec, Queue, Status};
use support::OWN_FAULT;

use super::tree::Tree;

/// A queue that no sample names.
const OTHER_QUEUE: &str = "bystanders";
/// Its jobs.
const OTHERS: usize = 3;

/// 2025-01-01.
const BEGAN: Duration = Duration::from_hours(482_136);

/// All ids in `samples`, in lower case.
pub(crate) fn ids(samples: &[Tree]) -> BTreeSet<String> {
    let text: String = samples.iter().map(|tree| tree.to_string() + "\n").collect();
    let is_hex =
        |piece: &&str| piece.len() == 36 && piece.split('-').map(str::len).eq([8, 4, 4, 4, 12]);
    let pieces = text.split(|c: char| !c.is_ascii_hexdigit() && c != '-');
    pieces.filter(is_hex).map(str::to_ascii_lowercase).collect()
}

/// A fresh account.
pub(crate) fn account(ids: &BTreeSet<String>) -> Emulator {
    let emulator = Emulator::new();
    emulator.add_queue(Queue::new("demo-queue"));
    emulator.add_queue(Queue::service("demo-service-queue"));
    let statuses = [
        Status::Runnable,
        Status::Submitted,
        Status::Runnable,
        Status::Running,
        Status::Succeeded,
    ];
    for (index, id) in ids.iter().enumerate() {
        // The samples' array job and service job; see tests/support/src/samples.rs.
        let (spec, queue) = match id.get(..8) {
            Some("70e293b8") => (
                JobSpec::new(Status::Pending).array(&[Status::Runnable, Status::Running]),
                "demo-queue",
            ),
            Some("6fd182a7") => (JobSpec::new(Status::Runnable), "demo-service-queue"),
            _ => (JobSpec::new(statuses[index % statuses.len()]), "demo-queue"),
        };
        emulator.add_job(JobSpec {
            created_at: Some(BEGAN),
            status_reason: Some(OWN_FAULT.to_owned()),
            ..spec.id(id).queue(queue).tag("user", "ann")
        });
    }
    for _ in 0..OTHERS {
        emulator.add_job(JobSpec {
            created_at: Some(BEGAN),
            ..JobSpec::new(Status::Runnable).queue(OTHER_QUEUE)
        });
    }
    emulator
}
