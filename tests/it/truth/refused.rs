//! Calls and jobs that are denied or refused.

use batch_emulator::{Emulator, Fault, Faults, ItemError, Operation, Status};

use super::{Case, Job, NamedCase, runnable};

pub(super) const CASES: [NamedCase; 7] = [
    ("all is denied, each call as a whole", denied_calls),
    ("all is denied, job by job", denied_jobs),
    ("one job of a bulk call is denied", one_denied),
    ("bulk call is denied for one of its jobs", denied_for_one),
    ("one job of a bulk call is refused", one_refused),
    ("jobs that have started are refused", started),
    ("job that has started is refused alone", started_alone),
];

fn all_denied(emulator: &Emulator, operations: &[Operation]) -> Case {
    emulator.set_faults(Faults {
        denied: operations.iter().copied().collect(),
        ..Faults::default()
    });
    let denied = |id| Job::new(id, "denied", Some("AccessDenied"), Status::Runnable);
    let ids = runnable(emulator, 1000).into_iter();
    Case::new(ids.map(denied).collect()).calls(Operation::DescribeJobs, 10)
}

fn denied_calls(emulator: &Emulator) -> Case {
    all_denied(emulator, &[Operation::CancelJob, Operation::CancelJobs])
        .calls(Operation::CancelJobs, 20)
        .calls(Operation::CancelJob, 50)
        .takes(8)
}

fn denied_jobs(emulator: &Emulator) -> Case {
    all_denied(emulator, &[Operation::CancelJob])
        .calls(Operation::CancelJobs, 20)
        .takes(3)
}

/// Fifty jobs, of which the eighth is not cancelled.
fn all_but_one(
    emulator: &Emulator,
    faults: impl FnOnce(&str) -> Faults,
    outcome: &'static str,
    message: &'static str,
) -> Case {
    let ids = runnable(emulator, 50);
    emulator.set_faults(faults(&ids[7]));
    let mut jobs: Vec<Job> = ids.into_iter().map(Job::cancelled).collect();
    let id = std::mem::take(&mut jobs[7].id);
    jobs[7] = Job::new(id, outcome, Some(message), Status::Runnable);
    Case::new(jobs)
}

fn all_but_a_denied_one(emulator: &Emulator) -> Case {
    let faults = |id: &str| Faults {
        denied_jobs: [id.to_owned()].into(),
        ..Faults::default()
    };
    all_but_one(emulator, faults, "denied", "AccessDenied").calls(Operation::DescribeJobs, 2)
}

fn one_denied(emulator: &Emulator) -> Case {
    all_but_a_denied_one(emulator).calls(Operation::CancelJobs, 1)
}

fn denied_for_one(emulator: &Emulator) -> Case {
    emulator.fail_next(Operation::CancelJobs, Fault::Denied, 1);
    all_but_a_denied_one(emulator)
        .calls(Operation::CancelJobs, 1)
        .calls(Operation::CancelJob, 50)
        .takes(5)
}

fn one_refused(emulator: &Emulator) -> Case {
    let faults = |id: &str| Faults {
        item_errors: [(id.to_owned(), ItemError::ClientException)].into(),
        ..Faults::default()
    };
    let message = "ClientException: The job cannot be cancelled or terminated.";
    all_but_one(emulator, faults, "failed", message)
        .calls(Operation::CancelJobs, 1)
        .calls(Operation::DescribeJobs, 2)
}

/// Some of these jobs start when the call that cancels them comes, and are refused.
fn start_and_refuse(emulator: &Emulator, count: u32, operation: Operation) -> Vec<Job> {
    let ids = runnable(emulator, count);
    emulator.set_faults(Faults {
        refuse_started_rate: 1.0,
        ..Faults::default()
    });
    let starting: Vec<String> = ids.iter().take(3).cloned().collect();
    emulator.on(operation, move |emulator, _| {
        for id in &starting {
            emulator.set_status(id, Status::Running);
        }
    });
    let message = Some("started before the cancel reached it");
    let mut jobs: Vec<Job> = ids.into_iter().map(Job::cancelled).collect();
    for job in jobs.iter_mut().take(3) {
        let id = std::mem::take(&mut job.id);
        *job = Job::new(id, "running", message, Status::Running);
    }
    jobs
}

fn started(emulator: &Emulator) -> Case {
    Case::new(start_and_refuse(emulator, 20, Operation::CancelJobs))
        .calls(Operation::CancelJobs, 1)
        .calls(Operation::DescribeJobs, 2)
}

fn started_alone(emulator: &Emulator) -> Case {
    Case::new(start_and_refuse(emulator, 1, Operation::CancelJob))
        .calls(Operation::CancelJob, 1)
        .calls(Operation::DescribeJobs, 2)
}
