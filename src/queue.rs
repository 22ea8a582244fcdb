//! A job queue as watches, HTTP and the dashboard's panel show it: how many jobs are in each status, what the first in line
//! waits for, and its jobs page by page.

mod count;
mod head;
mod page;
mod panel;
mod view;
mod watch;

pub use crate::{
    reasons::{AwsActs, BlockedReason, Fault, REASONS, documented},
    session::QueueError,
};
pub use count::Counts;
pub use head::{Acts, Head};
pub use page::{JobPage, list, show};
pub use panel::{Group, NoButton, Panel, PanelJob, panel, since};
pub use view::QueueView;
pub use watch::{Watch, WatchError, watch};
