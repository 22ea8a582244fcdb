//! How often a call for a job is sent again.

use crate::batch::ErrorKind;

/// How often a call for a job is sent, or a look, before it is given up.
const MAX_TRIES: u8 = 10;

/// The same while Batch throttles the calls, which tells nothing of the job, and which the pace already makes up for.
const MAX_THROTTLED_TRIES: u8 = 20;

/// Whether a call that failed, and has now failed this often for a job, is sent again.
pub(super) fn may_retry(kind: ErrorKind, tries: u8) -> bool {
    let most = match kind {
        ErrorKind::Throttled => MAX_THROTTLED_TRIES,
        _ => MAX_TRIES,
    };
    kind.is_worth_a_retry() && tries < most
}
