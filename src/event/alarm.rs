//! CloudWatch alarms: as an alarm action, through EventBridge, and through SNS.
//!
//! The types in `aws_lambda_events` reject metric math, periods of a day, composite alarms without a suppressor, and
//! descriptions that are `null`. Here, only the new state is required.

mod forms;
mod notification;
mod queue;

use std::fmt;

use super::{RawObject, Scope};
use crate::{
    command::{NoRequest, RequestRefused},
    request::{Action, Cause, Request, RequestError, RequestTemplate, is_spelling_of, refuse},
};
use forms::{AlarmAction, CONTRIBUTOR_CHANGE, StateChange};
use jiff::Timestamp;
use notification::Notification;
use queue::{Contributor, Metric};

const KIND: &str = "CloudWatch alarm";

/// The field of a description that holds a request.
const DESCRIBED: &str = "batchCancel";

/// An alarm that has changed its state.
#[derive(Debug)]
struct Alarm {
    name: String,
    state: String,
    description: Option<String>,
    /// Why its actions are muted or suppressed.
    silenced: Option<String>,
    region: Option<String>,
    account: Option<String>,
    time: Option<String>,
    metrics: Vec<Metric>,
    /// The contributor of a Metrics Insights alarm, if the event is about one.
    contributor: Option<Contributor>,
}

pub(super) fn matches(object: &RawObject<'_>) -> bool {
    is_action(object) || is_notification(object) || is_event(object)
}

fn is_action(object: &RawObject<'_>) -> bool {
    object.has("alarmData")
}

fn is_notification(object: &RawObject<'_>) -> bool {
    object.has("AlarmName") && object.has("NewStateValue")
}

fn is_event(object: &RawObject<'_>) -> bool {
    object.text("source").as_deref() == Some("aws.cloudwatch")
        && matches!(
            object.text("detail-type").as_deref(),
            Some("CloudWatch Alarm State Change" | CONTRIBUTOR_CHANGE)
        )
}

pub(super) fn decode(object: &RawObject<'_>, scope: &Scope<'_>) -> Result<Request, NoRequest> {
    let broken = RequestRefused::invalid_event(KIND);
    object
        .no_fields_beside("ALARM_REQUEST or the alarm's description")
        .map_err(broken)?;
    let alarm = if is_action(object) {
        object.decode().map(AlarmAction::into_alarm)
    } else if is_notification(object) {
        object.decode().map(Notification::into_alarm)
    } else {
        object.decode().map(StateChange::into_alarm)
    };
    let alarm = alarm.map_err(broken)?;
    alarm.request(scope).map_err(|error| match error {
        NoRequest::Ignored(why) => NoRequest::Ignored(format!("{alarm}: {why}")),
        refused @ NoRequest::Refused(_) => refused,
    })
}

impl Alarm {
    /// The request that the alarm stands for.
    fn request(&self, scope: &Scope<'_>) -> Result<Request, NoRequest> {
        self.counts(scope)?;
        let described = self.described_request(scope)?;
        let queue = self.queue(scope).map_err(NoRequest::Ignored)?;
        let in_template = |error| self.in_template(error, described.is_some());
        let described = described.as_deref().map(RequestTemplate::from_json);
        let described = described.transpose().map_err(in_template)?;
        let template = described.as_ref().unwrap_or(&scope.config.alarm_request);
        let request = template.fill(queue.as_deref(), scope.own_region);
        let request = request.map_err(in_template)?;
        let Some(mut request) = request else {
            let looked_for = scope.config.queue_dimensions.join(", ");
            return Err(NoRequest::Ignored(format!(
                "none of its metrics has a dimension that names a job queue; looked for: {looked_for}"
            )));
        };
        if described.is_some() && request.action == Action::Terminate {
            let error = RequestError::new("terminate", "not allowed in an alarm's description");
            return Err(self.in_template(error, true).into());
        }
        let at = self.time.as_deref().and_then(time_of);
        let at = at.map(Timestamp::as_millisecond);
        request.cause = Cause::Alarm { at };
        Ok(request.with_default_reason(|| format!("CloudWatch alarm {}", self.name)))
    }

    fn in_template(&self, error: RequestError, described: bool) -> RequestError {
        if !described {
            return error.within("ALARM_REQUEST");
        }
        let RequestError { field, message } = error.within(DESCRIBED);
        let message = format!("{message} (in the description of alarm {:?})", self.name);
        RequestError { field, message }
    }

    /// Whether the alarm counts, by its state, origin and time.
    fn counts(&self, scope: &Scope<'_>) -> Result<(), NoRequest> {
        if self.state != "ALARM" {
            let why = format!("its state is {}, not ALARM", self.state);
            return Err(NoRequest::Ignored(why));
        }
        if let Some(why) = &self.silenced {
            return Err(NoRequest::Ignored(why.clone()));
        }
        let (region, account) = (self.region.as_deref(), self.account.as_deref());
        scope.not_foreign("it belongs to", region, account)?;
        let (Some(_), Some(time)) = (scope.config.max_event_age, &self.time) else {
            return Ok(());
        };
        let not_a_time = || RequestError::new("time", format!("{time:?} is not a time"));
        let at = time_of(time).ok_or_else(not_a_time);
        scope.not_too_old(at.map_err(RequestRefused::invalid_event(KIND))?)
    }

    /// The request in the alarm's description, if `ALARM_DESCRIPTIONS` is true and the description has one. A request that
    /// cannot be read is an error: `ALARM_REQUEST` is not what the author of the description asked for.
    fn described_request(&self, scope: &Scope<'_>) -> Result<Option<String>, RequestRefused> {
        let description = self.description.as_deref();
        let Some(text) = description.filter(|_| scope.config.alarm_descriptions) else {
            return Ok(None);
        };
        let mut problem = "expected {\"batchCancel\": {…}}".to_owned();
        for (start, _) in text.match_indices('{') {
            let json = text.get(start..).unwrap_or_default();
            let mut values = serde_json::Deserializer::from_str(json).into_iter::<RawObject<'_>>();
            match values.next() {
                Some(Ok(object)) => match described(&object) {
                    Ok(None) => {}
                    Ok(request) => return Ok(request),
                    Err(error) => return Err(self.in_template(error, true).into()),
                },
                Some(Err(error)) => problem = error.to_string(),
                None => {}
            }
        }
        if !text.contains(&format!("\"{DESCRIBED}\"")) {
            return Ok(None);
        }
        let error = RequestError::new("", problem);
        Err(self.in_template(error, true).into())
    }
}

/// The request in an object of a description, if that is what the object is for.
fn described(object: &RawObject<'_>) -> Result<Option<String>, RequestError> {
    let mut given = object
        .fields()
        .filter(|(name, _)| is_spelling_of(DESCRIBED, name));
    match (given.next(), given.next()) {
        (None, _) => Ok(None),
        (Some((DESCRIBED, request)), None) => {
            object.no_fields_beside(DESCRIBED)?;
            Ok(Some(request.get().to_owned()))
        }
        (Some((name, _)), _) => refuse(name, "expected batchCancel, once"),
    }
}

/// The alarm as messages name it.
impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "alarm {:?}", self.name)?;
        let contributor = self.contributor.as_ref();
        match contributor.and_then(|contributor| contributor.id.as_ref()) {
            Some(id) => write!(f, ", contributor {id:?}"),
            None => Ok(()),
        }
    }
}

/// Reads a time. Those of alarms have an offset without a colon.
fn time_of(text: &str) -> Option<Timestamp> {
    text.parse()
        .ok()
        .or_else(|| Timestamp::strptime("%Y-%m-%dT%H:%M:%S%.f%z", text).ok())
}
