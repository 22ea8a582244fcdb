//! `GET /queues/{queue}` and `GET /queues/{queue}/jobs`.

use std::{collections::BTreeSet, time::Duration};

use batch_cancel::request::{OwnRegion, PageRequest, QueueName};
use batch_emulator::{Emulator, Fault, JobSpec, Operation, Queue, Status};
use fastrand::Rng;
use serde_json::{Value, json};
use support::{
    FUNCTION_ARN, Function,
    events::{CALLER, FORMS, Form},
};

use crate::events::http::{Answer, open, send};

const STATUSES: [Status; 5] = [
    Status::Submitted,
    Status::Pending,
    Status::Runnable,
    Status::Starting,
    Status::Running,
];

async fn get(function: &Function, path: &str, query: &[(&str, &str)]) -> Answer {
    let request = Form::V2.request("GET", path).caller(CALLER).query(query);
    send(function, request).await
}

/// The ids of all pages of a listing, in their order. `between` is called after each page.
async fn all_pages(
    function: &Function,
    path: &str,
    filters: &[(&str, &str)],
    mut between: impl FnMut(&Emulator),
) -> Vec<String> {
    let (mut ids, mut token) = (Vec::new(), None::<String>);
    loop {
        let mut query = filters.to_vec();
        query.extend(token.as_deref().map(|token| ("nextToken", token)));
        let answer = get(function, path, &query).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let page = answer.json();
        let jobs = page["jobs"].as_array().unwrap();
        ids.extend(
            jobs.iter()
                .map(|job| job["jobId"].as_str().unwrap().to_owned()),
        );
        between(&function.emulator);
        match page.get("nextToken") {
            Some(next) => token = Some(next.as_str().unwrap().to_owned()),
            None => return ids,
        }
    }
}

/// A queue with jobs in every status, of three names, some of them arrays.
fn busy(jobs: usize, seed: u64) -> Emulator {
    let emulator = Emulator::new();
    emulator.add_queue(Queue::new("busy"));
    let mut random = Rng::with_seed(seed);
    let statuses = [&STATUSES[..], &[Status::Succeeded, Status::Failed]].concat();
    for number in 0..jobs {
        let status = statuses[random.usize(..statuses.len())];
        let name = ["nightly-a", "nightly-b", "Nightly-a"][random.usize(..3)];
        let spec = JobSpec::new(status).queue("busy").name(name);
        let is_array = status == Status::Pending && number % 3 == 0;
        let children = [Status::Runnable, Status::Running];
        emulator.add_job(if is_array {
            spec.array(&children)
        } else {
            spec
        });
        emulator.advance(Duration::from_millis(random.u64(..3)));
    }
    emulator.advance(Duration::from_secs(1));
    emulator
}

#[tokio::test(start_paused = true)]
async fn queue_is_shown_as_a_watch_measures_it_in_every_form() {
    let function = Function::on(busy(300, 1), &[("REQUIRE_CALLER", "false")]);
    let event = json!({"watch": {"jobQueues": ["busy"]}});
    let measured = function.invoke(event).await.unwrap()["queues"][0].clone();
    assert_eq!(measured["jobs"].as_object().unwrap().len(), 5);
    for form in FORMS {
        let answer = send(&function, form.request("GET", "/queues/busy")).await;
        assert_eq!(answer.status, 200, "{form:?}: {}", answer.body);
        assert_eq!(answer.json(), measured, "{form:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn queue_that_is_not_allowed_is_403_without_a_call_whether_it_exists_or_not() {
    for allowed in [
        "other-*",
        "arn:aws:batch:eu-west-1:123456789012:job-queue/other-*",
        "arn:aws:batch:us-east-1:*:job-queue/*",
    ] {
        let function = Function::on(busy(3, 1), &[("ALLOWED_QUEUES", allowed)]);
        for queue in ["busy", "no-such-queue"] {
            for path in [format!("/queues/{queue}"), format!("/queues/{queue}/jobs")] {
                let detail = get(&function, &path, &[]).await.problem(403)["detail"].clone();
                assert_eq!(
                    detail,
                    format!(
                        "job queue {queue} is not in ALLOWED_QUEUES (parameter AllowedJobQueues)"
                    )
                );
            }
        }
        assert!(function.emulator.calls().is_empty(), "{allowed}");
    }
}

#[tokio::test(start_paused = true)]
async fn queue_that_does_not_exist_is_404_and_one_of_service_jobs_has_no_jobs_to_list() {
    let emulator = busy(3, 1);
    emulator.add_queue(Queue::service("training"));
    let function = Function::on(emulator, &[]);
    for path in ["/queues/none", "/queues/none/jobs"] {
        get(&function, path, &[]).await.problem(404);
    }
    let shown = get(&function, "/queues/training", &[]).await;
    assert_eq!(shown.status, 200);
    assert!(shown.json()["skipped"].is_string());
    let listed = get(&function, "/queues/training/jobs", &[]).await;
    let detail = listed.problem(403)["detail"].clone();
    assert!(
        detail.as_str().unwrap().contains("service jobs"),
        "{detail}"
    );
    for path in ["/queues/a.b", "/queues/a%20b/jobs", "/queues/a%2Fb/jobs/"] {
        let answer = get(&function, path, &[]).await;
        assert!(
            [400, 404].contains(&answer.status),
            "{path}: {}",
            answer.body
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_has_what_a_list_needs() {
    let emulator = Emulator::new();
    emulator.add_queue(Queue::new("busy"));
    let spec = JobSpec {
        status_reason: Some("why".to_owned()),
        is_cancelled: true,
        created_at: Some(Duration::from_hours(24 * 20_089)),
        started_at: Some(Duration::from_mins(24 * 60 * 20_089 + 1)),
        ..JobSpec::new(Status::Running).queue("busy").name("render")
    };
    let id = emulator.add_job(spec);
    let function = Function::on(emulator, &[]);
    let answer = get(&function, "/queues/busy/jobs", &[("status", "RUNNING")]).await;
    assert_eq!(
        answer.json(),
        json!({
            "jobQueue": "arn:aws:batch:eu-west-1:123456789012:job-queue/busy",
            "jobs": [{
                "jobId": id, "jobName": "render", "status": "RUNNING", "statusReason": "why",
                "createdAt": "2025-01-01T00:00:00Z", "startedAt": "2025-01-01T00:01:00Z",
                "isCancelled": true, "isTerminated": false,
            }],
        })
    );
    let answer = get(&function, "/queues/busy/jobs", &[]).await;
    assert_eq!(answer.json()["jobs"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn union_of_pages_is_the_dry_runs_selection_if_jobs_do_not_move() {
    for seed in 0..2 {
        let settings = [("ALLOW_TERMINATE", "true"), ("MAX_SELECTED", "100000")];
        let function = Function::on(busy(150, seed), &settings);
        for name in [
            None,
            Some("nightly-*"),
            Some("nightly-a"),
            Some("Nightly-a"),
        ] {
            let mut select = json!({"jobQueue": "busy", "statuses": STATUSES.map(Status::as_str)});
            if let Some(name) = name {
                select["jobName"] = json!(name);
            }
            let event = json!({"select": select, "terminate": true, "dryRun": true});
            let report = function.invoke(event).await.unwrap();
            let of_report = |job: &Value| job["jobId"].as_str().unwrap().to_owned();
            let selected: BTreeSet<String> = report["jobs"]
                .as_array()
                .unwrap()
                .iter()
                .map(of_report)
                .collect();
            assert!(selected.len() > 20, "{name:?}: {}", selected.len());
            for limit in ["3", "100"] {
                let mut listed = Vec::new();
                for status in STATUSES {
                    let mut filters = vec![("status", status.as_str()), ("limit", limit)];
                    filters.extend(name.map(|name| ("jobName", name)));
                    listed
                        .extend(all_pages(&function, "/queues/busy/jobs", &filters, |_| {}).await);
                }
                let union: BTreeSet<String> = listed.iter().cloned().collect();
                assert_eq!(union.len(), listed.len(), "a job twice, {name:?}, {limit}");
                assert_eq!(union, selected, "{name:?}, {limit}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_job_is_listed_twice_while_jobs_move_come_and_go() {
    for seed in 0..4 {
        let function = Function::on(busy(150, seed), &[]);
        let mut random = Rng::with_seed(seed);
        let mut moves = |emulator: &Emulator| {
            let jobs = emulator.jobs();
            for _ in 0..20 {
                let job = &jobs[random.usize(..jobs.len())];
                let status = STATUSES[random.usize(..STATUSES.len())];
                if !job.job_id.contains(':') && job.array_size.is_none() {
                    emulator.set_status(&job.job_id, status);
                }
            }
            let job = JobSpec::new(Status::Runnable)
                .queue("busy")
                .name("nightly-a");
            emulator.add_job(job);
            emulator.forget_job(&jobs[random.usize(..jobs.len())].job_id);
            emulator.advance(Duration::from_millis(random.u64(..5)));
        };
        for filters in [
            &[("limit", "5")][..],
            &[("limit", "5"), ("jobName", "nightly-*")],
        ] {
            let listed = all_pages(&function, "/queues/busy/jobs", filters, &mut moves).await;
            let union: BTreeSet<&String> = listed.iter().collect();
            assert_eq!(union.len(), listed.len(), "a job twice, {filters:?}");
            assert!(union.len() > 10, "{filters:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn token_of_another_listing_is_400_without_a_call_and_the_policy_holds_on_each_page() {
    let function = Function::on(busy(300, 1), &[]);
    function.emulator.add_queue(Queue::new("other"));
    let path = "/queues/busy/jobs";
    let first = get(&function, path, &[("limit", "5")]).await.json();
    let token = first["nextToken"].as_str().unwrap();
    let with = |more: &[(&'static str, &'static str)]| {
        let query: Vec<(&str, String)> = more
            .iter()
            .map(|&(name, value)| (name, value.to_owned()))
            .chain([("nextToken", token.to_owned())])
            .collect();
        query
    };
    function.emulator.forget_calls();
    let cut = &token[1..];
    for (path, query) in [
        ("/queues/other/jobs", with(&[])),
        (path, with(&[("status", "PENDING")])),
        (path, with(&[("jobName", "nightly-a")])),
        (path, vec![("nextToken", cut.to_owned())]),
        (path, vec![("nextToken", token.to_uppercase())]),
    ] {
        let query: Vec<(&str, &str)> = query.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let detail = get(&function, path, &query).await.problem(400)["detail"].clone();
        assert!(
            detail.as_str().unwrap().starts_with("nextToken: "),
            "{detail}"
        );
    }
    assert!(function.emulator.calls().is_empty());
    let query = [("nextToken", token), ("limit", "7")];
    assert_eq!(
        get(&function, path, &query).await.json()["jobs"]
            .as_array()
            .unwrap()
            .len(),
        7
    );
    // Taken off the list between two pages.
    let stricter = Function::on(function.emulator.clone(), &[("ALLOWED_QUEUES", "other")]);
    get(&stricter, path, &query).await.problem(403);
}

#[tokio::test(start_paused = true)]
async fn token_with_a_right_checksum_that_batch_does_not_take_is_400() {
    let function = Function::on(busy(30, 1), &[]);
    let own_region = OwnRegion::from_function_arn(FUNCTION_ARN);
    let queue = QueueName::parse("busy", &own_region).unwrap();
    let token = PageRequest::new(queue, &[]).unwrap().token("made up");
    let answer = get(&function, "/queues/busy/jobs", &[("nextToken", &token)]).await;
    let detail = answer.problem(400)["detail"].clone();
    assert!(
        detail
            .as_str()
            .unwrap()
            .contains("AWS Batch does not take it"),
        "{detail}"
    );
}

#[tokio::test(start_paused = true)]
async fn status_of_a_queue_that_cannot_be_read() {
    for (fault, status) in [
        (Fault::Throttled, 503),
        (Fault::ServerError, 502),
        (Fault::Denied, 403),
        (Fault::HangBefore, 502),
    ] {
        for (path, operation) in [
            ("/queues/demo-queue", Operation::DescribeJobQueues),
            ("/queues/demo-queue/jobs", Operation::DescribeJobQueues),
            ("/queues/demo-queue/jobs", Operation::ListJobs),
        ] {
            let function = open(&[]);
            function.emulator.fail_next(operation, fault, 100);
            let answer = get(&function, path, &[]).await;
            answer.problem(status);
            assert_eq!(answer.headers.contains_key("retry-after"), status == 503);
        }
    }
    // What could be read is shown.
    let function = open(&[]);
    function
        .emulator
        .fail_next(Operation::GetJobQueueSnapshot, Fault::Denied, 100);
    let shown = get(&function, "/queues/demo-queue", &[]).await;
    assert_eq!(shown.status, 200, "{}", shown.body);
    assert!(shown.json()["error"].is_string() && shown.json()["head"].is_null());
    assert!(shown.json()["jobs"]["RUNNABLE"].as_u64().unwrap() > 0);
}
