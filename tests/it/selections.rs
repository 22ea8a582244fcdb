//! Generated selections over a large queue: the jobs that are ended are those that a simple reference implementation
//! selects, also while jobs change their status between the pages of a listing.
//!
//! `SELECT_JOBS` and `SELECT_CASES` are the numbers of jobs and of selections; `SELECT_SEED` repeats a run.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use batch_emulator::{Emulator, JobSpec, JobView, Operation, Queue, Status};
use serde_json::{Value, json};
use support::{Function, QUEUE};

const STATUSES: [Status; 7] = [
    Status::Submitted,
    Status::Pending,
    Status::Runnable,
    Status::Starting,
    Status::Running,
    Status::Succeeded,
    Status::Failed,
];
const NAMES: [&str; 5] = ["train", "train-large", "Train", "render", "etl"];
const DEFINITIONS: [&str; 3] = ["torch:1", "torch:2", "blender:7"];
const USERS: [&str; 3] = ["ann", "bob", "cleo"];
const AGES: [u64; 4] = [60, 3_000, 4_000, 90_000];

/// The properties of a job that the emulator does not return.
#[derive(Clone)]
struct Traits {
    definition: &'static str,
    share: &'static str,
    user: &'static str,
    protected: bool,
}

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

fn any<T: Copy>(dice: &mut fastrand::Rng, of: &[T]) -> T {
    of[dice.usize(..of.len())]
}

/// A queue of jobs in mixed states, ages and names.
fn queue(jobs: usize, dice: &mut fastrand::Rng) -> (Emulator, BTreeMap<String, Traits>) {
    let emulator = Emulator::new();
    emulator.add_queue(Queue::new(QUEUE));
    let mut traits = BTreeMap::new();
    // PENDING jobs depend on it, and it never ends.
    let blocker = emulator.add_job(JobSpec::new(Status::Running).queue("other-queue"));
    for _ in 0..jobs {
        let status = any(dice, &STATUSES);
        let own = Traits {
            definition: any(dice, &DEFINITIONS),
            share: any(dice, &["low", "high"]),
            user: any(dice, &USERS),
            protected: dice.u8(..) < 8,
        };
        let mut spec = JobSpec {
            job_definition: own.definition.to_owned(),
            share_identifier: Some(own.share.to_owned()),
            ..JobSpec::new(status)
        };
        spec = spec
            .queue(QUEUE)
            .name(any(dice, &NAMES))
            .tag("user", own.user);
        spec = spec.age(Duration::from_secs(any(dice, &AGES) + dice.u64(..30)));
        if own.protected {
            spec = spec.tag("batch-cancel:protect", "");
        }
        if status == Status::Pending {
            spec = if dice.bool() {
                spec.after(&blocker)
            } else {
                spec.array(&[Status::Runnable, Status::Running])
            };
        }
        let id = emulator.add_job(spec);
        traits.insert(id, own);
    }
    (emulator, traits)
}

/// Whether a job is selected, at a time in milliseconds since 1970.
type Reference = Box<dyn Fn(&JobView, &Traits, i64) -> bool>;

/// A selection, and its reference implementation.
struct Case {
    request: Value,
    selects: Reference,
}

fn case(dice: &mut fastrand::Rng) -> Case {
    let terminate = dice.u8(..4) == 0;
    let mut select = json!({ "jobQueue": QUEUE });
    let mut statuses = vec![Status::Submitted, Status::Pending, Status::Runnable];
    if dice.bool() {
        let choice = if terminate {
            &STATUSES[..5]
        } else {
            &STATUSES[..3]
        };
        statuses = choice.iter().copied().filter(|_| dice.bool()).collect();
        if statuses.is_empty() {
            statuses.push(Status::Runnable);
        }
        select["statuses"] = statuses.iter().map(|status| status.as_str()).collect();
    }
    let mut optional = |name: &str, values: &[&'static str]| {
        let value = (dice.u8(..3) == 0).then(|| any(dice, values));
        if let Some(value) = value {
            select[name] = value.into();
        }
        value
    };
    let name = optional("jobName", &["train", "train*", "render", "T*"]);
    let definition = optional("jobDefinition", &["torch", "torch:2", "blender*", "tor*"]);
    let share = optional("shareIdentifier", &["low", "high"]);
    let older = optional("olderThan", &["50m", "1h", "PT24H"]);
    let user = (dice.u8(..3) == 0).then(|| any(dice, &USERS));
    if let Some(user) = user {
        select["tags"] = json!({ "user": user });
    }
    let mut request = json!({ "select": select });
    if terminate {
        request["terminate"] = true.into();
    }
    let like = |pattern: &str, text: &str| match pattern.strip_suffix('*') {
        Some(start) => text.starts_with(start),
        None => pattern == text,
    };
    Case {
        request,
        selects: Box::new(move |job, own, now| {
            let age = match older {
                Some("50m") => 3_000_000,
                Some("1h") => 3_600_000,
                Some(_) => 86_400_000,
                None => 0,
            };
            let plain = own.definition.split(':').next().unwrap_or_default();
            statuses.contains(&job.status)
                && name.is_none_or(|pattern| like(pattern, &job.job_name))
                && definition
                    .is_none_or(|pattern| like(pattern, own.definition) || like(pattern, plain))
                && share.is_none_or(|share| share == own.share)
                && user.is_none_or(|user| user == own.user)
                && job.created_at <= now - age
                && !own.protected
                && !job.is_terminated
                && (!job.is_cancelled || (terminate && job.array_size.is_some()))
        }),
    }
}

fn ended(emulator: &Emulator) -> BTreeMap<String, (bool, bool)> {
    let jobs = emulator.jobs().into_iter();
    jobs.map(|job| (job.job_id, (job.is_cancelled, job.is_terminated)))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn generated_selections_end_exactly_the_matching_jobs() {
    let (jobs, cases) = (number("SELECT_JOBS", 4_000), number("SELECT_CASES", 50));
    let seed = number("SELECT_SEED", 20_261_122) as u64;
    let mut dice = fastrand::Rng::with_seed(seed);
    let (mut emulator, mut traits) = queue(jobs, &mut dice);
    let settings = [("MAX_SELECTED", "1000000"), ("ALLOW_TERMINATE", "true")];
    let mut ended_jobs = 0;
    for index in 0..cases {
        // Too few jobs are left to be selected.
        if index % 10 == 9 {
            (emulator, traits) = queue(jobs, &mut dice);
        }
        let case = case(&mut dice);
        let function = Function {
            deadline: Duration::from_mins(14),
            ..Function::on(emulator.clone(), &settings)
        };
        let before = ended(&emulator);
        let now = i64::try_from(emulator.now().as_millis()).unwrap();
        let all = emulator.jobs();
        let selected = all.iter().filter(|job| {
            traits
                .get(&job.job_id)
                .is_some_and(|own| (case.selects)(job, own, now))
        });
        let selected: BTreeSet<String> = selected.map(|job| job.job_id.clone()).collect();
        let report = function.invoke(case.request.clone()).await.unwrap();
        assert_eq!(
            report["complete"], true,
            "seed {seed}, case {index}: {}",
            report["summary"]
        );
        let after = ended(&emulator);
        let changed = after
            .iter()
            .filter(|(id, marks)| before.get(*id) != Some(marks) && !id.contains(':'));
        let changed: BTreeSet<String> = changed.map(|(id, _)| id.clone()).collect();
        assert_eq!(
            changed, selected,
            "seed {seed}, case {index}: {}",
            case.request
        );
        ended_jobs += changed.len();
    }
    assert!(
        ended_jobs > jobs / 10,
        "only {ended_jobs} of {jobs} jobs were selected"
    );
}

#[tokio::test(start_paused = true)]
async fn jobs_that_change_status_between_pages_are_neither_missed_nor_repeated() {
    let jobs = number("SELECT_JOBS", 4_000);
    let seed = number("SELECT_SEED", 20_261_122) as u64;
    let emulator = Emulator::new();
    emulator.add_queue(Queue::new(QUEUE));
    let spec = |status| JobSpec {
        count: u32::try_from(jobs / 2).unwrap(),
        ..JobSpec::new(status)
            .queue(QUEUE)
            .age(Duration::from_hours(1))
    };
    let mut ids = emulator.add_jobs(&spec(Status::Submitted));
    ids.extend(emulator.add_jobs(&spec(Status::Runnable)));
    let pages = Arc::new(AtomicUsize::new(0));
    let started: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let (moving, counted, starting) = (ids.clone(), Arc::clone(&pages), Arc::clone(&started));
    emulator.on(Operation::ListJobs, move |emulator, _| {
        // With each page, some jobs change: to RUNNABLE, to RUNNING, and as a retry from RUNNING to RUNNABLE.
        let page = counted.fetch_add(1, Ordering::Relaxed);
        let mut dice = fastrand::Rng::with_seed(seed + page as u64);
        for _ in 0..(moving.len() / 100).min(200) {
            let id = &moving[dice.usize(..moving.len())];
            let next = match emulator.job(id).map(|job| job.status) {
                Some(Status::Submitted | Status::Running) => Status::Runnable,
                Some(Status::Runnable) => Status::Running,
                _ => continue,
            };
            if next == Status::Running {
                starting.lock().unwrap().insert(id.clone());
            }
            emulator.set_status(id, next);
        }
    });
    let function = Function {
        deadline: Duration::from_mins(14),
        ..Function::on(emulator.clone(), &[("MAX_SELECTED", "1000000")])
    };
    let report = function
        .invoke(json!({"select": {"jobQueue": QUEUE}}))
        .await
        .unwrap();
    let listed: Vec<&str> = report["jobs"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|job| job["jobId"].as_str())
        .collect();
    assert_eq!(
        listed.iter().collect::<BTreeSet<_>>().len(),
        listed.len(),
        "no job twice"
    );
    // A job that never started was always in a selected status. One that did may have been RUNNING whenever its status
    // was listed.
    let started = started.lock().unwrap();
    for job in emulator.jobs() {
        if !started.contains(&job.job_id) {
            assert!(job.is_cancelled, "{job:?}");
        }
        assert_eq!(job.is_cancelled, job.status == Status::Failed, "{job:?}");
    }
    assert!(started.len() < jobs * 9 / 10, "nearly all jobs had started");
    assert!(pages.load(Ordering::Relaxed) >= 6);
}

#[tokio::test(start_paused = true)]
async fn draining_a_queue_takes_two_sweeps_a_bulk_call_per_50_jobs_and_two_describes_per_100() {
    let jobs = number("DRAIN_JOBS", 5_000);
    let function = Function {
        deadline: Duration::from_mins(14),
        ..Function::new(&[("MAX_SELECTED", "1000000")])
    };
    function.emulator.add_jobs(&JobSpec {
        count: u32::try_from(jobs).unwrap(),
        ..JobSpec::new(Status::Runnable)
            .queue(QUEUE)
            .age(Duration::from_hours(1))
    });
    let report = function
        .invoke(json!({"select": {"jobQueue": QUEUE}}))
        .await
        .unwrap();
    assert_eq!(
        report["summary"],
        json!({ "jobs": jobs, "cancelled": jobs })
    );
    let count = |operation| function.emulator.count(operation);
    let listings = count(Operation::ListJobs);
    assert!(
        listings <= 2 * jobs.div_ceil(1000) + 10,
        "{listings} listings"
    );
    assert_eq!(count(Operation::CancelJobs), jobs.div_ceil(50));
    assert_eq!(count(Operation::DescribeJobs), 2 * jobs.div_ceil(100));
    assert_eq!(
        function.emulator.calls().len(),
        listings + jobs.div_ceil(50) + 2 * jobs.div_ceil(100) + 1
    );
}
