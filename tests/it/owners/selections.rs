//! A selection means own jobs only.

use support::OWN_FAULT;

use super::*;

#[tokio::test(start_paused = true)]
async fn selection_means_own_jobs_and_only_these_count() {
    for caller in named("ann") {
        let emulator = account();
        let mut own = Vec::new();
        for number in 0..30_u64 {
            let owner = ["ann", "bob", "carl"][usize::try_from(number % 3).unwrap()];
            let spec = owned(Status::Runnable, Some(owner));
            let id = emulator.add_job(spec.age(Duration::from_mins(120 - number)));
            own.extend((owner == "ann").then_some(id));
        }
        let own_array = emulator.add_job(array("ann").age(Duration::from_mins(10)));
        emulator.add_job(array("bob"));
        let settings = [caller.settings, &[("MAX_SELECTED", "12")]].concat();
        let function = function(emulator, &settings);
        let select = |more: Value| {
            let mut body = json!({"select": {"jobQueue": "mine"}, "dryRun": true});
            body.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            caller.post(&body)
        };
        let report = send(&function, select(json!({}))).await.json();
        assert_eq!(
            report["summary"],
            json!({"jobs": 11, "wouldCancel": 11}),
            "{report}"
        );
        let report = send(&function, select(json!({"maxJobs": 4}))).await.json();
        let of = |outcome: &str| {
            let all = listed(&report).into_iter();
            all.filter(|(_, found)| found == outcome)
                .map(|(id, _)| id)
                .collect::<Vec<_>>()
        };
        assert_eq!(of("wouldCancel"), own[..4], "{report}");
        assert_eq!(
            report["summary"],
            json!({"jobs": 11, "wouldCancel": 4, "overLimit": 7})
        );
        let other = json!({"select": {"jobQueue": "mine", "tags": {"owner": "bob"}}});
        let report = send(&function, caller.post(&other)).await.json();
        assert!(report["ignored"].is_string(), "{report}");
        let of_array = json!({"select": {"arrayJobId": own_array}});
        let report = send(&function, caller.post(&of_array)).await.json();
        assert_eq!(
            listed(&report),
            [(format!("{own_array}:0"), "cancelled".to_owned())]
        );
        let report = send(&function, select(json!({"dryRun": false})))
            .await
            .json();
        assert_eq!(report["summary"]["jobs"], 11, "{report}");
        own.extend([own_array.clone(), format!("{own_array}:0")]);
        own.sort();
        let mut found = ended(&function.emulator);
        found.sort();
        assert_eq!(found, own, "{}", caller.context);
        // Refused by the number of own jobs, not of all.
        let strict = [caller.settings, &[("MAX_SELECTED", "9")]].concat();
        let strict = self::function(account(), &strict);
        strict.emulator.add_jobs(&JobSpec {
            count: 9,
            ..owned(Status::Runnable, Some("ann"))
        });
        strict.emulator.add_jobs(&JobSpec {
            count: 90,
            ..owned(Status::Runnable, Some("bob"))
        });
        let all = json!({"select": {"jobQueue": "mine"}, "dryRun": true});
        assert_eq!(
            send(&strict, caller.post(&all)).await.json()["summary"]["jobs"],
            9
        );
        strict
            .emulator
            .add_job(owned(Status::Runnable, Some("ann")));
        send(&strict, caller.post(&all)).await.problem(403);
    }
}

#[tokio::test(start_paused = true)]
async fn head_is_ended_by_its_owner_only() {
    for (owner, is_ended) in [("ann", true), ("bob", false)] {
        let emulator = account();
        let id = emulator.add_job(JobSpec {
            status_reason: Some(OWN_FAULT.to_owned()),
            ..owned(Status::Runnable, Some(owner))
        });
        let function = function(emulator, &[("BLOCKED_FOR", "0")]);
        let body = json!({"select": {"jobQueue": "mine", "head": true}});
        let report = send(&function, named("ann")[0].post(&body)).await.json();
        assert_eq!(report["ignored"].is_string(), !is_ended, "{report}");
        assert_eq!(function.emulator.job(&id).unwrap().is_cancelled, is_ended);
    }
}

/// Whose the job is nobody can tell; that those that can be read are the caller's own, Batch says.
#[tokio::test(start_paused = true)]
async fn a_job_that_cannot_be_looked_at_hides_no_own_job() {
    let emulator = account();
    let own = emulator.add_job(owned(Status::Runnable, Some("ann")));
    let bad = emulator.add_job(owned(Status::Runnable, Some("bob")));
    emulator.set_faults(batch_emulator::Faults {
        fails_describe: [bad].into(),
        ..batch_emulator::Faults::default()
    });
    let function = function(emulator, &[]);
    let body = json!({"select": {"jobQueue": "mine"}}).to_string();
    let ann = Form::V2.post(&body).caller(support::events::CALLER);
    let answer = send(&function, ann).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["selection"], "partial");
    assert_eq!(ended(&function.emulator), [own]);
}
