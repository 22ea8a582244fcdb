//! A CloudWatch dashboard's custom widget: it shows a panel, its buttons send requests, and the console asks for
//! documentation.
//!
//! Showing a dashboard never acts. The console calls the function with the widget's saved parameters whenever it shows
//! the widget, for each viewer, so a request among them is a dry run until a viewer confirms it.

use serde::Deserialize;

use super::{RawObject, Scope};
use crate::{
    command::{
        Command, Confirmation, Document, Event, Refusal, Reply, RequestRefused, Source, WidgetReply,
    },
    request::{
        Action, FIELDS, MAX_SHOWN, PanelRequest, Request, RequestError, Status, from_object,
        is_field, is_spelling_of,
    },
};

const KIND: &str = "dashboard widget";

/// How many jobs a panel shows where nothing is said.
const SHOWN: usize = 50;

/// The field of a widget's event that makes it one.
const CONTEXT: &str = "widgetContext";

/// The field that asks for a panel.
const PANEL: &str = "panel";

/// The field of our form, and of a request.
const REASON: &str = "reason";

/// The field that our buttons add: the viewer has confirmed the request.
const CONFIRMED: &str = "confirmed";

/// A widget of fewer pixels than this is narrow: five columns of jobs, with whole ids, need more.
const NARROW: u32 = 900;

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

/// What the console says of the widget, with every call.
struct Context<'a> {
    dashboard: Option<String>,
    /// The widget's saved parameters.
    saved: Option<&'a str>,
    /// What the viewer has typed as the reason, in any form of the widget.
    typed_reason: Option<String>,
    is_narrow: bool,
}

impl<'a> Context<'a> {
    /// Nothing of it is required.
    fn of(object: &RawObject<'a>) -> Self {
        let context = object.object(CONTEXT);
        let context = context.as_ref();
        let form = context.and_then(form_fields);
        let width = context.and_then(|context| context.get("width"));
        let width: Option<u32> = width.and_then(|width| width.get().parse().ok());
        Self {
            dashboard: context.and_then(|context| context.text("dashboardName")),
            saved: context.and_then(|context| Some(context.get("params")?.get())),
            typed_reason: form
                .and_then(|fields| fields.text(REASON))
                .map(|reason| reason.trim().to_owned())
                .filter(|reason| !reason.is_empty()),
            is_narrow: width.is_some_and(|width| width < NARROW),
        }
    }
}

/// Decodes a widget's event. What is wrong with it is answered in the widget.
pub(super) fn decode(object: &RawObject<'_>, scope: &Scope<'_>) -> Event {
    let context = Context::of(object);
    let dashboard = context.dashboard.as_deref().unwrap_or("without a name");
    let requested_by = Some(format!("dashboard {dashboard}"));
    let command = command(object, context, scope)
        .unwrap_or_else(|error| Command::Refuse(Refusal::Widget(error)));
    Event {
        requested_by,
        ..Event::of(Source::Widget, command)
    }
}

/// What a call asks for.
fn command(
    object: &RawObject<'_>,
    context: Context<'_>,
    scope: &Scope<'_>,
) -> Result<Command, RequestRefused> {
    let describes = object
        .get("describe")
        .is_some_and(|describe| describe.get() == "true");
    if describes {
        return Ok(Command::Document(Document::Widget));
    }
    if !object.names().any(is_field) {
        return Ok(Command::Panel(panel(object, context)?));
    }
    request(object, context, scope)
}

/// The request of a call, which is a dry run if it is saved and not confirmed.
fn request(
    object: &RawObject<'_>,
    context: Context<'_>,
    scope: &Scope<'_>,
) -> Result<Command, RequestRefused> {
    let saved = saved_fields(object)?;
    let is_saved =
        |field: &str| matches!(&saved, Some(saved) if saved.names().any(|name| name == field));
    let fields = own_fields(object, is_saved(PANEL));
    let mut request = Request::from_json(&json_object(&fields), scope.own_region)?;
    no_misspelt_field(saved.as_ref(), &FIELDS, "widgetContext.params")?;
    let form = object.object(CONTEXT).as_ref().and_then(form_fields);
    no_misspelt_field(form.as_ref(), &[REASON], "widgetContext.forms.all")?;
    let has_saved_field = has_saved_field(&fields, saved.as_ref());
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
        back: context
            .saved
            .filter(|_| unconfirmed.is_none() && saved.is_some())
            .map(str::to_owned),
        unconfirmed,
        is_narrow: context.is_narrow,
    };
    let default = match request.action {
        Action::Cancel => "Cancelled on the dashboard",
        Action::Terminate => "Terminated on the dashboard",
    };
    let request =
        request.with_default_reason(|| context.typed_reason.unwrap_or_else(|| default.to_owned()));
    Ok(Command::cancel(request, Reply::Widget(reply)))
}

/// The widget's saved parameters, which decide whether a call may act. Those that are no object could hide that the request
/// is among them.
fn saved_fields<'a>(object: &RawObject<'a>) -> Result<Option<RawObject<'a>>, RequestError> {
    let expected = |field: &str| RequestError::new(field, "expected an object");
    let context = object.object(CONTEXT).ok_or_else(|| expected(CONTEXT))?;
    let Some(params) = context.get("params") else {
        return Ok(None);
    };
    let saved = RawObject::read(params.get());
    saved
        .map(Some)
        .ok_or_else(|| expected("widgetContext.params"))
}

/// Refuses fields of a request at `place`, unless they are among `known`.
fn no_misspelt_field(
    fields: Option<&RawObject<'_>>,
    known: &[&str],
    place: &str,
) -> Result<(), RequestError> {
    let is_misspelt = |name: &&str| is_field(name) && !known.contains(name);
    let mut names = fields.into_iter().flat_map(RawObject::names);
    match names.find(is_misspelt) {
        None => Ok(()),
        Some(name) => Err(RequestError::new(name, "unknown field").within(place)),
    }
}

/// Whether one of these fields is among the saved parameters, in any spelling.
fn has_saved_field(fields: &[(&str, &str)], saved: Option<&RawObject<'_>>) -> bool {
    let is_saved = |field: &str| {
        let mut names = saved.into_iter().flat_map(RawObject::names);
        names.any(|name| is_spelling_of(field, name))
    };
    fields.iter().any(|(field, _)| is_saved(field))
}

/// What the viewer has typed in any form of the widget.
fn form_fields<'a>(context: &RawObject<'a>) -> Option<RawObject<'a>> {
    context.object("forms")?.object("all")
}

/// Whether the call was confirmed.
fn is_confirmed(object: &RawObject<'_>) -> Result<bool, RequestRefused> {
    let mut given = object.fields().filter(|(name, _)| *name == CONFIRMED);
    match (given.next().map(|(_, value)| value.get()), given.next()) {
        (None, _) | (Some("false"), None) => Ok(false),
        (Some("true"), None) => Ok(true),
        _ => Err(RequestError::new(CONFIRMED, "expected true or false, once").into()),
    }
}

/// The fields of the request: those of the event without what the console and our buttons add. The request is as strict
/// as ever. AWS does not say whether the console adds the saved parameters to those of a button, so a saved `panel` may
/// stand beside them.
fn own_fields<'a>(object: &'a RawObject<'_>, has_saved_panel: bool) -> Vec<(&'a str, &'a str)> {
    let is_added = |name: &str| {
        [CONTEXT, "describe", CONFIRMED].contains(&name) || (has_saved_panel && name == PANEL)
    };
    let fields = object.fields().filter(|(name, _)| !is_added(name));
    fields.map(|(name, value)| (name, value.get())).collect()
}

/// A JSON object of these names and values, which are JSON.
fn json_object(fields: &[(&str, &str)]) -> String {
    let fields = fields
        .iter()
        .map(|(name, value)| format!("{}:{value}", serde_json::Value::from(*name)));
    format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
}

fn panel(object: &RawObject<'_>, context: Context<'_>) -> Result<PanelRequest, RequestRefused> {
    let broken = |error: RequestError| RequestRefused::envelope(KIND)(error.within(PANEL));
    let known = [PANEL, "describe", CONTEXT];
    if let Some(unknown) = object.names().find(|name| !known.contains(name)) {
        return Err(RequestError::new(
            unknown,
            "unknown field, expected panel or the fields of a request",
        )
        .into());
    }
    let panel = object
        .get(PANEL)
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
        is_narrow: context.is_narrow,
        typed_reason: context.typed_reason,
    })
}
