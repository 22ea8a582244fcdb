//! Events that arrive too late.

use jiff::{SignedDuration, Timestamp};

use super::Scope;

/// Why an event with this time is ignored, if it is older than `MAX_EVENT_AGE`.
pub(super) fn too_old(time: Timestamp, scope: &Scope<'_>) -> Option<String> {
    let max = SignedDuration::try_from(scope.config.max_event_age?).ok()?;
    let age = scope.now.duration_since(time);
    (age > max).then(|| format!("the event is {age:#} old; MAX_EVENT_AGE is {max:#}"))
}
