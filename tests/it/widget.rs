//! The dashboard widget: the HTML of a panel, its buttons, and the policy that holds for both.

mod buttons;

use std::{collections::BTreeSet, time::Duration};

use batch_emulator::{
    CapacityUsage, Faults, JobSpec, Operation, Queue, QueueState, QueueStatus, Status,
    TimeLimitAction, TimeLimitEnd, TimeLimitState,
};
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
            assert!(attributes.contains(" confirmation=\""), "{attributes}");
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
            .name("theirs-secret"),
    );
    function
}

#[tokio::test(start_paused = true)]
async fn panel_shows_the_queue_as_escaped_html() {
    let function = function();
    let html = shown(&function, panel(QUEUE)).await;
    for text in [
        "<b>2</b> <span>RUNNABLE</span>",
        "<b>1</b> <span>RUNNING</span>",
        "<b>0</b> <span>PENDING</span>",
        "✓ ENABLED",
        "2 d 2 h",
        "1 h 30 min",
        "runs 0 min",
    ] {
        assert!(html.contains(text), "{text}: {html}");
    }
    assert!(
        html.contains("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;"),
        "{html}"
    );
    assert!(
        html.contains(">First in line for <span ")
            && html.contains(">0 min</span></div>")
            && html.contains("&lt;b&gt;too large"),
        "{html}"
    );
    for text in [
        "It is the job&#39;s own fault.",
        "submit it with smaller requirements",
        "<b>Not yet</b>: in 10 min at the earliest, if the job is still the first then.",
    ] {
        assert!(html.contains(text), "{text}: {html}");
    }
    // The reason of the first job stands in its card alone, and no setting's name is shown.
    assert_eq!(html.matches("too large").count(), 1, "{html}");
    assert!(
        html.contains("<td>see above</td>") && !html.contains("BLOCKED_"),
        "{html}"
    );
    assert!(
        !html.contains("<script") && !html.contains("theirs-secret"),
        "{html}"
    );
    let limited = with_context(json!({"panel": {"jobQueue": QUEUE, "limit": 1}}));
    let limited = buttons(&shown(&function, limited).await);
    assert_eq!(limited.len(), 2, "the first in line, and the oldest job");
    assert_eq!(limited[0], limited[1]);
}

#[tokio::test(start_paused = true)]
async fn the_panel_shows_what_can_be_read() {
    let function = function();
    function.emulator.set_faults(Faults {
        denied: BTreeSet::from([Operation::GetJobQueueSnapshot]),
        ..Faults::default()
    });
    let html = shown(&function, panel(QUEUE)).await;
    assert!(
        html.contains("First in line: cannot be read.") && html.contains("second"),
        "{html}"
    );
    function.emulator.set_faults(Faults {
        denied: BTreeSet::from([Operation::ListJobs]),
        ..Faults::default()
    });
    let html = shown(&function, panel(QUEUE)).await;
    assert!(
        html.contains("</i> Refused</h3>") && html.contains("ListJobs"),
        "{html}"
    );
    function.emulator.set_faults(Faults {
        server_error_rate: 1.0,
        ..Faults::default()
    });
    let html = shown(&function, panel(QUEUE)).await;
    assert!(
        html.contains("</i> Not available</h3>") && html.contains("Refresh the widget"),
        "{html}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_empty_queue_a_disabled_one_and_a_dry_run_are_said() {
    let function = Function::new(&[("ALLOWED_QUEUES", "*"), ("DRY_RUN", "true")]);
    let html = shown(&function, panel(QUEUE)).await;
    for text in [
        "nothing is first in line",
        "No jobs in these statuses.",
        "DRY_RUN is true",
    ] {
        assert!(html.contains(text), "{text}: {html}");
    }
    assert!(
        buttons(&html).is_empty() && !html.contains("<form"),
        "{html}"
    );
    let mut disabled = Queue::new("old");
    disabled.state = QueueState::Disabled;
    function.emulator.add_queue(disabled);
    function
        .emulator
        .add_job(JobSpec::new(Status::Runnable).queue("old"));
    let html = shown(&function, panel("old")).await;
    assert!(html.contains("DISABLED: takes no new jobs"), "{html}");
    assert!(html.contains(">Cancel (dry run)</a>"), "{html}");
    let report = shown(&function, with_context(buttons(&html).remove(0))).await;
    assert!(report.contains("</i> Dry run</h3>"), "{report}");
}

#[tokio::test(start_paused = true)]
async fn more_jobs_than_a_page_are_not_called_the_oldest() {
    let function = Function::new(&[("ALLOWED_QUEUES", QUEUE)]);
    for _ in 0..1001 {
        let job = JobSpec::new(Status::Submitted).queue(QUEUE);
        function.emulator.add_job(job);
    }
    let html = shown(&function, panel(QUEUE)).await;
    for text in [
        "<b>1,000+</b> <span>SUBMITTED",
        "50 of 1,000 that were read: there are more",
        ">Cancel the 50 waiting jobs shown</a>",
    ] {
        assert!(html.contains(text), "{text}: {html}");
    }
}

#[tokio::test(start_paused = true)]
async fn two_hundred_jobs_are_far_below_the_size_of_an_answer() {
    let function = Function::new(&[("ALLOWED_QUEUES", QUEUE)]);
    for number in 0..300 {
        let mut job = JobSpec::new(Status::Runnable)
            .queue(QUEUE)
            .name(format!("{number:0>128}"));
        job.status_reason = Some("<".repeat(256));
        function.emulator.add_job(job);
    }
    for width in [400, 1200] {
        let mut event = with_context(json!({"panel": {"jobQueue": QUEUE, "limit": 200}}));
        event["widgetContext"]["width"] = json!(width);
        let html = shown(&function, event).await;
        assert_eq!(html.contains("bc-narrow\""), width == 400);
        assert_eq!(html.matches("<tr><td>").count(), 200);
        assert!(html.contains("the 200 oldest of 300"), "{}", &html[..2000]);
        assert!(html.len() < 600_000, "{}", html.len());
    }
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
        .find(|job| job.job_name == "theirs-secret")
        .unwrap();
    let html = shown(&function, with_context(json!({"jobId": theirs.job_id}))).await;
    assert!(
        html.contains("queueNotAllowed") && !html.contains("theirs-secret"),
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
        (
            json!({"panel": {"jobQueue": QUEUE}, "confirmed": true}),
            "confirmed",
        ),
        (json!({"jobIds": [], "dryrun": true}), "dryrun"),
    ] {
        let html = shown(&function, with_context(event.clone())).await;
        assert!(html.contains("</i> Refused</h3>"), "{event}: {html}");
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

/// A queue's first in line takes two calls, the queue itself one, and the jobs of the panel a look; the listings of all
/// statuses take no longer than one.
#[tokio::test(start_paused = true)]
async fn the_statuses_of_a_queue_are_listed_side_by_side() {
    let function = Function::new(&[]);
    for status in [Status::Runnable, Status::Running, Status::Submitted] {
        function
            .emulator
            .add_job(JobSpec::new(status).queue("demo-queue"));
    }
    function.emulator.set_faults(Faults {
        latency: Duration::from_millis(200),
        ..Faults::default()
    });
    let one_queue = support::samples::sample("http-v2-queue").json();
    for (event, most) in [(panel("demo-queue"), (9, 1000)), (one_queue, (8, 800))] {
        let began = function.emulator.now();
        let calls = function.emulator.calls().len();
        function.invoke(event).await.unwrap();
        let took = function.emulator.now().saturating_sub(began);
        let calls = function.emulator.calls().len() - calls;
        assert_eq!((calls, took.as_millis()), most);
    }
}

#[tokio::test(start_paused = true)]
async fn panel_shows_what_is_wrong_with_its_queue_what_it_uses_and_does_by_itself() {
    let function = Function::new(&[]);
    function.emulator.add_queue(Queue {
        status: QueueStatus::Invalid,
        status_reason: Some("CE <gone>".to_owned()),
        job_state_time_limit_actions: vec![TimeLimitAction {
            reason: "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY".to_owned(),
            state: TimeLimitState::Runnable,
            max_time_seconds: 14_400,
            action: TimeLimitEnd::Cancel,
        }],
        total_capacity_usage: vec![CapacityUsage {
            capacity_unit: "VCPU".to_owned(),
            quantity: 512.0,
        }],
        ..Queue::new("demo-queue")
    });
    let html = shown(&function, panel("demo-queue")).await;
    for text in [
        "The queue is INVALID</h3><p>CE &lt;gone&gt;",
        "uses 512 VCPU; read at",
        "<code>CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY</code> after 4 h 0 min",
    ] {
        assert!(html.contains(text), "{text}: {html}");
    }
}
