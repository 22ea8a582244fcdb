//! What must hold after every invocation, whatever faults it had and whatever door it came through.

mod answer;
mod judged;
mod messages;
mod tally;
mod truth;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    time::Duration,
};

use batch_cancel::respond::Failure;
use batch_emulator::Call;
use serde_json::Value;

use super::{
    account::Account,
    log::Log,
    moment::Moment,
    request::{Reach, Request, Target},
    sightings::{Sighting, Sightings},
    spell::Spell,
};
pub(crate) use answer::Reply;
use judged::Judged;
pub(crate) use tally::Tally;
pub(crate) use truth::{Class, class};
use truth::{Evidence, Looks};

/// What the function keeps of its time to answer in, at the least.
const MARGIN: Duration = Duration::from_millis(300);

/// How long work for an HTTP request lasts.
const HTTP_TIME: Duration = Duration::from_secs(25);

/// How a process was started.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub(crate) calls_per_second: u32,
    pub(crate) concurrency: usize,
    pub(crate) blocked_for: Duration,
    pub(crate) max_selected: usize,
    pub(crate) dry_run: bool,
}

/// Checks the answers and the account of a scenario.
pub(crate) struct Judge {
    pub(crate) account: Account,
    pub(crate) process: Process,
    pub(crate) log: Log,
    pub(crate) sightings: Option<Sightings>,
    looks: Looks,
    processes: Cell<usize>,
    invocations: Cell<usize>,
    pub(crate) last_outcomes: RefCell<BTreeMap<String, String>>,
    /// The job that each queue lost last since it blocked it, and when.
    lost: RefCell<BTreeMap<String, (String, Duration)>>,
    pub(crate) tally: RefCell<Tally>,
}

/// An invocation that is under way.
pub(crate) struct Invocation {
    pub(crate) event: Value,
    pub(crate) request_id: String,
    pub(crate) reply: Reply,
    pub(crate) requests: Vec<Request>,
    pub(crate) spell: Spell,
    /// Nobody else works on the same jobs.
    pub(crate) is_alone: bool,
    /// Nobody has worked on them a moment ago either.
    pub(crate) is_first: bool,
    pub(crate) began: Duration,
    /// How long it may take, at the most.
    pub(crate) time: Duration,
}

impl Judge {
    pub(crate) fn new(account: Account, process: Process, sees_all: bool) -> Self {
        let sightings = sees_all.then(|| Sightings::at(&account));
        Self {
            looks: Looks::at(&account.emulator),
            sightings,
            account,
            process,
            log: Log::default(),
            tally: RefCell::default(),
            processes: Cell::new(0),
            invocations: Cell::new(0),
            last_outcomes: RefCell::default(),
            lost: RefCell::default(),
        }
    }

    pub(crate) fn begin_process(&self) {
        self.processes.set(self.processes.get() + 1);
    }

    /// A process was killed, before or after its work was done.
    pub(crate) fn killed(&self) {
        self.tally.borrow_mut().kills += 1;
    }

    /// An invocation that begins now.
    pub(crate) fn begin(
        &self,
        (event, reply, requests): (Value, Reply, Vec<Request>),
        spell: &Spell,
    ) -> Invocation {
        self.invocations.set(self.invocations.get() + 1);
        if let Some(sightings) = &self.sightings {
            sightings.begin();
        }
        Invocation {
            event,
            request_id: support::request_id(self.invocations.get()),
            time: match reply {
                Reply::Http | Reply::HttpJob | Reply::HttpView => spell.deadline.min(HTTP_TIME),
                _ => spell.deadline,
            },
            reply,
            requests,
            spell: spell.clone(),
            is_alone: true,
            is_first: true,
            began: self.account.emulator.now(),
        }
    }

    /// The report has each job once, with an outcome that is true, nothing was ended that was not asked for, and the answer
    /// hands back what is not done. Gives the messages that come back.
    pub(crate) fn check(
        &self,
        invocation: &Invocation,
        answer: Result<Value, Failure>,
    ) -> Vec<usize> {
        let logged = self
            .log
            .take(&invocation.request_id)
            .expect("a line in the log");
        let calls = self.account.emulator.calls();
        let sightings = self.sightings.as_ref().map(Sightings::all);
        let sightings = sightings.unwrap_or_default();
        let reaches = self.reaches(invocation, &sightings);
        let is_ours = |call: &&Call| {
            let reason = call.reason.as_ref();
            reason.is_some_and(|reason| reason.ends_with(&invocation.request_id))
        };
        let ends = calls.iter().filter(is_ours);
        let judged = Judged {
            invocation,
            logged: &logged,
            reaches: &reaches,
            sightings: &sightings,
            outcomes: logged
                .results
                .iter()
                .map(|(id, o)| (id.as_str(), o.as_str()))
                .collect(),
            called: ends
                .clone()
                .flat_map(|call| &call.job_ids)
                .map(String::as_str)
                .collect(),
        };
        judged.names_each_job_once();
        judged.has_ended_what_it_may(ends);
        judged.keeps_limits(self);
        let evidence = Evidence::new(self, invocation, &calls);
        judged.leaves_alone_what_started(&evidence);
        for (id, outcome) in &logged.results {
            let asked = judged.asked(id, &self.account);
            if let Err(contradiction) = evidence.check(outcome, id, asked) {
                panic!("{id} is reported as {outcome}, but {contradiction}");
            }
            self.tally.borrow_mut().outcome(outcome);
        }
        self.queues_lose_one_at_a_time(invocation, &calls);
        let mut tally = self.tally.borrow_mut();
        tally.events += 1;
        tally.jobs += logged.results.len();
        drop(tally);
        let mut last = self.last_outcomes.borrow_mut();
        last.extend(logged.results.iter().cloned());
        drop(last);
        self.answer_is_right(&judged, answer)
    }

    fn reaches(&self, invocation: &Invocation, sightings: &[Sighting]) -> Vec<Reach> {
        let moment = Moment {
            account: &self.account,
            sightings,
            began: invocation.began,
            blocked_for: self.process.blocked_for,
        };
        let requests = invocation.requests.iter();
        requests.map(|request| request.reach(&moment)).collect()
    }

    /// At most one job a queue and `BLOCKED_FOR` is ended since it blocks its queue.
    fn queues_lose_one_at_a_time(&self, invocation: &Invocation, calls: &[Call]) {
        let [request] = invocation.requests.as_slice() else {
            return;
        };
        if !matches!(request.target, Target::Heads(_) | Target::Blocked { .. }) {
            return;
        }
        let mut all = self.lost.borrow_mut();
        for call in calls.iter().filter(|call| call.reason.is_some()) {
            for id in &call.job_ids {
                let job = self.account.emulator.job(id).unwrap();
                if !job.is_cancelled && !job.is_terminated {
                    continue;
                }
                let lost = (id.clone(), call.at);
                let before = all.insert(job.job_queue, lost);
                let is_next = before.as_ref().is_none_or(|(other, at)| {
                    other == id || *at + self.process.blocked_for <= call.at
                });
                assert!(is_next, "{before:?} was ended before {call:?}");
            }
        }
    }

    pub(crate) fn nothing_changed(&self) {
        let changing = |call: &Call| call.reason.is_some();
        assert_eq!(self.account.emulator.count_where(changing), 0);
    }

    /// The rate of calls, retries included, was never above the ceiling.
    pub(crate) fn calls_keep_the_ceiling(&self, side_by_side: usize) {
        let calls = self.account.emulator.calls();
        self.tally.borrow_mut().take(&self.account.emulator, &calls);
        let rate = usize::try_from(self.process.calls_per_second).unwrap();
        if rate == 0 {
            return;
        }
        let times: Vec<Duration> = calls.iter().map(|call| call.at).collect();
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

    /// No call is sent in the time that is kept to answer in, and no more at once than are allowed.
    pub(crate) fn calls_are_in_time(&self, invocation: &Invocation) {
        let emulator = &self.account.emulator;
        let last = emulator.calls().last().map(|call| call.at);
        let end = invocation.spell.deadline.saturating_sub(MARGIN);
        let end = invocation.began + end.min(invocation.time);
        let request = &invocation.requests;
        assert!(
            last.is_none_or(|last| last <= end.max(invocation.began)),
            "a call after {:?} of {:?}: {request:?}",
            last.map(|last| last.saturating_sub(invocation.began)),
            invocation.time
        );
        let most = emulator.most_in_flight();
        assert!(
            most <= self.process.concurrency,
            "{most} calls at once: {request:?}"
        );
    }
}
