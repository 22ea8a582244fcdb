//! What must hold after every scenario, whatever faults it had.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

use batch_emulator::{Call, Emulator, JobView, Status};
use serde_json::{Value, json};
use support::events::{self, CALLER, Form};

use super::scenario::{Nature, RequestedJob, Scenario, Shape, Source};

/// The most messages in an SQS event.
const MESSAGES: usize = 10;

/// Checks the answers and the account of a scenario.
pub(crate) struct Judge<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) emulator: Emulator,
    requested: Vec<RequestedJob>,
    /// The jobs of each message, as places in `requested`.
    pub(crate) messages: Vec<Vec<usize>>,
    processes: Cell<usize>,
    pub(crate) tally: RefCell<Tally>,
}

/// Counts over all scenarios. What never happened was not tested.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) jobs: usize,
    calls: usize,
    faults: BTreeMap<String, usize>,
    outcomes: BTreeMap<String, usize>,
    failed_messages: usize,
    kills: usize,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(scenario: &'a Scenario) -> Self {
        let (emulator, requested) = scenario.set_up();
        let size = requested.len().div_ceil(MESSAGES);
        let places: Vec<usize> = (0..requested.len()).collect();
        Self {
            scenario,
            emulator,
            messages: places.chunks(size).map(<[usize]>::to_vec).collect(),
            tally: RefCell::new(Tally {
                jobs: requested.len(),
                ..Tally::default()
            }),
            requested,
            processes: Cell::new(0),
        }
    }

    pub(crate) fn begin_process(&self) {
        self.processes.set(self.processes.get() + 1);
    }

    fn request(&self, places: &[usize]) -> Value {
        let ids: Vec<&str> = places
            .iter()
            .map(|&place| self.requested[place].text.as_str())
            .collect();
        json!({
            "jobIds": ids, "reason": "a bad submission", "terminate": self.scenario.terminate,
            "dryRun": self.scenario.dry_run, "waitSeconds": self.scenario.wait_seconds,
        })
    }

    /// One event with a request for all jobs.
    pub(crate) fn event(&self, source: Source) -> Value {
        let all: Vec<usize> = (0..self.requested.len()).collect();
        let request = self.request(&all);
        if source != Source::Http {
            return request;
        }
        Form::V2.post(&request.to_string()).caller(CALLER).event
    }

    /// These messages as an SQS event.
    pub(crate) fn sqs(&self, messages: &[usize], fifo: bool) -> Value {
        let grouped = messages
            .iter()
            .map(|&message| (message % 3, self.request(&self.messages[message])));
        let mut event = if fifo {
            events::fifo(grouped)
        } else {
            events::sqs_groups(grouped)
        };
        for (place, message) in messages.iter().enumerate() {
            event["Records"][place]["messageId"] = json!(message.to_string());
        }
        event
    }

    /// The report has each job once, in the order of the request, with an outcome that is true.
    pub(crate) fn report(&self, answer: &Value) {
        let unwrapped: Value;
        let report = match answer["body"].as_str() {
            Some(body) => {
                unwrapped = serde_json::from_str(body).unwrap();
                &unwrapped
            }
            None => answer,
        };
        if report.get("jobs").is_none() {
            assert_eq!(answer["statusCode"], 503, "{answer}");
            return;
        }
        assert_eq!(
            report["truncated"],
            Value::Null,
            "the scenario is too large"
        );
        let jobs = report["jobs"].as_array().unwrap();
        let mut seen = BTreeSet::new();
        let expected: Vec<&RequestedJob> = self
            .requested
            .iter()
            .filter(|job| seen.insert(job.id.as_str()))
            .collect();
        let ids: Vec<&str> = jobs
            .iter()
            .map(|job| job["jobId"].as_str().unwrap())
            .collect();
        let expected_ids: Vec<&str> = expected.iter().map(|job| job.id.as_str()).collect();
        assert_eq!(ids, expected_ids);
        let mut left = false;
        for (job, requested) in jobs.iter().zip(expected) {
            let outcome = job["outcome"].as_str().unwrap();
            if let Err(contradiction) = self.is_true(outcome, requested) {
                panic!("{job} is reported, but {contradiction}");
            }
            left |= is_retryable(outcome);
            *self
                .tally
                .borrow_mut()
                .outcomes
                .entry(outcome.to_owned())
                .or_default() += 1;
        }
        assert_eq!(report["complete"], !left);
    }

    fn is_true(&self, outcome: &str, requested: &RequestedJob) -> Result<(), String> {
        let job = self.emulator.job(&requested.id);
        let of = |holds: fn(&JobView) -> bool| job.as_ref().is_some_and(holds);
        let ended =
            |job: &JobView| job.status == Status::Failed && (job.is_cancelled || job.is_terminated);
        let holds = match outcome {
            "invalidId" => requested.nature == Nature::Invalid,
            "notFound" => {
                requested.nature == Nature::Unknown
                    || !self.scenario.faults.visibility_delay.is_zero()
            }
            "protected" => requested.nature == Nature::Protected && !of(|job| job.is_cancelled),
            "queueNotAllowed" => {
                requested.nature == Nature::InOtherQueue && !of(|job| job.is_cancelled)
            }
            "cancelled" | "terminated" => of(ended),
            "cancelling" => of(|job| job.is_cancelled),
            "terminating" => of(|job| job.is_terminated),
            "running" => of(|job| !job.status.is_cancellable()),
            "finished" => of(|job| job.status.is_final()),
            "wouldCancel" | "wouldTerminate" => self.scenario.dry_run,
            "denied" => self.emulator.faults().denied_jobs.contains(&requested.id),
            other => is_retryable(other),
        };
        if holds {
            Ok(())
        } else {
            Err(format!("{requested:?} is {job:?}"))
        }
    }

    /// The messages to be redelivered. In every other message all jobs are done.
    pub(crate) fn partial_batch(
        &self,
        answer: &Value,
        delivered: &[usize],
        fifo: bool,
    ) -> Vec<usize> {
        let failed: Vec<usize> = answer["batchItemFailures"]
            .as_array()
            .unwrap_or_else(|| panic!("{answer}"))
            .iter()
            .map(|failure| failure["itemIdentifier"].as_str().unwrap().parse().unwrap())
            .collect();
        assert!(
            failed.iter().all(|message| delivered.contains(message)),
            "{answer}"
        );
        self.tally.borrow_mut().failed_messages += failed.len();
        for &message in delivered {
            if failed.contains(&message) {
                let later = |&&other: &&usize| other > message && other % 3 == message % 3;
                let held = delivered
                    .iter()
                    .filter(later)
                    .all(|other| failed.contains(other));
                if fifo {
                    let group = message % 3;
                    assert!(
                        held,
                        "a message of group {group} overtakes {message}: {answer}"
                    );
                }
                continue;
            }
            for &place in &self.messages[message] {
                let requested = &self.requested[place];
                assert!(
                    self.is_done(requested),
                    "message {message} is not redelivered, but {requested:?} is {:?}",
                    self.emulator.job(&requested.id)
                );
            }
        }
        failed
    }

    /// Whether nothing is left to do for the job.
    fn is_done(&self, requested: &RequestedJob) -> bool {
        let Some(job) = self.emulator.job(&requested.id) else {
            return requested.nature == Nature::Unknown;
        };
        match requested.nature {
            Nature::Protected | Nature::InOtherQueue => !job.is_cancelled && !job.is_terminated,
            Nature::Invalid => false,
            // A job that was just submitted may not be visible yet.
            _ if !self.scenario.faults.visibility_delay.is_zero() => true,
            _ => {
                let out_of_reach = job.status.is_final()
                    || (!self.scenario.terminate && !job.status.is_cancellable());
                job.is_cancelled || job.is_terminated || out_of_reach
            }
        }
    }

    /// After a delivery without faults, only messages with an invalid id are left.
    pub(crate) fn everything_is_done(&self, left: &[usize], fifo: bool) {
        let bad = |&&message: &&usize| {
            let nature = |&place: &usize| self.requested[place].nature == Nature::Invalid;
            self.messages[message].iter().any(nature)
        };
        if !fifo {
            let good: Vec<_> = left.iter().filter(|message| !bad(message)).collect();
            assert!(
                good.is_empty(),
                "messages {good:?} are redelivered for ever"
            );
        }
        for requested in self
            .requested
            .iter()
            .filter(|requested| requested.nature != Nature::Invalid)
        {
            assert!(
                self.is_done(requested),
                "{requested:?} is {:?}",
                self.emulator.job(&requested.id)
            );
        }
        self.tally.borrow_mut().kills += self.processes.get() - 1;
    }

    pub(crate) fn nothing_changed(&self) {
        let changing = |call: &Call| call.reason.is_some();
        assert_eq!(self.emulator.count_where(changing), 0);
    }

    /// The rate of calls, retries included, is never above the ceiling.
    pub(crate) fn calls_keep_the_ceiling(&self) {
        let calls = self.emulator.calls();
        let mut tally = self.tally.borrow_mut();
        tally.calls = calls.len();
        for fault in calls.iter().filter_map(|call| call.fault) {
            *tally.faults.entry(format!("{fault:?}")).or_default() += 1;
        }
        let rate = usize::try_from(self.scenario.calls_per_second).unwrap();
        if rate == 0 {
            return;
        }
        let times: Vec<Duration> = calls.iter().map(|call| call.at).collect();
        let side_by_side = match self.scenario.shape {
            Shape::TwoAtOnce => 2,
            _ => 1,
        };
        for seconds in [1, 3] {
            let allowed = side_by_side * rate * seconds + 4 * self.processes.get();
            let window = Duration::from_secs(u64::try_from(seconds).unwrap());
            for (first, &from) in times.iter().enumerate() {
                let within = times[first..].partition_point(|&at| at < from + window);
                assert!(
                    within <= allowed,
                    "{within} calls in {seconds} s, {allowed} allowed"
                );
            }
        }
    }
}

fn is_retryable(outcome: &str) -> bool {
    ["throttled", "failed", "unconfirmed", "notAttempted"].contains(&outcome)
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Self) {
        self.jobs += other.jobs;
        self.calls += other.calls;
        self.failed_messages += other.failed_messages;
        self.kills += other.kills;
        for (all, one) in [
            (&mut self.faults, &other.faults),
            (&mut self.outcomes, &other.outcomes),
        ] {
            for (name, count) in one {
                *all.entry(name.clone()).or_default() += count;
            }
        }
    }

    /// Every fault and every outcome has occurred in the run.
    pub(crate) fn must_be_varied(&self) {
        for outcome in [
            "cancelled",
            "cancelling",
            "terminated",
            "running",
            "finished",
            "notFound",
            "protected",
            "queueNotAllowed",
            "invalidId",
            "denied",
            "throttled",
            "failed",
            "unconfirmed",
            "notAttempted",
        ] {
            assert!(
                self.outcomes.contains_key(outcome),
                "no {outcome} in {self}"
            );
        }
        for fault in [
            "Throttled",
            "ServerError",
            "ResetBefore",
            "ResetAfter",
            "CutShort",
            "HangBefore",
            "HangAfter",
            "NotFound",
            "UnknownOperation",
            "MissingToken",
        ] {
            assert!(self.faults.contains_key(fault), "no {fault} in {self}");
        }
        assert!(self.kills > 0 && self.failed_messages > 0, "{self}");
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            jobs,
            calls,
            faults,
            outcomes,
            failed_messages,
            kills,
        } = self;
        write!(
            f,
            "{jobs} jobs, {calls} calls, {kills} processes killed, {failed_messages} messages returned\n\
             faults {faults:?}\nreported {outcomes:?}"
        )
    }
}
