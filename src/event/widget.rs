//! A CloudWatch dashboard's custom widget: it shows a panel, its buttons send requests, and the console asks for
//! documentation.
//!
//! Showing a dashboard never acts. The console calls the function with the widget's saved parameters whenever it shows
//! the widget, for each viewer, so a request among them is a dry run until a viewer confirms it.

use serde::Deserialize;

use super::{
    Command, Confirmation, Document, Event, EventError, RawObject, Refusal, Reply, Scope, Source,
    WidgetReply,
};
use crate::request::{FIELDS, MAX_SHOWN, PanelRequest, Request, RequestError, Status, from_object};

const KIND: &str = "dashboard widget";

/// How many jobs a panel shows where nothing is said.
const SHOWN: usize = 50;

/// The field of a widget's event that makes it one.
const CONTEXT: &str = "widgetContext";

/// The field that our buttons add: the viewer has confirmed the request.
const CONFIRMED: &str = "confirmed";

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

/// Decodes a widget's event. What is wrong with it is answered in the widget.
pub(super) fn decode(object: &RawObject<'_>, scope: &Scope<'_>) -> Event {
    let context = object.object(CONTEXT);
    let dashboard = context
        .as_ref()
        .and_then(|context| context.text("dashboardName"));
    let saved = context.and_then(|context| Some(context.get("params")?.get()));
    let command = command(object, saved, scope)
        .unwrap_or_else(|error| Command::Refuse(Refusal::Widget(error)));
    Event {
        source: Source::Widget,
        requested_by: format!(
            "dashboard {}",
            dashboard.as_deref().unwrap_or("without a name")
        ),
        command,
    }
}

/// What a call asks for, where `saved` are the widget's saved parameters, which the console sends with every call.
fn command(
    object: &RawObject<'_>,
    saved: Option<&str>,
    scope: &Scope<'_>,
) -> Result<Command, EventError> {
    let describes = object
        .get("describe")
        .is_some_and(|describe| describe.get() == "true");
    if describes {
        return Ok(Command::Document(Document::Widget));
    }
    if !object.names().any(|name| FIELDS.contains(&name)) {
        return Ok(Command::Panel(panel(object)?));
    }
    let fields = own_fields(object);
    let mut request = Request::from_json(&json_object(&fields), scope.own_region)?;
    let saved_fields = saved.and_then(RawObject::read);
    let is_saved = |field: &str| matches!(&saved_fields, Some(saved) if saved.names().any(|name| name == field));
    let has_saved_field = fields.iter().any(|(name, _)| is_saved(name));
    let is_confirmed = is_confirmed(object)? && !is_saved(CONFIRMED);
    let unconfirmed = (has_saved_field && !is_confirmed).then(|| {
        if is_saved(CONFIRMED) {
            Confirmation::IsSaved
        } else if request.dry_run || scope.config.policy.dry_run {
            Confirmation::IsDryRun
        } else {
            let confirmed = [fields.as_slice(), &[(CONFIRMED, "true")]].concat();
            Confirmation::Button(json_object(&confirmed))
        }
    });
    request.dry_run |= unconfirmed.is_some();
    let reply = WidgetReply {
        // An unconfirmed request is what the widget shows by itself.
        back: saved
            .filter(|_| unconfirmed.is_none() && saved_fields.is_some())
            .map(str::to_owned),
        unconfirmed,
    };
    Ok(Command::cancel(request, Reply::Widget(reply)))
}

/// Whether the call was confirmed.
fn is_confirmed(object: &RawObject<'_>) -> Result<bool, EventError> {
    let mut given = object.fields().filter(|(name, _)| *name == CONFIRMED);
    match (given.next().map(|(_, value)| value.get()), given.next()) {
        (None, _) | (Some("false"), None) => Ok(false),
        (Some("true"), None) => Ok(true),
        _ => Err(RequestError::new(CONFIRMED, "expected true or false, once").into()),
    }
}

/// The fields of the request: those of the event without what the console and our buttons add. The request is as strict
/// as ever.
fn own_fields<'a>(object: &'a RawObject<'_>) -> Vec<(&'a str, &'a str)> {
    let added = [CONTEXT, "describe", CONFIRMED];
    let fields = object.fields().filter(|(name, _)| !added.contains(name));
    fields.map(|(name, value)| (name, value.get())).collect()
}

/// A JSON object of these names and values, which are JSON.
fn json_object(fields: &[(&str, &str)]) -> String {
    let fields = fields
        .iter()
        .map(|(name, value)| format!("{}:{value}", serde_json::Value::from(*name)));
    format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
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
        None => Status::LIVE.to_vec(),
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
