//! HTTP in the form of every gateway: callers, paths, bodies, parameters, and the shape of the response.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json, value::RawValue};
use support::{
    Function,
    events::{FORMS, Form, HttpEvent},
    samples::{ARRAY, RUNNABLE, RUNNING, SUBMITTED, sample},
};

/// An HTTP response, from any form.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn of(answer: &Value) -> Self {
        let mut headers = BTreeMap::new();
        for field in ["headers", "multiValueHeaders"] {
            for (name, value) in answer[field].as_object().into_iter().flatten() {
                let value = value.as_str().or_else(|| value[0].as_str());
                headers.insert(name.to_ascii_lowercase(), value.unwrap().to_owned());
            }
        }
        Self {
            status: u16::try_from(answer["statusCode"].as_u64().unwrap()).unwrap(),
            headers,
            body: answer["body"].as_str().unwrap().to_owned(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The body of a problem, which must have this status.
    pub(crate) fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let body = self.json();
        assert_eq!(body["status"], status);
        for member in ["type", "title", "detail", "requestId"] {
            assert!(body[member].is_string(), "no {member}: {body}");
        }
        body
    }
}

/// A function on the samples' account that requires no caller.
pub(crate) fn open(settings: &[(&str, &str)]) -> Function {
    let settings: Vec<(&str, &str)> = [("REQUIRE_CALLER", "false")]
        .iter()
        .chain(settings)
        .copied()
        .collect();
    Function::for_sample(&sample("direct-cancel"), &settings)
}

pub(crate) async fn send(function: &Function, request: HttpEvent) -> Answer {
    Answer::of(&function.invoke(request.event).await.unwrap())
}

#[tokio::test(start_paused = true)]
async fn request_without_a_caller_is_401_unless_require_caller_is_false() {
    let body = json!({"jobIds": [RUNNABLE]}).to_string();
    for form in FORMS {
        for request in [
            form.post(&body),
            form.request("GET", &format!("/jobs/{RUNNABLE}")),
            form.request("DELETE", &format!("/jobs/{RUNNABLE}")),
            form.request("GET", "/openapi.json"),
            form.request("GET", "/no-such-route"),
        ] {
            let strict = Function::for_sample(&sample("direct-cancel"), &[]);
            let answer = send(&strict, request).await;
            let detail = answer.problem(401)["detail"].clone();
            assert!(detail.as_str().unwrap().contains("REQUIRE_CALLER"));
            assert!(answer.headers.contains_key("www-authenticate"));
            assert!(strict.emulator.calls().is_empty(), "{form:?}");
        }
        let function = open(&[]);
        let answer = send(&function, form.post(&body)).await;
        assert_eq!(answer.status, 200, "{form:?}");
        assert_eq!(answer.json()["summary"], json!({"jobs": 1, "cancelled": 1}));
        let reason = function.emulator.job(RUNNABLE).unwrap().status_reason;
        assert!(reason.unwrap().contains(" | by http | "), "{form:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn caller_authenticated_by_the_gateway_is_named_in_the_reason() {
    let arn = "arn:aws:sts::123456789012:assumed-role/ops/ann";
    let v1 = |context: Value| (Form::V1, context);
    let v2 = |context: Value| (Form::V2, context);
    for ((form, context), caller) in [
        (v1(json!({"identity": {"userArn": arn}})), Some(arn)),
        (
            v1(json!({"authorizer": {"claims": {"sub": "ann-1"}}})),
            Some("ann-1"),
        ),
        (
            v1(json!({"authorizer": {"principalId": "ann-2"}})),
            Some("ann-2"),
        ),
        (
            v1(json!({"identity": {"apiKey": "k", "userArn": null}})),
            None,
        ),
        (v1(json!({"authorizer": {"principalId": ""}})), None),
        (
            v2(json!({"authorizer": {"iam": {"userArn": arn}}})),
            Some(arn),
        ),
        (
            v2(json!({"authorizer": {"jwt": {"claims": {"sub": "ann-3"}}}})),
            Some("ann-3"),
        ),
        (
            v2(json!({"authorizer": {"lambda": {"tenant": "a"}}})),
            Some("lambda authorizer"),
        ),
        (v2(json!({"authorizer": {"lambda": null}})), None),
        (v2(json!({"authorizer": {"iam": {"userArn": ""}}})), None),
        (v2(json!({"authorizer": {"jwt": {"claims": {}}}})), None),
        (v2(json!({"authorizer": null})), None),
    ] {
        let function = Function::for_sample(&sample("direct-cancel"), &[]);
        let mut request = form.post(&json!({"jobIds": [RUNNABLE]}).to_string());
        for (name, value) in context.as_object().unwrap() {
            request.event["requestContext"][name] = value.clone();
        }
        let answer = send(&function, request).await;
        let reason = function.emulator.job(RUNNABLE).unwrap().status_reason;
        let reason = reason.unwrap();
        if let Some(caller) = caller {
            assert_eq!(answer.status, 200, "{context}");
            assert!(reason.contains(&format!(" | by {caller} | ")), "{reason}");
        } else {
            answer.problem(401);
            assert!(!reason.contains(" | by "), "{context}: {reason}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_gateway_gets_the_response_shape_that_it_expects() {
    let function = open(&[]);
    for form in FORMS {
        let request = form.request("PUT", "/cancellations");
        let mut answer = function.invoke(request.event).await.unwrap();
        answer["body"] = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        insta::assert_json_snapshot!(format!("shape-{form:?}"), answer);
    }
}

#[tokio::test(start_paused = true)]
async fn base64_body_is_decoded_and_invalid_base64_is_400() {
    let body = json!({"jobIds": [RUNNABLE], "reason": "größer als erlaubt"}).to_string();
    for form in FORMS {
        let function = open(&[]);
        let encoded = STANDARD.encode(&body);
        let answer = send(&function, form.post("").base64(&encoded)).await;
        assert_eq!(answer.status, 200, "{form:?}: {}", answer.body);
        let job = function.emulator.job(RUNNABLE).unwrap();
        assert!(
            job.status_reason
                .unwrap()
                .starts_with("größer als erlaubt | by http")
        );
        for broken in ["###", &encoded[1..], &STANDARD.encode([0xff, 0xfe])] {
            let answer = send(&function, form.post("").base64(broken)).await;
            answer.problem(400);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn job_path_accepts_every_form_of_id_and_a_stage_prefix() {
    let child = format!("{ARRAY}:0");
    let arn = format!("arn:aws:batch:eu-west-1:123456789012:job/{RUNNABLE}");
    let encoded_arn = arn.replace(':', "%3A").replace('/', "%2F");
    for (written, id) in [
        (RUNNABLE.to_owned(), RUNNABLE),
        (RUNNABLE.to_uppercase(), RUNNABLE),
        (child.clone(), &*child),
        (child.replace(':', "%3A"), &child),
        (child.replace(':', "%3a"), &child),
        (arn, RUNNABLE),
        (encoded_arn, RUNNABLE),
    ] {
        for form in FORMS {
            for path in [
                format!("/jobs/{written}"),
                format!("/jobs/{written}/"),
                format!("/prod/jobs/{written}"),
                format!("/ops/v1/jobs/{written}/"),
            ] {
                let function = open(&[]);
                let shown = send(&function, form.request("GET", &path)).await;
                assert_eq!(shown.status, 200, "{form:?} {path}: {}", shown.body);
                assert_eq!(shown.json()["jobId"], id);
                let ended = send(&function, form.request("DELETE", &path)).await;
                assert_eq!(ended.status, 200, "{form:?} {path}: {}", ended.body);
                assert_eq!(ended.json()["jobId"], id);
                assert_eq!(ended.json()["outcome"], "cancelled");
                assert!(function.emulator.job(id).unwrap().is_cancelled);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn other_paths_accept_a_stage_prefix_and_a_trailing_slash() {
    let function = open(&[]);
    for form in FORMS {
        for path in ["/cancellations", "/cancellations/", "/prod/cancellations"] {
            let request = form.request("POST", path).body("{\"jobIds\": []}");
            assert_eq!(
                send(&function, request).await.status,
                200,
                "{form:?} {path}"
            );
        }
        for path in ["/openapi.json", "/prod/openapi.json"] {
            let answer = send(&function, form.request("GET", path)).await;
            assert_eq!(answer.status, 200, "{form:?} {path}");
            assert_eq!(answer.headers["content-type"], "application/json");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn delete_parameters_are_read_in_every_form() {
    let reason = "wrong branch & \"größer\" = 50%+";
    for form in FORMS {
        let path = format!("/jobs/{RUNNABLE}");
        let request = form.request("DELETE", &path);
        let function = open(&[("ALLOW_TERMINATE", "true")]);
        let query = [
            ("reason", reason),
            ("dryRun", "true"),
            ("terminate", "true"),
        ];
        let answer = send(&function, request.clone().query(&query)).await;
        assert_eq!(answer.json()["outcome"], "wouldTerminate", "{form:?}");
        let query = [("reason", reason), ("dryRun", "false")];
        let answer = send(&function, request.clone().query(&query)).await;
        assert_eq!(answer.json()["outcome"], "cancelled", "{form:?}");
        let given = function.emulator.job(RUNNABLE).unwrap().status_reason;
        let given = given.unwrap();
        assert!(given.starts_with(&format!("{reason} | by http")), "{given}");
        let query = [("terminate", "true")];
        let running = form.request("DELETE", &format!("/jobs/{RUNNING}"));
        let answer = send(&function, running.query(&query)).await;
        assert_eq!(answer.json()["outcome"], "terminating", "{form:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn deadline_shortly_after_1970_is_none() {
    let function = open(&[]);
    let event = Form::V2.request("GET", &format!("/jobs/{RUNNABLE}")).event;
    let mut context = lambda_runtime::Context::default();
    // What `cargo lambda watch` sends.
    context.deadline = 600_000;
    let payload = RawValue::from_string(event.to_string()).unwrap();
    let event = lambda_runtime::LambdaEvent::new(payload, context);
    let answer = function.app.handle(event).await.unwrap();
    let answer: Value = serde_json::from_str(answer.get()).unwrap();
    assert_eq!(answer["statusCode"], 200, "{answer}");
}

#[tokio::test(start_paused = true)]
async fn get_shows_the_job_as_batch_describes_it() {
    let function = open(&[]);
    let request = Form::V2.request("GET", &format!("/jobs/{SUBMITTED}"));
    let answer = send(&function, request).await;
    assert_eq!(
        answer.json(),
        json!({
            "jobId": SUBMITTED, "jobName": "render-skyline", "status": "SUBMITTED",
            "jobQueue": "arn:aws:batch:eu-west-1:123456789012:job-queue/demo-queue",
            "isCancelled": false, "isTerminated": false, "createdAt": "2026-11-22T04:59:00Z",
        })
    );
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(function.emulator.calls().len(), 1);
}
