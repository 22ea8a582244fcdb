//! A job of an answer that cannot be read: it harms itself alone, and at once.

use std::time::Duration;

use batch_emulator::{JobSpec, Operation, Status};
use serde_json::{Value, json};
use support::{Function, OWN_FAULT, QUEUE, events::queue_blocked, first_for};
use tokio::time::Instant;

/// The name of the job whose field is broken in each answer, and the field: `broken 0` is the first.
const BROKEN: [(&str, &str); 6] = [
    ("createdAt", r#""2026-11-28""#),
    ("isCancelled", r#""false""#),
    ("tags", r#"{"owner": null}"#),
    ("arrayProperties", "[]"),
    ("attempts", r#"{"0": {}}"#),
    ("status", "7"),
];

/// The answer of Batch, in which the job with such a name is broken.
fn broken(answer: String) -> String {
    let Ok(mut read) = serde_json::from_str::<Value>(&answer) else {
        return answer;
    };
    let jobs = read["jobs"].as_array_mut();
    for job in jobs.into_iter().flatten() {
        let number = job["jobName"].as_str().unwrap_or_default();
        if let Some(number) = number.strip_prefix("broken ") {
            let (field, value) = BROKEN[number.parse::<usize>().unwrap()];
            job[field] = serde_json::from_str(value).unwrap();
        }
    }
    read.to_string()
}

fn function() -> Function {
    Function::with_answers(&[], broken)
}

fn runnable() -> JobSpec {
    let job = JobSpec::new(Status::Runnable).queue(QUEUE);
    job.age(Duration::from_hours(1))
}

#[tokio::test(start_paused = true)]
async fn a_job_that_cannot_be_read_harms_itself_alone_and_at_once() {
    for (number, (field, _)) in BROKEN.iter().enumerate() {
        let function = function();
        let spec = JobSpec {
            count: 99,
            ..runnable()
        };
        let mut ids = function.emulator.add_jobs(&spec);
        let bad = runnable().name(format!("broken {number}"));
        let bad = function.emulator.add_job(bad);
        ids.insert(50, bad.clone());
        let began = Instant::now();
        let report = function.invoke(json!({"jobIds": ids})).await.unwrap();
        assert_eq!(began.elapsed(), Duration::ZERO, "{field}");
        let summary = json!({"jobs": 100, "cancelled": 99, "failed": 1});
        assert_eq!(report["summary"], summary, "{field}");
        let job = &report["jobs"][50];
        assert_eq!(job["jobId"], bad);
        let message = job["message"].as_str().unwrap();
        assert!(message.contains(field), "{message}");
        let calls = function.emulator.calls().into_iter();
        let looks = calls.filter(|call| call.operation == Operation::DescribeJobs);
        assert_eq!(looks.count(), 2, "{field}");
        assert!(!function.emulator.job(&bad).unwrap().is_cancelled);
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_cannot_be_read_is_left_alone_by_selections_and_events() {
    let function = function();
    let spec = JobSpec {
        count: 9,
        ..runnable().tag("team", "a")
    };
    function.emulator.add_jobs(&spec);
    let bad = runnable().tag("team", "a").name("broken 2");
    let bad = function.emulator.add_job(bad);
    let select = json!({"select": {"jobQueue": QUEUE, "tags": {"team": "a"}}});
    let report = function.invoke(select).await.unwrap();
    let summary = json!({"jobs": 10, "cancelled": 9, "failed": 1});
    assert_eq!(report["summary"], summary, "{report}");
    let failed = function
        .invoke(queue_blocked(&bad, QUEUE))
        .await
        .unwrap_err();
    assert_eq!(failed.error_type(), "Incomplete", "{failed}");
    assert!(!function.emulator.job(&bad).unwrap().is_cancelled);
}

#[tokio::test(start_paused = true)]
async fn a_time_that_no_calendar_has_is_left_out_of_the_report() {
    let function = Function::with_answers(&[], |answer| {
        let mut read: Value = serde_json::from_str(&answer).unwrap_or_default();
        match read["jobs"].as_array_mut() {
            Some(jobs) => jobs
                .iter_mut()
                .for_each(|job| job["createdAt"] = json!(i64::MAX)),
            None => return answer,
        }
        read.to_string()
    });
    let id = function.add(Status::Runnable);
    let report = function.invoke(json!({"jobId": id})).await.unwrap();
    let job = report["jobs"][0].as_object().unwrap();
    assert_eq!(job["outcome"], "cancelled");
    assert!(!job.contains_key("createdAt"), "{job:?}");
}

#[tokio::test(start_paused = true)]
async fn a_place_that_cannot_be_read_hides_no_head_before_it() {
    let function = Function::with_answers(&[], |answer| {
        let mut read: Value = serde_json::from_str(&answer).unwrap_or_default();
        match read.pointer_mut("/frontOfQueue/jobs/1/jobArn") {
            Some(arn) => *arn = json!("arn:aws:batch:eu-west-1:123456789012:job/7"),
            None => return answer,
        }
        read.to_string()
    });
    let waiting = || JobSpec {
        status_reason: Some(OWN_FAULT.to_owned()),
        position_time: first_for(&function.emulator, Duration::from_mins(50)),
        ..runnable()
    };
    let head = function.emulator.add_job(waiting());
    function.emulator.add_job(waiting());
    let select = json!({"select": {"jobQueue": QUEUE, "head": true}});
    let report = function.invoke(select).await.unwrap();
    assert_eq!(
        report["summary"],
        json!({"jobs": 1, "cancelled": 1}),
        "{report}"
    );
    assert!(function.emulator.job(&head).unwrap().is_cancelled);
}

/// The answer of Batch, in whose listings the job of such a name is broken.
fn broken_listing(answer: String) -> String {
    let mut read: Value = serde_json::from_str(&answer).unwrap_or_default();
    let Some(rows) = read["jobSummaryList"].as_array_mut() else {
        return answer;
    };
    for row in rows {
        match row["jobName"].as_str() {
            Some("date") => row["createdAt"] = json!("2026-11-28"),
            Some("flag") => row["isCancelled"] = json!("false"),
            Some("array") => row["arrayProperties"] = json!([]),
            Some("id") => row["jobId"] = json!("7"),
            _ => {}
        }
    }
    read.to_string()
}

#[tokio::test(start_paused = true)]
async fn a_row_of_a_listing_that_cannot_be_read_harms_itself_alone_and_at_once() {
    for name in ["date", "flag", "array", "id"] {
        let function = Function::with_answers(&[], broken_listing);
        let spec = JobSpec {
            count: 9,
            ..runnable()
        };
        function.emulator.add_jobs(&spec);
        function.emulator.add_job(runnable().name(name));
        let began = Instant::now();
        let select = json!({"select": {"jobQueue": QUEUE}});
        let report = function.invoke(select).await;
        let report = report.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(report["summary"]["cancelled"], 9, "{name}: {report}");
        assert_eq!(report["complete"], false, "{name}");
        assert_eq!(began.elapsed(), Duration::ZERO, "{name}");
    }
}
