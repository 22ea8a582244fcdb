//! The forms in which CloudWatch and EventBridge send an alarm. Nothing is required but the new state.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{
    Alarm,
    queue::{ACCOUNT, Contributor as AlarmContributor, Metric as AlarmMetric, region_of_arn},
};

/// The detail type of an event about one contributor.
pub(super) const CONTRIBUTOR_CHANGE: &str = "CloudWatch Alarm Contributor State Change";

/// The fields that an alarm action and an alarm event share.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AlarmData {
    #[serde(default)]
    alarm_name: String,
    state: State,
    #[serde(default, deserialize_with = "lenient")]
    configuration: Configuration,
    mute_detail: Option<Value>,
    alarm_contributor: Option<Contributor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct State {
    value: String,
    timestamp: Option<String>,
    actions_suppressed_by: Option<Value>,
    actions_suppressed_reason: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Configuration {
    description: Option<String>,
    #[serde(deserialize_with = "lenient")]
    metrics: Vec<MetricQuery>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MetricQuery {
    metric_stat: Option<MetricStat>,
    account_id: Option<String>,
}

#[derive(Deserialize)]
struct MetricStat {
    metric: Option<Metric>,
}

#[derive(Deserialize)]
struct Metric {
    namespace: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    dimensions: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct Contributor {
    id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    attributes: BTreeMap<String, Value>,
}

/// A string without quotes, any other value as JSON.
fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Reads `null` as the default.
pub(super) fn lenient<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// The values that are texts. An account may be written as a number too, which must not be overlooked.
pub(super) fn texts(values: BTreeMap<String, Value>) -> Vec<(String, String)> {
    let text = |(name, value)| match value {
        Value::String(value) => Some((name, value)),
        Value::Number(account) if name == ACCOUNT => Some((name, account.to_string())),
        _ => None,
    };
    values.into_iter().filter_map(text).collect()
}

impl AlarmData {
    fn into_alarm(
        self,
        region: Option<String>,
        account: Option<String>,
        time: Option<String>,
    ) -> Alarm {
        let suppressed = self.state.actions_suppressed_by.map(|by| {
            let reason = self.state.actions_suppressed_reason;
            let reason = reason.map(|reason| format!(": {}", plain(&reason)));
            let (by, reason) = (plain(&by), reason.unwrap_or_default());
            format!("its actions are suppressed by {by}{reason}")
        });
        let muted = self.mute_detail.map(|mute| {
            let by = mute.get("mutedByArn");
            let by = by.map_or_else(|| mute.to_string(), plain);
            format!("it is muted by {by}")
        });
        let metrics = self.configuration.metrics.into_iter().map(|query| {
            let metric = query.metric_stat.and_then(|stat| stat.metric);
            let (namespace, dimensions) = match metric {
                Some(metric) => (metric.namespace, Some(texts(metric.dimensions))),
                None => (None, None),
            };
            AlarmMetric::new(query.account_id, namespace.as_deref(), dimensions)
        });
        let contributor = self.alarm_contributor.map(|contributor| AlarmContributor {
            id: contributor.id,
            attributes: texts(contributor.attributes),
        });
        Alarm {
            name: self.alarm_name,
            state: self.state.value,
            description: self.configuration.description,
            silenced: muted.or(suppressed),
            region,
            account,
            time: self.state.timestamp.or(time),
            metrics: metrics.collect(),
            contributor,
        }
    }
}

/// The alarm action that calls this function.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AlarmAction {
    alarm_arn: Option<String>,
    account_id: Option<String>,
    region: Option<String>,
    time: Option<String>,
    alarm_data: AlarmData,
}

impl AlarmAction {
    pub(super) fn into_alarm(self) -> Alarm {
        let (region, account) = region_of_arn(self.alarm_arn.as_deref());
        self.alarm_data.into_alarm(
            self.region.or(region),
            self.account_id.or(account),
            self.time,
        )
    }
}

/// The event that EventBridge delivers.
#[derive(Deserialize)]
pub(super) struct StateChange {
    #[serde(rename = "detail-type")]
    detail_type: String,
    account: Option<String>,
    region: Option<String>,
    time: Option<String>,
    detail: AlarmData,
}

impl StateChange {
    pub(super) fn into_alarm(self) -> Alarm {
        let mut alarm = self.detail.into_alarm(self.region, self.account, self.time);
        if self.detail_type == CONTRIBUTOR_CHANGE {
            alarm.contributor.get_or_insert_default();
        }
        alarm
    }
}
