//! Events inside of other events: through a topic, a queue, or both.

use batch_emulator::JobView;
use serde_json::{Value, json};
use support::{
    Function,
    events::{failures, notification, pipes, sns, sqs},
    failed,
    samples::{RUNNABLE, sample},
};

/// The event through a topic, a queue or both, with the answer if all is done; without one if the answer is a report.
fn chains(event: &str) -> Vec<(&'static str, Value, Option<Value>)> {
    let done = Some(failures(&[]));
    let raw = {
        let mut raw = sqs([event]);
        raw["Records"][0]["messageAttributes"]["team"] =
            json!({"stringValue": "render", "dataType": "String"});
        raw
    };
    vec![
        ("SNS", sns(event), None),
        ("SQS", sqs([event]), done.clone()),
        ("SNS, raw, SQS", raw, done.clone()),
        ("SNS, SQS", sqs([notification(event)]), done.clone()),
        ("SQS, pipe", pipes([event]), done.clone()),
        ("SNS, SQS, pipe", pipes([notification(event)]), done.clone()),
        (
            "SNS, SNS, SQS",
            sqs([notification(&notification(event))]),
            done,
        ),
    ]
}

/// Each job without its times and its status reason, which names the source.
fn states(function: &Function) -> Vec<JobView> {
    let mut jobs = function.emulator.jobs();
    for job in &mut jobs {
        job.status_reason = None;
        job.started_at = None;
        job.stopped_at = None;
    }
    jobs
}

#[tokio::test(start_paused = true)]
async fn event_has_the_same_effect_directly_and_through_topics_and_queues() {
    for name in [
        "eventbridge-queue-blocked",
        "eventbridge-job-runnable",
        "eventbridge-custom",
        "eventbridge-job-failed",
        "eventbridge-queue-blocked-capacity",
        "alarm-eventbridge",
        "alarm-action",
        "alarm-action-ok",
        "direct-cancel",
        "direct-distributed-map",
    ] {
        let sample = sample(name);
        let direct = Function::for_sample(&sample, &[]);
        let expected = direct.invoke_text(&sample.text()).await.unwrap();
        for (way, event, answer) in chains(&sample.text()) {
            let function = Function::for_sample(&sample, &[]);
            let answered = function.invoke(event).await.unwrap();
            assert_eq!(states(&function), states(&direct), "{name} through {way}");
            let calls = |function: &Function| function.emulator.calls().len();
            assert_eq!(calls(&function), calls(&direct), "{name} through {way}");
            match answer {
                Some(answer) => assert_eq!(answered, answer, "{name} through {way}"),
                None => assert_eq!(answered["jobs"], expected["jobs"], "{name} through {way}"),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn broken_event_has_the_same_error_directly_and_through_topics_and_queues() {
    for name in [
        "eventbridge-custom-bad-field",
        "eventbridge-ec2-unsupported",
    ] {
        let sample = sample(name);
        let direct = Function::for_sample(&sample, &[]);
        let expected = failed(direct.invoke_text(&sample.text()).await.unwrap_err());
        for (way, event, answer) in chains(&sample.text()) {
            let function = Function::for_sample(&sample, &[]);
            let answered = function.invoke(event).await;
            if answer.is_some() {
                assert_eq!(answered.unwrap(), failures(&[0]), "{name} through {way}");
            } else {
                let error = failed(answered.unwrap_err());
                assert_eq!(error, expected, "{name} through {way}");
            }
            assert!(function.emulator.calls().is_empty(), "{name} through {way}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn messages_may_be_nested_four_deep() {
    let sample = sample("direct-one-job");
    let mut message = sample.text();
    for depth in 0..8 {
        let function = Function::for_sample(&sample, &[]);
        let answer = function.invoke(sqs([&message])).await;
        let ended = function.emulator.job(RUNNABLE).unwrap().is_cancelled;
        assert_eq!(ended, depth <= 4, "{depth} deep");
        let expected = if ended { failures(&[]) } else { failures(&[0]) };
        assert_eq!(answer.unwrap(), expected, "{depth} deep");
        message = notification(&message);
    }
}

#[tokio::test(start_paused = true)]
async fn message_is_read_despite_quotes_white_space_and_byte_order_mark() {
    // Tools and rules leave quotes, white space and a byte order mark around ids and requests.
    for body in [
        RUNNABLE.to_owned(),
        format!("\"{RUNNABLE}\""),
        format!("  {RUNNABLE}\r\n"),
        format!("[\"{RUNNABLE}\"]"),
        format!("\u{feff}{{\"jobId\": \"{RUNNABLE}\"}}"),
        json!({"BatchInput": {}, "Items": [RUNNABLE]}).to_string(),
    ] {
        let function = Function::for_sample(&sample("direct-one-job"), &[]);
        for event in [sqs([&body]), sns(&body)] {
            function.invoke(event).await.unwrap();
            let job = function.emulator.job(RUNNABLE).unwrap();
            assert!(job.is_cancelled, "{body}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn unreadable_message_is_returned_and_nothing_is_called() {
    for (body, error_type) in [
        ("", "InvalidRequest"),
        ("  ", "InvalidRequest"),
        ("cancel everything", "InvalidRequest"),
        ("null", "InvalidRequest"),
        ("42", "InvalidRequest"),
        ("\"\"", "InvalidRequest"),
        ("{", "InvalidRequest"),
        ("{}", "UnsupportedEvent"),
        ("[1]", "InvalidRequest"),
        ("{\"jobIds\": null}", "InvalidRequest"),
        ("{\"jobIds\": [], \"jobId\": \"x\"}", "InvalidRequest"),
        ("{\"jobIds\": []} {\"jobIds\": []}", "InvalidRequest"),
        ("{\"select\": {}}", "InvalidRequest"),
    ] {
        let function = Function::for_sample(&sample("direct-one-job"), &[]);
        let answer = function.invoke(sqs([body])).await;
        assert_eq!(answer.unwrap(), failures(&[0]), "{body:?}");
        let error = failed(function.invoke(sns(body)).await.unwrap_err());
        assert_eq!(error.error_type, error_type, "{body:?}: {error:?}");
        assert!(function.emulator.calls().is_empty(), "{body:?}");
    }
}
