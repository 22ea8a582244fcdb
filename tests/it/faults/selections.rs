//! The doors of selections: in one queue, with `maxJobs`, and in several queues of which some cannot be read.

use batch_emulator::{Faults, Status};
use serde_json::{Value, json};
use support::events;

use super::{
    account::RequestedJob,
    door::Door,
    judge::Reply,
    mix::Mix,
    request::{Request, Target},
    spell::{ITEM_ERRORS, chance},
    warm::Warm,
};

/// What a selection chooses by itself.
const WAITING: [Status; 3] = [Status::Submitted, Status::Pending, Status::Runnable];

const LIVE: [Status; 5] = [
    Status::Submitted,
    Status::Pending,
    Status::Runnable,
    Status::Starting,
    Status::Running,
];

/// More jobs than a page has that is filtered, or than a look shows.
const MORE_THAN_A_PAGE: usize = 160;

/// An event that selects jobs, some of which have just been submitted.
pub(crate) async fn event(warm: &mut Warm, door: Door) {
    let new = add_jobs(warm, door);
    trouble(warm, &new);
    let (body, request) = request(warm, door, &new);
    let (event, reply) = if chance(&mut warm.random, 0.3) {
        (events::eventbridge(&body), Reply::Async)
    } else {
        let fails = warm.spell.fail_on_incomplete;
        (body, Reply::Report { fails })
    };
    let invocation = warm.judge.begin((event, reply, vec![request]), &warm.spell);
    warm.invoke(&invocation).await;
}

/// Adds jobs of the event's group, and some of others.
pub(crate) fn add_jobs(warm: &mut Warm, door: Door) -> Vec<RequestedJob> {
    // Some jobs may not show yet when they are asked for.
    warm.judge.account.emulator.set_faults(Faults {
        visibility_delay: warm.spell.faults.visibility_delay,
        ..Faults::default()
    });
    let is_large = door == Door::MaxJobs && warm.spell.is_one_in(8);
    let count = if is_large || warm.spell.is_of_tokens() {
        MORE_THAN_A_PAGE
    } else {
        warm.random.usize(3..50)
    };
    let lifecycles = chance(&mut warm.random, 0.3);
    let mut new = Vec::new();
    while new.len() < count {
        let group = if chance(&mut warm.random, 0.85) {
            warm.group()
        } else {
            warm.group() + 1
        };
        let queue = warm.queue(door);
        let mix = Mix {
            lifecycles,
            group,
            ..Mix::default()
        };
        new.extend(warm.judge.account.add(&mut warm.random, mix, &queue));
        warm.judge.sightings.as_ref().unwrap().disturb(&queue);
    }
    let by_text = new.iter().map(|job| (job.text.clone(), job.clone()));
    warm.requested.extend(by_text);
    new
}

/// Trouble begins, some of it with queues.
pub(crate) fn trouble(warm: &mut Warm, new: &[RequestedJob]) {
    if warm.spell.is_one_in(4) {
        for queue in warm.queues.iter().take(4) {
            if chance(&mut warm.random, 0.4) {
                let error = *warm.random.choice(&ITEM_ERRORS).unwrap();
                warm.spell.faults.queue_errors.insert(queue.clone(), error);
            }
        }
    }
    warm.trouble_begins(new.iter().map(|job| job.id.as_str()));
}

fn request(warm: &mut Warm, door: Door, new: &[RequestedJob]) -> (Value, Request) {
    let max_jobs = (door == Door::MaxJobs).then(|| warm.random.usize(1..40));
    let is_of_ids = door == Door::MaxJobs && !warm.spell.is_of_tokens();
    let (mut body, mut request) = if is_of_ids && chance(&mut warm.random, 0.3) {
        ids(new)
    } else {
        selection(warm, door)
    };
    body["reason"] = json!("a bad submission");
    body["dryRun"] = json!(warm.spell.dry_run);
    body["waitSeconds"] = json!(warm.spell.wait_seconds);
    body["failOnIncomplete"] = json!(warm.spell.fail_on_incomplete);
    if let Some(most) = max_jobs {
        body["maxJobs"] = json!(most);
    }
    request.dry_run = warm.spell.dry_run;
    request.max_jobs = max_jobs;
    (body, request)
}

/// A request for ids.
pub(crate) fn ids(jobs: &[RequestedJob]) -> (Value, Request) {
    let texts: Vec<&str> = jobs.iter().map(|job| job.text.as_str()).collect();
    let request = Request::new(Target::Ids(jobs.to_vec()));
    (json!({"jobIds": texts}), request)
}

/// A request for the jobs of the event's group.
pub(crate) fn selection(warm: &mut Warm, door: Door) -> (Value, Request) {
    let group = warm.group();
    let mut select = json!({});
    match warm.random.u8(..4) {
        // A filter by definition is the only listing, so that its tokens count.
        _ if warm.spell.is_of_tokens() => {
            select["jobDefinition"] = json!(format!("definition-g{group}"));
        }
        0 => select["jobDefinition"] = json!(format!("definition-g{group}")),
        1 if door != Door::Tags => select["jobName"] = json!(format!("job-g{group}")),
        _ => select["tags"] = json!({"group": format!("g{group}")}),
    }
    let mut queues = vec![warm.queues[0].clone()];
    if door == Door::Queues {
        queues = several(warm, &mut select);
    } else {
        select["jobQueue"] = json!(queues[0]);
    }
    let terminate = chance(&mut warm.random, 0.4);
    let terminate = warm.spell.dry_run_terminates().unwrap_or(terminate);
    let mut statuses = WAITING.to_vec();
    if terminate && chance(&mut warm.random, 0.7) {
        statuses = LIVE.to_vec();
        let names: Vec<&str> = statuses.iter().map(|status| status.as_str()).collect();
        select["statuses"] = json!(names);
    }
    let target = Target::Select {
        queues,
        group,
        statuses,
    };
    let body = json!({"select": select, "terminate": terminate});
    (
        body,
        Request {
            terminate,
            ..Request::new(target)
        },
    )
}

/// Several queues by names, ARNs and patterns.
pub(crate) fn several(warm: &mut Warm, select: &mut Value) -> Vec<String> {
    let all = warm.queues.clone();
    let named = all.iter().take(3).cloned().collect::<Vec<_>>();
    let arn = format!("arn:aws:batch:eu-west-1:123456789012:job-queue/{}", all[1]);
    let (asked, queues) = match warm.random.u8(..4) {
        _ if warm.spell.is_of_bulk() => (json!(["*"]), all),
        0 => (json!(["main-*"]), all),
        1 => (json!(["main-queue-1*", all[0]]), {
            let matches = |queue: &&String| *queue == &all[0] || queue.starts_with("main-queue-1");
            all.iter().filter(matches).cloned().collect()
        }),
        2 => (json!([arn, all[0], all[1], all[2]]), named),
        _ => (json!(named), named),
    };
    select["jobQueues"] = asked;
    queues
}

impl Warm {
    /// The group of the event's jobs.
    pub(crate) fn group(&self) -> usize {
        usize::try_from(self.number % 1_000_000).unwrap()
    }

    /// A queue for a job.
    pub(crate) fn queue(&mut self, door: Door) -> String {
        let is_one = self.spell.is_of_tokens() || door != Door::Queues;
        let most = if is_one { 1 } else { 4 };
        self.queues[self.random.usize(..most)].clone()
    }
}
