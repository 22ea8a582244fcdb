//! Events that come too late.

use jiff::{SignedDuration, Timestamp};

use super::Scope;

/// Why an event of this time is not acted on any more, if `MAX_EVENT_AGE` says so.
pub(super) fn too_old(time: Timestamp, scope: &Scope<'_>) -> Option<String> {
    let max = SignedDuration::try_from(scope.config.max_event_age?).ok()?;
    let age = scope.now.duration_since(time);
    (age > max).then(|| format!("the event is {age:#} old, and MAX_EVENT_AGE is {max:#}"))
}
