//! The job queue that an alarm names.

use std::collections::BTreeSet;

use super::Alarm;
use crate::{event::Scope, policy::queue_name, request::QueueName};

/// `CloudWatch`'s word for the metrics that do not have the dimension of a `GROUP BY`.
const OTHER: &str = "Other";

/// The attribute of a contributor that a query has grouped by account
/// ([CloudWatch documentation](https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-metrics-insights-querylanguage.html)).
pub(super) const ACCOUNT: &str = "AWS.AccountId";

/// A metric of an alarm, or an expression.
#[derive(Debug)]
pub(super) struct Metric {
    /// Its account, where that is said.
    pub(super) account: Option<String>,
    /// Its dimensions that can name a job queue: name and value. None of an expression.
    pub(super) dimensions: Option<Vec<(String, String)>>,
}

impl Metric {
    /// An expression, or a metric of this namespace with these dimensions. Of AWS's own namespaces only `AWS/Batch` has some
    /// that can name a job queue.
    pub(super) fn new(
        account: Option<String>,
        namespace: Option<&str>,
        dimensions: Option<Vec<(String, String)>>,
    ) -> Self {
        let is_of_others = namespace
            .is_some_and(|namespace| namespace.starts_with("AWS/") && namespace != "AWS/Batch");
        let named = |all| if is_of_others { Vec::new() } else { all };
        Self {
            account,
            dimensions: dimensions.map(named),
        }
    }
}

/// One of the time series that a Metrics Insights alarm watches.
#[derive(Debug, Default)]
pub(super) struct Contributor {
    pub(super) id: Option<String>,
    /// What it was grouped by: name and value.
    pub(super) attributes: Vec<(String, String)>,
}

impl Alarm {
    /// The job queue that the alarm names, if it names one.
    ///
    /// # Errors
    ///
    /// Why the alarm is ignored.
    pub(super) fn queue(&self, scope: &Scope<'_>) -> Result<Option<String>, String> {
        let queues = match &self.contributor {
            Some(contributor) => self.queues_of_contributor(contributor, scope)?,
            None => self.queues_of_metrics(scope)?,
        };
        let mut queues = queues.into_iter();
        match (queues.next(), queues.next()) {
            (Some(one), Some(another)) => Err(format!(
                "its metrics name more than one job queue, for example {one:?} and {another:?}"
            )),
            (Some(queue), None) => own_queue(queue, scope).map(Some),
            (None, _) => Ok(None),
        }
    }

    fn queues_of_metrics(&self, scope: &Scope<'_>) -> Result<BTreeSet<String>, String> {
        let mut all = BTreeSet::new();
        for metric in &self.metrics {
            let queues = queues(metric.dimensions.as_deref().unwrap_or_default(), scope);
            if !queues.is_empty() {
                self.check_account(metric.account.as_deref(), scope)?;
            }
            all.extend(queues);
        }
        Ok(all)
    }

    /// A contributor stands for its own attributes alone: the alarm's other metrics are about something else.
    fn queues_of_contributor(
        &self,
        contributor: &Contributor,
        scope: &Scope<'_>,
    ) -> Result<BTreeSet<String>, String> {
        let queues = queues(&contributor.attributes, scope);
        if queues.is_empty() {
            let looked_for = scope.config.queue_dimensions.join(", ");
            return Err(format!(
                "none of its contributor's attributes names a job queue; looked for: {looked_for}"
            ));
        }
        if queues.contains(OTHER) {
            return Err(format!(
                "its contributor is {OTHER:?}, which stands for the metrics that name no job queue"
            ));
        }
        let attributes = contributor.attributes.iter();
        let of_account = attributes.filter(|(name, _)| name == ACCOUNT);
        let grouped = of_account.map(|(_, account)| account.as_str());
        let expressions = self.metrics.iter().filter(|m| m.dimensions.is_none());
        let queried = expressions.filter_map(|expression| expression.account.as_deref());
        for account in grouped.chain(queried) {
            self.check_account(Some(account), scope)?;
        }
        Ok(queues)
    }

    /// Whether a metric that names a job queue is one of this account, as it is where nothing is said.
    fn check_account(&self, of_metric: Option<&str>, scope: &Scope<'_>) -> Result<(), String> {
        let own = scope.own_region.account.as_ref().or(self.account.as_ref());
        match (of_metric, own) {
            (Some(account), Some(own)) if account != own => Err(format!(
                "the metric that names its job queue belongs to account {account:?}, this function to {own:?}"
            )),
            _ => Ok(()),
        }
    }
}

/// The values of the dimensions in `QUEUE_DIMENSIONS`.
fn queues(dimensions: &[(String, String)], scope: &Scope<'_>) -> BTreeSet<String> {
    let names = &scope.config.queue_dimensions;
    let is_queue = |(name, value): &&(String, String)| names.contains(name) && !value.is_empty();
    let queues = dimensions.iter().filter(is_queue);
    queues.map(|(_, value)| value.clone()).collect()
}

/// The job queue of that name or ARN. A metric may name anything: what can be no job queue of this account and region is not
/// asked for.
fn own_queue(queue: String, scope: &Scope<'_>) -> Result<String, String> {
    let own_region = scope.own_region;
    if queue.starts_with("arn:") {
        let (region, account) = region_of_arn(Some(&queue));
        if let Some(place) = own_region.foreign_region(region.as_deref(), account.as_deref()) {
            return Err(format!(
                "its job queue belongs to another account or region: {place}"
            ));
        }
    }
    match QueueName::parse(queue_name(&queue), own_region) {
        Ok(_) => Ok(queue),
        Err(error) => Err(error.message),
    }
}

/// Region and account from an alarm's ARN.
pub(super) fn region_of_arn(arn: Option<&str>) -> (Option<String>, Option<String>) {
    let mut parts = arn.unwrap_or_default().split(':').skip(3);
    let mut part = || Some(parts.next()?.to_owned()).filter(|part| !part.is_empty());
    (part(), part())
}
