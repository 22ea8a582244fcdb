//! The truth about every job, also when AWS Batch is slow, silent or different: a table of cases, each with a function and
//! an emulator of its own, in virtual time and with a minute until the deadline.

mod absent;
mod looks;
mod refused;
mod silent;

use std::{collections::BTreeMap, panic::AssertUnwindSafe, time::Duration};

use batch_emulator::{Emulator, JobSpec, Operation, Status};
use futures_util::FutureExt;
use serde_json::{Value, json};
use support::{Function, failed};
use tokio::time::Instant;

/// What happens in a case, and how it is set up.
type NamedCase = (&'static str, fn(&Emulator) -> Case);

/// All cases.
const CASES: [(&str, &[NamedCase]); 4] = [
    ("silent", &silent::CASES),
    ("absent", &absent::CASES),
    ("refused", &refused::CASES),
    ("looks", &looks::CASES),
];

/// The outcomes that make a report incomplete.
const LEFT: [&str; 6] = [
    "throttled",
    "failed",
    "unconfirmed",
    "notAttempted",
    "denied",
    "invalidId",
];

/// The longest message of a job.
const MAX_MESSAGE: usize = 300;

/// What is asked, and what is to come of it.
struct Case {
    event: Value,
    /// The time until the deadline.
    time: Duration,
    /// How many seconds the answer takes, rounded since second tries come at random.
    takes: u64,
    expected: Expected,
    /// Whether a selection could not be listed to its end.
    is_partial: bool,
    /// How many calls of each operation are made. Of all others, none is.
    calls: Vec<(Operation, usize)>,
}

/// What comes of it.
enum Expected {
    /// A report on these jobs.
    Jobs(Vec<Job>),
    /// An error of this type, whose message contains this.
    Error(&'static str, &'static str),
}

/// A job as it is reported, and as it is.
struct Job {
    id: String,
    outcome: &'static str,
    /// What its message contains; of a job without a message, nothing.
    message: Option<&'static str>,
    status: Status,
    is_cancelled: bool,
}

impl Case {
    /// A request to cancel these jobs.
    fn new(jobs: Vec<Job>) -> Self {
        let ids: Vec<&str> = jobs.iter().map(|job| job.id.as_str()).collect();
        Self {
            event: json!({ "jobIds": ids }),
            time: Duration::from_mins(1),
            takes: 0,
            expected: Expected::Jobs(jobs),
            is_partial: false,
            calls: Vec::new(),
        }
    }

    fn calls(mut self, operation: Operation, times: usize) -> Self {
        self.calls.push((operation, times));
        self
    }

    fn partial(mut self) -> Self {
        self.is_partial = true;
        self
    }

    fn takes(mut self, seconds: u64) -> Self {
        self.takes = seconds;
        self
    }
}

impl Job {
    fn new(
        id: impl Into<String>,
        outcome: &'static str,
        message: Option<&'static str>,
        status: Status,
    ) -> Self {
        Self {
            id: id.into(),
            outcome,
            message,
            status,
            is_cancelled: false,
        }
    }

    /// A job that is reported as cancelled, and is.
    fn cancelled(id: impl Into<String>) -> Self {
        Self {
            is_cancelled: true,
            ..Self::new(id, "cancelled", None, Status::Failed)
        }
    }
}

/// Adds RUNNABLE jobs, which were there a minute before the event.
fn runnable(emulator: &Emulator, count: u32) -> Vec<String> {
    emulator.add_jobs(&JobSpec {
        count,
        ..JobSpec::new(Status::Runnable).age(Duration::from_mins(1))
    })
}

async fn run(set_up: fn(&Emulator) -> Case) {
    let emulator = Emulator::new();
    let case = set_up(&emulator);
    emulator.forget_calls();
    let mut function = Function::on(emulator, &[("API_CALLS_PER_SECOND", "10")]);
    function.deadline = case.time;
    let emulator = &function.emulator;
    let began = Instant::now();
    let answer = function.invoke(case.event).await.map_err(failed);
    let seconds = (began.elapsed() + Duration::from_millis(500)).as_secs();
    assert_eq!(seconds, case.takes, "seconds");
    match (&case.expected, &answer) {
        (Expected::Jobs(jobs), Ok(report)) => {
            check_report(jobs, case.is_partial, report, emulator);
        }
        (&Expected::Error(error_type, message), Err(error)) => {
            assert_eq!(error.error_type, error_type);
            assert!(error.message.contains(message), "{}", error.message);
        }
        (Expected::Jobs(_) | Expected::Error(..), _) => panic!("{answer:?}"),
    }
    for operation in Operation::ALL {
        let calls = emulator.count(operation);
        let expected = case.calls.iter().find(|(of, _)| *of == operation);
        let expected = expected.map_or(0, |(_, times)| *times);
        assert_eq!(calls, expected, "calls of {operation}");
    }
}

fn check_report(jobs: &[Job], is_partial: bool, report: &Value, emulator: &Emulator) {
    let mut summary = BTreeMap::from([("jobs", jobs.len())]);
    for job in jobs {
        *summary.entry(job.outcome).or_default() += 1;
        let truth = emulator.job(&job.id).unwrap();
        let truth = (truth.status, truth.is_cancelled);
        assert_eq!(truth, (job.status, job.is_cancelled), "{report}");
    }
    assert_eq!(report["summary"], json!(summary), "{}", report["jobs"][0]);
    assert_eq!(report["selection"] == "partial", is_partial, "{report}");
    let complete = !is_partial && !jobs.iter().any(|job| LEFT.contains(&job.outcome));
    assert_eq!(report["complete"], complete, "{}", report["summary"]);
    let found = report["jobs"].as_array().unwrap();
    let truncated = report["truncated"].as_u64().unwrap_or_default();
    assert_eq!(found.len() as u64 + truncated, jobs.len() as u64);
    let by_id: BTreeMap<&str, &Job> = jobs.iter().map(|job| (job.id.as_str(), job)).collect();
    for found in found {
        let job = by_id[found["jobId"].as_str().unwrap()];
        assert_eq!(found["outcome"], job.outcome, "{found}");
        match (job.message, found["message"].as_str()) {
            (Some(expected), Some(message)) => {
                assert!(message.contains(expected), "{message}");
                assert!(message.len() < MAX_MESSAGE, "{message}");
                let is_plain = |c: char| !c.is_control() && c != '{' && c != '}';
                assert!(message.chars().all(is_plain), "{message}");
            }
            (expected, message) => assert_eq!(message, expected, "{found}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_job_is_reported_as_it_is() {
    let mut failed = Vec::new();
    for (group, cases) in CASES {
        for (name, set_up) in cases {
            let case = AssertUnwindSafe(run(*set_up)).catch_unwind().await;
            if let Err(panic) = case {
                let text = panic.downcast_ref::<String>().cloned();
                failed.push((group, name, text.unwrap_or_default()));
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}
