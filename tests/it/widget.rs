//! The dashboard widget: the HTML of a panel, its buttons, and the policy that holds for both.

use std::time::Duration;

use batch_emulator::{JobSpec, Operation, Queue, Status};
use serde_json::{Value, json};
use support::{FUNCTION_ARN, Function, QUEUE};

const BLOCKED: &str = "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - <b>too large</b>";
const EVIL: &str = "<script>alert(\"1\")</script>&'";

fn with_context(mut event: Value) -> Value {
    event["widgetContext"] = json!({"dashboardName": "night <shift>", "theme": "dark"});
    event
}

fn panel(queue: &str) -> Value {
    with_context(json!({"panel": { "jobQueue": queue }}))
}

async fn shown(function: &Function, event: Value) -> String {
    function
        .invoke(event)
        .await
        .unwrap()
        .as_str()
        .expect("HTML or Markdown")
        .to_owned()
}

/// The payloads of a panel's buttons, as the console sends them.
fn buttons(html: &str) -> Vec<Value> {
    html.split("<cwdb-action ")
        .skip(1)
        .map(|button| {
            let (attributes, rest) = button.split_once('>').unwrap();
            assert!(
                attributes.contains(&format!("endpoint=\"{FUNCTION_ARN}\"")),
                "{attributes}"
            );
            assert!(
                attributes.contains("confirmation=\"Cancel "),
                "{attributes}"
            );
            let payload = rest
                .split_once("</cwdb-action>")
                .unwrap()
                .0
                .replace("&quot;", "\"");
            serde_json::from_str(payload.trim()).unwrap()
        })
        .collect()
}

fn function() -> Function {
    let function = Function::new(&[("ALLOWED_QUEUES", QUEUE)]);
    let job = |name: &str, status| JobSpec::new(status).queue(QUEUE).name(name);
    let mut first = job(EVIL, Status::Runnable).age(Duration::from_hours(50));
    first.status_reason = Some(BLOCKED.to_owned());
    function.emulator.add_job(first);
    function
        .emulator
        .add_job(job("second", Status::Runnable).age(Duration::from_mins(90)));
    function
        .emulator
        .add_job(job("third", Status::Running).age(Duration::from_mins(5)));
    function.emulator.add_queue(Queue::new("theirs"));
    function.emulator.add_job(
        JobSpec::new(Status::Runnable)
            .queue("theirs")
            .name("hidden"),
    );
    function
}

#[tokio::test(start_paused = true)]
async fn panel_shows_the_queue_as_escaped_html() {
    let function = function();
    let html = shown(&function, panel(QUEUE)).await;
    for text in [
        "RUNNABLE <b>2</b>",
        "RUNNING <b>1</b>",
        "PENDING <b>0</b>",
        "2 d 2 h",
        "1 h 30 min",
        "5 min",
    ] {
        assert!(html.contains(text), "{text}: {html}");
    }
    assert!(
        html.contains("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;"),
        "{html}"
    );
    assert!(
        html.contains("First in line for 0 min:") && html.contains("&lt;b&gt;too large"),
        "{html}"
    );
    for text in [
        "It is the job&#39;s own fault.",
        "submit it with smaller requirements",
        "does not cancel it by itself now: the job is the first in its queue for 0s; BLOCKED_FOR is 10m",
    ] {
        assert!(html.contains(text), "{text}: {html}");
    }
    assert!(
        !html.contains("<script") && !html.contains("hidden"),
        "{html}"
    );
    let limited = with_context(json!({"panel": {"jobQueue": QUEUE, "limit": 1}}));
    assert_eq!(buttons(&shown(&function, limited).await).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn button_cancels_its_jobs_and_the_reason_names_the_dashboard() {
    let function = function();
    let html = shown(&function, panel(QUEUE)).await;
    let buttons = buttons(&html);
    assert_eq!(buttons.len(), 4, "one for all, and one for each job");
    assert_eq!(buttons[0]["jobIds"].as_array().unwrap().len(), 3);
    let report = shown(&function, with_context(buttons[2].clone())).await;
    assert!(
        report.contains("cancelled 1") && report.contains("RUNNABLE"),
        "{report}"
    );
    let id = buttons[2]["jobIds"][0].as_str().unwrap();
    let reason = function.emulator.job(id).unwrap().status_reason.unwrap();
    assert!(
        reason
            .starts_with("Cancelled on the dashboard | by dashboard night <shift> | batch-cancel "),
        "{reason}"
    );
    let report = shown(&function, with_context(buttons[0].clone())).await;
    assert!(
        report.contains("3 jobs: cancelled 2, running 1"),
        "{report}"
    );
}

#[tokio::test(start_paused = true)]
async fn only_allowed_queues_are_shown_and_only_their_jobs_ended() {
    let function = function();
    for queue in ["theirs", "gone", "*"] {
        let html = shown(&function, panel(queue)).await;
        assert!(
            html.contains("ALLOWED_QUEUES") && !html.contains("<table"),
            "{queue}: {html}"
        );
    }
    let theirs = function
        .emulator
        .jobs()
        .into_iter()
        .find(|job| job.job_name == "hidden")
        .unwrap();
    let html = shown(&function, with_context(json!({"jobId": theirs.job_id}))).await;
    assert!(
        html.contains("queueNotAllowed") && !html.contains("hidden"),
        "{html}"
    );
    let html = shown(
        &function,
        with_context(json!({"jobId": theirs.job_id, "terminate": true})),
    )
    .await;
    assert!(
        html.contains("Nothing was done") && html.contains("ALLOW_TERMINATE"),
        "{html}"
    );
    assert_eq!(function.emulator.count(Operation::CancelJob), 0);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_field_is_named_in_the_widget() {
    let function = function();
    for (event, field) in [
        (
            json!({"panel": {"jobQueue": QUEUE, "limit": 201}}),
            "panel.limit",
        ),
        (
            json!({"panel": {"jobQueue": QUEUE, "limit": 0}}),
            "panel.limit",
        ),
        (
            json!({"panel": {"jobQueue": QUEUE, "statuses": ["DONE"]}}),
            "panel.statuses",
        ),
        (json!({"panel": {"queue": QUEUE}}), "panel.queue"),
        (json!({}), "panel"),
        (json!({"panel": {"jobQueue": QUEUE}, "jobIds": []}), "panel"),
        (json!({"jobIds": [], "dryrun": true}), "dryrun"),
    ] {
        let html = shown(&function, with_context(event.clone())).await;
        assert!(html.starts_with("<h3>Refused</h3>"), "{event}: {html}");
        assert!(html.contains(field), "{event}: {html}");
    }
    assert!(function.emulator.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn describe_returns_documentation_with_and_without_a_context() {
    let function = function();
    for event in [
        json!({"describe": true}),
        with_context(json!({"describe": true})),
    ] {
        let text = shown(&function, event).await;
        assert!(
            text.starts_with("## batch-cancel") && text.contains("panel.jobQueue"),
            "{text}"
        );
    }
    assert!(function.emulator.calls().is_empty());
}
