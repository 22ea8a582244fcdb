//! The door of HTTP: requests for ids and selections, one job to be ended, one job to be shown.

use serde_json::{Value, json};
use support::events::{CALLER, Form, HttpEvent};

use super::{
    door::Door,
    judge::Reply,
    request::{Request, Target},
    selections,
    spell::chance,
    warm::Warm,
};

/// A request.
pub(crate) async fn event(warm: &mut Warm) {
    let new = selections::add_jobs(warm, Door::Http);
    selections::trouble(warm, &new);
    let job = warm.random.choice(&new).unwrap().clone();
    let form = *warm
        .random
        .choice(&[Form::V1, Form::V2, Form::FunctionUrl])
        .unwrap();
    let (event, reply, request) = match warm.random.u8(..6) {
        _ if warm.spell.is_of_tokens() => {
            let selected = selections::selection(warm, Door::Http);
            post(warm, form, selected)
        }
        _ if warm.spell.is_of_bulk() => post(warm, form, selections::ids(&new)),
        0..=1 => post(warm, form, selections::ids(&new)),
        2..=3 => {
            let selected = selections::selection(warm, Door::Http);
            post(warm, form, selected)
        }
        4 => {
            let (terminate, dry_run) = (chance(&mut warm.random, 0.3), warm.spell.dry_run);
            let path = format!("/jobs/{}", encoded(&job.text));
            let (terminated, dry) = (terminate.to_string(), dry_run.to_string());
            let event = form.request("DELETE", &path);
            let event = event.query(&[("terminate", &terminated), ("dryRun", &dry)]);
            let target = Target::Ids(vec![job]);
            (
                event,
                Reply::HttpJob,
                Request {
                    terminate,
                    dry_run,
                    ..Request::new(target)
                },
            )
        }
        _ => {
            let event = form.request("GET", &format!("/jobs/{}", encoded(&job.text)));
            (
                event,
                Reply::HttpView,
                Request {
                    dry_run: true,
                    ..Request::new(Target::Shown(job))
                },
            )
        }
    };
    let event = event.caller(CALLER).event;
    let invocation = warm.judge.begin((event, reply, vec![request]), &warm.spell);
    warm.invoke(&invocation).await;
}

fn post(
    warm: &mut Warm,
    form: Form,
    (mut body, request): (Value, Request),
) -> (HttpEvent, Reply, Request) {
    let terminate = request.terminate || chance(&mut warm.random, 0.3);
    let terminate = warm.spell.dry_run_terminates().unwrap_or(terminate);
    let dry_run = warm.spell.dry_run;
    body["terminate"] = json!(terminate);
    body["dryRun"] = json!(dry_run);
    body["waitSeconds"] = json!(warm.spell.wait_seconds);
    let event = form.post(&body.to_string());
    (
        event,
        Reply::Http,
        Request {
            terminate,
            dry_run,
            ..request
        },
    )
}

/// The id of an array's child, or of a node, as it arrives in a path.
fn encoded(id: &str) -> String {
    id.replace(':', "%3A")
        .replace('#', "%23")
        .replace('/', "%2F")
}
