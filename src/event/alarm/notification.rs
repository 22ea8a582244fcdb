//! The message that CloudWatch sends to an SNS topic, of an alarm or of one contributor.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{
    Alarm,
    forms::{lenient, may_name_queue, region_of_arn, texts},
};

/// The message. Its `Region` is a display name such as "EU (Ireland)", so the region is read from the ARN.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Notification {
    alarm_name: String,
    alarm_description: Option<String>,
    #[serde(rename = "AWSAccountId")]
    account: Option<String>,
    alarm_arn: Option<String>,
    new_state_value: String,
    state_change_time: Option<String>,
    alarm_contributor_id: Option<String>,
    /// The attributes that the contributor of a Metrics Insights alarm was grouped by: name and value.
    #[serde(default, deserialize_with = "lenient")]
    alarm_contributor_attributes: BTreeMap<String, Value>,
    #[serde(default, deserialize_with = "lenient")]
    trigger: Trigger,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Trigger {
    #[serde(flatten)]
    metric: TriggerMetricName,
    #[serde(deserialize_with = "lenient")]
    metrics: Vec<TriggerMetric>,
}

#[derive(Deserialize)]
struct Dimension {
    name: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TriggerMetric {
    metric_stat: Option<TriggerStat>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TriggerStat {
    metric: Option<TriggerMetricName>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct TriggerMetricName {
    namespace: Option<String>,
    #[serde(deserialize_with = "lenient")]
    dimensions: Vec<Dimension>,
}

impl Notification {
    pub(super) fn into_alarm(self) -> Alarm {
        let (region, account) = region_of_arn(self.alarm_arn.as_deref());
        let parts = self.trigger.metrics.into_iter();
        let parts = parts.filter_map(|query| query.metric_stat?.metric);
        let dimensions = [self.trigger.metric]
            .into_iter()
            .chain(parts)
            .filter(|metric| may_name_queue(metric.namespace.as_deref()))
            .flat_map(|metric| metric.dimensions)
            .map(|dimension| (dimension.name, dimension.value));
        Alarm {
            name: self.alarm_name,
            state: self.new_state_value,
            description: self.alarm_description,
            region,
            account: self.account.or(account),
            time: self.state_change_time,
            dimensions: dimensions.collect(),
            contributor_id: self.alarm_contributor_id,
            contributor: texts(self.alarm_contributor_attributes),
            silenced: None,
        }
    }
}
