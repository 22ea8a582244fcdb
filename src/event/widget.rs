//! A CloudWatch dashboard's custom widget: it shows a panel, its buttons send requests, and the console asks for
//! documentation.
//!
//! Showing a dashboard never acts. The console calls the function with the widget's saved parameters whenever it shows
//! the widget, for each viewer, so a request among them is a dry run until a viewer confirms it.

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::{RawObject, Scope};
use crate::{
    command::{Command, Confirmation, Event, Reply, RequestRefused, Source, WidgetReply},
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

/// The field that makes a request a dry run.
const DRY_RUN: &str = "dryRun";

/// The field that our buttons add: the viewer has confirmed the request.
const CONFIRMED: &str = "confirmed";

/// A widget of fewer pixels than this is narrow: five columns of jobs, with whole ids, need more.
const NARROW: u32 = 900;

/// The fields of `panel`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PanelFields {
    job_queue: String,
    statuses: Option<Vec<String>>,
    limit: Option<usize>,
}

/// Recognised by its context. The console asks for documentation before there is one.
pub(super) fn matches(object: &RawObject<'_>) -> bool {
    object.has(CONTEXT) || (object.has("describe") && object.names().all(|name| name == "describe"))
}

/// What the console says of the widget, with every call. Nothing of it is required.
struct Context<'a> {
    dashboard: Option<String>,
    /// The widget's saved parameters.
    saved: Option<&'a RawValue>,
    /// What the viewer has typed in any form of the widget.
    form: RawObject<'a>,
    is_narrow: bool,
}

impl<'a> Context<'a> {
    fn of(object: &RawObject<'a>) -> Self {
        let context = object.object(CONTEXT).unwrap_or_default();
        let width = context.get("width");
        let width: Option<u32> = width.and_then(|width| width.get().parse().ok());
        let forms = context.object("forms").unwrap_or_default();
        Self {
            dashboard: context.text("dashboardName"),
            saved: context.get("params"),
            form: forms.object("all").unwrap_or_default(),
            is_narrow: width.is_some_and(|width| width < NARROW),
        }
    }

    /// The widget's saved parameters, which decide whether a call may act. Those that are no object could hide that the
    /// request is among them.
    fn saved_fields(&self) -> Result<RawObject<'a>, RequestError> {
        let saved = self.saved.map_or("{}", RawValue::get);
        let expected = || RequestError::new("widgetContext.params", "expected an object");
        RawObject::read(saved).ok_or_else(expected)
    }

    fn typed_reason(&self) -> Option<String> {
        let typed = self.form.text(REASON)?;
        let typed = typed.trim();
        (!typed.is_empty()).then(|| typed.to_owned())
    }
}

/// Decodes a widget's event. What is wrong with it is answered in the widget.
pub(super) fn decode(object: &RawObject<'_>, scope: &Scope<'_>) -> Event {
    let context = Context::of(object);
    let dashboard = context.dashboard.as_deref().unwrap_or("without a name");
    let requested_by = Some(format!("dashboard {dashboard}"));
    let command = command(object, &context, scope).unwrap_or_else(Command::RefuseWidget);
    Event {
        requested_by,
        ..Event::of(Source::Widget, command)
    }
}

/// What a call asks for.
fn command(
    object: &RawObject<'_>,
    context: &Context<'_>,
    scope: &Scope<'_>,
) -> Result<Command, RequestRefused> {
    let describe = object.get("describe").map(RawValue::get);
    if describe == Some("true") {
        return Ok(Command::WidgetDocumentation);
    }
    if !object.names().any(is_field) {
        return Ok(Command::Panel(panel(object, context)?));
    }
    if object.object(CONTEXT).is_none() {
        return Err(RequestError::new(CONTEXT, "expected an object").into());
    }
    request(object, context, scope)
}

/// The request of a call, which is a dry run if it is saved and not confirmed.
fn request(
    object: &RawObject<'_>,
    context: &Context<'_>,
    scope: &Scope<'_>,
) -> Result<Command, RequestRefused> {
    let saved = context.saved_fields()?;
    let is_saved = |field: &str| saved.names().any(|name| name == field);
    let fields = own_fields(object, is_saved(PANEL));
    let mut request = Request::from_fields(fields.deserializer(), scope.own_region)?;
    no_misspelt_field(&saved, &FIELDS, "widgetContext.params")?;
    no_misspelt_field(&context.form, &[REASON], "widgetContext.forms.all")?;
    request.dry_run |= is_saved_as_dry_run(&saved);
    let is_saved_field = |field| saved.names().any(|name| is_spelling_of(field, name));
    let is_confirmed = is_confirmed(object)? && !is_saved(CONFIRMED);
    let unconfirmed = (fields.names().any(is_saved_field) && !is_confirmed).then(|| {
        if is_saved(CONFIRMED) {
            Confirmation::IsSaved
        } else if request.dry_run || scope.config.policy.dry_run {
            Confirmation::IsDryRun
        } else {
            Confirmation::Button(confirmed(&fields))
        }
    });
    request.dry_run |= unconfirmed.is_some();
    // An unconfirmed request is what the widget shows by itself.
    let back = context.saved.filter(|_| unconfirmed.is_none());
    let reply = WidgetReply {
        back: back.map(|saved| saved.get().to_owned()),
        unconfirmed,
        is_narrow: context.is_narrow,
    };
    let default = match request.action {
        Action::Cancel => "Cancelled on the dashboard",
        Action::Terminate => "Terminated on the dashboard",
    };
    let typed = context.typed_reason();
    let request = request.with_default_reason(|| typed.unwrap_or_else(|| default.to_owned()));
    Ok(Command::cancel(Ok(request), Reply::Widget(reply)))
}

/// Whether the widget is saved as one of dry runs. It is then for every call, whether or not the console adds `dryRun`.
fn is_saved_as_dry_run(saved: &RawObject<'_>) -> bool {
    let mut fields = saved.fields();
    fields.any(|(name, value)| name == DRY_RUN && value.get() != "false")
}

/// Refuses fields of a request at `place`, unless they are among `known`.
fn no_misspelt_field(
    fields: &RawObject<'_>,
    known: &[&str],
    place: &str,
) -> Result<(), RequestError> {
    let is_misspelt = |name: &&str| is_field(name) && !known.contains(name);
    match fields.names().find(is_misspelt) {
        None => Ok(()),
        Some(name) => Err(RequestError::new(name, "unknown field").within(place)),
    }
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
fn own_fields<'a>(object: &RawObject<'a>, has_saved_panel: bool) -> RawObject<'a> {
    let is_added = |name: &str| {
        [CONTEXT, "describe", CONFIRMED].contains(&name) || (has_saved_panel && name == PANEL)
    };
    object.without(is_added)
}

/// The payload of the button that confirms the request with these fields.
fn confirmed(fields: &RawObject<'_>) -> String {
    let fields = fields.fields().map(|(name, value)| (name, value.get()));
    let fields = fields.chain([(CONFIRMED, "true")]);
    let fields = fields.map(|(name, value)| format!("{}:{value}", Value::from(name)));
    format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
}

fn panel(object: &RawObject<'_>, context: &Context<'_>) -> Result<PanelRequest, RequestRefused> {
    let broken = |error: RequestError| RequestRefused::invalid_event(KIND)(error.within(PANEL));
    let known = [PANEL, "describe", CONTEXT];
    if let Some(unknown) = object.names().find(|name| !known.contains(name)) {
        let why = "unknown field, expected panel or the fields of a request";
        return Err(RequestError::new(unknown, why).into());
    }
    let panel = object
        .get(PANEL)
        .ok_or_else(|| broken(RequestError::new("", "missing")))?;
    let panel: PanelFields = from_object(panel.get()).map_err(broken)?;
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
    if statuses.is_empty() || !statuses.iter().all(|status| status.is_listed()) {
        let message =
            "expected some of SUBMITTED, PENDING, RUNNABLE, STARTING, RUNNING, SUCCEEDED, FAILED";
        return Err(broken(RequestError::new("statuses", message)));
    }
    Ok(PanelRequest {
        job_queue: panel.job_queue,
        statuses,
        limit,
        is_narrow: context.is_narrow,
        typed_reason: context.typed_reason(),
    })
}
