//! What a dashboard asks for: the panel of a job queue.

use super::Status;

/// The most jobs that a panel shows.
pub(crate) const MAX_SHOWN: usize = 200;

/// What a panel is asked to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PanelRequest {
    /// The queue's name or ARN.
    pub job_queue: String,
    /// The statuses to count and to show, in the order of a job's life.
    pub statuses: Vec<Status>,
    /// Show at most this many jobs.
    pub limit: usize,
    /// The widget is too narrow for a table of many columns.
    pub is_narrow: bool,
    /// What the viewer has typed as the reason. A refresh of the widget would lose it.
    pub typed_reason: Option<String>,
}
