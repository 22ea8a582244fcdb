//! A watch: exact numbers, few calls, what blocks each queue, and what cannot be read.

mod agreement;
mod head;
mod metrics;
mod refused;

use std::{collections::BTreeMap, time::Duration};

use batch_emulator::{Emulator, Fault, Faults, JobSpec, Operation, Queue, QueueState, Status};
use lambda_runtime::Diagnostic;
use serde_json::{Value, json};
use support::{Function, NO_CAPACITY, OWN_FAULT, QUEUE, QUEUE_ARN, job};

/// The statuses of jobs that have not ended.
const LIVE: [Status; 5] = [
    Status::Submitted,
    Status::Pending,
    Status::Runnable,
    Status::Starting,
    Status::Running,
];

/// A job that may have been the first in its queue for hours.
fn old_job(status: Status) -> JobSpec {
    job(status).age(Duration::from_hours(4))
}

async fn watch(function: &Function) -> Value {
    function.invoke(json!({"watch": {}})).await.unwrap()
}

/// The only queue of a watch.
async fn watch_one(function: &Function) -> Value {
    let answer = watch(function).await;
    let queues = answer["queues"].as_array().unwrap();
    assert_eq!(queues.len(), 1, "{answer}");
    queues[0].clone()
}

async fn error_of(function: &Function, event: Value) -> Diagnostic {
    function.invoke(event).await.unwrap_err().into()
}

/// The name of queue number `number` of an account with many.
fn name(number: usize) -> String {
    format!("queue-{number:02}")
}

/// Adds queues with 1,000 jobs each, in other shares for each queue; every fifth is blocked. Their numbers.
fn busy_queues(
    queues: usize,
    emulator: &Emulator,
) -> BTreeMap<String, BTreeMap<&'static str, usize>> {
    let mut dice = fastrand::Rng::with_seed(10);
    let mut numbers = BTreeMap::new();
    for number in 0..queues {
        emulator.add_queue(Queue::new(name(number)));
        let mut left = 1000;
        let mut of_queue = BTreeMap::new();
        for status in LIVE {
            let count = match status {
                Status::Running => left,
                _ => dice.u32(1..=left / 2),
            };
            left -= count;
            of_queue.insert(status.as_str(), count as usize);
            let blocked = status == Status::Runnable && number % 5 == 0;
            emulator.add_jobs(&JobSpec {
                count,
                status_reason: blocked.then(|| NO_CAPACITY.to_owned()),
                ..JobSpec::new(status).queue(name(number))
            });
        }
        // What has ended, and what is in arrays, does not count.
        let ended = JobSpec::new(Status::Succeeded).queue(name(number));
        emulator.add_jobs(&JobSpec { count: 3, ..ended });
        numbers.insert(name(number), of_queue);
    }
    emulator.advance(Duration::from_mins(20));
    emulator.forget_calls();
    numbers
}

fn account(queues: usize) -> (Function, BTreeMap<String, BTreeMap<&'static str, usize>>) {
    let emulator = Emulator::new();
    let numbers = busy_queues(queues, &emulator);
    (Function::on(emulator, &[]), numbers)
}

#[tokio::test(start_paused = true)]
async fn fifty_queues_of_a_thousand_jobs_take_seven_calls_each_and_their_numbers_are_exact() {
    let (function, numbers) = account(50);
    let answer = watch(&function).await;
    assert_eq!(answer["complete"], true);
    let queues = answer["queues"].as_array().unwrap();
    assert_eq!(queues.len(), 50);
    for (number, queue) in queues.iter().enumerate() {
        let shown = queue["jobQueue"].as_str().unwrap();
        assert_eq!(shown, name(number));
        assert_eq!(queue["jobs"], json!(numbers[shown]), "{shown}");
        assert_eq!(queue["more"], json!([]));
        assert_eq!(queue["head"]["ageSeconds"], 1200, "{queue}");
        let code = (number % 5 == 0).then_some("CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY");
        assert_eq!(queue["head"]["code"], json!(code));
    }
    let emulator = &function.emulator;
    assert_eq!(emulator.count(Operation::DescribeJobQueues), 1);
    assert_eq!(emulator.count(Operation::GetJobQueueSnapshot), 50);
    assert_eq!(emulator.count(Operation::DescribeJobs), 50);
    assert_eq!(emulator.count(Operation::ListJobs), 250);
    assert_eq!(emulator.calls().len(), 1 + 7 * 50);
}

#[tokio::test(start_paused = true)]
async fn one_queue_that_cannot_be_read_does_not_hide_the_others() {
    for (operation, fault, error) in [
        (
            Operation::GetJobQueueSnapshot,
            Fault::Denied,
            "AccessDenied",
        ),
        (Operation::DescribeJobs, Fault::Denied, "AccessDenied"),
        (Operation::ListJobs, Fault::Denied, "AccessDenied"),
    ] {
        let (function, numbers) = account(6);
        function.emulator.fail_next(operation, fault, 1);
        let answer = watch(&function).await;
        assert_eq!(answer["complete"], false);
        let queues = answer["queues"].as_array().unwrap();
        assert_eq!(queues.len(), 6);
        let broken = |queue: &&Value| !queue["error"].is_null();
        let broken: Vec<&Value> = queues.iter().filter(broken).collect();
        assert_eq!(broken.len(), 1, "{operation}");
        let text = broken[0]["error"].as_str().unwrap();
        assert!(text.contains(error), "{text}");
        // What can be read of it is shown.
        let name = broken[0]["jobQueue"].as_str().unwrap();
        if operation == Operation::ListJobs {
            assert!(broken[0]["head"].is_object());
        } else {
            assert!(broken[0]["head"].is_null());
            assert_eq!(broken[0]["jobs"], json!(numbers[name]));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn calls_keep_to_the_pace_and_what_time_does_not_allow_is_said() {
    let emulator = Emulator::new();
    busy_queues(50, &emulator);
    let settings = [("API_CALLS_PER_SECOND", "10"), ("API_CONCURRENCY", "4")];
    let mut function = Function::on(emulator, &settings);
    function.emulator.set_faults(Faults {
        latency: Duration::from_millis(200),
        ..Faults::default()
    });
    let began = tokio::time::Instant::now();
    assert_eq!(watch(&function).await["complete"], true);
    let calls = function.emulator.calls().len();
    let took = began.elapsed();
    assert_eq!(calls, 351);
    assert_eq!(took.as_secs(), 35);
    function.emulator.forget_calls();
    // Time for all heads, which alarms need, and for few counts.
    function.deadline = Duration::from_secs(15);
    let began = tokio::time::Instant::now();
    let answer = watch(&function).await;
    assert_eq!(began.elapsed(), Duration::from_millis(14_700));
    assert_eq!(answer["complete"], false);
    let queues = answer["queues"].as_array().unwrap();
    assert_eq!(queues.len(), 50);
    assert!(queues.iter().all(|queue| queue["head"].is_object()));
    let late = |queue: &&Value| queue["error"] == "out of time";
    let late = queues.iter().filter(late).count();
    assert_eq!(late, 41);
    function.deadline = Duration::from_millis(100);
    let error = error_of(&function, json!({"watch": {}})).await;
    assert_eq!(error.error_type, "Incomplete");
    assert!(error.error_message.contains("out of time"), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn more_than_a_page_is_said_and_ended_queues_and_pages_of_queues_are_read() {
    let function = Function::new(&[("ALLOWED_QUEUES", "main-queue, last-*")]);
    let emulator = &function.emulator;
    for number in 0..150 {
        emulator.add_queue(Queue::new(name(number)));
    }
    emulator.add_queue(Queue {
        state: QueueState::Disabled,
        ..Queue::new("last-queue")
    });
    emulator.add_queue(Queue::service("last-training"));
    let running = job(Status::Running);
    emulator.add_jobs(&JobSpec {
        count: 1000,
        ..running
    });
    let waiting = job(Status::Runnable);
    emulator.add_jobs(&JobSpec {
        count: 1001,
        ..waiting
    });
    emulator.forget_calls();
    let answer = watch(&function).await;
    assert_eq!(answer["complete"], true);
    let [main, last, training] = answer["queues"].as_array().unwrap().as_slice() else {
        panic!("{answer}");
    };
    assert_eq!(main["jobQueueArn"], QUEUE_ARN);
    assert_eq!(main["jobs"]["RUNNABLE"], 1000);
    assert_eq!(main["jobs"]["RUNNING"], 1000);
    assert_eq!(main["more"], json!(["RUNNABLE"]));
    assert_eq!(last["state"], "DISABLED");
    assert_eq!(last["head"], Value::Null);
    assert_eq!(last["error"], Value::Null);
    let none = LIVE.map(|status| (status.as_str(), 0));
    assert_eq!(last["jobs"], json!(BTreeMap::from(none)));
    assert_eq!(training["state"], "ENABLED");
    let why = training["skipped"].as_str().unwrap();
    assert!(why.contains("service jobs"), "{why}");
    assert_eq!(training["jobs"], json!({}));
    assert_eq!(emulator.count(Operation::DescribeJobQueues), 2);
    // Two queues, one of them without a first job to look at.
    assert_eq!(emulator.calls().len(), 2 + 7 + 6);
}

#[tokio::test(start_paused = true)]
async fn named_queues_are_measured_once_each_in_their_order() {
    let function = Function::new(&[("ALLOWED_QUEUES", "*-queue")]);
    for queue in ["other-queue", "theirs"] {
        function.emulator.add_queue(Queue::new(queue));
    }
    let named = json!([
        "gone-queue",
        "other-queue",
        QUEUE_ARN,
        "theirs",
        QUEUE,
        "other-queue"
    ]);
    let event = json!({"watch": {"jobQueues": named}});
    let answer = function.invoke(event).await.unwrap();
    assert_eq!(answer["complete"], false);
    let queues = answer["queues"].as_array().unwrap().iter();
    let shown: Vec<(&str, &str)> = queues
        .map(|queue| {
            let text = |field: &str| queue[field].as_str().unwrap_or_default();
            (text("jobQueue"), text("error"))
        })
        .collect();
    let expected = [
        ("gone-queue", "job queue gone-queue does not exist"),
        ("other-queue", ""),
        (QUEUE, ""),
        (
            "theirs",
            "job queue theirs is not in ALLOWED_QUEUES (parameter AllowedJobQueues)",
        ),
    ];
    assert_eq!(shown, expected);
    assert_eq!(function.emulator.count(Operation::DescribeJobQueues), 1);
    assert_eq!(function.emulator.calls().len(), 1 + 2 * 6);
    let gone = (0..250).map(|number| format!("{number}-queue"));
    let many: Vec<String> = gone.chain([QUEUE.to_owned()]).collect();
    let many = json!({"watch": {"jobQueues": many}});
    function.emulator.forget_calls();
    let answer = function.invoke(many).await.unwrap();
    assert_eq!(answer["queues"].as_array().unwrap().len(), 251);
    assert_eq!(function.emulator.count(Operation::DescribeJobQueues), 3);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_too_long_keeps_what_is_wrong() {
    let function = Function::new(&[]);
    let reason = format!("{OWN_FAULT}{}", " Please see the documentation.".repeat(40));
    let name = |number: usize| format!("{}{number}", "queue-".repeat(20));
    for number in 0..450 {
        function.emulator.add_queue(Queue::new(name(number)));
        if number % 25 == 0 {
            function.emulator.add_job(JobSpec {
                status_reason: Some(reason.clone()),
                ..JobSpec::new(Status::Runnable).queue(name(number))
            });
        }
    }
    let answer = watch(&function).await;
    assert!(answer.to_string().len() < 205_000);
    let queues = answer["queues"].as_array().unwrap();
    assert_eq!(answer["truncated"], 451 - queues.len());
    let heads: Vec<&Value> = queues.iter().map(|queue| &queue["head"]).collect();
    let blocked = heads.iter().filter(|head| head["code"].is_string());
    assert_eq!(blocked.count(), 18);
    let text = heads[1]["statusReason"].as_str().unwrap();
    assert_eq!(text.chars().count(), 256);
}
