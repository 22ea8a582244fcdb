//! Limits of a selection: `MAX_SELECTED`, `maxJobs` and the time.

use std::{collections::BTreeSet, time::Duration};

use batch_emulator::{Fault, Faults, Operation, Status, Tokens};
use serde_json::json;
use support::{
    Function, QUEUE,
    events::{failures, queue_blocked, sqs},
    job, only_outcome, outcomes,
};

use super::{cancelled, error_of, many, select};

#[tokio::test(start_paused = true)]
async fn selection_above_max_selected_is_refused_and_the_listing_stops() {
    let function = Function::new(&[("MAX_SELECTED", "1500")]);
    function
        .emulator
        .add_jobs(&many(5000, job(Status::Runnable).tag("user", "ann")));
    let error = error_of(&function, select(json!({}))).await;
    assert_eq!(error.error_type, "Refused");
    assert!(
        error
            .error_message
            .contains("MAX_SELECTED (parameter MaxSelected), 1500"),
        "{}",
        error.error_message
    );
    assert_eq!(function.emulator.count(Operation::ListJobs), 4);
    let error = error_of(&function, select(json!({"tags": {"user": "ann"}}))).await;
    assert!(
        error.error_message.contains("5000 jobs"),
        "{}",
        error.error_message
    );
    assert!(cancelled(&function.emulator).is_empty());
    // An array counts by its size.
    let arrays = Function::new(&[("MAX_SELECTED", "10")]);
    arrays
        .emulator
        .add_job(job(Status::Pending).array(&[Status::Runnable; 11]));
    assert_eq!(
        error_of(&arrays, select(json!({}))).await.error_type,
        "Refused"
    );
}

#[tokio::test(start_paused = true)]
async fn max_jobs_takes_the_oldest_and_describes_no_more_than_needed() {
    let function = Function::new(&[]);
    let ages: Vec<u64> = (0..3000).map(|index| 100 + (index * 7919) % 3000).collect();
    let mut ids: Vec<(u64, String)> = Vec::new();
    for age in ages {
        ids.push((
            age,
            function
                .emulator
                .add_job(job(Status::Runnable).age(Duration::from_secs(age))),
        ));
    }
    ids.sort();
    ids.reverse();
    let oldest = function.emulator.add_job(
        job(Status::Runnable)
            .age(Duration::from_mins(150))
            .tag("batch-cancel:protect", ""),
    );
    let mut event = select(json!({}));
    event["maxJobs"] = 10.into();
    let report = function.invoke(event).await.unwrap();
    assert_eq!(
        report["summary"],
        json!({"jobs": 3001, "cancelled": 10, "protected": 1, "overLimit": 2990})
    );
    let expected: BTreeSet<String> = ids[..10].iter().map(|(_, id)| id.clone()).collect();
    assert_eq!(cancelled(&function.emulator), expected);
    assert_eq!(function.emulator.count(Operation::DescribeJobs), 2);
    assert_eq!(report["jobs"][0]["jobId"], oldest);
}

#[tokio::test(start_paused = true)]
async fn next_invocations_finish_what_one_could_not() {
    let mut function = Function::new(&[("MAX_SELECTED", "100000"), ("API_CALLS_PER_SECOND", "20")]);
    function.deadline = Duration::from_secs(5);
    let total = 4500;
    function
        .emulator
        .add_jobs(&many(total, job(Status::Runnable)));
    let mut left = u64::from(total);
    for round in 1..=3 {
        let report = function.invoke(select(json!({}))).await.unwrap();
        let done = report["summary"]["cancelled"].as_u64().unwrap();
        left -= done;
        assert_eq!(
            report["complete"],
            left == 0,
            "round {round}: {}",
            report["summary"]
        );
    }
    assert_eq!(left, 0);
    assert_eq!(cancelled(&function.emulator).len(), 4500);
}

#[tokio::test(start_paused = true)]
async fn slow_listing_is_partial_its_jobs_are_cancelled_and_the_message_is_retried() {
    let mut function = Function::new(&[("MAX_SELECTED", "100000"), ("API_CALLS_PER_SECOND", "0")]);
    function.deadline = Duration::from_secs(10);
    function.emulator.set_faults(Faults {
        latency: Duration::from_secs(1),
        only: [Operation::ListJobs].into(),
        ..Faults::default()
    });
    function
        .emulator
        .add_jobs(&many(9000, job(Status::Runnable)));
    let request = select(json!({"statuses": ["RUNNABLE"]}));
    let report = function.invoke(request.clone()).await.unwrap();
    assert_eq!(report["selection"], "partial");
    assert_eq!(report["complete"], false);
    assert_eq!(report["summary"], json!({"jobs": 4000, "cancelled": 4000}));
    let event = sqs([&request]);
    for (left, done) in [(&[0][..], 8000), (&[], 9000)] {
        assert_eq!(
            function.invoke(event.clone()).await.unwrap(),
            failures(left)
        );
        assert_eq!(cancelled(&function.emulator).len(), done);
    }

    // With maxJobs nothing is done, for the oldest jobs of a partial list may not be the oldest of the queue.
    function
        .emulator
        .add_jobs(&many(9000, job(Status::Runnable)));
    let mut limited = request;
    limited["maxJobs"] = 5.into();
    let report = function.invoke(limited).await.unwrap();
    assert_eq!(report["selection"], "partial");
    assert_eq!(report["summary"], json!({"jobs": 0}));
    assert_eq!(cancelled(&function.emulator).len(), 9000);
}

#[tokio::test(start_paused = true)]
async fn jobs_whose_tags_are_known_in_time_are_cancelled() {
    let mut function = Function::new(&[("MAX_SELECTED", "100000"), ("API_CALLS_PER_SECOND", "20")]);
    function.deadline = Duration::from_secs(8);
    function
        .emulator
        .add_jobs(&many(20_000, job(Status::Runnable).tag("user", "ann")));
    let request = select(json!({"tags": {"user": "ann"}, "statuses": ["RUNNABLE"]}));
    let report = function.invoke(request).await.unwrap();
    assert_eq!(report["selection"], "partial", "{}", report["summary"]);
    assert_eq!(report["summary"]["cancelled"], 2350);
    assert_eq!(cancelled(&function.emulator).len(), 2350);
}

#[tokio::test(start_paused = true)]
async fn message_with_max_jobs_is_not_retried_once_its_job_was_tried() {
    let function = Function::new(&[]);
    let (lost, other) = (
        function
            .emulator
            .add_job(job(Status::Runnable).age(Duration::from_hours(1))),
        function.emulator.add_job(job(Status::Runnable)),
    );
    function.emulator.set_faults(Faults {
        ignore_cancels: [lost].into(),
        ..Faults::default()
    });
    let mut request = select(json!({}));
    request["maxJobs"] = 1.into();
    let event = sqs([&request]);
    assert_eq!(function.invoke(event).await.unwrap(), failures(&[]));
    assert!(!function.emulator.job(&other).unwrap().is_cancelled);
}

/// Without time to ask again after 1 s and 3 s, nobody knows whether Batch has the job: it may just have been submitted.
#[tokio::test(start_paused = true)]
async fn job_that_is_not_shown_is_not_found_only_if_there_was_time_to_ask_again() {
    let unknown = "00000000-0000-4000-8000-000000000000";
    let limited = json!({"jobIds": [unknown], "maxJobs": 5});
    for (event, seconds, expected) in [
        (limited.clone(), 5, "notAttempted"),
        (limited, 60, "notFound"),
        (queue_blocked(unknown, QUEUE), 5, "notAttempted"),
        (queue_blocked(unknown, QUEUE), 60, "notFound"),
    ] {
        let mut function = Function::new(&[]);
        function.deadline = Duration::from_secs(seconds);
        let answer = function.invoke(sqs([&event])).await.unwrap();
        let is_done = expected == "notFound";
        let back: &[usize] = if is_done { &[] } else { &[0] };
        assert_eq!(answer, failures(back), "{event}");
        if event["jobIds"].is_array() {
            let report = function.invoke(event).await.unwrap();
            assert_eq!(only_outcome(&report), expected);
        }
    }
}

/// By tags: a job that the listing shows and no look does.
#[tokio::test(start_paused = true)]
async fn job_of_a_selection_that_is_not_shown_in_time_harms_no_other() {
    for (seconds, outcome) in [(5, "notAttempted"), (60, "notFound")] {
        let mut function = Function::new(&[]);
        function.deadline = Duration::from_secs(seconds);
        let tagged = || job(Status::Runnable).tag("user", "ann");
        let hidden = function.emulator.add_job(tagged());
        let shown = function.emulator.add_job(tagged());
        function
            .emulator
            .on(Operation::DescribeJobs, move |emulator, _| {
                emulator.forget_job(&hidden);
            });
        let request = select(json!({"tags": {"user": "ann"}}));
        let report = function.invoke(request).await.unwrap();
        assert_eq!(report["selection"], json!(null), "{report}");
        assert_eq!(report["complete"], outcome == "notFound");
        assert_eq!(
            report["summary"],
            json!({"jobs": 2, "cancelled": 1, outcome: 1})
        );
        assert!(function.emulator.job(&shown).unwrap().is_cancelled);
    }
}

/// What was listed before the token of a page expired, or was given again, is acted on, and each delivery makes progress.
#[tokio::test(start_paused = true)]
async fn listing_whose_token_expires_or_repeats_is_partial() {
    for (tokens, found) in [(Tokens::Expired, 1_000), (Tokens::Repeated, 2_000)] {
        let function = Function::new(&[("MAX_SELECTED", "100000")]);
        function
            .emulator
            .add_jobs(&many(2_500, job(Status::Runnable)));
        function.emulator.set_faults(Faults {
            tokens,
            ..Faults::default()
        });
        let request = select(json!({"statuses": ["RUNNABLE"]}));
        let report = function.invoke(request.clone()).await.unwrap();
        assert_eq!(report["selection"], "partial", "{tokens:?}");
        let listings = function.emulator.count(Operation::ListJobs);
        assert_eq!(listings, 2, "{tokens:?}");
        let summary = json!({"jobs": found, "cancelled": found});
        assert_eq!(report["summary"], summary, "{tokens:?}");
        for _ in 0..2 {
            function.invoke(request.clone()).await.unwrap();
        }
        assert_eq!(cancelled(&function.emulator).len(), 2_500, "{tokens:?}");
    }
}

/// A denial of the first page is one of the selection.
#[tokio::test(start_paused = true)]
async fn listing_that_is_denied_midway_is_partial() {
    let function = Function::new(&[("MAX_SELECTED", "100000")]);
    function
        .emulator
        .add_jobs(&many(1_500, job(Status::Runnable)));
    let request = select(json!({"statuses": ["RUNNABLE"]}));
    function.emulator.on(Operation::ListJobs, |emulator, _| {
        emulator.fail_next(Operation::ListJobs, Fault::Denied, 1);
    });
    let report = function.invoke(request.clone()).await.unwrap();
    assert_eq!(report["selection"], "partial");
    assert_eq!(report["summary"]["cancelled"], 1_000);
    function
        .emulator
        .fail_next(Operation::ListJobs, Fault::Denied, 1);
    assert_eq!(error_of(&function, request).await.error_type, "Denied");
}

/// Two listings are read by turns: what one has found stays found when the other fails.
#[tokio::test(start_paused = true)]
async fn a_listing_that_fails_keeps_what_the_other_has_found() {
    // Only the listing by status has pages of more than a hundred; its tokens expire.
    let function = Function::with_answers(&[], |answer| {
        let mut read: serde_json::Value = serde_json::from_str(&answer).unwrap_or_default();
        let rows = read["jobSummaryList"].as_array();
        if rows.is_none_or(|rows| rows.len() <= 100) || read["nextToken"].is_null() {
            return answer;
        }
        read["nextToken"] = json!("expired");
        read.to_string()
    });
    let mine = job(Status::Runnable).name("mine");
    function.emulator.add_jobs(&many(250, mine));
    let other = job(Status::Submitted).name("other");
    function.emulator.add_jobs(&many(1500, other));
    let report = function.invoke(select(json!({"jobName": "mine"}))).await;
    let all = json!({"jobs": 250, "cancelled": 250});
    assert_eq!(report.unwrap()["summary"], all);
}

/// Jobs that were not looked at may be older than those that were.
#[tokio::test(start_paused = true)]
async fn ids_with_a_limit_end_none_while_older_ones_may_be_unseen() {
    let mut function = Function::new(&[]);
    function.deadline = Duration::from_secs(10);
    let ids: Vec<String> = (0..150)
        .map(|age| {
            let age = Duration::from_secs(1000 + age);
            function.emulator.add_job(job(Status::Runnable).age(age))
        })
        .collect();
    let looks = Operation::DescribeJobs;
    function.emulator.fail_next(looks, Fault::HangBefore, 1);
    function
        .invoke(json!({"jobIds": ids, "maxJobs": 10}))
        .await
        .unwrap();
    assert!(cancelled(&function.emulator).is_empty());
}

/// What one look shows is no refusal of the request.
#[tokio::test(start_paused = true)]
async fn limit_is_partial_where_the_oldest_job_cannot_be_looked_at() {
    let function = Function::new(&[]);
    let day = Duration::from_hours(24);
    let oldest = function.emulator.add_job(job(Status::Runnable).age(day));
    function.emulator.add_jobs(&many(5, job(Status::Runnable)));
    function.emulator.set_faults(Faults {
        fails_describe: [oldest].into(),
        ..Faults::default()
    });
    let mut event = select(json!({}));
    event["maxJobs"] = json!(2);
    let report = function.invoke(event).await;
    let report = report.unwrap_or_else(|error| panic!("{}: {error}", error.error_type()));
    assert_eq!(report["selection"], "partial", "{report}");
    assert!(cancelled(&function.emulator).is_empty());
}

/// What Batch answers of a hundred jobs says nothing of the others.
#[tokio::test(start_paused = true)]
async fn jobs_of_a_limited_list_for_which_no_look_was_sent_are_not_attempted() {
    let mut function = Function::new(&[("API_CONCURRENCY", "1")]);
    function.deadline = Duration::from_secs(2);
    // There is time for one look.
    function.emulator.set_faults(Faults {
        throttle_rate: 1.0,
        latency: Duration::from_millis(840),
        ..Faults::default()
    });
    let ids = function
        .emulator
        .add_jobs(&many(150, job(Status::Runnable)));
    let report = function
        .invoke(json!({"jobIds": ids, "maxJobs": 1}))
        .await
        .unwrap();
    let calls = function.emulator.calls();
    assert_eq!(calls.len(), 1);
    for (id, outcome, ..) in outcomes(&report) {
        let was_asked = calls.iter().any(|call| call.job_ids.contains(&id));
        let expected = if was_asked {
            "throttled"
        } else {
            "notAttempted"
        };
        assert_eq!(outcome, expected, "{report}");
    }
}
