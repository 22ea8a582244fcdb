//! The door of the dashboard: a panel, which ends nothing, and its buttons; and a saved request, which a click confirms.

use serde_json::{Value, json};
use support::{FUNCTION_ARN, QUEUE};

use super::{
    account::{Nature, RequestedJob},
    door::Door,
    judge::{Class, Reply, class},
    log::Logged,
    request::{Request, Target},
    selections,
    spell::chance,
    warm::Warm,
};

/// A panel is shown, and some of its buttons are pressed.
pub(crate) async fn event(warm: &mut Warm) {
    let new = selections::add_jobs(warm, Door::Panel);
    selections::trouble(warm, &new);
    if chance(&mut warm.random, 0.3) {
        saved(warm, &new).await;
        return;
    }
    let limit = warm.random.usize(1..=100);
    let event = with_context(json!({"panel": {"jobQueue": QUEUE, "limit": limit}}));
    let invocation = warm
        .judge
        .begin((event, Reply::Panel, Vec::new()), &warm.spell);
    let html = warm.answer(&invocation).await;
    let buttons = buttons(html.as_str().unwrap());
    for button in &buttons {
        for job in jobs_of(warm, button) {
            let known = warm.judge.account.known(&job.id).unwrap();
            assert_eq!(
                (known.queue.as_str(), known.nature),
                (QUEUE, Nature::Plain),
                "{button}"
            );
        }
    }
    for _ in 0..2 {
        let is_large = |button: &&Value| button["jobIds"].as_array().unwrap().len() > 1;
        let large = buttons
            .iter()
            .find(is_large)
            .filter(|_| warm.spell.is_of_bulk());
        if let Some(button) = large.or_else(|| warm.random.choice(&buttons)) {
            press(warm, &button.clone()).await;
        }
    }
}

/// A request among the saved parameters is shown as a dry run. The button that it offers acts.
async fn saved(warm: &mut Warm, new: &[RequestedJob]) {
    let (mut request, _) = selections::ids(new);
    request["terminate"] = json!(chance(&mut warm.random, 0.4));
    let mut event = with_context(request.clone());
    event["widgetContext"]["params"] = request.clone();
    let html = press_event(warm, event, &request, true).await;
    let offered = buttons(&html);
    assert!(offered.len() < 2, "{html}");
    let would = ["wouldCancel", "wouldTerminate"]
        .iter()
        .any(|outcome| html.contains(&format!("</i> {outcome}<")));
    assert_eq!(offered.len(), usize::from(would), "{html}");
    if let Some(button) = offered.first() {
        let mut event = with_context(button.clone());
        event["widgetContext"]["params"] = request;
        press_event(warm, event, button, false).await;
    }
}

/// The jobs of a request, as they are known.
fn jobs_of(warm: &Warm, body: &Value) -> Vec<RequestedJob> {
    let ids = body["jobIds"].as_array().unwrap().iter();
    let job = |text: &Value| {
        let text = text.as_str().unwrap();
        warm.requested.get(text).cloned().unwrap_or_else(|| {
            let known = warm.judge.account.known(text);
            RequestedJob::new(
                text.to_owned(),
                known.map_or(Nature::Unknown, |known| known.nature),
            )
        })
    };
    ids.map(job).collect()
}

async fn press(warm: &mut Warm, button: &Value) {
    press_event(warm, with_context(button.clone()), button, false).await;
}

async fn press_event(warm: &mut Warm, event: Value, body: &Value, dry_run: bool) -> String {
    let request = Request {
        terminate: body["terminate"] == true,
        dry_run,
        ..Request::new(Target::Ids(jobs_of(warm, body)))
    };
    let invocation = warm
        .judge
        .begin((event, Reply::Widget, vec![request]), &warm.spell);
    let html = warm.answer(&invocation).await;
    html.as_str().unwrap().to_owned()
}

fn with_context(mut event: Value) -> Value {
    event["widgetContext"] = json!({"dashboardName": "night shift"});
    event
}

/// The payloads of buttons, as the console sends them. Each asks before it does something.
fn buttons(html: &str) -> Vec<Value> {
    let buttons = html.split("<cwdb-action ").skip(1).map(|button| {
        let (attributes, rest) = button.split_once('>').unwrap();
        assert!(
            attributes.contains(&format!("endpoint=\"{FUNCTION_ARN}\"")),
            "{attributes}"
        );
        assert!(attributes.contains(" confirmation=\""), "{attributes}");
        let (payload, _) = rest.split_once("</cwdb-action>").unwrap();
        serde_json::from_str(payload.replace("&quot;", "\"").trim()).unwrap()
    });
    buttons.collect()
}

/// The report as HTML has a row for each job, and says "Done" only if nothing is left.
pub(crate) fn report_is_right(logged: &Logged, answer: &Value) {
    let html = answer.as_str().unwrap();
    for (id, outcome) in &logged.results {
        let (_, rest) = html
            .split_once(&format!("<code>{id}</code></td>"))
            .unwrap_or_else(|| panic!("no {id} in {html}"));
        let (_, said) = rest.split_once("</i> ").unwrap();
        assert!(
            said.starts_with(&format!("{outcome}</td>")),
            "{id} is {outcome} in {html}"
        );
    }
    assert_eq!(
        html.matches("</code></td><td>").count(),
        logged.results.len(),
        "{html}"
    );
    let is_done = logged
        .results
        .iter()
        .all(|(_, outcome)| class(outcome) == Class::Done);
    assert_eq!(
        html.contains("</i> Not finished") || html.contains(", not finished"),
        !is_done,
        "{html}"
    );
}
