//! A CloudWatch dashboard's custom widget: it shows a panel, its buttons send requests, and the console asks for
//! documentation.

use serde::Deserialize;

use super::{Command, Document, Event, EventError, RawObject, Reply, Scope, Source};
use crate::{
    panel::{MAX_SHOWN, PanelRequest},
    request::{FIELDS, Request, RequestError, Status, from_object},
};

const KIND: &str = "dashboard widget";

/// How many jobs a panel shows where nothing is said.
const SHOWN: usize = 50;

/// The field of a widget's event that makes it one.
const CONTEXT: &str = "widgetContext";

/// The fields of `panel`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Panel {
    job_queue: String,
    statuses: Option<Vec<String>>,
    limit: Option<usize>,
}

/// Recognised by its context. The console asks for documentation before there is one.
pub(super) fn matches(object: &RawObject<'_>) -> bool {
    object.has(CONTEXT) || (object.has("describe") && object.names().all(|name| name == "describe"))
}

pub(super) fn decode(object: &RawObject<'_>, scope: &Scope<'_>) -> Result<Event, EventError> {
    let describes = object
        .get("describe")
        .is_some_and(|describe| describe.get() == "true");
    let dashboard = object
        .object(CONTEXT)
        .and_then(|context| context.text("dashboardName"));
    let command = if describes {
        Command::Document(Document::Widget)
    } else if object.names().any(|name| FIELDS.contains(&name)) {
        let request = Request::from_json(&own_fields(object), scope.own_region)?;
        Command::cancel(request, Reply::Widget)
    } else {
        Command::Panel(panel(object)?)
    };
    Ok(Event {
        source: Source::Widget,
        requested_by: format!(
            "dashboard {}",
            dashboard.as_deref().unwrap_or("without a name")
        ),
        command,
    })
}

/// The event without what the console adds: a request in our own schema, which is as strict as ever.
fn own_fields(object: &RawObject<'_>) -> String {
    let fields = object
        .fields()
        .filter(|(name, _)| *name != CONTEXT && *name != "describe");
    let fields: Vec<String> = fields
        .map(|(name, value)| format!("{}:{}", serde_json::Value::from(name), value.get()))
        .collect();
    format!("{{{}}}", fields.join(","))
}

fn panel(object: &RawObject<'_>) -> Result<PanelRequest, EventError> {
    let broken = |error: RequestError| EventError::Envelope {
        kind: KIND,
        error: error.within("panel"),
    };
    let known = ["panel", "describe", CONTEXT];
    if let Some(unknown) = object.names().find(|name| !known.contains(name)) {
        return Err(RequestError::new(
            unknown,
            "unknown field, expected panel or the fields of a request",
        )
        .into());
    }
    let panel = object
        .get("panel")
        .ok_or_else(|| broken(RequestError::new("", "missing")))?;
    let panel: Panel = from_object(panel.get()).map_err(broken)?;
    let limit = panel.limit.unwrap_or(SHOWN);
    if !(1..=MAX_SHOWN).contains(&limit) {
        let message = format!("{limit} is out of range, expected 1 to {MAX_SHOWN}");
        return Err(broken(RequestError::new("limit", message)));
    }
    let mut statuses = match panel.statuses {
        None => PanelRequest::LIVE.to_vec(),
        Some(names) => names.iter().map(|name| Status::from_batch(name)).collect(),
    };
    statuses.sort_unstable();
    statuses.dedup();
    if statuses.is_empty()
        || statuses.contains(&Status::Unknown)
        || statuses.contains(&Status::Scheduled)
    {
        let message =
            "expected some of SUBMITTED, PENDING, RUNNABLE, STARTING, RUNNING, SUCCEEDED, FAILED";
        return Err(broken(RequestError::new("statuses", message)));
    }
    Ok(PanelRequest {
        job_queue: panel.job_queue,
        statuses,
        limit,
    })
}
