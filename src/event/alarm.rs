//! CloudWatch alarms: as an alarm action, through EventBridge, and through SNS.
//!
//! The types in `aws_lambda_events` reject metric math, periods of a day, composite alarms without a suppressor, and
//! descriptions that are `null`. Here, only the new state is required.

mod forms;
mod notification;

use std::{collections::BTreeSet, fmt};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Content, EventError, RawObject, Scope, age};
use crate::request::{Action, Request, RequestError};
use forms::{AlarmAction, StateChange};
use notification::Notification;

const KIND: &str = "CloudWatch alarm";

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
    /// The dimensions of all metrics that can name a job queue: name and value.
    dimensions: Vec<(String, String)>,
    /// The contributor of a Metrics Insights alarm, if the event is about one.
    contributor_id: Option<String>,
    /// The attributes that the contributor was grouped by: name and value.
    contributor: Vec<(String, String)>,
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
            Some("CloudWatch Alarm State Change" | "CloudWatch Alarm Contributor State Change")
        )
}

pub(super) fn decode(object: &RawObject<'_>, scope: &Scope<'_>) -> Result<Content, EventError> {
    let broken = |error| EventError::Envelope { kind: KIND, error };
    let alarm = if is_action(object) {
        object.decode().map(AlarmAction::into_alarm)
    } else if is_notification(object) {
        object.decode().map(Notification::into_alarm)
    } else {
        object.decode().map(StateChange::into_alarm)
    };
    alarm.map_err(broken)?.content(scope)
}

impl Alarm {
    fn content(self, scope: &Scope<'_>) -> Result<Content, EventError> {
        Ok(match self.request(scope)? {
            Ok(request) => request.into(),
            Err(why) => Content::Ignored(format!("{self}: {why}")),
        })
    }

    /// The request that the alarm stands for, or why there is none.
    fn request(&self, scope: &Scope<'_>) -> Result<Result<Request, String>, EventError> {
        if let Some(why) = self.ignored(scope)? {
            return Ok(Err(why));
        }
        let described = self.described_request(scope)?;
        let template = described.as_deref().unwrap_or(&scope.config.alarm_request);
        let queues = self.queues(&scope.config.queue_dimensions);
        let mut queues = queues.iter();
        let queue = match (queues.next(), queues.next()) {
            (Some(one), Some(another)) => {
                return Ok(Err(format!(
                    "its metrics name more than one job queue, for example {one:?} and {another:?}"
                )));
            }
            (one, _) => one,
        };
        let request = Request::from_template(template, queue.map(String::as_str), scope.own_region);
        let request = request.map_err(|error| self.in_template(error, described.is_some()))?;
        let Some(mut request) = request else {
            let looked_for = scope.config.queue_dimensions.join(", ");
            return Ok(Err(format!(
                "none of its metrics has a dimension that names a job queue; looked for: {looked_for}"
            )));
        };
        if described.is_some() && request.action == Action::Terminate {
            let error = RequestError::new("terminate", "not allowed in an alarm's description");
            return Err(self.in_template(error, true).into());
        }
        request.from_alarm = true;
        request.event_time = self.time.as_deref().and_then(time_of);
        Ok(Ok(request.with_default_reason(|| {
            format!("CloudWatch alarm {}", self.name)
        })))
    }

    fn in_template(&self, error: RequestError, described: bool) -> RequestError {
        let field = if described {
            "batchCancel"
        } else {
            "ALARM_REQUEST"
        };
        let mut error = error.within(field);
        if described {
            error.message = format!(
                "{} (in the description of alarm {:?})",
                error.message, self.name
            );
        }
        error
    }

    /// Why the alarm is ignored, if its state, time or origin says so.
    fn ignored(&self, scope: &Scope<'_>) -> Result<Option<String>, EventError> {
        if self.state != "ALARM" {
            return Ok(Some(format!("its state is {}, not ALARM", self.state)));
        }
        if let Some(why) = &self.silenced {
            return Ok(Some(why.clone()));
        }
        let (region, account) = (self.region.as_deref(), self.account.as_deref());
        if let Some(place) = scope.own_region.foreign_region(region, account) {
            return Ok(Some(format!(
                "it belongs to another account or region: {place}"
            )));
        }
        let (Some(_), Some(time)) = (scope.config.max_event_age, &self.time) else {
            return Ok(None);
        };
        let at = time_of(time).ok_or_else(|| EventError::Envelope {
            kind: KIND,
            error: RequestError::new("time", format!("{time:?} is not a time")),
        })?;
        Ok(age::too_old(at, scope))
    }

    /// The job queues that the alarm names: its contributor's, otherwise those of all its metrics.
    fn queues(&self, dimensions: &[String]) -> BTreeSet<String> {
        let named = |of: &[(String, String)]| -> BTreeSet<String> {
            let queue = |(name, value): &(String, String)| {
                (dimensions.contains(name) && !value.is_empty()).then(|| value.clone())
            };
            of.iter().filter_map(queue).collect()
        };
        let contributors = named(&self.contributor);
        if !contributors.is_empty() {
            return contributors;
        }
        named(&self.dimensions)
    }

    /// The request in the alarm's description, if `ALARM_DESCRIPTIONS` is true and the description has one. A request that
    /// cannot be read is an error: `ALARM_REQUEST` is not what the author of the description asked for.
    fn described_request(&self, scope: &Scope<'_>) -> Result<Option<String>, EventError> {
        let description = self
            .description
            .as_deref()
            .filter(|_| scope.config.alarm_descriptions);
        let Some((before, _)) = description.and_then(|text| text.split_once("\"batchCancel\""))
        else {
            return Ok(None);
        };
        let mut problem = "expected {\"batchCancel\": {…}}".to_owned();
        for (start, _) in before.match_indices('{') {
            let json = description
                .and_then(|text| text.get(start..))
                .unwrap_or_default();
            let mut values = serde_json::Deserializer::from_str(json).into_iter::<Described<'_>>();
            match values.next() {
                Some(Ok(described)) => return Ok(Some(described.batch_cancel.get().to_owned())),
                Some(Err(error)) => problem = error.to_string(),
                None => {}
            }
        }
        Err(self
            .in_template(RequestError::new("", problem), true)
            .into())
    }
}

/// The alarm as messages name it.
impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "alarm {:?}", self.name)?;
        match &self.contributor_id {
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

/// The part of a description that is for this function.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Described<'a> {
    #[serde(borrow)]
    batch_cancel: &'a RawValue,
}
