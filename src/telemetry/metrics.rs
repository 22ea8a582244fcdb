//! The metrics of an invocation, and those of job queues that were measured: each a line in `CloudWatch`'s
//! [embedded metric format](https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
//!
//! The crate for that format keeps one recorder for the whole process, which parallel tests would share.

use jiff::Timestamp;
use serde_json::{Value, json};
use tracing::Level;

use super::{InvocationRecord, Line};
use crate::{
    command::{Invocation, Source},
    queue::{Head, QueueView, Watch},
    report::{Class, Outcome, Report},
    results::MessageOutcome,
};

/// The most values of one metric in a line.
const MAX_VALUES: usize = 100;

/// A metric: its name, its unit and its value or values.
type Metric = (String, &'static str, Value);

/// The line that `CloudWatch` reads as metrics. It has one metric at least: how many calls were made.
pub(super) fn metrics(namespace: &str, record: &InvocationRecord<'_>) -> String {
    let metrics = values(record);
    let mut directives = vec![directive(namespace, &[&["FunctionName"]], &metrics)];
    let asked = count("JobsAsked", record.report().map_or(0, Report::count));
    let source = record.invocation.source.filter(|_| asked.is_some());
    if source.is_some() {
        // Each source is a metric of its own, which is billed: so only this one tells the sources apart.
        let dimensions: &[&[&str]] = &[&["FunctionName"], &["FunctionName", "Source"]];
        directives.push(directive(namespace, dimensions, asked.as_slice()));
    }
    let mut line = Line::new(Level::INFO, "metrics");
    push_directives(&mut line, record.invocation, &directives);
    line.push_some("Source", source.map(Source::as_str));
    for (name, _, value) in metrics.into_iter().chain(asked) {
        line.push(&name, value);
    }
    push_refusal(&mut line, record);
    line.into_json()
}

fn directive(namespace: &str, dimensions: &[&[&str]], metrics: &[Metric]) -> Value {
    let metrics = metrics.iter();
    let metrics = metrics.map(|(name, unit, _)| json!({"Name": name, "Unit": unit}));
    json!({
        "Namespace": namespace,
        "Dimensions": dimensions,
        "Metrics": metrics.collect::<Vec<_>>(),
    })
}

/// Says which fields of a line are metrics; one of its dimensions may be the function's name.
fn push_directives(line: &mut Line, invocation: Invocation<'_>, directives: &[Value]) {
    line.push("requestId", invocation.request_id);
    let now = Timestamp::now().as_millisecond();
    let metrics = json!({"Timestamp": now, "CloudWatchMetrics": directives});
    line.push("_aws", metrics);
    line.push("FunctionName", invocation.function_name);
}

/// Each metric but `JobsAsked`. Zeros are left out, except of `Calls`.
fn values(record: &InvocationRecord<'_>) -> Vec<Metric> {
    let outcomes = record.report().map(Report::summary).unwrap_or_default();
    let left_over = outcomes.iter();
    let left_over = left_over.filter(|(outcome, _)| outcome.class() == Class::Retryable);
    let left_over = left_over.map(|(_, count)| *count).sum();
    let messages = |of: fn(&&MessageOutcome) -> bool| record.messages().iter().filter(of).count();
    let calls = record.calls;
    let total = calls.total();
    let others = [
        ("JobsLeftOver", left_over),
        ("RequestsRefused", record.refused()),
        ("Ignored", messages(|message| message.ignored.is_some())),
        ("SelectionsPartial", messages(|message| message.is_partial)),
        ("CallsThrottled", total.throttled),
        ("CallsFailed", total.failed),
        ("CallsRetried", calls.retried()),
        ("ReportsNotPublished", record.not_published),
    ];
    let outcomes = outcomes.into_iter();
    let outcomes = outcomes.filter_map(|(outcome, jobs)| count(&metric(outcome), jobs));
    let others = others.into_iter();
    let others = others.filter_map(|(name, value)| count(name, value));
    let mut metrics: Vec<Metric> = outcomes.chain(others).collect();
    metrics.push(("Calls".to_owned(), "Count", total.calls.into()));
    let durations = sample(calls.durations());
    if !durations.is_empty() {
        metrics.push(("CallDuration".to_owned(), "Milliseconds", durations.into()));
    }
    metrics
}

fn count(name: &str, count: usize) -> Option<Metric> {
    (count > 0).then(|| (name.to_owned(), "Count", count.into()))
}

/// All values if they are at most 100, else 100 of them in order, evenly spaced from the least to the greatest: the
/// percentiles stay as they are.
fn sample(mut values: Vec<u32>) -> Vec<u32> {
    if values.len() <= MAX_VALUES {
        return values;
    }
    values.sort_unstable();
    let last = values.len() - 1;
    let places = (0..MAX_VALUES).map(|index| index * last / (MAX_VALUES - 1));
    places
        .filter_map(|place| values.get(place).copied())
        .collect()
}

/// Why requests were refused. These are properties and not dimensions, since each value of a dimension makes a metric of
/// its own, which is billed.
fn push_refusal(line: &mut Line, record: &InvocationRecord<'_>) {
    if record.refused() > 0 {
        line.push_some("ErrorType", record.error_types());
        line.push_some("HttpStatus", record.http_status);
    }
}

/// The metric that counts an outcome: `JobsCancelled` counts `cancelled`.
fn metric(outcome: Outcome) -> String {
    let mut name = outcome.as_str().chars();
    let first = name.next().map(|c| c.to_ascii_uppercase());
    "Jobs".chars().chain(first).chain(name).collect()
}

/// The lines that `CloudWatch` reads as the metrics of job queues, one for each queue whose first job is known.
pub(super) fn of_queues<'a>(
    namespace: &'a str,
    invocation: Invocation<'a>,
    watch: &'a Watch,
) -> impl Iterator<Item = String> + 'a {
    let queues = watch.queues.iter();
    queues.filter_map(move |queue| queue_metrics(namespace, invocation, queue))
}

/// `HeadAge`, in seconds, and `HeadBlocked`, 1 if the first job has a documented reason. Both are 0 if no job waits, so
/// that an alarm on them is OK again. There are no others, since each metric of each queue is billed.
fn queue_metrics(namespace: &str, invocation: Invocation<'_>, queue: &QueueView) -> Option<String> {
    let head = queue.head.as_ref()?;
    let age = head.as_ref().map_or(Some(0), |head| head.age_seconds);
    let is_blocked = head.as_ref().is_some_and(Head::is_blocked);
    let blocked = json!(u8::from(is_blocked));
    let aged = age.map(|age| ("HeadAge".to_owned(), "Seconds", age.into()));
    let blocked = ("HeadBlocked".to_owned(), "Count", blocked);
    let metrics: Vec<Metric> = aged.into_iter().chain([blocked]).collect();
    let directive = directive(namespace, &[&["JobQueueName"]], &metrics);
    let mut line = Line::new(Level::INFO, "queue metrics");
    push_directives(&mut line, invocation, &[directive]);
    line.push("JobQueueName", queue.job_queue.as_str());
    for (name, _, value) in metrics {
        line.push(&name, value);
    }
    Some(line.into_json())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_values_are_cut_to_100_with_the_least_and_the_greatest() {
        assert_eq!(sample(vec![3, 1, 2]), [3, 1, 2]);
        let all: Vec<u32> = (0..10_000).rev().collect();
        let some = sample(all);
        assert_eq!(some.len(), 100);
        assert_eq!((some[0], some[99]), (0, 9_999));
        assert!(some.is_sorted());
    }
}
