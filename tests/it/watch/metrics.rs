//! The metrics of queues, which alarms watch.

use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use batch_emulator::{Emulator, JobSpec, PositionTime, Queue, Status};
use serde_json::{Value, json};
use support::{Function, NO_CAPACITY, NO_ROLE, first_for};

/// The lines of metrics of the invocations in one test, since a function takes a plain `fn` for them.
static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn keep(line: &str) {
    LINES.lock().unwrap().push(line.to_owned());
}

/// Checks a line against CloudWatch's embedded metric format, and returns its dimensions and values.
fn read_emf(line: &str) -> (String, BTreeMap<String, u64>) {
    assert!(!line.contains('\n') && line.len() < 256 * 1024);
    let line: Value = serde_json::from_str(line).unwrap();
    assert!(line["_aws"]["Timestamp"].is_u64());
    let [directive] = line["_aws"]["CloudWatchMetrics"]
        .as_array()
        .unwrap()
        .as_slice()
    else {
        panic!("{line}");
    };
    assert_eq!(directive["Namespace"], "Watched");
    assert_eq!(directive["Dimensions"], json!([["JobQueueName"]]));
    let metrics = directive["Metrics"].as_array().unwrap();
    let values = metrics.iter().map(|metric| {
        let name = metric["Name"].as_str().unwrap();
        let unit = if name == "HeadAge" {
            "Seconds"
        } else {
            "Count"
        };
        assert_eq!(metric["Unit"], unit);
        (name.to_owned(), line[name].as_u64().unwrap())
    });
    let queue = line["JobQueueName"].as_str().unwrap();
    (queue.to_owned(), values.collect())
}

#[tokio::test(start_paused = true)]
async fn metrics_tell_for_how_long_each_queue_has_had_its_first_job_and_whether_it_is_blocked() {
    let emulator = Emulator::new();
    for queue in ["idle", "busy", "stuck", "untimed", "training"] {
        emulator.add_queue(match queue {
            "training" => Queue::service(queue),
            _ => Queue::new(queue),
        });
    }
    let first = |queue: &str, reason: Option<&str>, position_time| {
        emulator.add_job(JobSpec {
            status_reason: reason.map(str::to_owned),
            position_time,
            ..JobSpec::new(Status::Runnable)
                .queue(queue)
                .age(Duration::from_hours(2))
        });
    };
    let hour = first_for(&emulator, Duration::from_hours(1));
    first("busy", Some("Waiting"), hour);
    first("stuck", Some(NO_ROLE), hour);
    first("untimed", Some(NO_CAPACITY), PositionTime::Missing);
    let mut function = Function::on(emulator, &[("METRICS_NAMESPACE", "Watched")]);
    function.app.output = Some(Box::new(keep));
    let named = json!(["gone", "idle", "busy", "stuck", "untimed", "training"]);
    let event = json!({"watch": {"jobQueues": named}});
    function.invoke(event).await.unwrap();
    let lines = std::mem::take(&mut *LINES.lock().unwrap());
    let of_queues = lines.iter().filter(|line| line.contains("JobQueueName"));
    let read: BTreeMap<String, BTreeMap<String, u64>> =
        of_queues.map(|line| read_emf(line)).collect();
    let values = |age: Option<u64>, blocked: u64| {
        let age = age.map(|age| ("HeadAge".to_owned(), age));
        let blocked = ("HeadBlocked".to_owned(), blocked);
        age.into_iter().chain([blocked]).collect::<BTreeMap<_, _>>()
    };
    let expected = [
        ("idle", values(Some(0), 0)),
        ("busy", values(Some(3600), 0)),
        ("stuck", values(Some(3600), 1)),
        ("untimed", values(None, 1)),
    ];
    let expected = expected.map(|(queue, values)| (queue.to_owned(), values));
    assert_eq!(read, BTreeMap::from(expected));
    // The metrics of the invocation itself, and what it did.
    assert_eq!(lines.len(), 6, "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("\"Calls\"")));
    assert!(
        lines
            .iter()
            .any(|line| line.contains("\"measuredQueues\":6"))
    );
}
