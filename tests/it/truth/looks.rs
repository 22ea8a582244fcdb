//! What looks show: jobs that ran in spite of a cancel, ids that make a look fail, nodes, and ids that cannot be read.

use std::{collections::BTreeSet, time::Duration};

use batch_emulator::{
    Attempt, Behaviour, Emulator, Exit, Faults, JobSpec, Lifecycle, Operation, PositionTime, Status,
};
use serde_json::json;
use support::OWN_FAULT;

use super::{Case, Expected, Job, NamedCase, runnable};

pub(super) const CASES: [NamedCase; 7] = [
    ("jobs had run in spite of an accepted cancel", had_run),
    ("jobs run in spite of our cancel", run_anyway),
    ("one id of a hundred makes looks fail", failing_id),
    ("head of a queue is shown as a node", node_at_the_head),
    ("jobs of a queue are shown as nodes", nodes_in_a_queue),
    ("head of a queue has no id", no_id_at_the_head),
    ("job of a queue has no id", no_id_in_a_queue),
];

const EXITED: &str = "Essential container in task exited";
const RAN: &str = "ran to its end although a cancel was accepted: exit code 1";

/// A job that shows isCancelled, and whose attempt ended this long before itself.
fn ended(emulator: &Emulator, gap: Duration, spec: JobSpec) -> String {
    let stopped_at = emulator.now().saturating_sub(Duration::from_mins(10));
    let started_at = Some(stopped_at.saturating_sub(Duration::from_hours(2)));
    let attempt = Attempt {
        started_at,
        stopped_at: Some(stopped_at.saturating_sub(gap)),
        exit_code: Some(1),
        status_reason: Some(EXITED.to_owned()),
        ..Attempt::default()
    };
    emulator.add_job(JobSpec {
        is_cancelled: true,
        status_reason: Some(EXITED.to_owned()),
        started_at,
        stopped_at: Some(stopped_at),
        attempts: vec![attempt],
        ..spec
    })
}

fn had_run(emulator: &Emulator) -> Case {
    let failed = || JobSpec::new(Status::Failed);
    let on_eks = || JobSpec {
        eks_attempts: true,
        ..failed()
    };
    let finished = |id| Job {
        is_cancelled: true,
        ..Job::new(id, "finished", Some(RAN), Status::Failed)
    };
    let hour = Duration::from_hours(1);
    Case::new(vec![
        finished(ended(emulator, Duration::ZERO, failed())),
        finished(ended(emulator, Duration::ZERO, on_eks())),
        finished(ended(emulator, Duration::from_secs(1), failed())),
        Job::cancelled(ended(emulator, Duration::from_secs(2), failed())),
        Job::cancelled(ended(emulator, hour, failed())),
        Job::cancelled(ended(emulator, hour, on_eks())),
    ])
    .calls(Operation::DescribeJobs, 1)
}

fn run_anyway(emulator: &Emulator) -> Case {
    let ids = runnable(emulator, 10);
    emulator.set_faults(Faults {
        runs_anyway: [
            (ids[0].clone(), Exit::Failed),
            (ids[1].clone(), Exit::Succeeded),
        ]
        .into(),
        ..Faults::default()
    });
    let at_once = Some(Duration::ZERO);
    emulator.set_behaviour(Behaviour {
        runs_anyway: Lifecycle {
            runnable_for: at_once,
            starting_for: at_once,
            running_for: at_once,
            ..Lifecycle::default()
        },
        ..Behaviour::default()
    });
    let mut jobs: Vec<Job> = ids.into_iter().map(Job::cancelled).collect();
    for (job, status) in jobs.iter_mut().zip([Status::Failed, Status::Succeeded]) {
        job.outcome = "finished";
        job.status = status;
    }
    jobs[0].message = Some(RAN);
    jobs[1].message = Some("ran to its end although a cancel was accepted: exit code 0");
    Case::new(jobs)
        .calls(Operation::CancelJobs, 1)
        .calls(Operation::DescribeJobs, 2)
}

fn failing_id(emulator: &Emulator) -> Case {
    let ids = runnable(emulator, 100);
    emulator.set_faults(Faults {
        fails_describe: [ids[42].clone()].into(),
        ..Faults::default()
    });
    let mut jobs: Vec<Job> = ids.into_iter().map(Job::cancelled).collect();
    let id = std::mem::take(&mut jobs[42].id);
    jobs[42] = Job::new(id, "failed", Some("cannot be described"), Status::Runnable);
    Case::new(jobs)
        .calls(Operation::CancelJobs, 2)
        .calls(Operation::DescribeJobs, 16)
        .takes(1)
}

/// A job that blocks its queue, shown as its main node.
fn blocking(id: Option<&str>, shown_as_node: &[Operation]) -> JobSpec {
    JobSpec {
        job_id: id.map(str::to_owned),
        nodes: Some(2),
        status_reason: Some(OWN_FAULT.to_owned()),
        // First for longer than BLOCKED_FOR, and as long as it is there: since 2020.
        created_at: Some(Duration::from_hours(24 * 18_262)),
        position_time: PositionTime::At(1_577_836_800_000),
        shown_as_node: shown_as_node.iter().copied().collect::<BTreeSet<_>>(),
        ..JobSpec::new(Status::Runnable)
    }
}

fn head_of(case: Case) -> Case {
    let event = json!({"select": {"jobQueue": "default", "head": true}});
    Case { event, ..case }
        .calls(Operation::DescribeJobQueues, 1)
        .calls(Operation::GetJobQueueSnapshot, 1)
}

fn node_at_the_head(emulator: &Emulator) -> Case {
    let shown = [Operation::GetJobQueueSnapshot, Operation::DescribeJobs];
    let id = emulator.add_job(blocking(None, &shown));
    let job = Job {
        message: Some("blocked its queue"),
        ..Job::cancelled(id)
    };
    head_of(Case::new(vec![job]))
        .calls(Operation::CancelJob, 1)
        .calls(Operation::DescribeJobs, 2)
}

fn nodes_in_a_queue(emulator: &Emulator) -> Case {
    let shown = [Operation::ListJobs, Operation::DescribeJobs];
    let spec = JobSpec {
        count: 3,
        ..blocking(None, &shown)
    };
    let mut ids = emulator.add_jobs(&spec);
    ids.reverse();
    let jobs = ids.into_iter().map(Job::cancelled).collect();
    Case {
        event: json!({"select": {"jobQueue": "default"}}),
        ..Case::new(jobs)
    }
    .calls(Operation::DescribeJobQueues, 1)
    .calls(Operation::ListJobs, 6)
    .takes(1)
    .calls(Operation::CancelJobs, 1)
    .calls(Operation::DescribeJobs, 2)
}

fn no_id_at_the_head(emulator: &Emulator) -> Case {
    emulator.add_job(blocking(Some("no-uuid"), &[]));
    let expected = Expected::Error("Refused", ":job/no-uuid\" is not a job's ARN");
    head_of(Case {
        expected,
        ..Case::new(Vec::new())
    })
}

fn no_id_in_a_queue(emulator: &Emulator) -> Case {
    let others = runnable(emulator, 2).into_iter().map(Job::cancelled);
    emulator.add_job(blocking(Some("no-uuid"), &[]));
    Case {
        event: json!({"select": {"jobQueue": "default"}}),
        ..Case::new(others.collect())
    }
    .partial()
    .calls(Operation::DescribeJobs, 2)
    .calls(Operation::CancelJobs, 1)
    .calls(Operation::DescribeJobQueues, 1)
    .calls(Operation::ListJobs, 6)
    .takes(1)
}
