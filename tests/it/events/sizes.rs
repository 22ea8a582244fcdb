//! Reports above the size limit of their receiver: jobs that are done are left out, and the summary still counts every job.

use batch_emulator::{JobSpec, Status};
use serde_json::{Value, json};
use support::{
    Function,
    events::{Form, eventbridge},
};

use super::http::Answer;

/// A function, and the ids of this many RUNNABLE jobs with long names, with five invalid ids among them.
fn with_many(count: u32, settings: &[(&str, &str)]) -> (Function, Vec<String>) {
    let function = Function::new(settings);
    let spec = JobSpec {
        count,
        ..JobSpec::new(Status::Runnable)
            .queue("q".repeat(128))
            .name("n".repeat(128))
    };
    let mut ids = function.emulator.add_jobs(&spec);
    let step = ids.len() / 5;
    for number in 0..5 {
        ids.insert(number * step + step / 2, format!("not-a-job-{number}"));
    }
    (function, ids)
}

fn dry_run(ids: &[String]) -> Value {
    json!({"jobIds": ids, "dryRun": true})
}

/// Asserts that the report is cut to `limit`, keeps the jobs that are not done, and counts the others.
fn assert_cut(report: &Value, ids: &[String], limit: usize) {
    let length = report.to_string().len();
    assert!(length <= limit + 1000, "{length} bytes");
    assert!(
        length > limit - limit / 8,
        "{length} bytes, although more would fit"
    );
    let invalid: Vec<&String> = ids.iter().filter(|id| id.starts_with("not-")).collect();
    let done = ids.len() - invalid.len();
    let mut summary = json!({"jobs": ids.len(), "wouldCancel": done});
    if !invalid.is_empty() {
        summary["invalidId"] = json!(invalid.len());
    }
    assert_eq!(report["summary"], summary);
    let shown = report["jobs"].as_array().unwrap();
    assert_eq!(report["truncated"], ids.len() - shown.len());
    let kept: Vec<&Value> = shown
        .iter()
        .filter(|job| job["outcome"] == "invalidId")
        .map(|job| &job["jobId"])
        .collect();
    assert_eq!(kept, invalid, "the invalid ids are all there");
    let mut rest = ids.iter();
    let in_order = |job: &Value| rest.any(|id| job["jobId"] == **id);
    assert!(shown.iter().all(in_order), "in the order of the request");
}

#[tokio::test(start_paused = true)]
async fn direct_report_is_cut_at_200_kb() {
    let (function, ids) = with_many(1000, &[]);
    let report = function.invoke(dry_run(&ids)).await.unwrap();
    assert_cut(&report, &ids, 200_000);
}

#[tokio::test(start_paused = true)]
async fn eventbridge_report_is_cut_at_200_kb() {
    let (function, mut ids) = with_many(1000, &[]);
    ids.retain(|id| !id.starts_with("not-"));
    let event = eventbridge(&dry_run(&ids));
    let report = function.invoke(event).await.unwrap();
    assert_cut(&report, &ids, 200_000);
}

#[tokio::test(start_paused = true)]
async fn report_that_fits_is_not_cut() {
    let (function, ids) = with_many(300, &[]);
    let report = function.invoke(dry_run(&ids)).await.unwrap();
    assert_eq!(report["jobs"].as_array().unwrap().len(), ids.len());
    assert_eq!(report.get("truncated"), None);
}

/// The largest response of a Lambda function, in bytes.
const LAMBDA: usize = 6 * 1024 * 1024;

/// The largest response of a Lambda function behind a load balancer, in bytes.
const ALB: usize = 1024 * 1024;

#[tokio::test(start_paused = true)]
async fn http_report_is_cut_at_5_mb_behind_a_load_balancer_at_900_kb() {
    for (form, count, limit, most) in [
        (Form::V2, 11_500, 5_000_000, LAMBDA),
        (Form::Alb, 2_200, 900_000, ALB),
        (Form::AlbMultiValue, 2_200, 900_000, ALB),
    ] {
        let (function, ids) = with_many(count, &[("REQUIRE_CALLER", "false")]);
        let request = form.post(&dry_run(&ids).to_string());
        let answer = function.invoke(request.event).await.unwrap();
        assert!(answer.to_string().len() < most, "{form:?}");
        let answer = Answer::of(&answer);
        assert_eq!(answer.status, 200);
        assert_cut(&answer.json(), &ids, limit);
    }
}

#[tokio::test(start_paused = true)]
async fn http_body_full_of_quotes_fits_once_it_is_escaped() {
    let function = Function::new(&[("REQUIRE_CALLER", "false")]);
    let quotes = "\"".repeat(200);
    let ids: Vec<String> = (0..1200)
        .map(|number| format!("{number}{quotes}"))
        .collect();
    let request = json!({"jobIds": ids}).to_string();
    for (form, most) in [(Form::V2, LAMBDA), (Form::Alb, ALB)] {
        let answer = function.invoke(form.post(&request).event).await.unwrap();
        let length = answer.to_string().len();
        assert!(length < most, "{form:?}: {length} bytes");
        let summary = Answer::of(&answer).json()["summary"].clone();
        assert_eq!(summary, json!({"jobs": 1200, "invalidId": 1200}));
    }
}
