//! Conflicts: several requests for one job, selections that do not match it, and jobs whose status changes between the
//! listing, the description and the call.

use std::time::Duration;

use batch_emulator::{BulkCalls, Fault, Faults, JobSpec, JobView, Operation, Status};
use serde_json::{Value, json};
use support::{
    Function, QUEUE,
    events::{Form, alarm_action, failures, sqs},
    job, only_outcome,
};

#[tokio::test(start_paused = true)]
async fn named_job_is_cancelled_beside_a_selection_without_it() {
    let by_tag = json!({"select": {"jobQueue": QUEUE, "tags": {"user": "ann"}}});
    let terminate = |select: Value| json!({"select": select, "terminate": true});
    let others = [
        by_tag.clone(),
        terminate(by_tag["select"].clone()),
        terminate(json!({"jobQueue": QUEUE, "head": true})),
        json!({"select": {"jobQueue": QUEUE, "head": true}}),
    ];
    for other in others {
        for named_first in [true, false] {
            let function = Function::new(&[("ALLOW_TERMINATE", "true")]);
            let id = function.emulator.add_job(job(Status::Runnable));
            let named = json!({ "jobId": id });
            let bodies = if named_first {
                [named, other.clone()]
            } else {
                [other.clone(), named]
            };
            let answer = function.invoke(sqs(&bodies)).await.unwrap();
            assert_eq!(answer, failures(&[]), "{other}, named first: {named_first}");
            let job = function.emulator.job(&id).unwrap();
            assert!(job.is_cancelled, "{other}, named first: {named_first}");
            assert!(!job.is_terminated);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn named_job_is_cancelled_beside_a_limited_or_refused_selection() {
    for (other, settings) in [
        (
            json!({"select": {"jobQueue": QUEUE}, "maxJobs": 1, "terminate": true}),
            vec![],
        ),
        (json!({"select": {"jobQueue": QUEUE}, "maxJobs": 1}), vec![]),
        (
            json!({"select": {"jobQueue": QUEUE, "tags": {"user": "ann"}}, "terminate": true}),
            vec![("MAX_SELECTED", "100")],
        ),
    ] {
        for named_first in [true, false] {
            let mut settings = settings.clone();
            settings.push(("ALLOW_TERMINATE", "true"));
            let function = Function::new(&settings);
            let spec = job(Status::Runnable).tag("user", "ann");
            function.emulator.add_jobs(&JobSpec {
                count: 150,
                ..spec.clone().age(Duration::from_hours(2))
            });
            let id = function.emulator.add_job(spec);
            let named = json!({ "jobId": id });
            let bodies = if named_first {
                [named, other.clone()]
            } else {
                [other.clone(), named]
            };
            function.invoke(sqs(&bodies)).await.unwrap();
            assert!(
                function.emulator.job(&id).unwrap().is_cancelled,
                "{other}, named first: {named_first}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn job_is_cancelled_by_the_one_selection_that_matches_it() {
    let function = Function::new(&[]);
    let id = function
        .emulator
        .add_job(job(Status::Runnable).tag("user", "bob"));
    let of = |user: &str| json!({"select": {"jobQueue": QUEUE, "tags": {"user": user}}});
    function
        .invoke(sqs(&[of("ann"), of("bob"), of("cleo")]))
        .await
        .unwrap();
    assert!(function.emulator.job(&id).unwrap().is_cancelled);
}

#[tokio::test(start_paused = true)]
async fn slow_listing_leaves_time_to_describe_tags() {
    let mut function = Function::new(&[("MAX_SELECTED", "100000")]);
    function.deadline = Duration::from_secs(20);
    function.emulator.set_faults(Faults {
        latency: Duration::from_secs(2),
        only: [Operation::ListJobs].into(),
        ..Faults::default()
    });
    function.emulator.add_jobs(&JobSpec {
        count: 20_000,
        ..job(Status::Runnable).tag("user", "ann")
    });
    let request =
        json!({"select": {"jobQueue": QUEUE, "tags": {"user": "ann"}, "statuses": ["RUNNABLE"]}});
    let report = function.invoke(request).await.unwrap();
    assert_eq!(report["selection"], "partial");
    assert!(
        report["summary"]["cancelled"]
            .as_u64()
            .is_some_and(|count| count >= 2000),
        "{}",
        report["summary"]
    );
}

#[tokio::test(start_paused = true)]
async fn bulk_calls_that_disappear_are_replaced_by_single_calls() {
    let function = Function::new(&[]);
    let add = || {
        function.emulator.add_jobs(&JobSpec {
            count: 60,
            ..job(Status::Runnable)
        })
    };
    let report = function.invoke(json!({ "jobIds": add() })).await.unwrap();
    assert_eq!(report["summary"]["cancelled"], 60);
    function.emulator.set_faults(Faults {
        bulk_calls: BulkCalls::NotFound,
        ..Faults::default()
    });
    function.emulator.forget_calls();
    let report = function.invoke(json!({ "jobIds": add() })).await.unwrap();
    assert_eq!(report["summary"], json!({"jobs": 60, "cancelled": 60}));
    assert_eq!(function.emulator.count(Operation::CancelJobs), 2);
    assert_eq!(function.emulator.count(Operation::CancelJob), 60);
}

#[tokio::test(start_paused = true)]
async fn job_started_after_the_listing_is_terminated_only_if_its_status_was_selected() {
    for (statuses, outcome) in [
        (json!(["RUNNABLE"]), "running"),
        (json!(["RUNNABLE", "STARTING"]), "terminated"),
    ] {
        let function = Function::new(&[("ALLOW_TERMINATE", "true")]);
        let id = function.emulator.add_job(job(Status::Runnable));
        let moving = id.clone();
        function
            .emulator
            .on(Operation::DescribeJobs, move |emulator, _| {
                if emulator
                    .job(&moving)
                    .is_some_and(|job| job.status == Status::Runnable)
                {
                    emulator.set_status(&moving, Status::Starting);
                }
            });
        let request =
            json!({"select": {"jobQueue": QUEUE, "statuses": statuses}, "terminate": true});
        let report = function.invoke(request).await.unwrap();
        assert_eq!(only_outcome(&report), outcome, "{statuses}");
    }
}

#[tokio::test(start_paused = true)]
async fn flag_set_before_the_call_does_not_confirm_it() {
    let function = Function::new(&[("ALLOW_TERMINATE", "true")]);
    let array = JobSpec {
        is_cancelled: true,
        ..job(Status::Pending)
    };
    let id = function
        .emulator
        .add_job(array.array(&[Status::Running, Status::Running]));
    function.emulator.set_faults(Faults {
        ignore_cancels: [id.clone()].into(),
        ..Faults::default()
    });
    let report = function
        .invoke(json!({"jobId": id, "terminate": true}))
        .await
        .unwrap();
    assert_eq!(only_outcome(&report), "unconfirmed");
}

#[tokio::test(start_paused = true)]
async fn batch_cancel_in_an_alarm_description_is_read_amid_prose_or_is_an_error() {
    let function = Function::new(&[("ALARM_DESCRIPTIONS", "true")]);
    function.emulator.add_job(job(Status::Runnable));
    for description in [
        r#"Stuck {see wiki}. { "batchCancel" : {"select": {}, "dryRun": true} } Thanks."#,
        r#"{"note": 1, "batchCancel": {"select": {}, "dryRun": true}}"#,
    ] {
        let report = function
            .invoke(alarm_action(QUEUE, description))
            .await
            .unwrap();
        assert_eq!(only_outcome(&report), "wouldCancel", "{description}");
    }
    let error = function
        .invoke(alarm_action(QUEUE, r#"batch: {"batchCancel": {"select"#))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("batchCancel"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn throttled_listing_is_503_over_http() {
    let function = Function::new(&[("REQUIRE_CALLER", "false")]);
    function
        .emulator
        .fail_next(Operation::ListJobs, Fault::Throttled, 1000);
    let request = json!({"select": {"jobQueue": QUEUE}});
    let answer = function.invoke(Form::V2.post(&request.to_string())).await;
    let answer = answer.unwrap();
    assert_eq!(answer["statusCode"], 503, "{answer}");
    assert!(answer["headers"]["retry-after"].is_string());
}

#[tokio::test(start_paused = true)]
async fn named_child_is_cancelled_although_its_array_is_over_the_limit() {
    let function = Function::new(&[]);
    function.emulator.add_jobs(&JobSpec {
        count: 150,
        ..job(Status::Runnable).age(Duration::from_hours(5))
    });
    let array = function
        .emulator
        .add_job(job(Status::Pending).array(&[Status::Runnable, Status::Runnable]));
    let bodies = [
        json!({"jobId": format!("{array}:1")}),
        json!({"select": {"jobQueue": QUEUE}, "maxJobs": 1}),
    ];
    let answer = function.invoke(sqs(&bodies)).await.unwrap();
    assert_eq!(answer, failures(&[]));
    assert!(
        function
            .emulator
            .job(&format!("{array}:1"))
            .unwrap()
            .is_cancelled
    );
    assert!(!function.emulator.job(&array).unwrap().is_cancelled);
}

#[tokio::test(start_paused = true)]
async fn largest_max_jobs_is_accepted() {
    let function = Function::new(&[]);
    let id = function.emulator.add_job(job(Status::Runnable));
    for target in [
        json!({"jobIds": [id]}),
        json!({"select": {"jobQueue": QUEUE}}),
    ] {
        let mut request = target;
        request["maxJobs"] = u64::MAX.into();
        request["dryRun"] = true.into();
        let report = function.invoke(request).await.unwrap();
        assert_eq!(only_outcome(&report), "wouldCancel");
        assert_eq!(report["dryRun"], true);
    }
}

/// One of the requests asks for what the job has come to, whichever stands first.
#[tokio::test(start_paused = true)]
async fn job_that_starts_meanwhile_is_terminated_if_one_of_its_requests_asks_for_that() {
    let waiting = json!({"select": {"jobQueue": QUEUE}, "terminate": true});
    let starting = json!({"select": {"jobQueue": QUEUE, "statuses": ["RUNNABLE", "STARTING"]}, "terminate": true});
    for selects_first in [true, false] {
        for (named, is_ended) in [(true, true), (false, false)] {
            let function = Function::new(&[("ALLOW_TERMINATE", "true")]);
            let id = function.emulator.add_job(job(Status::Runnable));
            let moving = id.clone();
            function
                .emulator
                .on(Operation::DescribeJobs, move |emulator, _| {
                    let is_runnable = |job: JobView| job.status == Status::Runnable;
                    if emulator.job(&moving).is_some_and(is_runnable) {
                        emulator.set_status(&moving, Status::Running);
                    }
                });
            let other = if named {
                json!({"jobId": id, "terminate": true})
            } else {
                starting.clone()
            };
            let mut bodies = [waiting.clone(), other];
            if !selects_first {
                bodies.reverse();
            }
            let answer = function.invoke(sqs(&bodies)).await.unwrap();
            assert_eq!(answer, failures(&[]), "{bodies:?}");
            let job = function.emulator.job(&id).unwrap();
            assert_eq!(job.is_terminated, is_ended, "{bodies:?}: {job:?}");
        }
    }
}

/// A job that has ended since it was listed is not looked at again for a request that names it.
#[tokio::test(start_paused = true)]
async fn job_that_a_selection_saw_ended_has_ended_for_all_requests() {
    for named_first in [true, false] {
        let function = Function::new(&[]);
        let id = function
            .emulator
            .add_job(job(Status::Runnable).tag("user", "ann"));
        function
            .emulator
            .on(Operation::DescribeJobs, |emulator, ids| {
                for id in ids {
                    emulator.set_status(id, Status::Succeeded);
                }
            });
        let by_tag = json!({"select": {"jobQueue": QUEUE, "tags": {"user": "ann"}}});
        let named = json!({ "jobId": id });
        let bodies = if named_first {
            [named, by_tag]
        } else {
            [by_tag, named]
        };
        let answer = function.invoke(sqs(&bodies)).await.unwrap();
        assert_eq!(answer, failures(&[]));
        assert_eq!(function.emulator.count(Operation::DescribeJobs), 1);
    }
}
