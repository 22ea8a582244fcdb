//! The door of message batches: ids, selections, dry runs, terminates, alarms, events and broken bodies side by side.

use serde_json::{Value, json};
use support::events;

use super::{
    blocked,
    door::Door,
    judge::Reply,
    request::{Request, Target},
    selections,
    spell::chance,
    warm::Warm,
};

/// Bodies that cannot be read, or ask for what there is not.
const BROKEN: [&str; 6] = [
    "{",
    "Please cancel my jobs.",
    "{\"jobIds\": 3}",
    "{\"jobIds\": [\"1f0c7a52-6d2e-4f6b-9a53-0a7d3c1b9e01\"], \"dryrun\": true}",
    "{\"Service\": \"other\"}",
    "",
];

/// A batch of up to ten messages.
pub(crate) async fn event(warm: &mut Warm) {
    blocked::prepare(warm);
    let new = selections::add_jobs(warm, Door::Messages);
    selections::trouble(warm, &new);
    let count = warm.random.usize(2..=10);
    let is_fifo = chance(&mut warm.random, 0.3);
    let mut bodies = Vec::new();
    let mut requests = Vec::new();
    for _ in 0..count {
        let (body, request) = message(warm, &new);
        bodies.push(body);
        requests.push(request);
    }
    let numbers: Vec<usize> = (0..count).collect();
    let grouped = bodies
        .into_iter()
        .enumerate()
        .map(|(number, body)| (number % 3, body));
    let mut event = if is_fifo {
        events::fifo(grouped)
    } else {
        events::sqs_groups(grouped)
    };
    for number in &numbers {
        event["Records"][number]["messageId"] = json!(number.to_string());
    }
    let reply = Reply::Messages { is_fifo, numbers };
    let invocation = warm.judge.begin((event, reply, requests), &warm.spell);
    warm.invoke(&invocation).await;
}

fn message(warm: &mut Warm, new: &[super::account::RequestedJob]) -> (String, Request) {
    let (mut body, mut request): (Value, Request) = match warm.random.u8(..8) {
        0..=2 => {
            let of: Vec<_> = new
                .iter()
                .filter(|_| chance(&mut warm.random, 0.3))
                .cloned()
                .collect();
            selections::ids(&of)
        }
        3..=4 => selections::selection(warm, Door::Messages),
        5..=6 => {
            let (body, request) = blocked::message(warm);
            return (body.to_string(), request);
        }
        _ => {
            let body = *warm.random.choice(&BROKEN).unwrap();
            return (body.to_owned(), Request::new(Target::Unreadable));
        }
    };
    request.terminate = chance(&mut warm.random, 0.3);
    if let Target::Select { statuses, .. } = &request.target {
        // A selection of jobs that run is to terminate.
        request.terminate |= statuses.len() > 3;
    }
    request.dry_run = chance(&mut warm.random, 0.2) || warm.spell.dry_run;
    request.max_jobs = chance(&mut warm.random, 0.1).then(|| warm.random.usize(1..20));
    body["terminate"] = json!(request.terminate);
    body["dryRun"] = json!(request.dry_run);
    if let Some(most) = request.max_jobs {
        body["maxJobs"] = json!(most);
    }
    (body.to_string(), request)
}
