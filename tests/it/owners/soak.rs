//! Mutated HTTP requests of one caller, in every form of request and caller: by the emulator's record, no job of another owner
//! ends.
//!
//! `OWNER_REQUESTS` is the number of requests; `tests/soak owners` makes it a million. A client can send any method, path,
//! query, headers and body; what the gateway says of the caller it cannot change.

mod account;
mod request;

use std::{collections::BTreeMap, env, thread, time::Duration};

use batch_emulator::{Call, Operation};
use fastrand::Rng;
use serde_json::Value;

use account::Account;
use request::{Sent, any_body};

use super::callers::{Caller, lookalikes, named, nameless};
use crate::mutations::tree::Tree;

/// How many requests are sent, unless `OWNER_REQUESTS` says otherwise.
const DEFAULT_COUNT: u64 = 2_000;

/// An invocation that takes longer, in virtual time, hangs.
const HANGS: Duration = Duration::from_mins(2);

/// The requests of one thread, and the sums of what came of them.
struct Bench {
    callers: Vec<Caller>,
    accounts: Vec<Option<Account>>,
    others: Vec<Tree>,
    sums: BTreeMap<String, u64>,
}

impl Bench {
    fn new() -> Self {
        let others = nameless("ann").into_iter().chain(lookalikes("ann"));
        let callers: Vec<Caller> = named("ann").into_iter().chain(others).collect();
        let ids = Account::new(&callers[0]).ids;
        let mut random = Rng::with_seed(7);
        let bodies = (0..40).map(|_| any_body(&ids, &mut random).to_string());
        let others = bodies.map(|body| Tree::read(&body).unwrap()).collect();
        Self {
            accounts: callers.iter().map(|_| None).collect(),
            callers,
            others,
            sums: BTreeMap::new(),
        }
    }

    fn count(&mut self, what: impl Into<String>, count: usize) {
        *self.sums.entry(what.into()).or_default() += u64::try_from(count).unwrap();
    }

    async fn send(&mut self, number: u64) {
        let random = &mut Rng::with_seed(number);
        // Half of the requests come from ann, though there are more of others.
        let of_ann = named("ann").len();
        let at = if random.bool() {
            random.usize(..of_ann)
        } else {
            random.usize(of_ann..self.callers.len())
        };
        let caller = &self.callers[at];
        let own = caller.name.clone();
        let who = match own.as_deref() {
            Some("ann") => "ann",
            Some(_) => "others",
            None => "nameless",
        };
        let may_end = |owner: Option<Option<&'static str>>| {
            own.is_some() && owner.flatten() == own.as_deref()
        };
        let account = self.accounts[at]
            .take()
            .unwrap_or_else(|| Account::new(caller));
        let mut sent = Sent::new(&account.ids, random);
        for _ in 0..[0, 1, 1, 2, 2, 3][random.usize(..6)] {
            sent.mutate(&self.others, &account.ids, random);
        }
        let event = sent.event(caller, random);
        account.function.emulator.forget_calls();
        let answer = tokio::time::timeout(HANGS, account.function.invoke(event.clone())).await;
        let answer = answer.unwrap_or_else(|_| panic!("{number} hangs: {event}"));
        let answer = answer.unwrap_or_else(|error| panic!("{number}: {error}: {event}"));
        let calls = account.function.emulator.calls();
        let ended: Vec<&String> = calls
            .iter()
            .filter(|call| ends(call))
            .flat_map(|c| &c.job_ids)
            .collect();
        for id in &ended {
            let owner = account.owners.get(*id).copied();
            let queue = account.function.emulator.job(id).map(|job| job.job_queue);
            assert!(
                may_end(owner) && queue.as_deref() == Some("mine"),
                "{number} ended {id} of {owner:?}: {event}\n{answer}"
            );
        }
        if !ended.is_empty() || number.is_multiple_of(64) {
            // By the state of every job, not only by the calls.
            for job in account.function.emulator.jobs() {
                let is_own = may_end(account.owners.get(&job.job_id).copied());
                let is_ended = job.is_cancelled || job.is_terminated;
                assert!(
                    !is_ended || is_own,
                    "{number} ended {}: {event}",
                    job.job_id
                );
            }
        }
        let count = ended.len();
        let form = format!("{:?}", self.callers[at].form);
        if count == 0 {
            self.accounts[at] = Some(account);
        }
        let body: Value =
            serde_json::from_str(answer["body"].as_str().unwrap_or_default()).unwrap();
        let refused = body["summary"]["notOwner"].as_u64().unwrap_or_default()
            + u64::from(body["outcome"] == "notOwner");
        self.count(format!("own jobs ended, {form}, {who}"), count);
        self.count(
            format!("jobs refused as notOwner, {form}, {who}"),
            usize::try_from(refused).unwrap(),
        );
        self.count(format!("HTTP {}", answer["statusCode"]), 1);
        if body["ignored"].is_string() {
            self.count("selections of none", 1);
        }
        if sent.body.is_some_and(|body| body.contains("select")) {
            self.count(format!("own jobs ended by selections, {who}"), count);
        }
    }
}

fn ends(call: &Call) -> bool {
    matches!(
        call.operation,
        Operation::CancelJob
            | Operation::CancelJobs
            | Operation::TerminateJob
            | Operation::TerminateJobs
            | Operation::TerminateServiceJob
            | Operation::TerminateServiceJobs
    )
}

#[test]
fn mutated_requests_of_one_caller_end_no_job_of_another_owner() {
    let count: u64 = env::var("OWNER_REQUESTS").map_or(DEFAULT_COUNT, |count| {
        count.parse().expect("OWNER_REQUESTS is a number")
    });
    let threads = thread::available_parallelism()
        .map_or(1, usize::from)
        .min(4);
    let run = |first: usize| {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mut bench = Bench::new();
            for number in (u64::try_from(first).unwrap()..count).step_by(threads) {
                bench.send(number).await;
            }
            bench.sums
        })
    };
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    thread::scope(|scope| {
        let run = &run;
        let all: Vec<_> = (0..threads)
            .map(|first| scope.spawn(move || run(first)))
            .collect();
        for of_thread in all {
            for (what, number) in of_thread.join().unwrap() {
                *sums.entry(what).or_default() += number;
            }
        }
    });
    println!("{count} requests: {sums:#?}");
    for form in ["V1", "V2", "FunctionUrl"] {
        for what in ["own jobs ended", "jobs refused as notOwner"] {
            let found = sums[&format!("{what}, {form}, ann")];
            assert!(found > count / 100, "{found} {what}, {form}");
        }
        assert_eq!(sums[&format!("own jobs ended, {form}, nameless")], 0);
    }
    for form in ["Alb", "AlbMultiValue"] {
        assert!(sums[&format!("jobs refused as notOwner, {form}, nameless")] > 0);
    }
    assert!(sums["own jobs ended by selections, ann"] > count / 100);
}
