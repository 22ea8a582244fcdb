//! The calls to AWS Batch, each a type that knows its name, its timeout and its answer.

use std::time::Duration;

use super::{Batch, CallError};

/// How long a call may take before it is given up. Batch answers looks and single calls within a second.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);

/// A call to AWS Batch.
pub trait Operation {
    /// What Batch answers.
    type Answer;

    /// The name in AWS's API reference.
    fn name(&self) -> &'static str;

    /// How many jobs the call is about; 0 if it is about none in particular.
    fn jobs(&self) -> usize {
        1
    }

    /// How long the call may take before it is given up.
    fn timeout(&self) -> Duration {
        TIMEOUT
    }

    /// Whether some part of the answer was throttled.
    #[must_use]
    fn is_throttled(_: &Self::Answer) -> bool {
        false
    }

    /// Sends the call once.
    ///
    /// # Errors
    ///
    /// When Batch refused it, or did not answer.
    fn send(&self, batch: &Batch) -> impl Future<Output = Result<Self::Answer, CallError>>;
}
