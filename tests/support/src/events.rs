//! Events made to order, each from the sample in `events/` of its kind: SQS, SNS, pipes, EventBridge, AWS Batch, alarms and
//! HTTP.

mod http;

use serde_json::{Value, json};

use crate::samples::{QUEUE, RUNNABLE, SERVICE, SERVICE_QUEUE, sample};

pub use http::{CALLER, FORMS, Form, HttpEvent};

/// The event of a standard queue with these messages, whose ids are `message-0`, `message-1` and so on.
pub fn sqs(bodies: impl IntoIterator<Item = impl ToString>) -> Value {
    json!({"Records": sqs_records(bodies)})
}

/// The event of a standard queue whose messages are in groups: group and body of each.
pub fn sqs_groups<G: ToString, B: ToString>(messages: impl IntoIterator<Item = (G, B)>) -> Value {
    let (groups, bodies): (Vec<G>, Vec<B>) = messages.into_iter().unzip();
    let mut records = sqs_records(bodies);
    for (record, group) in records.iter_mut().zip(groups) {
        record["attributes"]["MessageGroupId"] = json!(group.to_string());
    }
    json!({"Records": records})
}

/// The event of a FIFO queue: group and body of each message.
pub fn fifo<G: ToString, B: ToString>(messages: impl IntoIterator<Item = (G, B)>) -> Value {
    let mut event = sqs_groups(messages);
    for record in event["Records"].as_array_mut().unwrap() {
        record["eventSourceARN"] = json!("arn:aws:sqs:eu-west-1:123456789012:requests.fifo");
    }
    event
}

/// The event of a pipe from a standard queue.
pub fn pipes(bodies: impl IntoIterator<Item = impl ToString>) -> Value {
    json!(sqs_records(bodies))
}

fn sqs_records(bodies: impl IntoIterator<Item = impl ToString>) -> Vec<Value> {
    let sample = sample("sqs-two-jobs").json();
    let record = |(index, body): (usize, String)| {
        let mut record = sample["Records"][0].clone();
        record["messageId"] = json!(message_id(index));
        record["body"] = json!(body);
        record
    };
    let bodies = bodies.into_iter().map(|body| body.to_string());
    bodies.enumerate().map(record).collect()
}

fn message_id(index: usize) -> String {
    format!("message-{index}")
}

/// The answer that returns the messages at these places to their queue.
pub fn failures(places: &[usize]) -> Value {
    let failed: Vec<Value> = places
        .iter()
        .map(|&index| json!({"itemIdentifier": message_id(index)}))
        .collect();
    json!({"batchItemFailures": failed})
}

/// The event of a topic.
pub fn sns(message: &str) -> Value {
    let mut event = sample("sns-request").json();
    event["Records"][0]["Sns"]["Message"] = json!(message);
    event
}

/// The body that a topic without raw delivery puts into a queue.
pub fn notification(message: &str) -> String {
    let body = sample("sqs-sns-request").json()["Records"][0]["body"].clone();
    let mut notification: Value = serde_json::from_str(body.as_str().unwrap()).unwrap();
    notification["Message"] = json!(message);
    notification.to_string()
}

/// A custom event on an event bus, whose detail is this request.
pub fn eventbridge(request: &Value) -> Value {
    let mut event = sample("eventbridge-custom").json();
    event["detail"] = request.clone();
    event
}

/// AWS Batch's event about a job that blocks its queue.
pub fn queue_blocked(job_id: &str, queue: &str) -> Value {
    from_sample(
        "eventbridge-queue-blocked",
        &[(RUNNABLE, job_id), (QUEUE, queue)],
    )
}

/// AWS Batch's event about a service job that blocks its queue.
pub fn service_queue_blocked(job_id: &str, queue: &str) -> Value {
    from_sample(
        "eventbridge-service-job-queue-blocked",
        &[(SERVICE, job_id), (SERVICE_QUEUE, queue)],
    )
}

/// AWS Batch's event about a job that has become RUNNABLE.
pub fn job_runnable(job_id: &str, queue: &str) -> Value {
    from_sample(
        "eventbridge-job-runnable",
        &[(RUNNABLE, job_id), (QUEUE, queue)],
    )
}

/// The action of an alarm on this queue.
pub fn alarm_action(queue: &str, description: &str) -> Value {
    let mut event = from_sample("alarm-action", &[(QUEUE, queue)]);
    event["alarmData"]["configuration"]["description"] = json!(description);
    event
}

/// `CloudWatch`'s event about an alarm on this queue.
pub fn alarm_event(queue: &str) -> Value {
    from_sample("alarm-eventbridge", &[(QUEUE, queue)])
}

/// A sample with other texts in place of its own.
fn from_sample(name: &str, texts: &[(&str, &str)]) -> Value {
    let mut text = sample(name).text();
    for (old, new) in texts {
        assert!(text.contains(old), "{old} is not in events/{name}.json");
        text = text.replace(old, new);
    }
    serde_json::from_str(&text).unwrap()
}
