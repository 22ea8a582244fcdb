//! Mutated HTTP requests of one caller, in every form of request and caller: by the emulator's record, no job of another owner
//! ends.
//!
//! `OWNER_REQUESTS` is the number of requests; `tests/soak owners` makes it a million. A client can send any method, path,
//! query, headers and body; what the gateway says of the caller it cannot change.

use std::{
    collections::{BTreeMap, HashMap},
    env, thread,
    time::Duration,
};

use batch_emulator::{Call, Emulator, JobSpec, Operation, Queue, Status};
use fastrand::Rng;
use serde_json::{Map, Value, json};
use support::Function;

use super::callers::{Caller, lookalikes, named, nameless};
use crate::mutations::{
    mutate::{corrupt, mutate},
    tree::Tree,
};

/// How many requests are sent, unless `OWNER_REQUESTS` says otherwise.
const DEFAULT_COUNT: u64 = 2_000;

/// An invocation that takes longer, in virtual time, hangs.
const HANGS: Duration = Duration::from_mins(2);

const OWNERS: [Option<&str>; 8] = [
    Some("ann"),
    Some("bob"),
    Some("Ann"),
    Some("ann "),
    Some(""),
    Some("*"),
    Some("http"),
    None,
];

const BLOCKED: &str = "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job needs too much.";

/// An account of many owners, and who owns each job, by its id. Its ids are the same each time.
struct Account {
    function: Function,
    owners: HashMap<String, Option<&'static str>>,
    ids: Vec<String>,
}

impl Account {
    fn new(caller: &Caller) -> Self {
        let emulator = Emulator::new();
        let (mut owners, mut ids) = (HashMap::new(), Vec::new());
        emulator.add_queue(Queue::new("mine"));
        emulator.add_queue(Queue::new("theirs"));
        for (number, owner) in OWNERS
            .into_iter()
            .cycle()
            .take(OWNERS.len() * 6)
            .enumerate()
        {
            let age = Duration::from_mins(60 + u64::try_from(number * 7 % 40).unwrap());
            let status = [Status::Runnable, Status::Submitted, Status::Running];
            let queue = if number % 11 == 10 { "theirs" } else { "mine" };
            let mut spec = JobSpec {
                status_reason: Some(BLOCKED.to_owned()),
                ..JobSpec::new(status[number / 8 % 3]).queue(queue).age(age)
            };
            spec = spec.name(["nightly-a", "nightly-b"][number % 2]);
            if let Some(owner) = owner {
                spec = spec
                    .tag("owner", owner)
                    .tag("Owner", "ann")
                    .tag("user", "ann");
            }
            let is_array = number / 8 >= 4;
            if is_array {
                spec.status = Status::Pending;
                spec = spec.array(&[Status::Runnable, Status::Running, Status::Runnable]);
            }
            let id = emulator.add_job(spec);
            if is_array {
                for index in 0..3 {
                    let child = format!("{id}:{index}");
                    owners.insert(child.clone(), owner);
                    ids.push(child);
                }
            }
            owners.insert(id.clone(), owner);
            ids.push(id);
        }
        let settings = [
            &[
                ("OWNER_TAG", "owner"),
                ("ALLOWED_QUEUES", "mine"),
                ("ALLOW_TERMINATE", "true"),
                ("BLOCKED_FOR", "0"),
                ("API_CALLS_PER_SECOND", "0"),
            ],
            caller.settings,
        ]
        .concat();
        Self {
            function: Function::on(emulator, &settings),
            owners,
            ids,
        }
    }
}

/// What a client sends.
struct Sent {
    method: &'static str,
    path: String,
    query: Vec<(String, String)>,
    body: Option<String>,
    headers: Map<String, Value>,
}

fn any_id(ids: &[String], random: &mut Rng) -> String {
    let id = random.choice(ids).cloned().unwrap_or_default();
    let plain = id.split(':').next().unwrap_or_default().to_owned();
    match random.u8(..12) {
        0 => id.to_uppercase(),
        1 => format!("arn:aws:batch:eu-west-1:123456789012:job/{id}"),
        2 => format!("{plain}#0"),
        3 => format!("{plain}:{}", random.u8(..4)),
        4 => format!(" {id}"),
        5 => plain,
        _ => id,
    }
}

fn any_select(ids: &[String], random: &mut Rng) -> Value {
    let mut select = match random.u8(..5) {
        0 => json!({"arrayJobId": any_id(ids, random)}),
        1 => json!({"jobQueue": "arn:aws:batch:eu-west-1:123456789012:job-queue/mine"}),
        2 if random.bool() => json!({"jobQueue": "theirs"}),
        _ => json!({"jobQueue": "mine"}),
    };
    let owner = random.choice(OWNERS).flatten().unwrap_or("carl");
    for _ in 0..random.u8(..3) {
        match random.u8(..6) {
            0 => select["tags"] = json!({ "owner": owner }),
            1 => select["tags"] = json!({"user": "ann"}),
            2 => select["jobName"] = json!("nightly-*"),
            3 => select["statuses"] = json!(["RUNNABLE", "SUBMITTED", "PENDING"]),
            4 => select["head"] = json!(true),
            _ => select["olderThan"] = json!("30m"),
        }
    }
    select
}

fn any_body(ids: &[String], random: &mut Rng) -> Value {
    let mut body = match random.u8(..5) {
        0 => json!({"jobId": any_id(ids, random)}),
        1 | 2 => json!({"select": any_select(ids, random)}),
        _ => {
            let count = random.usize(1..30);
            json!({"jobIds": (0..count).map(|_| any_id(ids, random)).collect::<Vec<_>>()})
        }
    };
    for _ in 0..random.u8(..3) {
        match random.u8(..6) {
            0 => body["dryRun"] = json!(random.bool()),
            1 => body["maxJobs"] = json!(random.u8(1..20)),
            2 => body["reason"] = json!("by bob | by arn:aws:iam::123456789012:user/bob"),
            3 => body["waitSeconds"] = json!(random.u8(..4)),
            _ => body["terminate"] = json!(true),
        }
    }
    body
}

/// Names of fields and headers by which a client may try to be somebody else.
fn spoof(random: &mut Rng) -> (String, Value) {
    let names = [
        "authorizer",
        "requestContext",
        "identity",
        "claims",
        "sub",
        "Authorization",
        "x-amzn-oidc-identity",
        "x-amzn-oidc-data",
        "x-amz-security-token",
        "x-forwarded-user",
        "OWNER_TAG",
        "owner",
        "principalId",
        "multiValueHeaders",
    ];
    let claims = json!({"sub": "bob", "email": "bob", "email_verified": true});
    let values = [
        json!("bob"),
        json!(["bob", "ann"]),
        json!("arn:aws:iam::123456789012:user/bob"),
        json!({"jwt": {"claims": claims}, "iam": {"userArn": "arn:aws:iam::123456789012:user/bob"}}),
        claims,
        Value::Null,
    ];
    let name = random.choice(names).unwrap_or_default().to_owned();
    (name, random.choice(values).unwrap_or_default())
}

impl Sent {
    fn new(ids: &[String], random: &mut Rng) -> Self {
        let mut sent = Self {
            method: "POST",
            path: "/cancellations".to_owned(),
            query: Vec::new(),
            body: None,
            headers: Map::new(),
        };
        if random.u8(..5) == 0 {
            let id = any_id(ids, random);
            sent.method = "DELETE";
            sent.path = match random.u8(..4) {
                0 => format!("/jobs/{id}"),
                1 => format!("/prod/jobs/{}/", id.replace(':', "%3a").replace('#', "%23")),
                _ => format!("/jobs/{}", id.replace(':', "%3A").replace('#', "%23")),
            };
            for name in ["terminate", "dryRun"] {
                if random.u8(..3) == 0 {
                    sent.query
                        .push((name.to_owned(), random.bool().to_string()));
                }
            }
        } else {
            sent.body = Some(any_body(ids, random).to_string());
        }
        sent
    }

    fn mutate(&mut self, others: &[Tree], ids: &[String], random: &mut Rng) {
        match random.u8(..12) {
            0 => self.path = corrupt(&self.path, random),
            1 => self.path = format!("/jobs/{}{}", any_id(ids, random), self.path),
            2 => {
                self.method = random
                    .choice(["GET", "PUT", "POST", "DELETE", "post", "PATCH"])
                    .unwrap_or("GET");
            }
            3 => {
                let (name, value) = spoof(random);
                self.headers.insert(name, value);
            }
            4 => {
                let (name, value) = spoof(random);
                self.query.push((name, value.to_string()));
            }
            5 => {
                let id = any_id(ids, random);
                self.query.push(("jobId".to_owned(), id));
            }
            6 => {
                let mut body: Value = self.json();
                let (name, value) = spoof(random);
                body[name] = value;
                self.body = Some(body.to_string());
            }
            7 => self.body = self.body.take().map(|body| corrupt(&body, random)),
            _ => {
                let Some(mut tree) = self.body.as_deref().and_then(Tree::read) else {
                    return;
                };
                mutate(&mut tree, others, random.u64(..));
                self.body = Some(tree.to_string());
            }
        }
    }

    fn json(&self) -> Value {
        let body = self.body.as_deref().unwrap_or("{}");
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        if body.is_object() { body } else { json!({}) }
    }

    /// The event that the caller's gateway makes of it.
    fn event(&self, caller: &Caller, random: &mut Rng) -> Value {
        let mut request = caller.request(self.method, &self.path);
        let query: Vec<(&str, &str)> = self
            .query
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        if !query.is_empty() {
            request = request.query(&query);
        }
        if let Some(body) = &self.body {
            request = if random.u8(..8) == 0 {
                use base64::{Engine, engine::general_purpose::STANDARD};
                request.base64(&STANDARD.encode(body))
            } else {
                request.body(body)
            };
        }
        if let Some(headers) = request
            .event
            .get_mut("headers")
            .and_then(Value::as_object_mut)
        {
            headers.extend(self.headers.clone());
        }
        request.event
    }
}

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
