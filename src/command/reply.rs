//! How a report is answered.

/// The form of the answer, and what happens to jobs that are left over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The report, for a caller that waits for it.
    Report,
    /// The report, or an invocation error if jobs are left over. Nobody waits, and Lambda retries the event.
    InvocationError,
    /// The messages that must be delivered again.
    BatchItemFailures,
    /// HTML for a dashboard.
    Widget(WidgetReply),
    /// An HTTP response with the report.
    Http(HttpForm),
    /// An HTTP response about the request's only job.
    HttpJob(HttpForm),
}

/// The response format that a gateway expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpForm {
    /// API Gateway REST API, or HTTP API with payload format 1.0.
    V1,
    /// API Gateway HTTP API with payload format 2.0, or function URL.
    V2,
    /// Application Load Balancer.
    Alb {
        /// The target group has multi-value headers.
        multi_value: bool,
    },
}

/// What a dashboard shows with a report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WidgetReply {
    /// How a viewer confirms the request, if it is among the widget's saved parameters and is a dry run until then.
    pub unconfirmed: Option<Confirmation>,
    /// The payload of the button that goes back to what the widget shows by itself.
    pub back: Option<String>,
    /// The widget is too narrow for a table of many columns.
    pub is_narrow: bool,
}

/// How a viewer can confirm a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// By a button with this payload.
    Button(String),
    /// Not at all: `confirmed` is among the saved parameters too, and counts nowhere then.
    IsSaved,
    /// Not at all: the request, or the function, makes a dry run of it in any case.
    IsDryRun,
}
