//! The message that CloudWatch sends to an SNS topic, of an alarm or of one contributor.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{
    Alarm,
    forms::{lenient, texts},
    queue::{Contributor, Metric, region_of_arn},
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
    account_id: Option<String>,
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
    account_id: Option<String>,
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

impl TriggerMetricName {
    /// The metric, which is one of this account unless it says another.
    fn into_metric(self, account: Option<String>) -> Metric {
        let dimensions = self.dimensions.into_iter();
        let dimensions = dimensions.map(|dimension| (dimension.name, dimension.value));
        let named = Some(dimensions.collect());
        Metric::new(account, self.namespace.as_deref(), named)
    }
}

impl Notification {
    pub(super) fn into_alarm(self) -> Alarm {
        let (region, account) = region_of_arn(self.alarm_arn.as_deref());
        let Trigger {
            metric,
            account_id,
            metrics,
        } = self.trigger;
        let parts = metrics.into_iter().map(|query| {
            let metric = query.metric_stat.and_then(|stat| stat.metric);
            match metric {
                Some(metric) => metric.into_metric(query.account_id),
                None => Metric::new(query.account_id, None, None),
            }
        });
        let metrics = [metric.into_metric(account_id)].into_iter().chain(parts);
        let attributes = self.alarm_contributor_attributes;
        let is_of_contributor = self.alarm_contributor_id.is_some() || !attributes.is_empty();
        let contributor = Contributor {
            id: self.alarm_contributor_id,
            attributes: texts(attributes),
        };
        Alarm {
            name: self.alarm_name,
            state: self.new_state_value,
            description: self.alarm_description,
            region,
            account: self.account.or(account),
            time: self.state_change_time,
            metrics: metrics.collect(),
            contributor: is_of_contributor.then_some(contributor),
            silenced: None,
        }
    }
}
