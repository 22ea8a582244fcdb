//! The dashboard widget: showing it never acts, and it says truthfully how a request ended.

use std::time::Duration;

use batch_emulator::{Faults, JobSpec, Operation, Status};
use serde_json::{Value, json};
use support::{Function, QUEUE};

fn called(mut event: Value, saved: &Value) -> Value {
    event["widgetContext"] = json!({"dashboardName": "night", "params": saved});
    event
}

async fn shown(function: &Function, event: Value) -> String {
    let html = function.invoke(event).await.unwrap();
    html.as_str().expect("HTML").to_owned()
}

/// What a button asks first, if anything, and its payload.
fn buttons(html: &str) -> Vec<(Option<String>, Value)> {
    let mut found = Vec::new();
    for button in html.split("<cwdb-action ").skip(1) {
        let (attributes, rest) = button.split_once('>').unwrap();
        let question = attributes.split_once("confirmation=\"").map(|(_, rest)| {
            let (question, _) = rest.split_once('"').unwrap();
            question.to_owned()
        });
        let (payload, _) = rest.split_once("</cwdb-action>").unwrap();
        let payload = payload.replace("&quot;", "\"");
        found.push((question, serde_json::from_str(&payload).unwrap()));
    }
    found
}

fn changes(function: &Function) -> usize {
    [
        Operation::CancelJob,
        Operation::CancelJobs,
        Operation::TerminateJob,
        Operation::TerminateJobs,
    ]
    .map(|operation| function.emulator.count(operation))
    .iter()
    .sum()
}

#[tokio::test(start_paused = true)]
async fn a_saved_request_is_a_dry_run_until_a_viewer_confirms_it() {
    let function = Function::new(&[]);
    let ids = [
        function.add(Status::Runnable),
        function.add(Status::Runnable),
    ];
    // Only jobs that were created before the request count.
    tokio::time::advance(Duration::from_secs(1)).await;
    for saved in [
        json!({"jobIds": ids, "reason": "<night>"}),
        json!({"select": {"jobQueue": QUEUE}}),
    ] {
        for _ in 0..2 {
            let html = shown(&function, called(saved.clone(), &saved)).await;
            assert!(html.contains("</i> Dry run</h3>"), "{html}");
            assert!(html.contains("Nothing was done.") && html.contains("wouldCancel"));
            assert_eq!(changes(&function), 0, "{saved}");
        }
    }
    let saved = json!({"jobIds": ids, "reason": "night"});
    let html = shown(&function, called(saved.clone(), &saved)).await;
    let [(question, payload)] = buttons(&html).try_into().expect("one button");
    assert_eq!(question.unwrap(), "This cancels 2 jobs. Continue?");
    let mut confirmed = saved.clone();
    confirmed["confirmed"] = json!(true);
    assert_eq!(payload, confirmed);
    let html = shown(&function, called(payload, &saved)).await;
    assert!(html.contains("</i> Done</h3>"), "{html}");
    assert!(html.contains("<b>2</b> <span>cancelled</span>"), "{html}");
    let [(question, back)] = buttons(&html).try_into().expect("the way back");
    assert_eq!((question, back), (None, saved));
}

#[tokio::test(start_paused = true)]
async fn one_saved_field_is_enough_for_a_dry_run() {
    let function = Function::new(&[]);
    let id = function.add(Status::Runnable);
    let request = json!({"jobId": id, "reason": "x", "waitSeconds": 0});
    for saved in [
        json!({"reason": "x"}),
        json!({"jobId": "another"}),
        json!({"waitSeconds": null, "panel": {"jobQueue": QUEUE}}),
    ] {
        let html = shown(&function, called(request.clone(), &saved)).await;
        assert!(html.contains("Nothing was done."), "{saved}: {html}");
        assert_eq!(changes(&function), 0, "{saved}");
    }
    let html = shown(&function, called(request, &json!({"maxJobs": 5}))).await;
    assert!(html.contains("</i> Done</h3>"), "{html}");
}

#[tokio::test(start_paused = true)]
async fn a_context_that_could_hide_a_saved_request_does_not_act() {
    let function = Function::new(&[]);
    let id = function.add(Status::Runnable);
    let saved = json!({"jobIds": [id]});
    for (context, field) in [
        (json!("night"), "widgetContext: expected an object"),
        (json!([saved]), "widgetContext: expected an object"),
        (json!(true), "widgetContext: expected an object"),
        (
            json!({"params": saved.to_string()}),
            "widgetContext.params: expected an object",
        ),
        (
            json!({"params": [saved]}),
            "widgetContext.params: expected an object",
        ),
        (
            json!({"params": true}),
            "widgetContext.params: expected an object",
        ),
        (
            json!({"params": ""}),
            "widgetContext.params: expected an object",
        ),
    ] {
        for confirmed in [false, true] {
            let mut event = saved.clone();
            event["widgetContext"] = context.clone();
            event["confirmed"] = json!(confirmed);
            let html = shown(&function, event).await;
            assert!(html.contains("</i> Refused</h3>"), "{context}: {html}");
            assert!(html.contains(field), "{context}: {html}");
        }
    }
    assert!(function.emulator.calls().is_empty());
    // The console may leave out what a widget does not have.
    for context in [json!({}), json!({"params": null})] {
        let id = function.add(Status::Runnable);
        let html = shown(&function, json!({"jobId": id, "widgetContext": context})).await;
        assert!(html.contains("</i> Done</h3>"), "{html}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_saved_confirmation_does_not_count() {
    let function = Function::new(&[]);
    let id = function.add(Status::Runnable);
    for confirmed in [true, false] {
        let saved = json!({"jobId": id, "confirmed": confirmed});
        let mut call = saved.clone();
        call["confirmed"] = json!(true);
        let html = shown(&function, called(call, &saved)).await;
        assert!(html.contains("Remove <code>confirmed</code>"), "{html}");
        assert!(buttons(&html).is_empty() && changes(&function) == 0);
    }
    for wrong in [json!("true"), json!(1), Value::Null] {
        let html = shown(
            &function,
            called(json!({"jobId": id, "confirmed": wrong}), &json!({})),
        )
        .await;
        assert!(html.contains("confirmed: expected true or false"), "{html}");
        assert_eq!(changes(&function), 0);
    }
    let twice = format!(
        r#"{{"jobId": "{id}", "confirmed": true, "confirmed": false, "widgetContext": {{"params": {{"jobId": "{id}"}}}}}}"#
    );
    let html = function.invoke_text(&twice).await.unwrap();
    assert!(html.as_str().unwrap().contains("once"), "{html}");
    assert_eq!(changes(&function), 0);
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_that_nothing_can_make_real_has_no_button() {
    for (settings, saved_dry_run) in [(vec![("DRY_RUN", "true")], false), (vec![], true)] {
        let function = Function::new(&settings);
        let id = function.add(Status::Runnable);
        let saved = json!({"jobId": id, "dryRun": saved_dry_run});
        let html = shown(&function, called(saved.clone(), &saved)).await;
        assert!(html.contains("wouldCancel"), "{html}");
        assert!(buttons(&html).is_empty(), "{html}");
    }
    let function = Function::new(&[]);
    let saved = json!({"jobId": function.add(Status::Running)});
    let html = shown(&function, called(saved.clone(), &saved)).await;
    assert!(buttons(&html).is_empty(), "a running job: {html}");
}

#[tokio::test(start_paused = true)]
async fn the_buttons_of_a_panel_act_and_lead_back_to_it() {
    let function = Function::new(&[]);
    function.add(Status::Runnable);
    let saved = json!({"panel": {"jobQueue": QUEUE}});
    let html = shown(&function, called(saved.clone(), &saved)).await;
    let (_, payload) = buttons(&html).remove(0);
    assert_eq!(payload["confirmed"], true);
    let html = shown(&function, called(payload, &saved)).await;
    assert!(html.contains("</i> Done</h3>"), "{html}");
    assert_eq!(buttons(&html), [(None, saved)]);
}

#[tokio::test(start_paused = true)]
async fn a_saved_panel_beside_a_request_is_the_consoles_and_not_the_requests() {
    let function = Function::new(&[]);
    let id = function.add(Status::Runnable);
    let saved = json!({"panel": {"jobQueue": QUEUE}});
    let mut both = saved.clone();
    both["jobIds"] = json!([id]);
    let html = shown(&function, called(both.clone(), &json!({}))).await;
    assert!(html.contains("panel") && changes(&function) == 0, "{html}");
    let html = shown(&function, called(both, &saved)).await;
    assert!(html.contains("</i> Done</h3>"), "{html}");
    assert_eq!(changes(&function), 1);
}

#[tokio::test(start_paused = true)]
async fn the_heading_says_what_is_left_over() {
    let function = Function::new(&[("ALLOW_TERMINATE", "false")]);
    let ids: Vec<String> = (0..3).map(|_| function.add(Status::Runnable)).collect();
    let heading = async |request: Value| {
        let html = shown(&function, called(request, &json!({}))).await;
        let (heading, _) = html.split_once("</h3>").unwrap();
        heading.rsplit_once("</i> ").unwrap().1.to_owned()
    };
    let request = json!({"jobIds": ids});
    let mut dry = request.clone();
    dry["dryRun"] = json!(true);
    assert_eq!(heading(dry.clone()).await, "Dry run");
    let mut terminate = request.clone();
    terminate["terminate"] = json!(true);
    assert_eq!(heading(terminate).await, "Refused");
    function.emulator.set_faults(Faults {
        throttle_rate: 1.0,
        ..Faults::default()
    });
    assert_eq!(
        heading(request.clone()).await,
        "Not finished: 3 jobs left over"
    );
    assert_eq!(
        heading(dry).await,
        "Dry run, not finished: 3 jobs left over"
    );
    function.emulator.set_faults(Faults::default());
    assert_eq!(heading(request).await, "Done");
    let bad = json!({"jobIds": ["my-job"]});
    assert_eq!(heading(bad).await, "Not finished: 1 job left over");
    let empty = json!({"select": {"jobQueue": QUEUE}});
    assert_eq!(heading(empty).await, "Nothing to do");
}

#[tokio::test(start_paused = true)]
async fn every_status_has_its_share_of_a_panel_and_the_oldest_come_first() {
    let function = Function::new(&[]);
    let add = |status, name: String, hours| {
        let age = Duration::from_hours(hours);
        let job = JobSpec::new(status).queue(QUEUE).name(&name).age(age);
        function.emulator.add_job(job);
    };
    for number in 0..60 {
        add(Status::Submitted, format!("submitted-{number}"), number + 1);
    }
    for number in 0..4 {
        add(
            Status::Runnable,
            format!("stuck-{number}"),
            10 * (number + 1),
        );
    }
    add(Status::Running, "runs".to_owned(), 1);
    let names = async |limit: usize| {
        let event = json!({"panel": {"jobQueue": QUEUE, "limit": limit}});
        let html = shown(&function, called(event, &json!({}))).await;
        let rows = html.split("<tr><td><b>").skip(1);
        let name = |row: &str| row.split_once('<').unwrap().0.to_owned();
        rows.map(name).collect::<Vec<_>>()
    };
    let six = names(6).await;
    assert_eq!(
        six,
        [
            "stuck-3",
            "stuck-2",
            "submitted-59",
            "submitted-58",
            "submitted-57",
            "runs"
        ],
    );
    assert_eq!(names(1).await, ["submitted-59"]);
    assert_eq!(names(2).await, ["stuck-3", "submitted-59"]);
    let all = names(50).await;
    assert_eq!(all.len(), 50);
    for name in ["stuck-0", "stuck-3", "runs", "submitted-59"] {
        assert!(all.iter().any(|shown| shown == name), "{name}: {all:?}");
    }
}
