//! `jobQueues`: several queues in one selection.

use std::{collections::BTreeSet, time::Duration};

use batch_emulator::{Emulator, Faults, ItemError, JobSpec, Operation, Queue, Status};
use serde_json::{Value, json};
use support::{
    Function, OWN_FAULT,
    events::{self, Form},
    first_for, job, outcomes,
};

use super::{cancelled, error_of, many, select};

const FIFTY: usize = 50;

fn name(queue: usize) -> String {
    format!("render-{queue:02}")
}

/// A function of the default pace on an account with this many queues.
fn with_queues(queues: usize, settings: &[(&str, &str)]) -> Function {
    let emulator = Emulator::new();
    for queue in 0..queues {
        emulator.add_queue(Queue::new(name(queue)));
    }
    Function::on(emulator, settings)
}

fn in_queue(queue: usize, status: Status) -> JobSpec {
    job(status).queue(name(queue))
}

fn select_all(more: Value) -> Value {
    let mut selected = more;
    selected["jobQueues"] = json!(["render-*"]);
    select(selected)
}

fn unread(report: &Value) -> Vec<&str> {
    let unread = report["unread"].as_array().into_iter().flatten();
    unread
        .map(|queue| queue["jobQueue"].as_str().unwrap())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn names_arns_and_patterns_stand_for_queues_each_once() {
    let function = with_queues(
        4,
        &[("ALLOWED_QUEUES", "render-00,render-01,render-02,other")],
    );
    let ids: Vec<String> = (0..4)
        .map(|queue| function.emulator.add_job(in_queue(queue, Status::Runnable)))
        .collect();
    let arn = "arn:aws:batch:eu-west-1:123456789012:job-queue/render-01";
    for (queues, expected, described) in [
        (json!(["render-01"]), vec![1], 1),
        (json!(["render-01", arn, "render-01"]), vec![1], 1),
        (json!(["render-02", "render-00"]), vec![0, 2], 1),
        // Patterns stand for what is allowed: the fourth queue is not.
        (json!(["render-*"]), vec![0, 1, 2], 1),
        (json!(["arn:*/render-02"]), vec![2], 1),
        (json!(["render-00", "*-01"]), vec![0, 1], 2),
    ] {
        function.emulator.forget_calls();
        let mut event = select(json!({"jobQueues": queues}));
        event["dryRun"] = true.into();
        let report = function.invoke(event).await.unwrap();
        let found: BTreeSet<String> = outcomes(&report).into_iter().map(|job| job.0).collect();
        let expected: BTreeSet<String> = expected
            .into_iter()
            .map(|i: usize| ids[i].clone())
            .collect();
        assert_eq!(found, expected, "{queues}");
        let calls = function.emulator.count(Operation::DescribeJobQueues);
        assert_eq!(calls, described, "{queues}");
        // Three statuses of each, twice where something matched.
        let calls = function.emulator.count(Operation::ListJobs);
        assert_eq!(calls, 6 * expected.len(), "{queues}");
    }
}

#[tokio::test(start_paused = true)]
async fn queue_that_is_named_must_exist_and_be_allowed_and_a_pattern_must_match() {
    let function = with_queues(2, &[("ALLOWED_QUEUES", "render-*")]);
    function.emulator.add_queue(Queue::new("theirs"));
    function
        .emulator
        .add_queue(Queue::service("render-service"));
    for (queues, expected) in [
        (
            json!(["render-00", "theirs"]),
            "job queue theirs is not in ALLOWED_QUEUES",
        ),
        (
            json!(["render-00", "render-99"]),
            "job queue render-99 does not exist",
        ),
        (json!(["render-00", "render-service"]), "holds service jobs"),
        (json!(["render-*", "rendr-*"]), "matches \"rendr-*\""),
        (json!(["theirs*"]), "matches \"theirs*\""),
        (json!(["render-s*"]), "holds service jobs"),
    ] {
        let error = error_of(&function, select(json!({"jobQueues": queues}))).await;
        assert_eq!(error.error_type, "Refused", "{queues}");
        assert!(
            error.error_message.contains(expected),
            "{}",
            error.error_message
        );
    }
    assert_eq!(function.emulator.count(Operation::ListJobs), 0);
    // A pattern leaves out the queue of service jobs.
    let report = function.invoke(select_all(json!({}))).await.unwrap();
    assert_eq!(
        report["ignored"],
        "no job in job queues render-* matches the selection"
    );
}

#[tokio::test(start_paused = true)]
async fn bad_lists_of_queues_are_refused_with_the_field() {
    let function = with_queues(1, &[]);
    let many: Vec<String> = (0..51).map(name).collect();
    for (selected, expected) in [
        (
            json!({"jobQueues": []}),
            "select.jobQueues: expected 1 to 50 job queues",
        ),
        (
            json!({"jobQueues": many}),
            "select.jobQueues: expected 1 to 50 job queues",
        ),
        (
            json!({"jobQueues": ["a", "b,c"]}),
            "select.jobQueues[1]: expected a job queue's name or ARN, at most 256 letters, digits, - and _",
        ),
        (
            json!({"jobQueues": ["a"], "jobQueue": "a"}),
            "select: exactly one of jobQueue, jobQueues and arrayJobId is required",
        ),
    ] {
        let error = error_of(&function, json!({"select": selected})).await;
        assert_eq!(error.error_type, "InvalidRequest");
        assert_eq!(error.error_message, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn limits_and_the_oldest_are_those_of_all_queues() {
    let function = with_queues(3, &[("MAX_SELECTED", "10")]);
    let mut by_age = Vec::new();
    for number in 0..12 {
        let age = Duration::from_mins(10) + Duration::from_mins(1) * ((number * 7) % 12);
        let queue = usize::try_from(number % 3).unwrap();
        let spec = in_queue(queue, Status::Runnable).age(age);
        by_age.push((age, function.emulator.add_job(spec)));
    }
    by_age.sort();
    by_age.reverse();
    let error = error_of(&function, select_all(json!({}))).await;
    assert!(
        error
            .error_message
            .contains("MAX_SELECTED (parameter MaxSelected), 10"),
        "{}",
        error.error_message
    );
    assert!(cancelled(&function.emulator).is_empty());
    let mut event = select_all(json!({}));
    event["maxJobs"] = 5.into();
    let report = function.invoke(event).await.unwrap();
    assert_eq!(
        report["summary"],
        json!({"jobs": 12, "cancelled": 5, "overLimit": 7})
    );
    let oldest: BTreeSet<String> = by_age[..5].iter().map(|(_, id)| id.clone()).collect();
    assert_eq!(cancelled(&function.emulator), oldest);
}

#[tokio::test(start_paused = true)]
async fn queue_that_cannot_be_read_is_named_and_hides_no_other() {
    for (error, text) in [
        (ItemError::ServerException, "ServerException"),
        (ItemError::AccessDenied, "AccessDeniedException"),
        (ItemError::ClientException, "ClientException"),
    ] {
        let function = with_queues(3, &[]);
        for queue in 0..3 {
            function
                .emulator
                .add_jobs(&many(4, in_queue(queue, Status::Runnable)));
        }
        function.emulator.set_faults(Faults {
            queue_errors: [(name(1), error)].into(),
            ..Faults::default()
        });
        let report = function.invoke(select_all(json!({}))).await.unwrap();
        assert_eq!(
            report["summary"],
            json!({"jobs": 8, "cancelled": 8}),
            "{report}"
        );
        assert_eq!(report["selection"], "partial");
        assert_eq!(report["complete"], false);
        assert_eq!(unread(&report), ["render-01"]);
        assert!(
            report["unread"][0]["error"]
                .as_str()
                .unwrap()
                .contains(text),
            "{report}"
        );
        // Without the whole list nobody knows the oldest.
        let mut event = select_all(json!({}));
        event["maxJobs"] = 2.into();
        function.emulator.add_job(in_queue(0, Status::Runnable));
        let report = function.invoke(event).await.unwrap();
        assert_eq!(report["summary"], json!({"jobs": 0}));
        assert_eq!(unread(&report), ["render-01"]);
    }
}

#[tokio::test(start_paused = true)]
async fn queues_of_which_none_can_be_read_are_refused_if_iam_denies_them() {
    let function = with_queues(2, &[]);
    function.emulator.set_faults(Faults {
        denied: [Operation::ListJobs, Operation::GetJobQueueSnapshot].into(),
        ..Faults::default()
    });
    for head in [false, true] {
        let error = error_of(&function, select_all(json!({"head": head}))).await;
        assert_eq!(error.error_type, "Denied");
    }
}

#[tokio::test(start_paused = true)]
async fn head_means_the_head_of_each_queue() {
    let function = with_queues(4, &[]);
    let blocked = |queue: usize, age: u64| JobSpec {
        status_reason: Some(format!("{OWN_FAULT} Queue {queue}.")),
        position_time: first_for(&function.emulator, Duration::from_mins(20)),
        ..in_queue(queue, Status::Runnable).age(Duration::from_mins(age))
    };
    let heads: Vec<String> = [(0, 30), (1, 50), (2, 40)]
        .into_iter()
        .map(|(queue, age)| {
            let head = function.emulator.add_job(blocked(queue, age));
            function
                .emulator
                .add_jobs(&many(3, in_queue(queue, Status::Runnable)));
            head
        })
        .collect();
    function.emulator.add_job(in_queue(3, Status::Runnable));
    let mut event = select_all(json!({"head": true}));
    event["dryRun"] = true.into();
    let report = function.invoke(event.clone()).await.unwrap();
    assert_eq!(
        report["summary"],
        json!({"jobs": 3, "wouldCancel": 3}),
        "{report}"
    );
    event["dryRun"] = false.into();
    event["maxJobs"] = 2.into();
    let report = function.invoke(event).await.unwrap();
    assert_eq!(
        report["summary"],
        json!({"jobs": 3, "cancelled": 2, "overLimit": 1}),
        "{report}"
    );
    assert_eq!(
        cancelled(&function.emulator),
        [heads[1].clone(), heads[2].clone()].into()
    );
    // The reason of each repeats what it overwrites.
    for (queue, head) in [(1, &heads[1]), (2, &heads[2])] {
        let reason = function.emulator.job(head).unwrap().status_reason.unwrap();
        assert!(reason.contains(&format!("Queue {queue}.")), "{reason}");
    }
}

#[tokio::test(start_paused = true)]
async fn heads_of_several_queues_are_looked_at_within_the_concurrency() {
    for concurrency in [1, 3] {
        let function = with_queues(8, &[("API_CONCURRENCY", &concurrency.to_string())]);
        function.emulator.set_faults(Faults {
            latency: Duration::from_millis(50),
            ..Faults::default()
        });
        for queue in 0..8 {
            function.emulator.add_job(in_queue(queue, Status::Runnable));
        }
        let report = function.invoke(select_all(json!({"head": true}))).await;
        assert_eq!(report.unwrap()["summary"], json!({"jobs": 0}));
        assert_eq!(function.emulator.count(Operation::DescribeJobs), 8);
        assert_eq!(function.emulator.most_in_flight(), concurrency);
    }
}

#[tokio::test(start_paused = true)]
async fn heads_above_max_selected_are_refused() {
    let function = with_queues(2, &[("MAX_SELECTED", "1")]);
    for queue in 0..2 {
        function.emulator.add_job(JobSpec {
            status_reason: Some(OWN_FAULT.to_owned()),
            position_time: first_for(&function.emulator, Duration::from_mins(20)),
            ..in_queue(queue, Status::Runnable).age(Duration::from_mins(30))
        });
    }
    let error = error_of(&function, select_all(json!({"head": true}))).await;
    assert!(
        error.error_message.contains("matches 2 jobs"),
        "{}",
        error.error_message
    );
    assert!(cancelled(&function.emulator).is_empty());
}

#[tokio::test(start_paused = true)]
async fn head_of_a_queue_that_cannot_be_read_is_named_and_hides_no_other() {
    let function = with_queues(3, &[]);
    let head = function.emulator.add_job(JobSpec {
        status_reason: Some(OWN_FAULT.to_owned()),
        position_time: first_for(&function.emulator, Duration::from_mins(20)),
        ..in_queue(2, Status::Runnable).age(Duration::from_mins(30))
    });
    function.emulator.set_faults(Faults {
        queue_errors: [(name(0), ItemError::AccessDenied)].into(),
        ..Faults::default()
    });
    let report = function
        .invoke(select_all(json!({"head": true})))
        .await
        .unwrap();
    assert_eq!(report["summary"], json!({"jobs": 1, "cancelled": 1}));
    assert_eq!(outcomes(&report)[0].0, head);
    assert_eq!(unread(&report), ["render-00"]);
}

#[tokio::test(start_paused = true)]
async fn an_alarm_acts_on_its_own_queue_alone() {
    let request = r#"{"select": {"jobQueues": ["*"]}}"#;
    let settings = [("ALLOWED_QUEUES", "*"), ("ALARM_DESCRIPTIONS", "true")];
    let function = with_queues(2, &settings);
    let alarm = events::alarm_action(&name(0), &format!(r#"{{"batchCancel": {request}}}"#));
    let error = error_of(&function, alarm).await;
    assert!(
        error
            .error_message
            .contains("jobQueues: not allowed for an alarm"),
        "{}",
        error.error_message
    );
    assert!(function.emulator.calls().is_empty());
}

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
    let (read, named) = (outcomes(&report).len(), unread(&report));
    assert!(!named.is_empty() && read + named.len() >= 20, "{report}");
    assert_eq!(cancelled(&function.emulator).len(), read);
    assert_eq!(report["selection"], "partial");
    assert!(
        report["unread"][0]["error"]
            .as_str()
            .unwrap()
            .contains("time"),
        "{report}"
    );
}

/// A function of which anybody may ask anything over HTTP, with one job in each queue, and queues that fail.
fn failing(queues: usize, errors: &[(usize, ItemError)]) -> Function {
    let function = with_queues(queues, &[("REQUIRE_CALLER", "false")]);
    for queue in 0..queues {
        function.emulator.add_job(in_queue(queue, Status::Runnable));
    }
    let errors = errors.iter().map(|&(queue, error)| (name(queue), error));
    function.emulator.set_faults(Faults {
        queue_errors: errors.collect(),
        ..Faults::default()
    });
    function
}

async fn post(function: &Function, request: &Value) -> (i64, Value) {
    let answer = function
        .invoke(Form::V2.post(&request.to_string()))
        .await
        .unwrap();
    let body = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    (answer["statusCode"].as_i64().unwrap(), body)
}

#[tokio::test(start_paused = true)]
async fn http_is_503_only_if_nothing_was_read_for_throttling() {
    use ItemError::{AccessDenied, ThrottlingException};
    let both = [(0, ThrottlingException), (1, ThrottlingException)];
    let (status, problem) = post(&failing(2, &both), &select_all(json!({}))).await;
    assert_eq!(status, 503, "{problem}");
    assert_eq!(unread(&problem), ["render-00", "render-01"]);
    // One of three was read: nothing is unavailable, also where nothing may be done for want of the others.
    for max_jobs in [json!(null), json!(1)] {
        let mut request = select_all(json!({}));
        if !max_jobs.is_null() {
            request["maxJobs"] = max_jobs.clone();
        }
        let (status, report) = post(&failing(3, &both), &request).await;
        assert_eq!(status, 200, "{report}");
        assert_eq!(report["complete"], false);
        assert_eq!(unread(&report), ["render-00", "render-01"]);
        assert_eq!(outcomes(&report).len(), usize::from(max_jobs.is_null()));
    }
    // What is denied hides no queue that another try may read.
    for errors in [
        [(0, AccessDenied), (1, ThrottlingException)],
        [(0, ThrottlingException), (1, AccessDenied)],
    ] {
        let (status, report) = post(&failing(2, &errors), &select_all(json!({}))).await;
        assert_eq!(
            (status, &report["selection"]),
            (200, &"partial".into()),
            "{report}"
        );
    }
    let denied = [(0, AccessDenied), (1, AccessDenied)];
    let (status, problem) = post(&failing(2, &denied), &select_all(json!({}))).await;
    assert_eq!(status, 403, "{problem}");
}

#[tokio::test(start_paused = true)]
async fn head_of_unknown_age_keeps_the_younger_ones_from_being_ended() {
    for (max_jobs, expected) in [(1, "notAttempted"), (2, "cancelled")] {
        let function = with_queues(2, &[]);
        let heads: Vec<String> = [50, 30]
            .into_iter()
            .enumerate()
            .map(|(queue, age)| {
                function.emulator.add_job(JobSpec {
                    status_reason: Some(OWN_FAULT.to_owned()),
                    position_time: first_for(&function.emulator, Duration::from_mins(20)),
                    ..in_queue(queue, Status::Runnable).age(Duration::from_mins(age))
                })
            })
            .collect();
        function.emulator.set_faults(Faults {
            fails_describe: [heads[0].clone()].into(),
            ..Faults::default()
        });
        let mut event = select_all(json!({"head": true}));
        event["maxJobs"] = max_jobs.into();
        let report = function.invoke(event).await.unwrap();
        let found: Vec<(String, String)> = outcomes(&report)
            .into_iter()
            .map(|(id, outcome, ..)| (id, outcome))
            .collect();
        let expected = [
            (heads[0].clone(), "failed".to_owned()),
            (heads[1].clone(), expected.to_owned()),
        ];
        assert_eq!(found, expected, "{report}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_callers_own_jobs_are_found_in_several_queues() {
    let function = with_queues(3, &[("OWNER_TAG", "user")]);
    let mut own = BTreeSet::new();
    for queue in 0..3 {
        let ann = in_queue(queue, Status::Runnable).tag("user", "ann");
        own.insert(function.emulator.add_job(ann));
        let bob = in_queue(queue, Status::Runnable).tag("user", "bob");
        function.emulator.add_job(bob);
    }
    let request = select_all(json!({})).to_string();
    let event = Form::V2
        .post(&request)
        .caller("arn:aws:iam::123456789012:user/ann");
    let answer = function.invoke(event).await.unwrap();
    assert_eq!(answer["statusCode"], 200, "{answer}");
    assert_eq!(cancelled(&function.emulator), own);
}
