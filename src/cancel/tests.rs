//! The engine without network: calls are polled, answers are made up, and time is passed by hand.

mod ends;
mod histories;
mod looks;
mod order;
mod random;
mod time;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, LazyLock},
    time::Duration,
};

use tokio::time::Instant;

use super::{end_queue::EndCall, *};
use crate::{
    batch::{BulkCalls, CallError, Described, EndAnswer, ErrorKind, JobDetail, JobSummary},
    config::Config,
    jobs::{CallResult, Decision, JobIndex, RequestOptions, Stage},
    plan::Intent,
    policy::{Owner, Policy},
    report::Outcome,
    request::{Action, AskedId, Status},
    session::Deadline,
};

static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    let allow_all = |name: &str| (name == "ALLOWED_QUEUES").then(|| "*".to_owned());
    Config::from_lookup(allow_all).unwrap().policy
});

const CANCEL: Intent = Intent::new(Action::Cancel, false);

/// The longest pause before the first retry.
const FIRST_BACKOFF: Duration = Duration::from_millis(200);

const SECOND: Duration = Duration::from_secs(1);

/// How much time a driver's engine has.
const TIME: Duration = Duration::from_mins(1);

const ALL_KINDS: [ErrorKind; 8] = [
    ErrorKind::Throttled,
    ErrorKind::Denied,
    ErrorKind::NoSuchOperation,
    ErrorKind::Refused,
    ErrorKind::Credentials,
    ErrorKind::Server,
    ErrorKind::NoAnswer,
    ErrorKind::OutOfTime,
];

const CONDITIONS: Conditions = Conditions {
    bulk: BulkCalls::Present,
    interval: Duration::ZERO,
    slowest: Some(Duration::from_millis(100)),
};

/// How a look shows a job.
#[derive(Clone, Copy, Debug)]
struct Shown {
    status: Status,
    is_cancelled: bool,
    ran_to_end: bool,
}

const fn shown(status: Status) -> Shown {
    Shown {
        status,
        is_cancelled: false,
        ran_to_end: false,
    }
}

const RUNNABLE: Shown = shown(Status::Runnable);
const RUNNING: Shown = shown(Status::Running);
const SUCCEEDED: Shown = shown(Status::Succeeded);
const CANCELLED: Shown = Shown {
    is_cancelled: true,
    ..shown(Status::Failed)
};
const CANCELLING: Shown = Shown {
    is_cancelled: true,
    ..shown(Status::Pending)
};
const RAN_IN_SPITE_OF_A_CANCEL: Shown = Shown {
    ran_to_end: true,
    ..CANCELLED
};

/// What Batch answers, the same for every job of the call.
#[derive(Clone, Copy, Debug)]
enum Reply {
    /// To a look: the jobs, in this state.
    Shows(Shown),
    /// To a look: none of the jobs.
    ShowsNone,
    /// To a look: an error.
    LookFails(ErrorKind),
    /// To a call that ends jobs: it is accepted.
    Accepts,
    /// To a bulk call: each job is refused. A single call fails with the same error.
    Refuses(ErrorKind),
    /// To a bulk call: an answer that names none of the jobs.
    LeavesOut,
    /// To a call that ends jobs: an error.
    EndFails(ErrorKind),
}

/// The call that comes next, and when.
#[derive(Clone, Copy, Debug)]
enum Next {
    LookNow,
    /// After exactly this time.
    LookAfter(Duration),
    /// After a random pause of at most this time.
    LookWithin(Duration),
    EndNow,
    /// After a random pause of at most this time.
    EndWithin(Duration),
    Nothing,
}

/// How many calls a driver has in flight.
const CONCURRENCY: usize = 8;

/// Drives an engine in place of `cancel.rs`.
struct Driver {
    engine: Engine<'static>,
    now: Instant,
    conditions: Conditions,
}

fn id(number: usize) -> JobId {
    JobId::from_batch(&format!("0c9d8f6e-3a1b-4c2d-8e4f-{number:012}")).unwrap()
}

fn detail(id: JobId, shown: Shown) -> JobDetail {
    JobDetail {
        summary: JobSummary {
            id,
            status: shown.status,
            status_reason: None,
            job_name: "render".to_owned(),
            job_definition: None,
            share_identifier: None,
            created_at: None,
            started_at: None,
            is_cancelled: shown.is_cancelled,
            is_terminated: false,
            array_size: None,
            children: BTreeMap::default(),
        },
        job_queue: "arn:aws:batch:eu-west-1:123456789012:job-queue/main".to_owned(),
        tags: HashMap::new(),
        ran_to_end: shown.ran_to_end.then(|| "exit code 1".to_owned()),
    }
}

fn error(kind: ErrorKind) -> CallError {
    CallError {
        kind,
        message: format!("the error is {kind:?}"),
    }
}

/// A stage with this outcome, as [`Driver::stage`] shows it.
fn settled(outcome: Outcome) -> Stage {
    Stage::Settled {
        outcome,
        message: None,
    }
}

impl Driver {
    /// This many jobs to cancel, in [`TIME`].
    fn new(jobs: usize) -> Self {
        Self::with((0..jobs).map(id), CANCEL, Duration::ZERO)
    }

    fn with(ids: impl IntoIterator<Item = JobId>, intent: Intent, wait: Duration) -> Self {
        Self::within(TIME, ids, intent, wait)
    }

    /// The same in less time, or more.
    fn within(
        time: Duration,
        ids: impl IntoIterator<Item = JobId>,
        intent: Intent,
        wait: Duration,
    ) -> Self {
        let mut jobs = Jobs::default();
        let reason = Arc::from("no longer needed");
        let request = jobs.add_request(RequestOptions { reason, wait });
        for id in ids {
            jobs.add(AskedId::known(id), intent, request, Decision::Look);
        }
        let deadline = Deadline::after(time);
        let now = deadline.earlier(time).instant();
        Self {
            engine: Engine::new(jobs, &POLICY, &Owner::Anyone, deadline, now),
            now,
            conditions: CONDITIONS,
        }
    }

    /// The call that is to be sent now.
    fn poll(&mut self) -> Option<Call> {
        self.engine.poll_call(self.now, self.conditions)
    }

    /// The next call, however long it takes until it is due.
    fn next(&mut self) -> Option<Call> {
        loop {
            if let Some(call) = self.poll() {
                return Some(call);
            }
            self.now = self.now.max(self.engine.poll_timeout()?);
            self.engine.handle_timeout(self.now);
        }
    }

    fn answer(&mut self, call: Call, reply: Reply) {
        let answer = match (call, reply) {
            (Call::Look(ids), Reply::Shows(shown)) => {
                let jobs = ids.iter().map(|&id| detail(id, shown)).collect();
                Answer::Looked(ids, Ok(jobs))
            }
            (Call::Look(ids), Reply::ShowsNone) => Answer::Looked(ids, Ok(Described::default())),
            (Call::Look(ids), Reply::LookFails(kind)) => Answer::Looked(ids, Err(error(kind))),
            (Call::End(call), Reply::Accepts) => {
                let accepted = call.jobs.iter().map(|&(_, id)| id).collect();
                let refused = Vec::new();
                Answer::Acknowledged(call, Ok(EndAnswer { accepted, refused }))
            }
            (Call::End(call), Reply::Refuses(kind)) if call.jobs.len() > 1 => {
                let refused = call.jobs.iter().map(|&(_, id)| (id, error(kind)));
                let refused = refused.collect();
                let accepted = Vec::new();
                Answer::Acknowledged(call, Ok(EndAnswer { accepted, refused }))
            }
            (Call::End(call), Reply::LeavesOut) => {
                Answer::Acknowledged(call, Ok(EndAnswer::default()))
            }
            (Call::End(call), Reply::EndFails(kind) | Reply::Refuses(kind)) => {
                Answer::Acknowledged(call, Err(error(kind)))
            }
            (call, reply) => panic!("{reply:?} is no answer to {call:?}"),
        };
        self.engine.handle_answer(answer, self.now);
    }

    /// Answers the next calls, one after another.
    fn run(&mut self, replies: &[Reply]) {
        for &reply in replies {
            let call = self
                .next()
                .unwrap_or_else(|| panic!("no call for {reply:?}"));
            self.answer(call, reply);
        }
    }

    fn index(&self, number: usize) -> JobIndex {
        self.engine.jobs.index_of(id(number)).unwrap()
    }

    /// The stage of a job, without the message of its outcome.
    fn stage(&self, number: usize) -> Stage {
        match self.engine.jobs[self.index(number)].stage() {
            Stage::Settled { outcome, .. } => settled(*outcome),
            stage => stage.clone(),
        }
    }

    fn message(&self, number: usize) -> String {
        match self.engine.jobs[self.index(number)].stage() {
            Stage::Settled { message, .. } => message.clone().unwrap_or_default().into_owned(),
            stage => panic!("job {number} is {stage:?}"),
        }
    }

    fn outcomes(self) -> Vec<Outcome> {
        let results = self.engine.into_jobs().into_results();
        results.into_iter().map(|job| job.outcome).collect()
    }

    fn is_finished(&self) -> bool {
        self.engine.is_finished(self.now, self.conditions)
    }

    /// Holds the next call against what is expected, and returns it.
    fn expect_next(&mut self, expected: Next, context: &str) -> Option<Call> {
        let before = self.now;
        let is_now = self.poll();
        let call = is_now.clone().or_else(|| self.next());
        let pause = self.now - before;
        let is_right = match (expected, &call) {
            (Next::LookNow, Some(Call::Look(_))) | (Next::EndNow, Some(Call::End(_))) => {
                is_now.is_some()
            }
            (Next::LookAfter(time), Some(Call::Look(_))) => pause == time,
            (Next::LookWithin(most), Some(Call::Look(_)))
            | (Next::EndWithin(most), Some(Call::End(_))) => is_now.is_none() && pause <= most,
            (Next::Nothing, None) => true,
            _ => false,
        };
        assert!(
            is_right,
            "{context}: expected {expected:?}, not {call:?} after {pause:?}"
        );
        call
    }
}
