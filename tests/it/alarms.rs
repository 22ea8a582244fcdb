//! Alarms that are about nothing of ours: metrics of another account, contributors that name no queue, queues that are gone.

use std::time::Duration;

use batch_emulator::{JobSpec, Status};
use serde_json::{Value, json};
use support::{
    Function, OWN_FAULT, QUEUE,
    events::{failures, notification, sns, sqs},
    first_for,
};

const OWN: &str = "123456789012";
const OTHER: &str = "210987654321";

/// A function on a queue whose first job blocks it by its own fault.
fn blocked(settings: &[(&str, &str)]) -> (Function, String) {
    let function = Function::new(settings);
    let id = function.emulator.add_job(JobSpec {
        status_reason: Some(OWN_FAULT.to_owned()),
        position_time: first_for(&function.emulator, Duration::from_hours(1)),
        ..JobSpec::new(Status::Runnable)
            .queue(QUEUE)
            .age(Duration::from_hours(2))
    });
    (function, id)
}

/// A metric of a queue, in the form of EventBridge and of alarm actions.
fn metric(queue: &str) -> Value {
    json!({"id": "m1", "returnData": false, "metricStat": {"period": 60, "stat": "Sum", "metric": {
        "namespace": "AWS/Batch", "name": "JobsMovedToRunnable", "dimensions": {"JobQueueName": queue}}}})
}

fn expression() -> Value {
    json!({"id": "q", "expression": "SELECT MAX(PendingAge) FROM \"Team/Batch\" GROUP BY JobQueueName", "period": 60})
}

fn of_account(mut metric: Value, account: &str) -> Value {
    metric["accountId"] = json!(account);
    metric
}

/// The alarm as an action, and as both events of EventBridge, with these metrics and this contributor.
fn alarms(metrics: &Value, contributor: &Value) -> Vec<Value> {
    let mut data = json!({"alarmName": "stuck", "state": {"value": "ALARM"},
        "configuration": {"metrics": metrics}});
    let is_contributor = !contributor.is_null();
    if is_contributor {
        data["alarmContributor"] = contributor.clone();
    }
    let event = |detail_type: &str| {
        json!({"source": "aws.cloudwatch", "detail-type": detail_type, "account": OWN,
            "region": "eu-west-1", "time": "2026-11-22T02:00:00Z", "detail": data})
    };
    let mut all = vec![
        json!({"source": "aws.cloudwatch", "accountId": OWN, "region": "eu-west-1",
            "alarmArn": format!("arn:aws:cloudwatch:eu-west-1:{OWN}:alarm:stuck"), "alarmData": data}),
        event("CloudWatch Alarm State Change"),
    ];
    if is_contributor {
        all.push(event("CloudWatch Alarm Contributor State Change"));
    }
    all
}

/// The message of an alarm through SNS, with these fields.
fn message(fields: Value) -> String {
    let mut message = json!({"AlarmName": "stuck", "AWSAccountId": OWN, "NewStateValue": "ALARM",
        "Region": "EU (Ireland)", "AlarmArn": format!("arn:aws:cloudwatch:eu-west-1:{OWN}:alarm:stuck")});
    let Value::Object(fields) = fields else {
        panic!("{fields}");
    };
    message.as_object_mut().unwrap().extend(fields);
    message.to_string()
}

/// A metric in the form of SNS, of this account.
fn sns_metric(account: &str) -> Value {
    json!({"Id": "m1", "ReturnData": true, "AccountId": account, "MetricStat": {"Period": 60, "Stat": "Sum",
        "Metric": {"Namespace": "AWS/Batch", "MetricName": "JobsMovedToRunnable",
            "Dimensions": [{"name": "JobQueueName", "value": QUEUE}]}}})
}

/// Asserts that an alarm is ignored, by itself and in a queue, and that the reason contains these words.
async fn assert_ignored(event: &Value, words: &[&str]) {
    let (function, id) = blocked(&[]);
    let report = function.invoke(event.clone()).await;
    let report = report.unwrap_or_else(|error| panic!("{error}: {event}"));
    let why = report["ignored"].as_str().unwrap_or_default();
    for word in words {
        assert!(why.contains(word), "{why:?} without {word}: {event}");
    }
    assert_eq!(
        (&report["complete"], &report["jobs"]),
        (&json!(true), &json!([]))
    );
    let body = match event["Records"][0]["Sns"]["Message"].as_str() {
        Some(message) => notification(message),
        None => event.to_string(),
    };
    let answer = function.invoke(sqs([body])).await.unwrap();
    assert_eq!(answer, failures(&[]), "{event}");
    assert!(!function.emulator.job(&id).unwrap().is_cancelled, "{event}");
}

async fn assert_cancels(event: &Value) {
    let (function, id) = blocked(&[]);
    let answer = function.invoke(event.clone()).await;
    let job = function.emulator.job(&id).unwrap();
    assert!(job.is_cancelled, "{event}: {answer:?}");
}

#[tokio::test(start_paused = true)]
async fn metric_of_another_account_is_ignored_with_both_accounts() {
    let accounts = [OTHER, OWN];
    for metrics in [
        json!([of_account(metric(QUEUE), OTHER)]),
        json!([metric(QUEUE), of_account(metric(QUEUE), OTHER)]),
        json!([expression(), of_account(metric(QUEUE), OTHER)]),
    ] {
        for alarm in alarms(&metrics, &Value::Null) {
            assert_ignored(&alarm, &accounts).await;
        }
    }
    for trigger in [
        json!({"Metrics": [sns_metric(OTHER)]}),
        json!({"Metrics": [sns_metric(OWN), sns_metric(OTHER)]}),
        json!({"Namespace": "AWS/Batch", "AccountId": OTHER,
            "Dimensions": [{"name": "JobQueueName", "value": QUEUE}]}),
    ] {
        let alarm = message(json!({"Trigger": trigger}));
        assert_ignored(&sns(&alarm), &accounts).await;
    }
}

#[tokio::test(start_paused = true)]
async fn metric_of_this_account_acts_whatever_else_the_alarm_watches() {
    let elsewhere = json!({"id": "m2", "accountId": OTHER, "metricStat": {"metric": {
        "namespace": "AWS/EC2", "dimensions": {"JobQueueName": "x"}}}});
    let metrics = json!([
        of_account(metric(QUEUE), OWN),
        elsewhere,
        of_account(expression(), OTHER)
    ]);
    for alarm in alarms(&metrics, &Value::Null) {
        assert_cancels(&alarm).await;
    }
    let alarm = message(json!({"Trigger": {"Metrics": [sns_metric(OWN)]}}));
    assert_cancels(&sns(&alarm)).await;
}

/// An alarm on all queues, which also watches a metric of one of them, with this contributor in every form.
fn of_contributor(attributes: &Value) -> Vec<Value> {
    let metrics = json!([metric(QUEUE), expression()]);
    let contributor = json!({"id": "9a1c", "attributes": attributes});
    let mut all = alarms(&metrics, &contributor);
    let fields = json!({"AlarmContributorId": "9a1c", "AlarmContributorAttributes": attributes,
        "Trigger": {"Metrics": [sns_metric(OWN)]}});
    all.push(sns(&message(fields)));
    all
}

#[tokio::test(start_paused = true)]
async fn contributor_stands_for_its_own_attributes_alone() {
    for (attributes, words) in [
        (json!({"JobQueueName": "Other"}), "\"Other\""),
        (
            json!({"job_queue": QUEUE, "tenant": "blue"}),
            "looked for: JobQueueName, JobQueue",
        ),
        (json!({"JobQueueName": ""}), "looked for: JobQueueName"),
        (json!({"JobQueueName": 7}), "looked for: JobQueueName"),
        (json!({}), "looked for: JobQueueName"),
        (Value::Null, "looked for: JobQueueName"),
        (
            json!({"JobQueueName": QUEUE, "JobQueue": "b"}),
            "more than one job queue",
        ),
        (
            json!({"JobQueueName": "gone"}),
            "job queue gone does not exist",
        ),
        (
            json!({"JobQueueName": "not a name"}),
            "is not the name of a job queue",
        ),
    ] {
        for alarm in of_contributor(&attributes) {
            assert_ignored(&alarm, &[words]).await;
        }
    }
    for alarm in of_contributor(&json!({"JobQueueName": QUEUE, "tenant": "blue"})) {
        assert_cancels(&alarm).await;
    }
}

#[tokio::test(start_paused = true)]
async fn event_about_a_contributor_without_one_is_ignored() {
    let metrics = json!([metric(QUEUE)]);
    for contributor in [json!({}), json!({"id": "9a1c"})] {
        for alarm in alarms(&metrics, &contributor) {
            assert_ignored(&alarm, &["its contributor's attributes"]).await;
        }
    }
    let mut alarm = alarms(&metrics, &json!({})).remove(2);
    alarm["detail"]["alarmContributor"] = Value::Null;
    assert_ignored(&alarm, &["its contributor's attributes"]).await;
}

#[tokio::test(start_paused = true)]
async fn contributor_of_another_account_is_ignored() {
    let accounts = [OTHER, OWN];
    for alarm in of_contributor(&json!({"JobQueueName": QUEUE, "AWS.AccountId": OTHER})) {
        assert_ignored(&alarm, &accounts).await;
    }
    let metrics = json!([of_account(expression(), OTHER)]);
    let contributor = json!({"id": "9a1c", "attributes": {"JobQueueName": QUEUE}});
    for alarm in alarms(&metrics, &contributor) {
        assert_ignored(&alarm, &accounts).await;
    }
}

#[tokio::test(start_paused = true)]
async fn alarm_on_a_queue_that_is_not_there_or_not_here_is_ignored() {
    for (queue, words) in [
        ("gone", "job queue gone does not exist"),
        (
            "arn:aws:sqs:eu-west-1:123456789012:main-queue",
            "is not the name of a job queue",
        ),
        ("*", "is not the name of a job queue"),
        (
            "arn:aws:batch:us-east-1:123456789012:job-queue/main-queue",
            "us-east-1:123456789012",
        ),
        (
            "arn:aws:batch:eu-west-1:210987654321:job-queue/main-queue",
            "eu-west-1:210987654321",
        ),
    ] {
        for alarm in alarms(&json!([metric(queue)]), &Value::Null) {
            assert_ignored(&alarm, &[words]).await;
        }
    }
    for alarm in alarms(&json!([metric(support::QUEUE_ARN)]), &Value::Null) {
        assert_cancels(&alarm).await;
    }
    // Whoever names such a queue in a request is mistaken.
    let (function, _) = blocked(&[]);
    let request = json!({"select": {"jobQueue": "gone"}});
    let error = function.invoke(request).await.unwrap_err();
    assert_eq!(error.error_type(), "Refused");
}

/// A number that is an account is not overlooked for want of quotes.
#[tokio::test(start_paused = true)]
async fn contributor_of_another_account_that_is_a_number_is_ignored() {
    let account: u64 = OTHER.parse().unwrap();
    let attributes = json!({"JobQueueName": QUEUE, "AWS.AccountId": account});
    let contributor = json!({"id": "c", "attributes": attributes});
    for alarm in alarms(&json!([expression()]), &contributor) {
        assert_ignored(&alarm, &[OTHER, OWN]).await;
    }
    let alarm = message(json!({"AlarmContributorAttributes": attributes}));
    assert_ignored(&sns(&alarm), &[OTHER, OWN]).await;
}
