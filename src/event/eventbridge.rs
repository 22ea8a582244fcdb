//! Amazon `EventBridge`: AWS Batch's own events, and custom ones that carry a request.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{RawObject, Scope, age};
use crate::{
    command::{Content, OWN_SOURCE, RequestRefused},
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

pub(super) fn decode(object: &RawObject<'_>, scope: &Scope<'_>) -> Result<Content, RequestRefused> {
    let broken = RequestRefused::envelope(KIND);
    let event: Envelope<'_> = object.decode().map_err(broken)?;
    if event.source == OWN_SOURCE {
        let why = "the event is one of this function's own reports";
        return Ok(Content::Ignored(why.to_owned()));
    }
    object
        .no_fields_beside("the detail of a custom event")
        .map_err(broken)?;
    match event.source.as_str() {
        "aws.batch" => batch_event(&event, scope),
        source if source.starts_with("aws.") => Err(RequestRefused::Unsupported(format!(
            "unsupported event: {:?} from {source}; of AWS's own events, those of aws.batch and the alarm state changes of aws.cloudwatch are supported",
            event.detail_type
        ))),
        _ => {
            let request = Request::from_json(event.detail.get(), scope.own_region);
            Ok(request.map_err(|error| error.within("detail"))?.into())
        }
    }
}

/// AWS Batch's own events, by their detail type.
#[derive(Clone, Copy, PartialEq, Eq)]
enum BatchEvent {
    JobStateChange,
    JobQueueBlocked,
    ServiceJobQueueBlocked,
}

fn batch_event(event: &Envelope<'_>, scope: &Scope<'_>) -> Result<Content, RequestRefused> {
    let kind = match event.detail_type.as_str() {
        "Batch Job State Change" => BatchEvent::JobStateChange,
        "Batch Job Queue Blocked" => BatchEvent::JobQueueBlocked,
        "Batch Service Job Queue Blocked" => BatchEvent::ServiceJobQueueBlocked,
        "Batch Service Job State Change" => {
            return Ok(Content::Ignored(
                "state changes of service jobs are never acted on".to_owned(),
            ));
        }
        other => {
            return Err(RequestRefused::Unsupported(format!(
                "unsupported event: {other:?} from aws.batch; supported are Batch Job Queue Blocked, Batch Job State \
                 Change and Batch Service Job Queue Blocked"
            )));
        }
    };
    let time = time(event, kind, scope)?;
    if let Some(why) = ignored(event, kind, time, scope) {
        return Ok(Content::Ignored(why));
    }
    let broken =
        |error: RequestError| RequestRefused::envelope("AWS Batch event")(error.within("detail"));
    let detail: BatchDetail = from_object(event.detail.get()).map_err(broken)?;
    let id = match kind {
        BatchEvent::ServiceJobQueueBlocked => JobId::service_from_batch(&detail.job_id),
        BatchEvent::JobStateChange | BatchEvent::JobQueueBlocked => {
            JobId::from_batch(&detail.job_id)
        }
    };
    let not_an_id = || RequestError::new("jobId", format!("{:?} is not a job id", detail.job_id));
    let id = id.ok_or_else(|| broken(not_an_id()))?;
    match kind {
        BatchEvent::JobStateChange => {
            let missing = || broken(RequestError::new("status", "missing"));
            let status = detail.status.ok_or_else(missing)?;
            Ok(state_change(id, &status, scope))
        }
        BatchEvent::JobQueueBlocked => Ok(queue_blocked(id, Action::Cancel, time)),
        BatchEvent::ServiceJobQueueBlocked if !scope.config.policy.allow_terminate => {
            Ok(Content::Ignored(
                "service jobs can only be terminated, and ALLOW_TERMINATE (parameter AllowTerminate) is false".to_owned(),
            ))
        }
        BatchEvent::ServiceJobQueueBlocked => Ok(queue_blocked(id, Action::Terminate, time)),
    }
}

fn queue_blocked(id: JobId, action: Action, time: Option<Timestamp>) -> Content {
    let at = time.map(Timestamp::as_millisecond);
    let cause = Cause::Blocked { at };
    let request = Request {
        action,
        cause,
        ..Request::cancel(Target::Blocked(id))
    };
    request
        .with_default_reason(|| "Blocked its job queue".to_owned())
        .into()
}

fn state_change(id: JobId, name: &str, scope: &Scope<'_>) -> Content {
    let status = Status::from_batch(name);
    if !scope.config.cancel_on_status.contains(&status) {
        return Content::Ignored(format!("status {name} is not in CANCEL_ON_STATUS"));
    }
    let target = Target::Jobs(vec![AskedId::known(id)]);
    Request::cancel(target)
        .with_default_reason(|| format!("Cancelled on its change to {name}"))
        .into()
}

/// Why an event of another account or region is ignored, or a state change that is too old.
fn ignored(
    event: &Envelope<'_>,
    kind: BatchEvent,
    time: Option<Timestamp>,
    scope: &Scope<'_>,
) -> Option<String> {
    let (region, account) = (event.region.as_deref(), event.account.as_deref());
    if let Some(place) = scope.own_region.foreign_region(region, account) {
        return Some(format!(
            "the event is from another account or region: {place}"
        ));
    }
    // A job that blocks its queue is looked up, however old the event is.
    let time = time.filter(|_| kind == BatchEvent::JobStateChange)?;
    age::too_old(time, scope)
}

/// The time of an event, where it is needed.
fn time(
    event: &Envelope<'_>,
    kind: BatchEvent,
    scope: &Scope<'_>,
) -> Result<Option<Timestamp>, RequestRefused> {
    let is_needed = kind != BatchEvent::JobStateChange || scope.config.max_event_age.is_some();
    let time = event.time.as_deref().filter(|_| is_needed);
    let not_a_time = |time| move |_| RequestError::new("time", format!("{time:?} is not a time"));
    let time = time.map(|time: &str| time.parse().map_err(not_a_time(time)));
    time.transpose().map_err(RequestRefused::envelope(KIND))
}
