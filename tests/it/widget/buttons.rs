//! What can be ended from a panel: its buttons, its form, and what has none.

use std::{collections::BTreeSet, time::Duration};

use batch_emulator::{JobSpec, Status};
use serde_json::{Value, json};
use support::{Function, QUEUE};

use super::{buttons, function, panel, shown, with_context};

#[tokio::test(start_paused = true)]
async fn button_cancels_its_jobs_and_the_reason_names_the_dashboard() {
    let function = function();
    let html = shown(&function, panel(QUEUE)).await;
    let buttons = buttons(&html);
    let sizes = buttons
        .iter()
        .map(|button| button["jobIds"].as_array().unwrap().len());
    let expected = [1, 2, 2, 1, 1];
    assert!(
        sizes.eq(expected),
        "the head, all that wait, all RUNNABLE ones, and each of them: {buttons:?}"
    );
    let report = shown(&function, with_context(buttons[4].clone())).await;
    assert!(
        report.contains("<b>1</b> <span>cancelled</span>") && report.contains("RUNNABLE → FAILED"),
        "{report}"
    );
    let id = buttons[4]["jobIds"][0].as_str().unwrap();
    let reason = function.emulator.job(id).unwrap().status_reason.unwrap();
    assert!(
        reason
            .starts_with("Cancelled on the dashboard | by dashboard night <shift> | batch-cancel "),
        "{reason}"
    );
    let report = shown(&function, with_context(buttons[1].clone())).await;
    assert!(
        report.contains("<b>2</b> <span>cancelled</span>"),
        "{report}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_typed_in_the_form_is_the_reason_and_survives_a_refresh() {
    let function = function();
    let typed = |mut event: Value, reason: Value| {
        event["widgetContext"]["forms"] = json!({"all": {"reason": reason}});
        event
    };
    let html = shown(
        &function,
        typed(panel(QUEUE), json!("too </textarea> large")),
    )
    .await;
    assert!(
        html.contains(">too &lt;/textarea&gt; large</textarea>"),
        "{html}"
    );
    let mut reasons = Vec::new();
    let each = buttons(&html).split_off(3);
    for (button, reason) in each.into_iter().zip([json!(" Wrong\nimage "), json!(7)]) {
        let id = button["jobIds"][0].as_str().unwrap().to_owned();
        shown(&function, typed(with_context(button), reason)).await;
        let reason = function.emulator.job(&id).unwrap().status_reason.unwrap();
        reasons.push(reason.split_once(" | by ").unwrap().0.to_owned());
    }
    assert_eq!(reasons, ["Wrong image", "Cancelled on the dashboard"]);
    let id = function
        .emulator
        .add_job(JobSpec::new(Status::Runnable).queue(QUEUE));
    let own = with_context(json!({"jobId": id, "reason": "mine"}));
    shown(&function, typed(own, json!("typed"))).await;
    let reason = function.emulator.job(&id).unwrap().status_reason.unwrap();
    assert!(reason.starts_with("mine | by "), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn jobs_that_have_started_are_terminated_where_that_is_allowed() {
    for allowed in [false, true] {
        let settings = [
            ("ALLOWED_QUEUES", QUEUE),
            ("ALLOW_TERMINATE", &allowed.to_string()),
        ];
        let function = Function::new(&settings);
        for status in [Status::Starting, Status::Running, Status::Running] {
            function.emulator.add_job(JobSpec::new(status).queue(QUEUE));
        }
        let html = shown(&function, panel(QUEUE)).await;
        assert_eq!(
            html.contains("this function may not terminate jobs"),
            !allowed,
            "{html}"
        );
        let buttons = buttons(&html);
        assert_eq!(buttons.len(), if allowed { 4 } else { 0 }, "{html}");
        for button in &buttons {
            assert_eq!(button["terminate"], true, "{button}");
        }
        if let Some(all) = buttons
            .into_iter()
            .find(|button| button["jobIds"].as_array().unwrap().len() == 2)
        {
            let report = shown(&function, with_context(all)).await;
            assert!(
                report.contains("<b>2</b> <span>terminated</span>"),
                "{report}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn only_what_would_really_be_ended_has_a_button_and_counts() {
    let function = Function::new(&[("ALLOW_TERMINATE", "true")]);
    let add = |name: &str, spec: JobSpec| {
        let spec = spec.queue(QUEUE).name(name).age(Duration::from_hours(1));
        function.emulator.add_job(spec)
    };
    let runnable = || JobSpec::new(Status::Runnable);
    add("kept", runnable().tag("batch-cancel:protect", ""));
    let plain = [add("one", runnable()), add("two", runnable())];
    let array = add(
        "many",
        JobSpec::new(Status::Pending).array(
            &[
                vec![Status::Runnable; 28],
                vec![Status::Running; 11],
                vec![Status::Starting],
            ]
            .concat(),
        ),
    );
    add(
        "ending",
        JobSpec {
            is_cancelled: true,
            ..runnable()
        },
    );
    add(
        "kept too",
        JobSpec::new(Status::Running).tag("batch-cancel:protect", ""),
    );
    let running = add("runs", JobSpec::new(Status::Running));
    let html = shown(&function, panel(QUEUE)).await;
    for text in [
        "Cancel the 3 waiting jobs shown",
        "with the 40 jobs of their arrays, of which 12 have started and run on",
        "the job many, an array of 40 jobs, of which 12 have started and run on",
        "<small>is being ended</small>",
    ] {
        assert!(html.contains(text), "{text}: {html}");
    }
    assert_eq!(html.matches("<small>protected</small>").count(), 2);
    let ids = |button: &Value| -> BTreeSet<String> {
        let ids = button["jobIds"].as_array().unwrap().iter();
        ids.map(|id| id.as_str().unwrap().to_owned()).collect()
    };
    let shown_ids: Vec<BTreeSet<String>> = buttons(&html).iter().map(ids).collect();
    let one = |id: &String| BTreeSet::from([id.clone()]);
    let plain_ids: BTreeSet<String> = plain.clone().into();
    let waiting = plain_ids.iter().chain([&array]).cloned().collect();
    // All that wait, the two of RUNNABLE, each of them, the array, and the one that runs: the first in line is protected.
    let expected = [
        waiting,
        plain_ids,
        one(&plain[0]),
        one(&plain[1]),
        one(&array),
        one(&running),
    ];
    let sorted = |mut ids: Vec<BTreeSet<String>>| {
        ids.sort();
        ids
    };
    assert_eq!(sorted(shown_ids), sorted(expected.into()));
}
