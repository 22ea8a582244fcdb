//! Fifty queues in the time and at the pace that there is.

use std::{collections::BTreeSet, time::Duration};

use batch_emulator::{Faults, Operation, Status};
use serde_json::{Value, json};
use support::{Function, events::Form, outcomes};

use super::{in_queue, select_all, unread, with_queues};
use crate::select::{cancelled, error_of, many};

const FIFTY: usize = 50;

/// 50 queues, five of which hold jobs that match.
fn fifty(settings: &[(&str, &str)]) -> (Function, BTreeSet<String>) {
    let function = with_queues(
        FIFTY,
        &[&[("API_CALLS_PER_SECOND", "10")], settings].concat(),
    );
    let mut expected = BTreeSet::new();
    for queue in (0..FIFTY).step_by(10) {
        for status in [Status::Runnable, Status::Pending, Status::Submitted] {
            let spec = in_queue(queue, status).tag("run", "7");
            let spec = match status {
                Status::Pending => spec.after("gone"),
                _ => spec,
            };
            expected.extend(function.emulator.add_jobs(&many(10, spec)));
        }
    }
    (function, expected)
}

#[tokio::test(start_paused = true)]
async fn fifty_queues_fit_into_a_minute_and_into_http_at_the_default_pace() {
    for selected in [json!({}), json!({"tags": {"run": "7"}})] {
        let (function, expected) = fifty(&[]);
        let report = function.invoke(select_all(selected.clone())).await.unwrap();
        assert_eq!(report["complete"], true, "{}", report["summary"]);
        assert_eq!(cancelled(&function.emulator), expected);
        // Three listings a queue, and as many again where something matched.
        assert_eq!(
            function.emulator.count(Operation::ListJobs),
            3 * FIFTY + 3 * 5
        );
        let (function, expected) = fifty(&[("REQUIRE_CALLER", "false")]);
        let event = Form::V2.post(&select_all(selected).to_string());
        let answer = function.invoke(event).await.unwrap();
        assert_eq!(answer["statusCode"], 200);
        let report: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        assert_eq!(report["complete"], true, "{}", report["summary"]);
        assert_eq!(cancelled(&function.emulator), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn listings_stop_as_soon_as_all_of_them_have_found_too_many() {
    let function = with_queues(FIFTY, &[]);
    for queue in 0..FIFTY {
        function
            .emulator
            .add_jobs(&many(900, in_queue(queue, Status::Runnable)));
    }
    function.emulator.set_faults(Faults {
        latency: Duration::from_millis(100),
        ..Faults::default()
    });
    let request = select_all(json!({"statuses": ["RUNNABLE"]}));
    let error = error_of(&function, request).await;
    assert!(
        error.error_message.contains("MAX_SELECTED"),
        "{}",
        error.error_message
    );
    // Eight calls at a time: two of the first eight pages are too many.
    assert_eq!(function.emulator.count(Operation::ListJobs), 8);
}

#[tokio::test(start_paused = true)]
async fn queues_for_which_time_runs_out_are_named_and_the_others_are_acted_on() {
    let mut function = with_queues(20, &[("API_CALLS_PER_SECOND", "10")]);
    function.deadline = Duration::from_secs(5);
    for queue in 0..20 {
        function.emulator.add_job(in_queue(queue, Status::Runnable));
    }
    let request = select_all(json!({"statuses": ["RUNNABLE"]}));
    let report = function.invoke(request.clone()).await.unwrap();
    assert_eq!((outcomes(&report).len(), unread(&report).len()), (20, 2));
    assert_eq!(cancelled(&function.emulator).len(), 20);
    assert_eq!(report["selection"], "partial");
    assert!(
        report["unread"][0]["error"]
            .as_str()
            .unwrap()
            .contains("time"),
        "{report}"
    );
}
