//! Where an event comes from, and the invocation that it causes.

use strum::{IntoStaticStr, VariantArray};

/// The source of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
pub enum Source {
    /// An invocation with a request of our own schema: a tool, `EventBridge` Scheduler, Step Functions.
    Direct,
    /// Amazon SQS.
    Sqs,
    /// Amazon SNS.
    Sns,
    /// Amazon `EventBridge` Pipes.
    Pipes,
    /// Amazon `EventBridge`.
    EventBridge,
    /// A CloudWatch alarm, as an alarm action or through EventBridge or SNS.
    Alarm,
    /// A widget of a CloudWatch dashboard.
    Widget,
    /// API Gateway, a function URL or an Application Load Balancer.
    Http,
}

impl Source {
    /// Every source.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The name in reports, logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The `source` of the events that this function publishes itself.
pub(crate) const OWN_SOURCE: &str = "batch-cancel";

/// One invocation of the function: who asked, and when.
#[derive(Clone, Copy, Debug)]
pub struct Invocation<'a> {
    /// Where the event came from, if it could be decoded.
    pub source: Option<Source>,
    /// The caller if there is one, else the source, if the event could be decoded.
    pub requested_by: Option<&'a str>,
    /// Lambda's id of the invocation.
    pub request_id: &'a str,
    /// The function's own ARN.
    pub function_arn: &'a str,
    /// The function's name.
    pub function_name: &'a str,
    /// When the event arrived, in milliseconds since 1970.
    pub at: i64,
    /// A message that is left over is delivered again.
    pub comes_again: bool,
}

impl Invocation<'_> {
    /// The name of the source, in reports.
    pub fn source_name(&self) -> &'static str {
        self.source.map_or("unknown", Source::as_str)
    }
}
