//! What must hold after every invocation, whatever faults it had.

mod tally;
mod truth;

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use batch_cancel::respond::Failure;
use batch_emulator::{Call, Emulator, JobView, Status};
use serde_json::{Value, json};
use support::events::{self, CALLER, Form};

use super::{
    log::{Log, Results},
    scenario::{Nature, RequestedJob, Scenario, Shape, Source},
};
pub(crate) use tally::Tally;
use truth::{Class, Looks, class};

/// The most messages in an SQS event.
const MESSAGES: usize = 10;

/// What the function keeps of its time to answer in, at the least.
const MARGIN: Duration = Duration::from_millis(300);

/// Checks the answers and the account of a scenario.
pub(crate) struct Judge<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) emulator: Emulator,
    pub(crate) log: Log,
    requested: Vec<RequestedJob>,
    /// The jobs of each message, as places in `requested`.
    messages: Vec<Vec<usize>>,
    looks: Looks,
    processes: Cell<usize>,
    invocations: Cell<usize>,
    last_outcomes: RefCell<BTreeMap<String, String>>,
    pub(crate) tally: RefCell<Tally>,
}

/// An invocation that is under way.
pub(crate) struct Invocation {
    pub(crate) event: Value,
    pub(crate) request_id: String,
    source: Source,
    /// The jobs in its request, as places.
    places: Vec<usize>,
    /// Its messages.
    messages: Vec<usize>,
    began: Duration,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(scenario: &'a Scenario) -> Self {
        let (emulator, requested) = scenario.set_up();
        let size = requested.len().div_ceil(MESSAGES);
        let places: Vec<usize> = (0..requested.len()).collect();
        Self {
            scenario,
            looks: Looks::at(&emulator),
            emulator,
            log: Log::default(),
            messages: places.chunks(size).map(<[usize]>::to_vec).collect(),
            tally: RefCell::new(Tally::of(requested.len())),
            requested,
            processes: Cell::new(0),
            invocations: Cell::new(0),
            last_outcomes: RefCell::default(),
        }
    }

    pub(crate) fn begin_process(&self) {
        self.processes.set(self.processes.get() + 1);
    }

    /// A process was killed, before or after its work was done.
    pub(crate) fn killed(&self) {
        self.tally.borrow_mut().kills += 1;
    }

    pub(crate) fn messages(&self) -> Vec<usize> {
        (0..self.messages.len()).collect()
    }

    fn request(&self, places: &[usize]) -> Value {
        let ids: Vec<&str> = places
            .iter()
            .map(|&place| self.requested[place].text.as_str())
            .collect();
        json!({
            "jobIds": ids, "reason": "a bad submission", "terminate": self.scenario.terminate,
            "dryRun": self.scenario.dry_run, "waitSeconds": self.scenario.wait_seconds,
            "failOnIncomplete": self.scenario.fail_on_incomplete,
        })
    }

    /// An invocation with one request for all jobs.
    pub(crate) fn invocation(&self) -> Invocation {
        let source = self.scenario.source;
        let places: Vec<usize> = (0..self.requested.len()).collect();
        let request = self.request(&places);
        let event = match source {
            Source::Http => Form::V2.post(&request.to_string()).caller(CALLER).event,
            Source::EventBridge => events::eventbridge(&request),
            _ => request,
        };
        self.begin(event, source, places, Vec::new())
    }

    /// An invocation with these messages of a queue.
    pub(crate) fn delivery(&self, messages: &[usize]) -> Invocation {
        let source = self.scenario.source;
        let grouped = messages
            .iter()
            .map(|&message| (message % 3, self.request(&self.messages[message])));
        let mut event = if source == Source::Fifo {
            events::fifo(grouped)
        } else {
            events::sqs_groups(grouped)
        };
        for (place, message) in messages.iter().enumerate() {
            event["Records"][place]["messageId"] = json!(message.to_string());
        }
        let places = messages
            .iter()
            .flat_map(|&message| self.messages[message].clone());
        self.begin(event, source, places.collect(), messages.to_vec())
    }

    fn begin(
        &self,
        event: Value,
        source: Source,
        places: Vec<usize>,
        messages: Vec<usize>,
    ) -> Invocation {
        self.invocations.set(self.invocations.get() + 1);
        Invocation {
            event,
            request_id: support::request_id(self.invocations.get()),
            source,
            places,
            messages,
            began: self.emulator.now(),
        }
    }

    /// The report has each job once, in the order of the request, with an outcome that is true, and the answer hands back
    /// what is not done. Gives the messages that come back.
    pub(crate) fn check(
        &self,
        invocation: &Invocation,
        answer: Result<Value, Failure>,
    ) -> Vec<usize> {
        let results = self.log.take(&invocation.request_id).expect("a report");
        let mut seen = BTreeSet::new();
        let places = invocation.places.iter();
        let expected: Vec<&RequestedJob> = places
            .map(|&place| &self.requested[place])
            .filter(|job| seen.insert(job.id.as_str()))
            .collect();
        let ids: Vec<&str> = results.iter().map(|(id, _)| id.as_str()).collect();
        let expected_ids: Vec<&str> = expected.iter().map(|job| job.id.as_str()).collect();
        assert_eq!(ids, expected_ids, "every job once, as first asked");
        let calls = self.emulator.calls();
        let evidence = truth::Evidence::new(self, invocation, &calls);
        for ((id, outcome), requested) in results.iter().zip(expected) {
            if let Err(contradiction) = evidence.check(outcome, requested) {
                panic!("{id} is reported as {outcome}, but {contradiction}");
            }
            self.tally.borrow_mut().outcome(outcome);
        }
        self.last_outcomes
            .borrow_mut()
            .extend(results.iter().cloned());
        match invocation.source {
            Source::Sqs | Source::Fifo => self.check_messages(invocation, &answer.unwrap()),
            source => {
                self.check_answer(source, &results, answer);
                Vec::new()
            }
        }
    }

    fn check_answer(&self, source: Source, results: &Results, answer: Result<Value, Failure>) {
        let worst = results.iter().map(|(_, outcome)| class(outcome)).max();
        let fails = source == Source::EventBridge || self.scenario.fail_on_incomplete;
        let expected = match worst {
            Some(Class::Retryable) if fails => Some("Incomplete"),
            Some(Class::Rejected) if fails => Some("Rejected"),
            _ => None,
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(failure) => {
                let error_type = support::failed(failure).error_type;
                return assert_eq!(Some(error_type.as_str()), expected);
            }
        };
        assert_eq!(expected, None, "no invocation error: {answer}");
        let body = answer["body"].as_str();
        let report = body.map_or(answer.clone(), |body| serde_json::from_str(body).unwrap());
        let Some(jobs) = report["jobs"].as_array() else {
            return assert_eq!(answer["statusCode"], 503, "{answer}");
        };
        let is_complete = worst <= Some(Class::Done);
        assert_eq!(report["complete"], is_complete, "{}", report["summary"]);
        let missing = report["truncated"].as_u64().unwrap_or_default();
        assert_eq!(
            jobs.len() + usize::try_from(missing).unwrap(),
            results.len()
        );
    }

    /// A message comes back if one of its jobs is not done, or if an earlier one of its group does.
    fn check_messages(&self, invocation: &Invocation, answer: &Value) -> Vec<usize> {
        let failed: Vec<usize> = answer["batchItemFailures"]
            .as_array()
            .unwrap_or_else(|| panic!("{answer}"))
            .iter()
            .map(|failure| failure["itemIdentifier"].as_str().unwrap().parse().unwrap())
            .collect();
        let mut held = BTreeSet::new();
        let outcomes = self.last_outcomes.borrow();
        let expected = invocation.messages.iter().copied().filter(|&message| {
            let group = message % 3;
            let is_left = self.messages[message].iter().any(|&place| {
                let outcome = &outcomes[&self.requested[place].id];
                class(outcome) != Class::Done
            });
            let is_held = invocation.source == Source::Fifo && held.contains(&group);
            if is_left {
                held.insert(group);
            }
            is_left || is_held
        });
        let expected: Vec<usize> = expected.collect();
        assert_eq!(failed, expected, "the messages that come back");
        self.tally.borrow_mut().failed_messages += failed.len();
        failed
    }

    /// After a delivery without faults, only messages with an invalid id are left.
    pub(crate) fn everything_is_done(&self, left: &[usize]) {
        let bad = |message: usize| {
            let nature = |&place: &usize| self.requested[place].nature == Nature::Invalid;
            self.messages[message].iter().any(nature)
        };
        let outcomes = self.last_outcomes.borrow();
        if self.scenario.source != Source::Fifo {
            let good = left.iter().filter(|&&message| !bad(message));
            let open: Vec<_> = good
                .flat_map(|&message| &self.messages[message])
                .map(|&place| &self.requested[place].id)
                .map(|id| (id, &outcomes[id], self.emulator.job(id)))
                .filter(|(_, outcome, job)| {
                    class(outcome) != Class::Done && !is_tried_again(outcome, job.as_ref())
                })
                .collect();
            assert!(open.is_empty(), "redelivered for ever: {open:?}");
        }
        let requested = self.requested.iter();
        for requested in requested.filter(|requested| requested.nature == Nature::Plain) {
            let (job, outcome) = (self.emulator.job(&requested.id), &outcomes[&requested.id]);
            let is_done = job
                .as_ref()
                .is_some_and(|job| job.is_cancelled || job.is_terminated || job.status.is_final());
            // A job that is visible only after the last look is not found, which is no fault of the function.
            let is_left_alone = ["running", "notFound"].contains(&outcome.as_str())
                || is_tried_again(outcome, job.as_ref());
            assert!(
                is_done || is_left_alone,
                "{requested:?} is {outcome}: {job:?}"
            );
        }
    }

    pub(crate) fn nothing_changed(&self) {
        let changing = |call: &Call| call.reason.is_some();
        assert_eq!(self.emulator.count_where(changing), 0);
    }

    /// What is forbidden was never tried, no call was sent when time was over, and the rate of calls, retries included, was
    /// never above the ceiling.
    pub(crate) fn calls_keep_the_rules(&self) {
        let calls = self.emulator.calls();
        let forbidden: BTreeSet<&str> = self
            .requested
            .iter()
            .filter(|job| job.nature != Nature::Plain && job.nature != Nature::Unknown)
            .map(|job| job.id.as_str())
            .collect();
        for call in calls.iter().filter(|call| call.reason.is_some()) {
            for id in &call.job_ids {
                assert!(!forbidden.contains(id.as_str()), "{id} in {call:?}");
            }
        }
        self.tally.borrow_mut().take(&self.emulator, &calls);
        self.calls_keep_the_ceiling(&calls);
    }

    /// No call is sent in the time that is kept to answer in.
    pub(crate) fn calls_are_in_time(&self, invocation: &Invocation, deadline: Duration) {
        let last = self.emulator.calls().last().map(|call| call.at);
        let end = invocation.began + deadline.saturating_sub(MARGIN);
        assert!(last.is_none_or(|last| last <= end.max(invocation.began)));
    }

    fn calls_keep_the_ceiling(&self, calls: &[Call]) {
        let rate = usize::try_from(self.scenario.calls_per_second).unwrap();
        if rate == 0 {
            return;
        }
        let times: Vec<Duration> = calls.iter().map(|call| call.at).collect();
        let side_by_side = match self.scenario.shape {
            Shape::TwoAtOnce { .. } => 2,
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

/// The cancel met the job while it ran, which has no effect. Then its attempt failed, and it was RUNNABLE again at the next
/// look: the next delivery would cancel it.
fn is_tried_again(outcome: &str, job: Option<&JobView>) -> bool {
    let is_back = |job: &JobView| job.status == Status::Runnable && job.started_at.is_some();
    outcome == "unconfirmed" && job.is_some_and(is_back)
}
