//! Random answers in random order: no transition is impossible, the work ends, and every outcome is true.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// How many runs, each with a seed of its own.
const RUNS: u64 = 300;

/// A small model of Batch that answers at random.
struct Batch {
    jobs: BTreeMap<JobId, Shown>,
    /// Jobs whose last call was not answered, and which were not looked at since.
    uncertain: BTreeSet<JobId>,
    /// How many of a hundred calls fail.
    failing: u32,
    random: fastrand::Rng,
}

impl Batch {
    fn new(jobs: usize, mut random: fastrand::Rng) -> Self {
        Self {
            failing: random.u32(..70),
            jobs: (0..jobs).map(|number| (id(number), RUNNABLE)).collect(),
            uncertain: BTreeSet::new(),
            random,
        }
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.random.u32(..100) < percent
    }

    fn kind(&mut self) -> ErrorKind {
        ALL_KINDS[self.random.usize(..ALL_KINDS.len())]
    }

    /// Jobs start by themselves now and then.
    fn pass(&mut self) {
        for job in self.jobs.values_mut() {
            if job.status == Status::Runnable && self.random.u32(..100) < 2 {
                *job = RUNNING;
            }
        }
    }

    fn cancel(&mut self, id: JobId) {
        let is_done = self.chance(90);
        let job = self.jobs.get_mut(&id).unwrap();
        if is_done && job.status == Status::Runnable {
            *job = CANCELLED;
        }
    }

    fn answer(&mut self, call: Call) -> Answer {
        self.pass();
        match call {
            Call::Look(ids) => {
                if self.chance(self.failing) {
                    let kind = self.kind();
                    return Answer::Looked(ids, Err(error(kind)));
                }
                for id in &ids {
                    self.uncertain.remove(id);
                }
                let jobs = ids.iter().map(|id| detail(*id, self.jobs[id]));
                let jobs = jobs.collect();
                Answer::Looked(ids, Ok(jobs))
            }
            Call::End(call) => self.acknowledge(call),
        }
    }

    fn acknowledge(&mut self, call: EndCall) -> Answer {
        for (_, id) in &call.jobs {
            assert!(
                !self.uncertain.contains(id),
                "{id}: sent again without a look, after a call without an answer"
            );
        }
        if self.chance(self.failing) {
            let kind = self.kind();
            if matches!(kind, ErrorKind::NoAnswer | ErrorKind::OutOfTime) {
                for &(_, id) in &call.jobs {
                    self.uncertain.insert(id);
                    self.cancel(id);
                }
            }
            return Answer::Acknowledged(call, Err(error(kind)));
        }
        let mut answer = EndAnswer::default();
        let is_bulk = call.jobs.len() > 1;
        for &(_, id) in &call.jobs {
            match self.random.u32(..100) {
                0..10 if is_bulk => {
                    let kind = self.kind();
                    if matches!(kind, ErrorKind::NoAnswer | ErrorKind::OutOfTime) {
                        self.uncertain.insert(id);
                        self.cancel(id);
                    }
                    answer.refused.push((id, error(kind)));
                }
                10..20 if is_bulk => {
                    self.uncertain.insert(id);
                    self.cancel(id);
                }
                _ => {
                    self.cancel(id);
                    answer.accepted.push(id);
                }
            }
        }
        Answer::Acknowledged(call, Ok(answer))
    }
}

/// Runs an engine until it is finished or time is over, with up to eight calls in flight whose answers come in any order.
fn run(seed: u64) -> (BTreeMap<JobId, Shown>, Jobs) {
    fastrand::seed(seed);
    let mut random = fastrand::Rng::with_seed(seed);
    let jobs = random.usize(1..400);
    let mut batch = Batch::new(jobs, random.fork());
    let mut driver = Driver::new(jobs);
    driver.conditions.bulk = [BulkCalls::Present, BulkCalls::Untried][random.usize(..2)];
    // Some have little time from the start.
    driver.now += Duration::from_millis(random.u64(..60_000));
    let deadline = driver.engine.deadline;
    let mut in_flight = Vec::new();
    for _ in 0..100_000 {
        driver.engine.handle_timeout(driver.now);
        while in_flight.len() < CONCURRENCY
            && let Some(call) = driver.poll()
        {
            // The work is done when the call comes; the answer may come much later.
            in_flight.push(batch.answer(call));
        }
        let is_finished = in_flight.is_empty() && driver.is_finished();
        if is_finished || deadline.is_over(driver.now) {
            return (batch.jobs, driver.engine.into_jobs());
        }
        driver.now += Duration::from_millis(random.u64(..50));
        if in_flight.is_empty() {
            let due = driver.engine.poll_timeout();
            let due = due.unwrap_or_else(|| panic!("seed {seed}: nothing is to come"));
            driver.now = driver.now.max(due);
        } else {
            let answer = in_flight.swap_remove(random.usize(..in_flight.len()));
            driver.engine.handle_answer(answer, driver.now);
        }
    }
    panic!("seed {seed}: the work does not end");
}

#[test]
fn outcomes_are_true_whatever_batch_answers() {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in 0..RUNS {
        let (truth, jobs) = run(seed);
        for (job, truth) in jobs.into_results().into_iter().zip(truth.values()) {
            let outcome = job.outcome;
            let message = job.message.unwrap_or_default();
            let context = format!("seed {seed}: {outcome:?}, {message:?}, and it is {truth:?}");
            let is_cancelled = truth.is_cancelled;
            match outcome {
                Outcome::Cancelled => assert!(is_cancelled, "{context}"),
                Outcome::Unconfirmed => {}
                Outcome::Running
                | Outcome::Denied
                | Outcome::Throttled
                | Outcome::Failed
                | Outcome::NotAttempted => assert!(!is_cancelled, "{context}"),
                _ => panic!("{context}"),
            }
            *counts.entry(outcome.as_str()).or_default() += 1;
        }
    }
    let seen: Vec<&str> = counts.into_keys().collect();
    let expected = [
        "cancelled",
        "denied",
        "failed",
        "notAttempted",
        "running",
        "throttled",
        "unconfirmed",
    ];
    assert_eq!(seen, expected, "each outcome comes up");
}
