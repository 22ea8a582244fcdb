//! Amazon `EventBridge`: AWS Batch's own events, and custom ones that carry a request.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{RawObject, Scope, age};
use crate::{
    command::{NoRequest, OWN_SOURCE, RequestRefused},
    request::{Action, AskedId, Cause, JobId, Request, RequestError, Status, Target, from_object},
};

const KIND: &str = "EventBridge event";

/// The fields of the envelope that are used. The type in `aws_lambda_events` requires a valid time even where it is not
/// used.
#[derive(Deserialize)]
struct Envelope<'a> {
    source: String,
    #[serde(rename = "detail-type")]
    detail_type: String,
    account: Option<String>,
    region: Option<String>,
    time: Option<String>,
    #[serde(borrow)]
    detail: &'a RawValue,
}

/// The fields of the detail of AWS Batch's events that are used.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchDetail {
    job_id: String,
    status: Option<String>,
}

pub(super) fn matches(object: &RawObject<'_>) -> bool {
    object.has("detail-type") && object.has("source")
}

pub(super) fn decode(object: &RawObject<'_>, scope: &Scope<'_>) -> Result<Request, NoRequest> {
    let broken = RequestRefused::invalid_event(KIND);
    let event: Envelope<'_> = object.decode().map_err(broken)?;
    if event.source == OWN_SOURCE {
        let why = "the event is one of this function's own reports";
        return Err(NoRequest::Ignored(why.to_owned()));
    }
    object
        .no_fields_beside("the detail of a custom event")
        .map_err(broken)?;
    match event.source.as_str() {
        "aws.batch" => batch_event(&event, scope),
        source if source.starts_with("aws.") => Err(RequestRefused::UnsupportedEvent(format!(
            "unsupported event: {:?} from {source}; of AWS's own events, those of aws.batch and the alarm state changes of aws.cloudwatch are supported",
            event.detail_type
        )).into()),
        _ => {
            let request = Request::from_json(event.detail.get(), scope.own_region);
            request.map_err(|error| error.within("detail").into())
        }
    }
}

/// AWS Batch's own events, by their detail type.
fn batch_event(event: &Envelope<'_>, scope: &Scope<'_>) -> Result<Request, NoRequest> {
    match event.detail_type.as_str() {
        "Batch Job State Change" => state_change(event, scope),
        "Batch Job Queue Blocked" => queue_blocked(event, JobId::from_batch, Action::Cancel, scope),
        "Batch Service Job Queue Blocked" => {
            queue_blocked(event, JobId::service_from_batch, Action::Terminate, scope)
        }
        "Batch Service Job State Change" => {
            let why = "state changes of service jobs are never acted on";
            Err(NoRequest::Ignored(why.to_owned()))
        }
        other => {
            let why = format!(
                "unsupported event: {other:?} from aws.batch; supported are Batch Job Queue Blocked, Batch Job State \
                 Change and Batch Service Job Queue Blocked"
            );
            Err(RequestRefused::UnsupportedEvent(why).into())
        }
    }
}

fn state_change(event: &Envelope<'_>, scope: &Scope<'_>) -> Result<Request, NoRequest> {
    let is_needed = scope.config.max_event_age.is_some();
    let time = if is_needed { time(event)? } else { None };
    not_foreign(event, scope)?;
    if let Some(why) = time.and_then(|time| age::too_old(time, scope)) {
        return Err(NoRequest::Ignored(why));
    }
    let (id, detail) = job(event, JobId::from_batch)?;
    let missing = || broken_detail(RequestError::new("status", "missing"));
    let name = detail.status.ok_or_else(missing)?;
    if !scope
        .config
        .cancel_on_status
        .contains(&Status::from_batch(&name))
    {
        let why = format!("status {name} is not in CANCEL_ON_STATUS");
        return Err(NoRequest::Ignored(why));
    }
    let request = Request::cancel(Target::Jobs(vec![AskedId::known(id)]));
    Ok(request.with_default_reason(|| format!("Cancelled on its change to {name}")))
}

/// A job that blocks its queue is looked up, however old the event is.
fn queue_blocked(
    event: &Envelope<'_>,
    id_of: impl Fn(&str) -> Option<JobId>,
    action: Action,
    scope: &Scope<'_>,
) -> Result<Request, NoRequest> {
    let at = time(event)?.map(Timestamp::as_millisecond);
    not_foreign(event, scope)?;
    let (id, _) = job(event, id_of)?;
    if action == Action::Terminate && !scope.config.policy.allow_terminate {
        let why = "service jobs can only be terminated, and ALLOW_TERMINATE (parameter AllowTerminate) is false";
        return Err(NoRequest::Ignored(why.to_owned()));
    }
    let request = Request {
        action,
        cause: Cause::Blocked { at },
        ..Request::cancel(Target::Blocked(id))
    };
    Ok(request.with_default_reason(|| "Blocked its job queue".to_owned()))
}

/// The job that an event is about, and what the event says of it.
fn job(
    event: &Envelope<'_>,
    id_of: impl Fn(&str) -> Option<JobId>,
) -> Result<(JobId, BatchDetail), RequestRefused> {
    let detail: BatchDetail = from_object(event.detail.get()).map_err(broken_detail)?;
    let not_an_id = || RequestError::new("jobId", format!("{:?} is not a job id", detail.job_id));
    let id = id_of(&detail.job_id).ok_or_else(not_an_id);
    Ok((id.map_err(broken_detail)?, detail))
}

fn broken_detail(error: RequestError) -> RequestRefused {
    RequestRefused::invalid_event("AWS Batch event")(error.within("detail"))
}

/// An event of another account or region is ignored.
fn not_foreign(event: &Envelope<'_>, scope: &Scope<'_>) -> Result<(), NoRequest> {
    let (region, account) = (event.region.as_deref(), event.account.as_deref());
    match scope.own_region.foreign_region(region, account) {
        None => Ok(()),
        Some(place) => Err(NoRequest::Ignored(format!(
            "the event is from another account or region: {place}"
        ))),
    }
}

fn time(event: &Envelope<'_>) -> Result<Option<Timestamp>, RequestRefused> {
    let Some(time) = &event.time else {
        return Ok(None);
    };
    let not_a_time = |_| RequestError::new("time", format!("{time:?} is not a time"));
    let time = time.parse().map_err(not_a_time);
    time.map(Some).map_err(RequestRefused::invalid_event(KIND))
}
