//! What `cargo local` prints, and when its exit code is not 0.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that panics fails"
)]

use std::time::{Duration, Instant};

use serde_json::Value;
use support::samples;

use super::{Ran, run};

const SETTINGS: [(&str, &str); 1] = [("API_CALLS_PER_SECOND", "0")];

async fn try_local(words: &[&str], settings: &[(&str, &str)]) -> Result<Ran, String> {
    let words = words.iter().map(|&word| word.to_owned());
    let env = |name: &str| {
        let found = SETTINGS
            .iter()
            .chain(settings)
            .find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    Ok(run(words, &env).await?.expect("no help"))
}

async fn local(sample: &str) -> Ran {
    try_local(&[&format!("events/{sample}.json")], &[])
        .await
        .unwrap()
}

/// The result of an event of this text.
async fn local_text(name: &str, text: &str) -> Ran {
    let path = std::env::temp_dir().join(format!("cargo-local-{}-{name}.json", std::process::id()));
    std::fs::write(&path, text).unwrap();
    let ran = try_local(&[path.to_str().unwrap()], &[]).await;
    std::fs::remove_file(path).unwrap();
    ran.unwrap()
}

/// The JSON documents of standard output.
fn documents(ran: &Ran) -> Vec<Value> {
    let documents = serde_json::Deserializer::from_str(&ran.answer).into_iter();
    documents.map(Result::unwrap).collect()
}

#[tokio::test]
async fn the_table_names_each_job_its_queue_and_its_outcome_for_every_source() {
    for sample in [
        "direct-cancel",
        "sqs-two-jobs",
        "pipes-sqs-requests",
        "sns-request",
        "eventbridge-custom",
        "http-v2-post",
        "http-v1-delete",
        "widget-confirmed",
    ] {
        let ran = local(sample).await;
        let mut lines = ran.table.lines();
        let head: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
        let all = [
            "JOB", "NAME", "QUEUE", "BEFORE", "AFTER", "OUTCOME", "MESSAGE",
        ];
        assert_eq!(head, all, "{sample}");
        let row: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
        assert!(row[1].starts_with("render-"), "{sample}: {row:?}");
        assert_eq!(
            (row[2], row[4], row[5]),
            ("demo-queue", "FAILED", "cancelled"),
            "{sample}"
        );
        assert!(ran.table.contains("calls to AWS Batch: "), "{sample}");
    }
}

#[tokio::test]
async fn sqs_and_pipes_print_the_report_as_the_event_that_is_published() {
    for sample in ["sqs-two-jobs", "pipes-sqs-requests"] {
        let [event, response] = &documents(&local(sample).await)[..] else {
            panic!("{sample}");
        };
        assert_eq!(event["detail-type"], "Batch Cancellation Report");
        assert!(
            !event["detail"]["jobs"].as_array().unwrap().is_empty(),
            "{event}"
        );
        assert!(response["batchItemFailures"].is_array(), "{response}");
    }
    let ran = local("sqs-some-bad").await;
    assert!(
        ran.table.contains(" was refused, InvalidRequest: "),
        "{}",
        ran.table
    );
    assert!(!ran.is_complete);
}

#[tokio::test]
async fn what_is_left_over_rejected_or_an_error_is_told_by_the_exit_code() {
    for (sample, is_complete) in [
        ("direct-cancel", true),
        ("direct-empty", true),
        ("http-v2-get", true),
        ("http-v2-openapi", true),
        ("widget-describe", true),
        ("alarm-action-ok", true),
        ("direct-awkward-ids", false),
        ("sns-bad-id", false),
        ("unsupported-s3", false),
        ("http-v2-no-such-route", false),
        ("http-v2-anonymous", false),
        ("widget-bad-field", false),
    ] {
        let ran = local(sample).await;
        assert_eq!(ran.is_complete, is_complete, "{sample}: {ran:?}");
        let errors = ran.table.matches("invocation error").count();
        assert_eq!(
            errors,
            usize::from(ran.answer.is_empty()),
            "{sample}: {ran:?}"
        );
    }
}

#[tokio::test]
async fn a_selection_without_jobs_says_so_for_tags_and_through_sqs() {
    let none = "no job in job queue render matches the selection";
    let select = r#"{"select": {"jobQueue": "render", "tags": {"user": "nobody"}}}"#;
    assert!(local_text("tags", select).await.table.contains(none));
    let message = serde_json::json!({"Records": [
        {"eventSource": "aws:sqs", "messageId": "m", "body": select},
    ]});
    assert!(
        local_text("sqs", &message.to_string())
            .await
            .table
            .contains(none)
    );
    let ran = local("direct-select-stuck").await;
    assert!(
        !ran.table.contains("matches the selection"),
        "{}",
        ran.table
    );
}

#[tokio::test]
async fn the_made_up_jobs_fit_the_recipes() {
    let sweep = r#"{"select": {"jobQueue": "render", "olderThan": "12h"}}"#;
    let ran = local_text("sweep", sweep).await;
    assert!(
        ran.table.matches("  cancelled").count() >= 2,
        "{}",
        ran.table
    );
    let head = r#"{"select": {"jobQueue": "render", "head": true}}"#;
    let ran = local_text("head", head).await;
    assert_eq!(ran.table.matches("  cancelled").count(), 1, "{}", ran.table);
}

#[tokio::test]
async fn for_real_without_allowed_queues_fails_at_once_in_one_line() {
    let began = Instant::now();
    let sample = "events/direct-cancel.json";
    let error = try_local(&[sample, "--aws", "--for-real"], &[])
        .await
        .unwrap_err();
    assert!(
        error.starts_with("--for-real needs ALLOWED_QUEUES"),
        "{error}"
    );
    assert_eq!(error.lines().count(), 1);
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn every_sample_runs() {
    for sample in samples::all() {
        let ran = local(&sample.name).await;
        assert!(!ran.table.is_empty(), "{}", sample.name);
    }
}
