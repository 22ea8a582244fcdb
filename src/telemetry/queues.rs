//! The metrics of job queues that were measured, which alarms on stuck queues watch.

use serde_json::{Value, json};
use tracing::Level;

use super::{Line, metrics::now};
use crate::{
    command::Invocation,
    queue::{Head, QueueView, Watch},
};

/// The lines that `CloudWatch` reads as the metrics of job queues, one for each queue whose first job is known.
pub(super) fn lines<'a>(
    namespace: &'a str,
    invocation: Invocation<'a>,
    watch: &'a Watch,
) -> impl Iterator<Item = String> + 'a {
    let queues = watch.queues.iter();
    queues.filter_map(move |queue| queue_metrics(namespace, invocation, queue))
}

/// `HeadAge`, in seconds, and `HeadBlocked`, 1 if the first job has a documented reason. Both are 0 if no job waits, so
/// that an alarm on them ends. There are no others, since each metric of each queue is billed.
fn queue_metrics(namespace: &str, invocation: Invocation<'_>, queue: &QueueView) -> Option<String> {
    let head = queue.head.as_ref()?;
    let age = head.as_ref().map_or(Some(0), |head| head.age_seconds);
    let is_blocked = head.as_ref().is_some_and(Head::is_blocked);
    let blocked = json!({"Name": "HeadBlocked", "Unit": "Count"});
    let aged = age.map(|_| json!({"Name": "HeadAge", "Unit": "Seconds"}));
    let metrics: Vec<Value> = aged.into_iter().chain([blocked]).collect();
    let mut line = Line::new(Level::INFO, "queue metrics");
    line.push("requestId", invocation.request_id);
    line.push(
        "_aws",
        json!({
            "Timestamp": now(),
            "CloudWatchMetrics": [{
                "Namespace": namespace,
                "Dimensions": [["JobQueueName"]],
                "Metrics": metrics,
            }],
        }),
    );
    line.push("JobQueueName", queue.job_queue.as_str());
    line.push("FunctionName", invocation.function_name);
    line.push("HeadBlocked", u8::from(is_blocked));
    line.push_some("HeadAge", age);
    Some(line.into_json())
}
