//! What the report on the bus says of the requests behind it.

use batch_emulator::Status;
use serde_json::{Value, json};
use support::{
    QUEUE,
    bus::Bus,
    events::{Form, failures, sqs},
};

use super::{REFUSED, REPORT, function_with, jobs};

/// The longest list of requests, in bytes.
const MOST: usize = 32_000;

#[tokio::test(start_paused = true)]
async fn a_report_says_what_was_asked() {
    let (function, bus) = function_with(&[("ALLOW_TERMINATE", "true")]);
    let id = function.add(Status::Runnable);
    let by_id = json!({"jobId": id, "reason": "wrong branch"});
    let by_queue = json!({"select": {"jobQueues": [QUEUE, "main-*"], "jobName": "none"},
        "terminate": true, "reason": " "});
    let broken = json!({"jobIds": "no list"});
    let event = sqs([&by_id, &broken, &by_queue]);
    assert_eq!(function.invoke(event).await.unwrap(), failures(&[1]));
    let of_batch = json!([
        {"messageId": "message-0", "action": "cancel", "reason": "wrong branch"},
        {"messageId": "message-2", "action": "terminate",
         "reason": "Cancelled on request through sqs", "jobQueues": [QUEUE, "main-*"]}]);
    assert_eq!(bus.details(REPORT)[0]["requests"], of_batch);
    assert_eq!(bus.details(REFUSED)[0]["messageId"], "message-1");
    // One by itself has no id.
    let alone = json!([{"action": "cancel", "reason": "wrong branch"}]);
    function.invoke(by_id.clone()).await.unwrap();
    assert_eq!(bus.details(REPORT)[1]["requests"], alone);
    let event = Form::V2.post(&by_id.to_string()).caller("ann");
    function.invoke(event).await.unwrap();
    assert_eq!(bus.details(REPORT)[2]["requests"], alone);
    assert!(
        bus.details(REPORT)
            .iter()
            .all(|detail| detail.get("more").is_none())
    );
}

/// What was asked, as each part says it; how many requests there are in it, and how many more.
fn asked(bus: &Bus) -> (usize, usize) {
    let details = bus.details(REPORT);
    let (requests, more) = (&details[0]["requests"], &details[0]["more"]);
    for detail in &details {
        assert_eq!((&detail["requests"], &detail["more"]), (requests, more));
    }
    assert!(requests.to_string().len() <= MOST, "{requests}");
    let more = more.as_u64().unwrap_or_default();
    (
        requests.as_array().unwrap().len(),
        usize::try_from(more).unwrap(),
    )
}

/// The bus after an invocation with this event.
async fn invoke(event: Value) -> Bus {
    let (function, bus) = function_with(&[]);
    function.invoke(event).await.unwrap();
    bus
}

#[tokio::test(start_paused = true)]
async fn requests_beyond_32_kb_are_counted() {
    // {"action":"cancel","reason":"…"}, has 32 bytes beside the reason, and the list one more.
    let request = |length: usize| json!({"jobIds": [], "reason": "x".repeat(length)});
    let full = vec![request(1000 - 32); 31];
    let last = MOST - 1 - 31 * 1000 - 32;
    for (length, more) in [(last, 0), (last + 1, 1)] {
        let bus = invoke([&full[..], &[request(length)]].concat().into()).await;
        assert_eq!(asked(&bus), (32 - more, more), "{length}");
    }
    // What comes behind one that did not fit is counted too, however short it is.
    let behind = [&full[..], &[request(last + 1), request(1)]].concat();
    let bus = invoke(behind.into()).await;
    assert_eq!(asked(&bus), (31, 2));
}

#[tokio::test(start_paused = true)]
async fn long_texts_in_requests_are_cut() {
    for filling in ["x", "ü", "🦀", "\0", "\""] {
        let long = filling.repeat(100_000);
        let bus = invoke(json!({"jobIds": [], "reason": long})).await;
        assert_eq!(asked(&bus), (1, 0), "{filling}");
        let details = bus.details(REPORT);
        let reason = details[0]["requests"][0]["reason"].as_str().unwrap();
        assert_eq!(reason.chars().count(), 1024, "{filling}");
        assert!(reason.ends_with('…'), "{filling}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_part_says_what_was_asked() {
    let (function, bus) = function_with(&[]);
    let ids = jobs(&function, 3000);
    let requests: Vec<Value> = ids
        .chunks(30)
        .map(|ids| json!({"jobIds": ids, "reason": "x".repeat(1024)}))
        .collect();
    function.invoke(Value::from(requests)).await.unwrap();
    assert_eq!(bus.details(REPORT).len(), 5);
    assert_eq!(asked(&bus), (30, 70));
}
