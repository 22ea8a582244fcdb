//! What a watch cannot read at all, and who may not ask for one.

use std::collections::BTreeSet;

use batch_emulator::{Call, Emulator, Faults, Operation, Queue};
use serde_json::{Value, json};
use support::{
    Function, QUEUE,
    events::{FORMS, eventbridge, sns, sqs},
};

use super::error_of;

/// What is wrong with an account.
type Spoil = Box<dyn Fn(&Emulator)>;

#[tokio::test(start_paused = true)]
async fn a_watch_that_reads_no_queue_is_an_error() {
    let all = || json!({"watch": {}});
    let gone = json!({"watch": {"jobQueues": ["gone", "theirs"]}});
    let denied = |operation| {
        move |emulator: &Emulator| {
            emulator.set_faults(Faults {
                denied: BTreeSet::from([operation]),
                ..Faults::default()
            });
        }
    };
    let throttled = |emulator: &Emulator| {
        emulator.set_faults(Faults {
            throttle_rate: 1.0,
            ..Faults::default()
        });
    };
    let cases: [(Value, Spoil, &str); 4] = [
        (gone, Box::new(|_| {}), "Refused"),
        (
            all(),
            Box::new(denied(Operation::DescribeJobQueues)),
            "Denied",
        ),
        (all(), Box::new(throttled), "Incomplete"),
        (
            json!({"watch": {"jobQueues": [QUEUE]}}),
            Box::new(throttled),
            "Incomplete",
        ),
    ];
    for (event, spoil, error_type) in cases {
        let function = Function::new(&[("ALLOWED_QUEUES", QUEUE)]);
        function.emulator.add_queue(Queue::new("theirs"));
        spoil(&function.emulator);
        let error = error_of(&function, event.clone()).await;
        assert_eq!(error.error_type, error_type, "{event}: {error:?}");
    }
    let function = Function::new(&[("ALLOWED_QUEUES", "")]);
    let error = error_of(&function, all()).await;
    assert_eq!(error.error_type, "Refused");
    assert!(error.error_message.contains("ALLOWED_QUEUES"), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn only_a_direct_request_watches_and_it_asks_for_nothing_else() {
    let function = Function::new(&[("REQUIRE_CALLER", "false")]);
    let watch = json!({"watch": {}});
    for (event, message) in [
        (
            json!({"watch": {}, "dryRun": true}),
            "dryRun: watch goes alone",
        ),
        (
            json!({"watch": {}, "jobIds": []}),
            "jobIds: watch goes alone",
        ),
        (
            json!({"watch": {"queues": []}}),
            "watch.queues: unknown field",
        ),
        (
            json!({"watch": {"jobQueues": []}}),
            "watch.jobQueues: expected at least one",
        ),
        (
            json!({"watch": {"jobQueues": ["a", " "]}}),
            "watch.jobQueues[1]: expected",
        ),
        (json!({"watch": {"jobQueues": [7]}}), "watch.jobQueues[0]"),
        (json!({"watch": {"jobQueues": null}}), "watch.jobQueues"),
        (json!({"watch": null}), "watch: expected an object"),
        (json!({"watch": []}), "watch: expected an object"),
        (json!({"Watch": {}}), "Watch: unknown field"),
        (json!([watch]), "watch: only a direct invocation"),
        (sns(&watch.to_string()), "watch: only a direct invocation"),
        (eventbridge(&watch), "watch: only a direct invocation"),
        (
            json!({"Items": [], "BatchInput": watch}),
            "watch: only a direct invocation",
        ),
    ] {
        let error = error_of(&function, event.clone()).await;
        assert_eq!(error.error_type, "InvalidRequest", "{event}");
        let found = error.error_message;
        assert!(found.contains(message), "{event}: {found}");
    }
    let queued = function.invoke(sqs([watch.to_string()])).await.unwrap();
    assert_eq!(queued["batchItemFailures"].as_array().unwrap().len(), 1);
    for form in FORMS {
        let answer = function
            .invoke(form.post(&watch.to_string()).event)
            .await
            .unwrap();
        assert_eq!(answer["statusCode"], 400, "{answer}");
        let body = answer["body"].as_str().unwrap();
        assert!(body.contains("only a direct invocation"), "{body}");
    }
    let mut widget = watch.clone();
    widget["widgetContext"] = json!({});
    let html = function.invoke(widget).await.unwrap();
    assert!(
        html.as_str().unwrap().contains("only a direct invocation"),
        "{html}"
    );
    let calls: Vec<Call> = function.emulator.calls();
    assert!(calls.is_empty(), "{calls:?}");
}
