//! What looks and listings show.

use crate::ask::{SECOND, cancel, describe, page, page_of, post, seeded};
use batch_emulator::{Behaviour, Emulator, JobSpec, Operation, Queue, Status, UnknownServiceJob};
use serde_json::{Value, json};

#[tokio::test(start_paused = true)]
async fn a_described_job_has_all_that_was_said_of_it() {
    let emulator = seeded(json!({
        "account": "111122223333", "region": "cn-north-1", "now": "2026-11-22T10:00:00Z",
        "jobs": [{
            "jobId": "a", "jobName": "frame", "jobQueue": "render", "jobDefinition": "blender:7",
            "status": "RUNNABLE", "statusReason": "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - x",
            "age": "2h", "tags": {"team": "film"}, "shareIdentifier": "night",
            "schedulingPriority": 3, "dependsOn": [{"jobId": "z", "type": "N_TO_N"}],
        }],
    }));
    let job = describe(&emulator, &["a"]).await.remove(0);
    assert_eq!(
        job,
        json!({
            "jobArn": "arn:aws-cn:batch:cn-north-1:111122223333:job/a", "jobId": "a", "jobName": "frame",
            "jobQueue": "arn:aws-cn:batch:cn-north-1:111122223333:job-queue/render",
            "jobDefinition": "arn:aws-cn:batch:cn-north-1:111122223333:job-definition/blender:7",
            "status": "RUNNABLE", "statusReason": "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - x",
            "createdAt": 1_795_334_400_000_i64, "tags": {"team": "film"}, "shareIdentifier": "night",
            "schedulingPriority": 3, "attempts": [], "parameters": {},
            "dependsOn": [{"jobId": "z", "type": "N_TO_N"}],
        })
    );
}

#[tokio::test(start_paused = true)]
async fn describe_takes_one_to_a_hundred_ids_and_each_once() {
    let emulator = Emulator::new();
    let ids = emulator.add_jobs(&JobSpec {
        count: 100,
        ..JobSpec::default()
    });
    let mut asked: Vec<&str> = ids.iter().map(String::as_str).rev().collect();
    assert_eq!(describe(&emulator, &asked).await.len(), 100);
    asked[0] = asked[1];
    assert_eq!(describe(&emulator, &asked).await.len(), 99);
    asked.push("one too many");
    let (status, answer) = post(&emulator, Operation::DescribeJobs, json!({"jobs": asked})).await;
    assert_eq!(status, 400);
    assert!(
        answer["message"]
            .as_str()
            .unwrap()
            .contains("Maximum number of jobs supported is")
    );
    assert_eq!(
        post(&emulator, Operation::DescribeJobs, json!({"jobs": []}))
            .await
            .0,
        400
    );
}

#[tokio::test(start_paused = true)]
async fn arrays_children_and_nodes_are_described() {
    let emulator = Emulator::new();
    let array = emulator.add_job(JobSpec::default().tag("k", "v").array(&[
        Status::Running,
        Status::Failed,
        Status::Running,
    ]));
    let node = emulator.add_job(JobSpec {
        nodes: Some(3),
        ..JobSpec::default()
    });
    let all = describe(
        &emulator,
        &[
            &array,
            &format!("{array}:2"),
            &node,
            &format!("{node}#1"),
            &format!("{node}#3"),
        ],
    )
    .await;
    assert_eq!(all.len(), 4);
    assert_eq!(all[0]["arrayProperties"]["size"], 3);
    assert_eq!(all[0]["arrayProperties"]["statusSummary"]["RUNNING"], 2);
    assert_eq!(all[0]["tags"], json!({"k": "v"}));
    assert_eq!(all[1]["jobId"], format!("{array}:2"));
    assert_eq!(all[1]["arrayProperties"], json!({"index": 2}));
    assert_eq!(all[1]["tags"], Value::Null);
    assert_eq!(all[2]["nodeProperties"]["numNodes"], 3);
    assert_eq!(all[3]["jobId"], format!("{node}#1"));
    assert_eq!(
        all[3]["nodeDetails"],
        json!({"isMainNode": false, "nodeIndex": 1})
    );
    emulator.set_behaviour(Behaviour {
        child_tags: true,
        ..Behaviour::default()
    });
    let child = describe(&emulator, &[&format!("{array}:2")])
        .await
        .remove(0);
    assert_eq!(child["tags"], json!({"k": "v"}));
    let (nodes, _) = page(
        &emulator,
        json!({"multiNodeJobId": node, "jobStatus": "RUNNABLE"}),
    )
    .await;
    assert_eq!(
        nodes,
        [
            format!("{node}#0"),
            format!("{node}#1"),
            format!("{node}#2")
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn listings_need_one_thing_to_list() {
    let emulator = Emulator::new();
    emulator.add_queue(Queue::new("default"));
    for ask in [
        json!({}),
        json!({"jobQueue": "default", "arrayJobId": "a"}),
        json!({"arrayJobId": "a", "multiNodeJobId": "a"}),
        json!({"jobQueue": "other"}),
        json!({"jobQueue": "default", "jobStatus": "running"}),
        json!({"jobQueue": "default", "jobStatus": "SCHEDULED"}),
        json!({"jobQueue": "default", "maxResults": 0}),
        json!({"jobQueue": "default", "nextToken": "made up"}),
        json!({"jobQueue": "default", "filters": [{"name": "COLOUR", "values": ["red"]}]}),
        json!({"jobQueue": "default", "filters": [{"name": "JOB_NAME", "values": []}]}),
        json!({"jobQueue": "default", "filters": [{"name": "AFTER_CREATED_AT", "values": ["today"]}]}),
        json!({"jobQueue": "default", "filters": [
            {"name": "JOB_NAME", "values": ["a"]}, {"name": "JOB_NAME", "values": ["b"]}]}),
    ] {
        assert_eq!(
            post(&emulator, Operation::ListJobs, ask.clone()).await.0,
            400,
            "{ask}"
        );
    }
    let arn = "arn:aws:batch:eu-west-1:123456789012:job-queue/default";
    assert_eq!(
        page(&emulator, json!({"jobQueue": arn})).await,
        (vec![], None)
    );
}

#[tokio::test(start_paused = true)]
async fn listings_show_one_status_newest_first_and_running_by_default() {
    let emulator = seeded(json!({"jobs": [
        {"jobId": "old", "status": "RUNNING", "age": 20},
        {"jobId": "new", "status": "RUNNING", "age": 10},
        {"jobId": "older", "status": "RUNNING", "age": 30},
        {"jobId": "waiting", "status": "RUNNABLE"},
        {"jobId": "array", "arraySize": 2, "children": ["RUNNING"]},
        {"jobId": "elsewhere", "jobQueue": "other", "status": "RUNNING"},
    ]}));
    let (running, next) = page(&emulator, json!({"jobQueue": "default"})).await;
    assert_eq!(
        (running, next),
        (
            vec!["new".to_owned(), "old".to_owned(), "older".to_owned()],
            None
        )
    );
    assert_eq!(
        page(
            &emulator,
            json!({"jobQueue": "default", "jobStatus": "PENDING"})
        )
        .await
        .0,
        ["array"]
    );
    let (children, _) = page(&emulator, json!({"arrayJobId": "array", "maxResults": 1})).await;
    assert_eq!(children, ["array:0"]);
    let (_, answer) = post(
        &emulator,
        Operation::ListJobs,
        json!({"jobQueue": "default", "jobStatus": "RUNNABLE"}),
    )
    .await;
    let waiting = &answer["jobSummaryList"][0];
    assert_eq!(waiting["jobDefinition"], Value::Null);
    assert_eq!(waiting["tags"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn pages_hold_a_thousand_jobs_or_a_hundred_filtered_ones() {
    let emulator = Emulator::new();
    let ids = emulator.add_jobs(&JobSpec {
        count: 2500,
        ..JobSpec::default()
    });
    let mut seen = Vec::new();
    let mut ask = json!({"jobQueue": "default", "jobStatus": "RUNNABLE", "maxResults": 5000});
    let mut sizes = Vec::new();
    loop {
        let (ids, next) = page(&emulator, ask.clone()).await;
        sizes.push(ids.len());
        seen.extend(ids);
        match next {
            Some(token) => ask["nextToken"] = token.into(),
            None => break,
        }
    }
    assert_eq!(sizes, [1000, 1000, 500]);
    seen.reverse();
    assert_eq!(seen, ids);
    let filtered = json!({"jobQueue": "default", "maxResults": 500, "filters": [{"name": "JOB_NAME", "values": ["JOB"]}]});
    let (ids, next) = page(&emulator, filtered).await;
    assert!(ids.len() == 100 && next.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_page_starts_where_the_last_one_ended_whatever_moved_meanwhile() {
    let emulator = seeded(json!({"jobs": [
        {"jobId": "a", "age": 4}, {"jobId": "b", "age": 3}, {"jobId": "c", "age": 2}, {"jobId": "d", "age": 1},
    ]}));
    let mut ask = json!({"jobQueue": "default", "jobStatus": "RUNNABLE", "maxResults": 2});
    let (first, token) = page(&emulator, ask.clone()).await;
    assert_eq!(first, ["d", "c"]);
    // The last one seen leaves, one not seen leaves, a new one comes.
    emulator.set_status("c", Status::Starting);
    emulator.set_status("b", Status::Starting);
    emulator.add_job(JobSpec::default().id("e"));
    ask["nextToken"] = token.into();
    assert_eq!(page(&emulator, ask).await, (vec!["a".to_owned()], None));
}

#[tokio::test(start_paused = true)]
async fn filters_choose_and_ignore_the_status_but_for_shares() {
    let emulator = seeded(json!({"now": 1_000_000_000, "jobs": [
        {"jobId": "a", "jobName": "Test1", "status": "FAILED", "createdAt": 1000, "shareIdentifier": "x", "jobDefinition": "jd1"},
        {"jobId": "b", "jobName": "test10", "status": "RUNNABLE", "createdAt": 2000, "shareIdentifier": "x", "jobDefinition": "jd1:2"},
        {"jobId": "c", "jobName": "other", "status": "RUNNING", "createdAt": 3000, "shareIdentifier": "y", "jobDefinition": "jd1A"},
    ]}));
    for (name, value, status, expected) in [
        ("JOB_NAME", "test1", None, vec!["a"]),
        ("JOB_NAME", "TEST1*", Some("RUNNING"), vec!["b", "a"]),
        ("JOB_DEFINITION", "jd1", None, vec!["b", "a"]),
        ("JOB_DEFINITION", "jd1*", None, vec!["c", "b", "a"]),
        ("JOB_DEFINITION", "JD1", None, vec![]),
        (
            "JOB_DEFINITION",
            "arn:aws:batch:eu-west-1:123456789012:job-definition/jd1:2",
            None,
            vec!["b"],
        ),
        ("BEFORE_CREATED_AT", "2000", None, vec!["a"]),
        ("AFTER_CREATED_AT", "1000", None, vec!["c", "b"]),
        ("SHARE_IDENTIFIER", "x", None, vec!["b", "a"]),
        ("SHARE_IDENTIFIER", "x", Some("RUNNABLE"), vec!["b"]),
    ] {
        let mut ask =
            json!({"jobQueue": "default", "filters": [{"name": name, "values": [value]}]});
        if let Some(status) = status {
            ask["jobStatus"] = status.into();
        }
        assert_eq!(page(&emulator, ask.clone()).await.0, expected, "{ask}");
    }
}

#[tokio::test(start_paused = true)]
async fn service_jobs_have_listings_of_their_own() {
    let emulator = Emulator::new();
    emulator.add_queue(Queue::service("training"));
    let id = emulator.add_job(JobSpec::new(Status::Scheduled).queue("training"));
    let ask = json!({"jobQueue": "training", "jobStatus": "SCHEDULED"});
    assert_eq!(
        page_of(&emulator, Operation::ListServiceJobs, ask).await.0,
        [id]
    );
    let ask = json!({"jobQueue": "training", "jobStatus": "RUNNABLE"});
    assert!(page(&emulator, ask).await.0.is_empty());
    let (_, queues) = post(
        &emulator,
        Operation::DescribeJobQueues,
        json!({"jobQueues": ["training", "no such"]}),
    )
    .await;
    assert_eq!(queues["jobQueues"].as_array().unwrap().len(), 1);
    assert_eq!(queues["jobQueues"][0]["jobQueueType"], "SAGEMAKER_TRAINING");
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_shows_the_front_of_the_queue_in_the_order_of_dispatch() {
    let emulator = Emulator::new();
    let ids = emulator.add_jobs(&JobSpec {
        count: 150,
        ..JobSpec::default()
    });
    let first = emulator.add_job(JobSpec::default().age(60 * SECOND));
    emulator.add_job(JobSpec::new(Status::Running).age(90 * SECOND));
    let ask = json!({"jobQueue": "default"});
    let (_, answer) = post(&emulator, Operation::GetJobQueueSnapshot, ask.clone()).await;
    let jobs = answer["frontOfQueue"]["jobs"].as_array().unwrap();
    let arn = |id: &str| format!("arn:aws:batch:eu-west-1:123456789012:job/{id}");
    assert_eq!(jobs.len(), 100);
    assert_eq!(jobs[0]["jobArn"], arn(&first));
    assert_eq!(jobs[1]["jobArn"], arn(&ids[0]));
    assert!(
        jobs[0]["earliestTimeAtPosition"].is_i64()
            && answer["frontOfQueue"]["lastUpdatedAt"].is_i64()
    );
    cancel(&emulator, &first).await;
    let (_, answer) = post(&emulator, Operation::GetJobQueueSnapshot, ask).await;
    assert_eq!(answer["frontOfQueue"]["jobs"][0]["jobArn"], arn(&ids[0]));
    let unknown = json!({"jobQueue": "no such"});
    assert_eq!(
        post(&emulator, Operation::GetJobQueueSnapshot, unknown)
            .await
            .0,
        400
    );
}

#[tokio::test(start_paused = true)]
async fn an_unknown_service_job_is_answered_as_wished() {
    let emulator = Emulator::new();
    emulator.add_job(JobSpec::default().id("no service job"));
    for (answer, status, expected) in [
        (
            UnknownServiceJob::default(),
            400,
            "Service job {id} does not exist",
        ),
        (
            UnknownServiceJob::ClientException("gone".into()),
            400,
            "gone",
        ),
        (
            UnknownServiceJob::ResourceNotFound("No {id}.".into()),
            404,
            "No {id}.",
        ),
    ] {
        emulator.set_behaviour(Behaviour {
            unknown_service_job: answer,
            ..Behaviour::default()
        });
        for id in ["x", "no service job"] {
            let ask = json!({"jobId": id});
            let (got, answer) = post(&emulator, Operation::DescribeServiceJob, ask).await;
            let text = answer["message"].as_str().unwrap();
            let expected = expected.replace("{id}", id);
            assert!(got == status && text.contains(&expected), "{got} {text}");
        }
    }
}
