//! Messages in forms that are easy to overlook: alarm contributors, nodes of multi-node jobs, bodies that are JSON.

use std::time::Duration;

use batch_emulator::{JobSpec, Status};
use serde_json::{Value, json};
use support::{
    Function, OWN_FAULT, QUEUE,
    events::{failures, pipes, sns, sqs},
    first_for, only_outcome,
    samples::sample,
};

/// A job that blocks the main queue, and whose own fault it is.
fn blocked(function: &Function) -> String {
    let mut job = JobSpec::new(Status::Runnable)
        .queue(QUEUE)
        .age(Duration::from_hours(1));
    job.position_time = first_for(&function.emulator, Duration::from_hours(1));
    job.status_reason = Some(OWN_FAULT.to_owned());
    function.emulator.add_job(job)
}

fn is_cancelled(function: &Function, id: &str) -> bool {
    function.emulator.job(id).unwrap().is_cancelled
}

/// The message that CloudWatch sends to a topic about one contributor, with these fields in place of its own.
fn contributor_alarm(fields: &Value) -> String {
    let text = sample("sns-alarm-contributor").json()["Records"][0]["Sns"]["Message"].clone();
    let mut alarm: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
    for (name, value) in fields.as_object().unwrap() {
        alarm[name] = value.clone();
    }
    alarm.to_string()
}

#[tokio::test(start_paused = true)]
async fn an_alarm_through_sns_names_its_queue_by_its_contributor() {
    let queue = json!({"AlarmContributorAttributes": {"JobQueueName": QUEUE}});
    for event in [
        sns(&contributor_alarm(&queue)),
        sqs(&[contributor_alarm(&queue)]),
    ] {
        let function = Function::new(&[]);
        let id = blocked(&function);
        function.invoke(event).await.unwrap();
        assert!(is_cancelled(&function, &id));
    }
    for ignored in [
        json!({"AlarmContributorAttributes": {"JobQueueName": QUEUE}, "NewStateValue": "OK"}),
        json!({"AlarmContributorAttributes": {"InstanceType": QUEUE}}),
        json!({"AlarmContributorAttributes": null}),
    ] {
        let function = Function::new(&[]);
        let report = function.invoke(sns(&contributor_alarm(&ignored))).await;
        let report = report.unwrap();
        let why = report["ignored"].as_str().unwrap();
        assert!(why.contains("contributor \"f1a2b3\""), "{ignored}: {why}");
        assert!(function.emulator.calls().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_in_an_event_of_batch_stands_for_its_job() {
    for name in ["eventbridge-queue-blocked", "eventbridge-job-runnable"] {
        for node in ["#0", "#17"] {
            let function = Function::new(&[]);
            let id = blocked(&function);
            let mut event = sample(name).json();
            event["detail"]["jobId"] = json!(format!("{}{node}", id.to_uppercase()));
            let report = function.invoke(event).await.unwrap();
            assert_eq!(only_outcome(&report), "cancelled", "{name}");
            assert_eq!(report["jobs"][0]["jobId"], id);
        }
        let function = Function::new(&[]);
        let mut event = sample(name).json();
        event["detail"]["jobId"] = json!("job-7");
        let error = function.invoke(event).await.unwrap_err();
        assert_eq!(error.error_type(), "InvalidEvent");
        assert!(error.to_string().contains("\"job-7\""), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_may_be_the_json_that_it_holds() {
    for wrap in [
        |id: &str| json!({"jobId": id}),
        |id: &str| json!([id]),
        |id: &str| json!({"source": "com.example", "detail-type": "x", "detail": {"jobId": id}}),
        |id: &str| json!(json!({"jobId": id}).to_string()),
        |id: &str| json!(id),
    ] {
        let function = Function::new(&[]);
        let ids: Vec<String> = (0..6).map(|_| function.add(Status::Runnable)).collect();
        let body = |number: usize| wrap(&ids[number]);
        let records = |numbers: [usize; 2]| {
            let mut event = pipes(&[String::new(), String::new()]);
            for (place, number) in numbers.into_iter().enumerate() {
                event[place]["body"] = body(number);
            }
            event
        };
        let answer = function.invoke(records([0, 1])).await.unwrap();
        assert_eq!(answer, failures(&[]), "{}", body(0));
        let answer = function.invoke(json!({"Records": records([2, 2])})).await;
        assert_eq!(answer.unwrap(), failures(&[]), "{}", body(2));
        let templates = json!([{"body": body(3)}, {"id": "m-1", "body": body(4)}, body(5)]);
        let report = function.invoke(templates).await.unwrap();
        assert_eq!(report["summary"], json!({"jobs": 3, "cancelled": 3}));
        assert!(ids.iter().all(|id| is_cancelled(&function, id)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_neither_text_nor_json_object_or_array_comes_back() {
    let function = Function::new(&[]);
    let id = function.add(Status::Runnable);
    for body in [json!(7), json!(true), Value::Null, json!({"body": id})] {
        let mut event = pipes(&[id.clone(), String::new()]);
        event[1]["body"] = body.clone();
        let answer = function.invoke(event).await.unwrap();
        assert_eq!(answer, failures(&[1]), "{body}");
        let error = function.invoke(json!([{ "body": body }])).await;
        let error = error.unwrap_err().to_string();
        assert!(error.contains("body") || error.contains("[0]"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_option_beside_the_body_never_gets_lost() {
    for option in ["dryRun", "dryrun", "dry_run"] {
        let function = Function::new(&[]);
        let id = function.add(Status::Runnable);
        let mut templates = json!([{"body": {"jobId": id}}]);
        templates[0][option] = json!(true);
        let error = function.invoke(templates).await.unwrap_err();
        assert_eq!(error.error_type(), "InvalidRequest");
        assert!(error.to_string().contains(option), "{error}");
        let mut event = pipes(&[json!({"jobId": id}).to_string()]);
        event[0][option] = json!(true);
        assert_eq!(function.invoke(event).await.unwrap(), failures(&[0]));
        assert!(function.emulator.calls().is_empty());
    }
}
