//! Whose an array, its children and service jobs are, and when that is looked at.

use super::*;

#[tokio::test(start_paused = true)]
async fn one_look_at_an_array_serves_protection_and_ownership_of_all_children() {
    let emulator = account();
    let spec = owned(Status::Pending, Some("ann")).array(&[Status::Runnable; 60]);
    let array = emulator.add_job(spec);
    let function = function(emulator, &[]);
    let ids: Vec<String> = (0..60).map(|index| format!("{array}:{index}")).collect();
    let body = json!({"jobIds": ids, "dryRun": true});
    let report = send(&function, named("ann")[0].post(&body)).await.json();
    assert_eq!(report["summary"], json!({"jobs": 60, "wouldCancel": 60}));
    assert_eq!(function.emulator.count(Operation::DescribeJobs), 1);
}

#[tokio::test(start_paused = true)]
async fn service_jobs_have_owners_too() {
    for (owner, outcome) in [
        (Some("ann"), "terminated"),
        (Some("bob"), "notOwner"),
        (None, "notOwner"),
    ] {
        let emulator = account();
        emulator.add_queue(Queue::service("training"));
        let id = emulator.add_job(owned(Status::Running, owner).queue("training"));
        let function = function(emulator, &[("ALLOWED_QUEUES", "mine,training")]);
        let arn = format!("arn:aws:batch:eu-west-1:123456789012:service-job/{id}");
        for max_jobs in [1, 1000] {
            let body = json!({"jobIds": [arn], "terminate": true, "maxJobs": max_jobs});
            let report = send(&function, named("ann")[0].post(&body)).await.json();
            assert_eq!(report["jobs"][0]["outcome"], outcome, "{report}");
        }
        assert_eq!(
            ended(&function.emulator).len(),
            usize::from(outcome == "terminated")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn child_whose_array_is_not_shown_is_not_ended() {
    for max_jobs in [false, true] {
        let emulator = account();
        let array = emulator.add_job(array("ann"));
        emulator.forget_job(&array);
        let function = function(emulator, &[]);
        let mut body = json!({"jobIds": [format!("{array}:0")]});
        if max_jobs {
            body["maxJobs"] = json!(1);
        }
        let report = send(&function, named("ann")[0].post(&body)).await.json();
        assert_eq!(
            report["summary"],
            json!({"jobs": 1, "notAttempted": 1}),
            "{report}"
        );
        assert!(ended(&function.emulator).is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn an_old_look_is_made_anew_and_with_it_the_decision_whose_job_it_is() {
    let emulator = account();
    let spec = owned(Status::Runnable, Some("ann"));
    let ids = emulator.add_jobs(&JobSpec {
        count: 1100,
        ..spec
    });
    // Looks go by id.
    let sold = ids.iter().min().unwrap().clone();
    let (changed, looks) = (sold.clone(), AtomicUsize::new(0));
    emulator.on(Operation::DescribeJobs, move |emulator, _| {
        if looks.fetch_add(1, Ordering::Relaxed) == 11 {
            emulator.add_job(owned(Status::Runnable, Some("bob")).id(&changed));
        }
    });
    let settings = [("API_CALLS_PER_SECOND", "1"), ("API_CONCURRENCY", "1")];
    let function = function(emulator, &settings);
    let body = json!({"jobIds": ids, "maxJobs": 1100, "dryRun": true});
    let report = send(&function, named("ann")[0].post(&body)).await.json();
    let of_sold = listed(&report).into_iter().find(|(id, _)| *id == sold);
    assert_eq!(of_sold.unwrap().1, "notOwner", "{}", report["summary"]);
    assert_eq!(report["summary"]["wouldCancel"], 1099);
}
