//! Settings mean what the documentation says of them.

use std::time::Duration;

use batch_emulator::{JobSpec, Status};
use serde_json::{Value, json};
use support::{
    Function, OWN_FAULT, QUEUE,
    events::{Form, job_runnable},
    failed, first_for, only_outcome,
};

/// A request of this caller, named by a token.
async fn asked_by(function: &Function, caller: &str, id: &str) -> String {
    let mut request = Form::V2.request("DELETE", &format!("/jobs/{id}"));
    request.event["requestContext"]["authorizer"] = json!({"jwt": {"claims": {"sub": caller}}});
    let answer = function.invoke(request.event).await.unwrap();
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    body["outcome"].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn the_asterisk_is_the_only_wildcard_of_admins() {
    for (admins, outcome) in [("ops?1", "notOwner"), ("ops*1", "cancelled")] {
        let function = Function::new(&[("OWNER_TAG", "owner"), ("ADMIN_CALLERS", admins)]);
        let id = function.add(Status::Runnable);
        assert_eq!(asked_by(&function, "ops-1", &id).await, outcome, "{admins}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_asterisk_is_the_only_wildcard_of_owner_roles() {
    let arn = "arn:aws:sts::123456789012:assumed-role/ops-1/ann";
    for (role, outcome) in [("ops?1", "notOwner"), ("ops*1", "cancelled")] {
        let roles = format!("arn:aws:sts::*:assumed-role/{role}");
        let function = Function::new(&[("OWNER_TAG", "owner"), ("OWNER_ROLES", &roles)]);
        let job = JobSpec::new(Status::Runnable).queue(QUEUE);
        let id = function.emulator.add_job(job.tag("owner", "ann"));
        let request = Form::V2
            .request("DELETE", &format!("/jobs/{id}"))
            .caller(arn);
        let answer = function.invoke(request.event).await.unwrap();
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        assert_eq!(body["outcome"], outcome, "{role}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_asterisk_is_the_only_wildcard_of_queues_and_reasons() {
    for (queues, outcome) in [
        ("main?queue", "queueNotAllowed"),
        ("main*queue", "cancelled"),
    ] {
        let function = Function::new(&[("ALLOWED_QUEUES", queues)]);
        let id = function.add(Status::Runnable);
        let report = function.invoke(json!({"jobId": id})).await.unwrap();
        assert_eq!(only_outcome(&report), outcome, "{queues}");
    }
    for (reasons, cancelled) in [("MISCONFIGURATION?*", 0), ("MISCONFIGURATION:*", 1)] {
        let function = Function::new(&[("BLOCKED_REASONS", reasons)]);
        function.emulator.add_job(JobSpec {
            status_reason: Some(OWN_FAULT.to_owned()),
            position_time: first_for(&function.emulator, Duration::from_hours(1)),
            ..JobSpec::new(Status::Runnable)
                .queue(QUEUE)
                .age(Duration::from_hours(2))
        });
        let head = json!({"select": {"jobQueue": QUEUE, "head": true}});
        let report = function.invoke(head).await.unwrap();
        let found = report["summary"]["cancelled"].as_u64().unwrap_or_default();
        assert_eq!(found, cancelled, "{reasons}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_with_another_wildcard_is_refused() {
    let function = Function::new(&[]);
    let job = JobSpec::new(Status::Runnable).queue(QUEUE).name("night-1");
    function.emulator.add_job(job.age(Duration::from_hours(1)));
    for field in ["jobName", "jobDefinition"] {
        for name in ["night?1", "night\u{0}1", "night\u{0}*"] {
            let request = json!({"select": {"jobQueue": QUEUE, field: name}});
            let error = failed(function.invoke(request).await.unwrap_err());
            assert_eq!(error.error_type, "InvalidRequest", "{name:?}");
            assert!(error.message.contains(field), "{error:?}");
        }
    }
    assert!(function.emulator.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_length_of_time_in_a_request_is_a_year_at_most() {
    let function = Function::new(&[("ALLOW_TERMINATE", "true")]);
    for (length, is_read) in [
        ("1d", true),
        ("365d", true),
        ("366d", false),
        ("8761h", false),
        ("9223372036854775s", false),
        ("600", false),
    ] {
        for field in ["olderThan", "runningFor"] {
            let mut request = json!({"select": {"jobQueue": QUEUE, field: length}});
            request["terminate"] = json!(true);
            let answer = function.invoke(request).await.map_err(failed);
            assert_eq!(answer.is_ok(), is_read, "{field} {length}: {answer:?}");
            if let Err(error) = answer {
                assert!(error.message.contains(field), "{error:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_longest_settings_of_time_handle_events() {
    let settings = [("BLOCKED_FOR", "365d"), ("MAX_EVENT_AGE", "365d")];
    let function = Function::new(&settings);
    let id = function.emulator.add_job(JobSpec {
        status_reason: Some(OWN_FAULT.to_owned()),
        ..JobSpec::new(Status::Runnable).queue(QUEUE)
    });
    let head = json!({"select": {"jobQueue": QUEUE, "head": true}});
    tokio::time::advance(Duration::from_secs(1)).await;
    let report = function.invoke(head).await.unwrap();
    assert_eq!(only_outcome(&report), "tooSoon");
    let mut event = job_runnable(&id, QUEUE);
    event["time"] = json!(support::now(&function.emulator).to_string());
    let report = function.invoke(event).await.unwrap();
    assert_eq!(only_outcome(&report), "cancelled");
}
