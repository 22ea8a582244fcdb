//! A field of a request that is misspelt or in the wrong place never acts, from any source: it could be a `dryRun`.

use base64::{Engine, engine::general_purpose::STANDARD};
use batch_emulator::Status;
use serde_json::{Value, json};
use support::{
    Function, QUEUE,
    events::{
        FORMS, alarm_action, alarm_event, eventbridge, failures, job_runnable, notification, pipes,
        sns, sqs,
    },
    failed,
    samples::RUNNABLE,
};

use crate::events::http::{open, send};

/// What somebody may write for `dryRun`.
const SPELLINGS: [&str; 8] = [
    "dryrun", "DryRun", "DRY_RUN", "dry_run", "dry-run", "dry run", "dryRuns", "dryRun2",
];

/// Asserts that an event is an error that names this, and calls nothing.
async fn assert_refused(event: Value, named: &str) {
    let function = Function::new(&[]);
    let answer = function.invoke(event.clone()).await;
    let error = failed(answer.expect_err(&event.to_string()));
    assert!(
        error.error_type.starts_with("Invalid"),
        "{event}: {error:?}"
    );
    assert!(error.message.contains(named), "{event}: {error:?}");
    assert!(function.emulator.calls().is_empty(), "{event}");
}

/// The same of messages, which come back.
async fn assert_comes_back(event: Value) {
    let function = Function::new(&[]);
    let answer = function.invoke(event.clone()).await.unwrap();
    assert_eq!(answer, failures(&[0]), "{event}");
    assert!(function.emulator.calls().is_empty(), "{event}");
}

/// The same object with one more field.
fn with(mut object: Value, name: &str) -> Value {
    object[name] = json!(true);
    object
}

#[tokio::test(start_paused = true)]
async fn delete_with_a_body_is_400_whatever_is_in_it() {
    let options = [
        r#"{"dryRun":true}"#,
        r#"{"dry_run":true}"#,
        r#"{"DRY-RUN":true}"#,
        r#"[{"dryRun":true}]"#,
        r#"{"options":{"dryRun":true}}"#,
        r#""dryRun""#,
        "dryRun=true",
        "true",
        "null",
        "{}",
        "{",
        " ",
    ];
    for form in FORMS {
        let delete = || form.request("DELETE", &format!("/jobs/{RUNNABLE}"));
        let mut requests: Vec<_> = options.iter().map(|body| delete().body(body)).collect();
        let encoded = options.iter().map(|body| STANDARD.encode(body));
        requests.extend(encoded.map(|body| delete().base64(&body)));
        requests.push(delete().base64("###"));
        requests.push(delete().base64(&STANDARD.encode([0xff, 0xfe])));
        for request in requests {
            let function = open(&[]);
            let shown = request.event.to_string();
            let detail = send(&function, request).await.problem(400)["detail"].clone();
            assert!(
                detail.as_str().unwrap().contains("takes no body"),
                "{shown}"
            );
            assert!(function.emulator.calls().is_empty(), "{shown}");
        }
        let mut absent = delete();
        absent.event.as_object_mut().unwrap().remove("body");
        for empty in [absent, delete(), delete().body(""), delete().base64("")] {
            let answer = send(&open(&[]), empty).await;
            assert_eq!(answer.json()["outcome"], "cancelled", "{form:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn misspelt_option_is_refused_in_bodies_and_queries_over_http() {
    for name in SPELLINGS {
        for form in FORMS {
            let body = with(json!({"jobIds": [RUNNABLE]}), name).to_string();
            let delete = form.request("DELETE", &format!("/jobs/{RUNNABLE}"));
            let get = form.request("GET", &format!("/jobs/{RUNNABLE}"));
            let mut beside = form.request("DELETE", &format!("/jobs/{RUNNABLE}"));
            beside.event[name] = json!(true);
            for request in [
                form.post(&body),
                delete.query(&[(name, "true")]),
                get.query(&[(name, "true")]),
                beside,
            ] {
                let function = open(&[]);
                let shown = request.event.to_string();
                let problem = send(&function, request).await.problem(400);
                assert!(
                    problem["detail"].as_str().unwrap().contains(name),
                    "{shown}"
                );
                assert!(function.emulator.calls().is_empty(), "{shown}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn misspelt_option_is_refused_in_every_request() {
    for name in SPELLINGS {
        let request = with(json!({"jobId": RUNNABLE}), name);
        assert_refused(request.clone(), name).await;
        assert_refused(json!([request]), name).await;
        assert_refused(eventbridge(&request), name).await;
        assert_refused(sns(&request.to_string()), name).await;
        assert_comes_back(sqs([&request])).await;
        assert_comes_back(sqs([notification(&request.to_string())])).await;
        let options = with(json!({}), name);
        assert_refused(json!({"Items": [RUNNABLE], "BatchInput": options}), name).await;
        // The error of a schedule whose jobs are misspelt says so, not that its event is unknown.
        let error = json!({"Job-Ids": [RUNNABLE], "reason": "x"});
        assert_refused(with(error, name), "unknown field").await;
    }
}

#[tokio::test(start_paused = true)]
async fn option_beside_the_place_where_it_belongs_is_refused() {
    let request = json!({"jobId": RUNNABLE});
    let text = request.to_string();
    for name in SPELLINGS
        .into_iter()
        .chain(["dryRun", "Terminate", "max_jobs"])
    {
        assert_refused(with(json!({"Items": [RUNNABLE]}), name), name).await;
        let nested = with(json!({}), name);
        assert_refused(json!({"Items": [RUNNABLE], "Input": nested}), "Input").await;
        let row = with(json!({"jobId": RUNNABLE, "row": 7}), name);
        assert_refused(json!({"Items": [row]}), name).await;
        assert_refused(json!([with(json!({"body": request}), name)]), name).await;
        assert_refused(with(eventbridge(&request), name), name).await;
        assert_refused(with(job_runnable(RUNNABLE, "demo-queue"), name), name).await;
        assert_refused(with(alarm_action(QUEUE, ""), name), name).await;
        assert_refused(with(alarm_event(QUEUE), name), name).await;
        assert_refused(with(sqs([&request]), name), name).await;
        assert_refused(with(sns(&text), name), name).await;
        for place in ["/Records/0", "/Records/0/Sns"] {
            let mut event = sns(&text);
            event.pointer_mut(place).unwrap()[name] = json!(true);
            assert_refused(event, name).await;
        }
        let mut record = sqs([&request]);
        record["Records"][0][name] = json!(true);
        assert_comes_back(record).await;
        let mut record = pipes([&request]);
        record[0][name] = json!(true);
        assert_comes_back(record).await;
        let inner: Value = serde_json::from_str(&notification(&text)).unwrap();
        assert_comes_back(sqs([with(inner, name)])).await;
        assert_comes_back(sqs([with(eventbridge(&request), name)])).await;
    }
}

#[tokio::test(start_paused = true)]
async fn second_column_of_ids_is_refused_and_other_columns_are_ignored() {
    for name in ["jobIds", "JobId", "job_id", "JOB-IDS"] {
        let mut row = json!({"jobId": RUNNABLE});
        row[name] = json!("2b9d4e63-7e3f-4a7c-8b64-1b8e4d2cae02");
        assert_refused(json!({"Items": [row]}), name).await;
    }
    let function = Function::new(&[]);
    let id = function.add(Status::Runnable);
    let row =
        json!({"jobId": id, "jobName": "a", "status": "RUNNABLE", "user": "ann", "dryRun": null});
    let report = function.invoke(json!({"Items": [row]})).await.unwrap();
    assert_eq!(report["summary"]["cancelled"], 1, "{report}");
}

#[tokio::test(start_paused = true)]
async fn misspelt_option_beside_a_described_request_is_refused() {
    let select = r#"{"select": {"statuses": ["RUNNABLE"]}}"#;
    for (description, named) in [
        (
            format!(r#"{{"batchCancel": {select}, "dry_run": true}}"#),
            "dry_run",
        ),
        (format!(r#"{{"batch_cancel": {select}}}"#), "batch_cancel"),
        (
            format!(r#"Stuck. {{"BatchCancel": {select}}}"#),
            "BatchCancel",
        ),
        (
            format!(r#"{{"batchCancel": {select}, "batchCancel": {select}}}"#),
            "once",
        ),
        (r#"{"batchCancel": null}"#.to_owned(), "batchCancel"),
    ] {
        let function = Function::new(&[("ALARM_DESCRIPTIONS", "true")]);
        let id = function.add(Status::Runnable);
        let answer = function.invoke(alarm_action(QUEUE, &description)).await;
        let error = failed(answer.expect_err(&description));
        assert_eq!(error.error_type, "InvalidRequest", "{description}");
        assert!(error.message.contains(named), "{description}: {error:?}");
        assert!(!function.emulator.job(&id).unwrap().is_cancelled);
    }
}

#[tokio::test(start_paused = true)]
async fn misspelt_field_of_a_widget_neither_acts_nor_is_overlooked() {
    let function = Function::new(&[]);
    let id = function.add(Status::Runnable);
    let panel = json!({"jobQueue": QUEUE});
    let refused = async |event: Value, named: &str| {
        let html = function.invoke(event.clone()).await.unwrap();
        let html = html.as_str().unwrap();
        assert!(html.contains("</i> Refused</h3>"), "{event}: {html}");
        assert!(html.contains(named), "{event}: {html}");
    };
    for name in SPELLINGS {
        refused(
            with(json!({"panel": panel, "widgetContext": {}}), name),
            name,
        )
        .await;
        refused(with(json!({"jobId": id, "widgetContext": {}}), name), name).await;
        for (context, place) in [
            (
                json!({"params": with(json!({}), name)}),
                "widgetContext.params",
            ),
            (
                json!({"forms": {"all": with(json!({}), name)}}),
                "widgetContext.forms.all",
            ),
        ] {
            let event = json!({"jobId": id, "widgetContext": context});
            refused(event, &format!("{place}.{name}")).await;
        }
    }
    refused(json!({"JobIds": [id], "widgetContext": {}}), "JobIds").await;
    assert!(function.emulator.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn saved_id_is_a_dry_run_under_its_other_name() {
    let function = Function::new(&[]);
    let id = function.add(Status::Runnable);
    let event = json!({"jobId": id, "widgetContext": {"params": {"jobIds": [id]}}});
    let html = function.invoke(event).await.unwrap();
    assert!(
        html.as_str().unwrap().contains("Nothing was done."),
        "{html}"
    );
    assert!(!function.emulator.job(&id).unwrap().is_cancelled);
}

/// AWS does not say whether the console adds saved parameters to those of a button.
#[tokio::test(start_paused = true)]
async fn saved_dry_run_holds_for_a_call_that_does_not_repeat_it() {
    for saved in [json!(true), json!("false"), json!(null)] {
        let function = Function::new(&[]);
        let id = function.add(Status::Runnable);
        let context = json!({"params": {"panel": {"jobQueue": QUEUE}, "dryRun": saved}});
        let event = json!({"jobIds": [id], "confirmed": true, "widgetContext": context});
        let html = function.invoke(event).await.unwrap();
        let html = html.as_str().unwrap();
        assert!(html.contains("</i> Dry run</h3>"), "{saved}: {html}");
        assert!(!function.emulator.job(&id).unwrap().is_cancelled, "{saved}");
    }
}

#[tokio::test(start_paused = true)]
async fn query_of_a_wrong_type_or_given_twice_is_refused() {
    let text = json!("dryRun=true");
    for form in FORMS {
        for (field, value) in [
            ("queryStringParameters", text.clone()),
            ("queryStringParameters", json!([text])),
            ("multiValueQueryStringParameters", text.clone()),
            ("multiValueQueryStringParameters", json!([{"dryRun": true}])),
            ("rawQueryString", json!([text])),
            ("rawQueryString", json!({"dryRun": "true"})),
        ] {
            let mut delete = form.request("DELETE", &format!("/jobs/{RUNNABLE}"));
            delete.event[field] = value;
            assert_open_refuses(&delete.event.to_string(), field).await;
        }
    }
    let first = r#""queryStringParameters":{"dryRun":"true"}"#;
    let delete = format!(
        r#"{{"httpMethod":"DELETE","path":"/jobs/{RUNNABLE}","requestContext":{{"elb":{{}}}},{first},"queryStringParameters":null}}"#
    );
    assert_open_refuses(&delete, "queryStringParameters").await;
}

/// Asserts that an HTTP event is an error that names this field, and calls nothing.
async fn assert_open_refuses(event: &str, field: &str) {
    let function = open(&[]);
    let answer = function.invoke_text(event).await;
    let error = failed(answer.expect_err(event));
    assert_eq!(error.error_type, "InvalidEvent", "{event}");
    assert!(error.message.contains(field), "{event}: {error:?}");
    assert!(function.emulator.calls().is_empty(), "{event}");
}
