//! Over HTTP a caller ends only jobs of his own, whatever the form of the request, of the caller and of the job.

mod arrays;
mod callers;
mod selections;
mod soak;

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use batch_emulator::{Emulator, JobSpec, Operation, Queue, Status};
use serde_json::{Value, json};
use support::{
    Function,
    events::{Form, eventbridge, sqs},
    outcomes,
};

use crate::events::http::send;
use callers::{Caller, lookalikes, named, nameless};

const TAG: (&str, &str) = ("OWNER_TAG", "owner");

fn owned(status: Status, owner: Option<&str>) -> JobSpec {
    let spec = JobSpec::new(status)
        .queue("mine")
        .age(Duration::from_hours(1));
    match owner {
        Some(owner) => spec.tag("owner", owner),
        None => spec,
    }
}

fn array(owner: &str) -> JobSpec {
    owned(Status::Pending, Some(owner)).array(&[Status::Runnable, Status::Running])
}

fn account() -> Emulator {
    let emulator = Emulator::new();
    emulator.add_queue(Queue::new("mine"));
    emulator.add_queue(Queue::new("theirs"));
    emulator
}

fn function(emulator: Emulator, more: &[(&str, &str)]) -> Function {
    let settings = [
        &[("ALLOWED_QUEUES", "mine"), ("ALLOW_TERMINATE", "true"), TAG],
        more,
    ]
    .concat();
    Function::on(emulator, &settings)
}

/// The ids of the jobs that Batch was asked to end.
fn ended(emulator: &Emulator) -> Vec<String> {
    let jobs = emulator.jobs().into_iter();
    jobs.filter(|job| job.is_cancelled || job.is_terminated)
        .map(|job| job.job_id)
        .collect()
}

/// Some jobs, each with the outcome for ann who cancels it.
fn jobs_with_outcomes(emulator: &Emulator) -> Vec<(String, &'static str)> {
    let add = |spec: JobSpec| emulator.add_job(spec);
    let protected = |spec: JobSpec| spec.tag("batch-cancel:protect", "");
    let (own, others) = (add(array("ann")), add(array("bob")));
    let own_protected = add(protected(array("ann")));
    let others_protected = add(protected(array("bob")));
    let child = |array: &str, index: u32| format!("{array}:{index}");
    vec![
        (add(owned(Status::Runnable, Some("ann"))), "cancelled"),
        (add(owned(Status::Runnable, Some("bob"))), "notOwner"),
        (add(owned(Status::Runnable, Some("Ann"))), "notOwner"),
        (add(owned(Status::Runnable, Some("ann "))), "notOwner"),
        (add(owned(Status::Runnable, Some(""))), "notOwner"),
        (add(owned(Status::Runnable, Some("*"))), "notOwner"),
        (add(owned(Status::Runnable, None)), "notOwner"),
        (
            add(owned(Status::Runnable, None).tag("Owner", "ann")),
            "notOwner",
        ),
        (
            add(owned(Status::Runnable, Some("ann")).queue("theirs")),
            "queueNotAllowed",
        ),
        (
            add(owned(Status::Runnable, Some("bob")).queue("theirs")),
            "queueNotAllowed",
        ),
        (add(owned(Status::Running, Some("ann"))), "running"),
        (add(owned(Status::Running, Some("bob"))), "notOwner"),
        (add(owned(Status::Succeeded, Some("ann"))), "finished"),
        (add(owned(Status::Succeeded, Some("bob"))), "notOwner"),
        (
            add(protected(owned(Status::Runnable, Some("ann")))),
            "protected",
        ),
        (
            add(protected(owned(Status::Runnable, Some("bob")))),
            "notOwner",
        ),
        (
            add(protected(owned(Status::Succeeded, Some("ann")))),
            "finished",
        ),
        (child(&own, 0), "cancelled"),
        (child(&own, 1), "running"),
        (child(&others, 0), "notOwner"),
        (child(&others, 1), "notOwner"),
        (others, "notOwner"),
        (child(&own_protected, 0), "protected"),
        (own_protected, "protected"),
        (child(&others_protected, 0), "notOwner"),
        (
            "00000000-0000-4000-8000-000000000000".to_owned(),
            "notFound",
        ),
        ("no id".to_owned(), "invalidId"),
    ]
}

fn listed(report: &Value) -> Vec<(String, String)> {
    let all = outcomes(report).into_iter();
    all.map(|(id, outcome, ..)| (id, outcome)).collect()
}

fn texts(jobs: &[(String, &str)]) -> Vec<(String, String)> {
    let texts = jobs
        .iter()
        .map(|(id, outcome)| (id.clone(), (*outcome).to_owned()));
    texts.collect()
}

#[tokio::test(start_paused = true)]
async fn every_form_of_caller_ends_own_jobs_only() {
    for caller in named("ann") {
        let function = function(account(), caller.settings);
        let jobs = jobs_with_outcomes(&function.emulator);
        let ids: Vec<&String> = jobs.iter().map(|(id, _)| id).collect();
        let dry_run = caller.post(&json!({"jobIds": ids, "dryRun": true}));
        let report = send(&function, dry_run).await.json();
        let would = texts(&jobs).into_iter().map(|(id, outcome)| {
            let is_open = outcome == "cancelled";
            (
                id,
                if is_open {
                    "wouldCancel".to_owned()
                } else {
                    outcome
                },
            )
        });
        assert_eq!(
            listed(&report),
            would.collect::<Vec<_>>(),
            "{}",
            caller.context
        );
        assert!(ended(&function.emulator).is_empty());
        for max_jobs in [None, Some(2)] {
            let mut body = json!({ "jobIds": ids });
            if let Some(most) = max_jobs {
                body["maxJobs"] = json!(most);
            }
            let report = send(&function, caller.post(&body)).await.json();
            assert_eq!(
                listed(&report),
                texts(&jobs),
                "{:?} {}",
                caller.form,
                caller.context
            );
        }
        let done = jobs.iter().filter(|(_, outcome)| *outcome == "cancelled");
        let mut done: Vec<String> = done.map(|(id, _)| id.clone()).collect();
        let mut found = ended(&function.emulator);
        done.sort();
        found.sort();
        assert_eq!(found, done, "{}", caller.context);
    }
}

#[tokio::test(start_paused = true)]
async fn each_job_alone_has_the_same_outcome_and_its_status() {
    let caller = &named("ann")[0];
    for max_jobs in [false, true] {
        let emulator = account();
        let jobs = jobs_with_outcomes(&emulator);
        let function = function(emulator, &[]);
        for (id, outcome) in &jobs {
            let answer = if max_jobs {
                let body = json!({"jobIds": [id], "maxJobs": 1});
                send(&function, caller.post(&body)).await.json()["jobs"][0].clone()
            } else {
                let path = format!("/jobs/{}", id.replace(':', "%3A"));
                let answer = send(&function, caller.request("DELETE", &path)).await;
                let status = match *outcome {
                    "cancelled" => 200,
                    "running" | "finished" => 409,
                    "notFound" => 404,
                    "invalidId" => 400,
                    _ => 403,
                };
                assert_eq!(answer.status, status, "{}", answer.body);
                answer.json()
            };
            assert_eq!(answer["outcome"], *outcome, "{answer}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn caller_without_a_name_owns_nothing_not_even_jobs_with_an_empty_tag() {
    let callers = nameless("ann");
    assert!(callers.len() > 50);
    for caller in callers {
        let function = function(account(), caller.settings);
        let emulator = &function.emulator;
        let owners = [
            Some("ann"),
            Some(""),
            Some(" "),
            None,
            Some("http"),
            Some("[ann]x"),
        ];
        let mut ids = owners
            .map(|owner| emulator.add_job(owned(Status::Runnable, owner)))
            .to_vec();
        let whole = emulator.add_job(array("ann"));
        ids.extend([format!("{whole}:0"), whole.clone()]);
        let report = send(&function, caller.post(&json!({ "jobIds": ids })))
            .await
            .json();
        assert_eq!(
            report["summary"]["notOwner"],
            ids.len(),
            "{}: {report}",
            caller.context
        );
        let select = json!({"select": {"jobQueue": "mine"}});
        let report = send(&function, caller.post(&select)).await.json();
        assert_eq!(report["summary"]["jobs"], 0, "{}: {report}", caller.context);
        let select = json!({"select": {"arrayJobId": whole}});
        let refused = send(&function, caller.post(&select)).await;
        assert!(
            refused.problem(403)["detail"]
                .as_str()
                .unwrap()
                .contains("notOwner")
        );
        assert!(ended(emulator).is_empty(), "{}", caller.context);
    }
}

#[tokio::test(start_paused = true)]
async fn name_that_only_looks_like_the_owners_owns_what_carries_just_this_name() {
    for caller in lookalikes("ann") {
        let function = function(account(), caller.settings);
        let add = |owner: &str| {
            function
                .emulator
                .add_job(owned(Status::Runnable, Some(owner)))
        };
        let ids = [add("ann"), add(caller.name.as_deref().unwrap())];
        let report = send(&function, caller.post(&json!({ "jobIds": ids })))
            .await
            .json();
        let outcomes: Vec<String> = listed(&report).into_iter().map(|(_, o)| o).collect();
        assert_eq!(outcomes, ["notOwner", "cancelled"], "{}", caller.context);
        assert_eq!(ended(&function.emulator), ids[1..]);
    }
}

#[tokio::test(start_paused = true)]
async fn of_anothers_job_a_report_says_no_more_than_its_queue_and_status() {
    let function = function(account(), &[]);
    let spec = JobSpec {
        status_reason: Some("secret reason".to_owned()),
        ..owned(Status::Runnable, Some("bob")).name("secret-name")
    };
    let id = function.emulator.add_job(spec);
    let caller = &named("ann")[0];
    for body in [
        json!({"jobIds": [id], "dryRun": true}),
        json!({"jobIds": [id], "maxJobs": 5}),
    ] {
        let report = send(&function, caller.post(&body)).await.json();
        assert_eq!(report["summary"], json!({"jobs": 1, "notOwner": 1}));
        let text = report.to_string();
        assert!(!text.contains("secret") && !text.contains("bob"), "{text}");
        assert_eq!(report["complete"], true);
    }
    // Seeing does not ask who owns a job.
    let shown = send(&function, caller.request("GET", &format!("/jobs/{id}"))).await;
    assert_eq!(shown.json()["jobName"], "secret-name");
    let page = send(&function, caller.request("GET", "/queues/mine/jobs")).await;
    assert_eq!(page.json()["jobs"][0]["jobId"], id);
}

#[tokio::test(start_paused = true)]
async fn admins_end_everybodys_jobs_and_nobody_becomes_one_by_a_name() {
    let admins =
        "arn:aws:iam::123456789012:user/ann,arn:aws:sts::123456789012:assumed-role/oncall,root@*";
    let caller = |form: Form, context: Value| Caller {
        name: None,
        form,
        context,
        settings: &[],
    };
    let iam = |arn: &str| caller(Form::V2, json!({"authorizer": {"iam": {"userArn": arn}}}));
    let claim = |sub: &str| {
        caller(
            Form::V2,
            json!({"authorizer": {"jwt": {"claims": {"sub": sub}}}}),
        )
    };
    for (caller, is_admin) in [
        (iam("arn:aws:iam::123456789012:user/ann"), true),
        (iam("arn:aws:sts::123456789012:assumed-role/oncall/x"), true),
        (claim("root@example.com"), true),
        (
            iam("arn:aws:iam::123456789012:user/root@example.com"),
            false,
        ),
        (
            iam("arn:aws:sts::123456789012:assumed-role/x/oncall"),
            false,
        ),
        (iam("arn:aws:iam::210987654321:user/ann"), false),
        (claim("arn:aws:iam::123456789012:user/ann"), false),
        (claim("ann"), false),
    ] {
        let function = function(account(), &[("ADMIN_CALLERS", admins)]);
        let id = function
            .emulator
            .add_job(owned(Status::Runnable, Some("bob")));
        let report = send(&function, caller.post(&json!({"jobIds": [id]})))
            .await
            .json();
        let expected = if is_admin { "cancelled" } else { "notOwner" };
        assert_eq!(report["jobs"][0]["outcome"], expected, "{}", caller.context);
    }
}

#[tokio::test(start_paused = true)]
async fn the_rule_is_about_http_and_off_by_default() {
    let id = |function: &Function| {
        function
            .emulator
            .add_job(owned(Status::Runnable, Some("bob")))
    };
    for source in [
        |request: &Value| request.clone(),
        |request: &Value| sqs([request]),
        |request: &Value| eventbridge(request),
    ] {
        let function = function(account(), &[]);
        let id = id(&function);
        function
            .invoke(source(&json!({"jobIds": [id]})))
            .await
            .unwrap();
        assert!(function.emulator.job(&id).unwrap().is_cancelled);
    }
    let off = function(account(), &[("OWNER_TAG", "")]);
    let id = id(&off);
    let caller = &named("ann")[0];
    send(&off, caller.request("DELETE", &format!("/jobs/{id}"))).await;
    assert!(off.emulator.job(&id).unwrap().is_cancelled);
}
