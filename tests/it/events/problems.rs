//! HTTP problems: every status other than 200.

use std::time::Duration;

use batch_emulator::{Fault, Faults, ItemError, Operation};
use serde_json::{Value, json};
use support::{
    Function,
    events::{FORMS, Form, HttpEvent},
    samples::{PROTECTED, RUNNABLE, RUNNING, SUCCEEDED},
};

use super::http::{Answer, open, send};

const UNKNOWN: &str = "00000000-0000-4000-8000-000000000000";

fn get(id: &str) -> HttpEvent {
    Form::V2.request("GET", &format!("/jobs/{id}"))
}

fn delete(id: &str) -> HttpEvent {
    Form::V2.request("DELETE", &format!("/jobs/{id}"))
}

fn post(body: &Value) -> HttpEvent {
    Form::V2.post(&body.to_string())
}

fn post_text(body: &str) -> HttpEvent {
    Form::V2.post(body)
}

/// Asserts that a request is refused with this status and a detail that contains this, without any call.
async fn assert_refused(request: HttpEvent, status: u16, detail: &str) -> Answer {
    let function = open(&[]);
    let shown = request.event.to_string();
    let answer = send(&function, request).await;
    let found = answer.problem(status)["detail"].clone();
    let found = found.as_str().unwrap();
    assert!(found.contains(detail), "{found}: {shown}");
    assert!(function.emulator.calls().is_empty(), "{shown}");
    answer
}

#[tokio::test(start_paused = true)]
async fn invalid_request_is_400_and_names_the_field() {
    let wrong = |field: &str, value: Value| {
        let mut body = json!({"jobIds": [RUNNABLE]});
        body[field] = value;
        post(&body)
    };
    for (request, detail) in [
        (post_text(""), "the body is empty"),
        (post_text("  \n"), "the body is empty"),
        (post_text("{\"jobIds\": ["), "EOF"),
        (post_text(RUNNABLE), "not JSON"),
        (post(&json!(RUNNABLE)), "expected an object"),
        (post(&json!([RUNNABLE])), "expected an object"),
        (post(&json!({})), "one of jobIds, jobId and select"),
        (wrong("jobId", json!(RUNNABLE)), "only one of"),
        (wrong("jobIds", json!([RUNNABLE, 7])), "jobIds[1]"),
        (wrong("reason", json!(7)), "reason"),
        (wrong("reason", Value::Null), "reason"),
        (wrong("dryrun", json!(true)), "dryrun"),
        (wrong("maxJobs", json!(0)), "maxJobs"),
        (wrong("maxJobs", json!(1.5)), "maxJobs"),
        (wrong("waitSeconds", json!(21)), "waitSeconds"),
        (wrong("waitSeconds", json!(-1)), "waitSeconds"),
        (
            post(&json!({"jobIds": []})).query(&[("dryRun", "true")]),
            "dryRun",
        ),
        (get(RUNNABLE).query(&[("verbose", "true")]), "verbose"),
        (delete(RUNNABLE).query(&[("dryrun", "true")]), "dryrun"),
        (delete(RUNNABLE).query(&[("dryRun", "yes")]), "dryRun"),
        (delete(RUNNABLE).query(&[("terminate", "")]), "terminate"),
        (delete("my-job"), "UUID"),
        (get("my-job"), "UUID"),
        (
            delete(&format!(
                "arn:aws:batch:us-east-1:123456789012:job/{RUNNABLE}"
            )),
            "us-east-1:123456789012",
        ),
        (
            delete(&format!(
                "arn:aws:batch:eu-west-1:123456789012:service-job/{RUNNABLE}"
            )),
            "terminate",
        ),
    ] {
        assert_refused(request, 400, detail).await;
    }
}

#[tokio::test(start_paused = true)]
async fn repeated_query_parameter_is_400_if_the_gateway_passes_both() {
    for form in [Form::V1, Form::V2, Form::FunctionUrl, Form::AlbMultiValue] {
        let query = [("dryRun", "true"), ("dryRun", "false")];
        let request = form
            .request("DELETE", &format!("/jobs/{RUNNABLE}"))
            .query(&query);
        assert_refused(request, 400, "dryRun: given twice").await;
    }
}

#[tokio::test(start_paused = true)]
async fn invalid_job_id_is_400_with_its_outcome() {
    for request in [delete("my-job"), get("my-job")] {
        let answer = assert_refused(request, 400, "my-job").await;
        assert_eq!(answer.json()["outcome"], "invalidId");
    }
}

#[tokio::test(start_paused = true)]
async fn unknown_path_is_404_wrong_method_405() {
    for form in FORMS {
        for path in ["/", "", "/jobs", "/jobs/", "/cancel", "/cancellations/7"] {
            for method in ["GET", "POST"] {
                assert_refused(form.request(method, path), 404, "no such route").await;
            }
        }
        let job = format!("/jobs/{RUNNABLE}");
        for (method, path, allowed) in [
            ("PUT", &*job, "GET, DELETE"),
            ("POST", &job, "GET, DELETE"),
            ("GET", "/cancellations", "POST"),
            ("DELETE", "/prod/cancellations/", "POST"),
            ("POST", "/openapi.json", "GET"),
            ("DELETE", "/queues/demo-queue", "GET"),
            ("POST", "/prod/queues/demo-queue/jobs/", "GET"),
        ] {
            let answer = assert_refused(form.request(method, path), 405, allowed).await;
            assert_eq!(answer.headers["allow"], allowed);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn body_above_1_mib_is_413() {
    let longest = 1024 * 1024;
    let mut body = json!({"jobIds": []}).to_string();
    body.push_str(&" ".repeat(longest - body.len()));
    let answer = send(&open(&[]), post_text(&body)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_refused(post_text(&format!("{body} ")), 413, "1048577 bytes").await;
}

#[tokio::test(start_paused = true)]
async fn content_type_other_than_json_is_415() {
    let body = json!({"jobIds": []});
    for form in FORMS {
        for kind in [
            None,
            Some("application/json"),
            Some("application/json; charset=utf-8"),
            Some("Application/JSON"),
            Some("application/vnd.studio.cancel+json"),
        ] {
            let request = form.post(&body.to_string()).header("Content-Type", kind);
            let answer = send(&open(&[]), request).await;
            assert_eq!(answer.status, 200, "{form:?} {kind:?}: {}", answer.body);
        }
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "json",
            "",
        ] {
            let request = form
                .post(&body.to_string())
                .header("content-type", Some(kind));
            assert_refused(request, 415, "expected application/json").await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn status_of_a_delete_follows_the_outcome() {
    let not_allowed = &[("ALLOWED_QUEUES", "other-queue")][..];
    for (settings, id, outcome, status) in [
        (&[][..], RUNNING, "running", 409),
        (&[], SUCCEEDED, "finished", 409),
        (&[], PROTECTED, "protected", 403),
        (&[], UNKNOWN, "notFound", 404),
        (not_allowed, RUNNABLE, "queueNotAllowed", 403),
    ] {
        for form in FORMS {
            let function = open(settings);
            let request = form.request("DELETE", &format!("/jobs/{id}"));
            let problem = send(&function, request).await.problem(status);
            assert_eq!(problem["outcome"], outcome, "{form:?}");
            assert_eq!(problem["jobId"], id);
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains(id) && detail.contains(outcome), "{detail}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn status_of_a_delete_that_batch_refuses_or_ignores() {
    let refused = |error| Faults {
        item_errors: [(RUNNABLE.to_owned(), error)].into(),
        ..Faults::default()
    };
    let ignored = Faults {
        ignore_cancels: [RUNNABLE.to_owned()].into(),
        ..Faults::default()
    };
    let hanging = Faults {
        hang_rate: 1.0,
        ..Faults::default()
    };
    let minute = Duration::from_mins(1);
    for (faults, time, outcome, status) in [
        (refused(ItemError::AccessDenied), minute, "denied", 403),
        (refused(ItemError::ClientException), minute, "failed", 502),
        (
            refused(ItemError::ThrottlingException),
            minute,
            "throttled",
            503,
        ),
        (ignored, minute, "unconfirmed", 503),
        (hanging, minute, "notAttempted", 503),
        (Faults::default(), Duration::ZERO, "notAttempted", 503),
    ] {
        let mut function = open(&[]);
        function.deadline = time;
        function.emulator.set_faults(faults);
        let answer = send(&function, delete(RUNNABLE)).await;
        assert_eq!(answer.problem(status)["outcome"], outcome);
        let retry_after = answer.headers.get("retry-after");
        let seconds = retry_after.map(|value| value.parse::<u32>().unwrap());
        assert_eq!(seconds.is_some(), status == 503, "{outcome}");
    }
}

#[tokio::test(start_paused = true)]
async fn status_of_a_job_that_cannot_be_shown() {
    let not_allowed = open(&[("ALLOWED_QUEUES", "other-queue")]);
    let answer = send(&not_allowed, get(RUNNABLE)).await;
    let text = answer.problem(403).to_string();
    assert!(
        text.contains("ALLOWED_QUEUES") && !text.contains("demo-queue"),
        "{text}"
    );
    send(&open(&[]), get(UNKNOWN)).await.problem(404);
    for (fault, status) in [
        (Fault::Throttled, 503),
        (Fault::ServerError, 502),
        (Fault::Denied, 403),
        (Fault::HangBefore, 502),
    ] {
        let function = open(&[]);
        function
            .emulator
            .fail_next(Operation::DescribeJobs, fault, 100);
        let answer = send(&function, get(RUNNABLE)).await;
        answer.problem(status);
        assert_eq!(answer.headers.contains_key("retry-after"), status == 503);
    }
}

#[tokio::test(start_paused = true)]
async fn terminate_is_403_unless_allowed() {
    assert_refused(
        delete(RUNNABLE).query(&[("terminate", "true")]),
        403,
        "ALLOW_TERMINATE",
    )
    .await;
    let body = json!({"jobIds": [RUNNABLE], "terminate": true});
    assert_refused(post(&body), 403, "ALLOW_TERMINATE").await;
}

#[tokio::test(start_paused = true)]
async fn post_is_503_if_every_job_is_throttled_otherwise_200_with_a_report() {
    let throttled = |ids: &[&str]| Faults {
        item_errors: ids
            .iter()
            .map(|&id| (id.to_owned(), ItemError::ThrottlingException))
            .collect(),
        ..Faults::default()
    };
    let function = open(&[]);
    function.emulator.set_faults(throttled(&[RUNNABLE]));
    let answer = send(&function, post(&json!({"jobIds": [RUNNABLE]}))).await;
    let detail = answer.problem(503)["detail"].clone();
    assert!(detail.as_str().unwrap().contains(r#""throttled":1"#));
    assert!(answer.headers["retry-after"].parse::<u32>().unwrap() > 0);
    let answer = send(&function, post(&json!({"jobIds": [RUNNABLE, RUNNING]}))).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json()["summary"],
        json!({"jobs": 2, "throttled": 1, "running": 1})
    );
    let answer = send(&function, post(&json!({"jobIds": ["my-job"]}))).await;
    assert_eq!(answer.status, 200, "a report, although no job is done");
    assert_eq!(answer.json()["jobs"][0]["outcome"], "invalidId");
}

/// How long a request takes if Batch never answers.
async fn time_without_an_answer(function: &Function, request: HttpEvent) -> Duration {
    function.emulator.set_faults(Faults {
        hang_rate: 1.0,
        ..Faults::default()
    });
    let began = tokio::time::Instant::now();
    send(function, request).await;
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn http_is_answered_within_25_seconds_whatever_the_function_timeout() {
    for form in FORMS {
        for request in [
            form.post(&json!({"jobIds": [RUNNABLE, RUNNING]}).to_string()),
            form.request("GET", &format!("/jobs/{RUNNABLE}")),
            form.request("DELETE", &format!("/jobs/{RUNNABLE}")),
        ] {
            let mut function = open(&[]);
            function.deadline = Duration::from_mins(15);
            let took = time_without_an_answer(&function, request).await;
            assert!(took <= Duration::from_secs(25), "{form:?}: {took:?}");
        }
    }
}
