//! What can be made to go wrong.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{
    fault::{BulkCalls, ItemError, Tokens},
    operation::Operation,
    span,
    status::Exit,
};

/// Switches for everything that can go wrong. All off by default. Rates are between 0 and 1, and
/// the dice are seeded, so that a run can be repeated. The same in camelCase is a seed's `faults`
/// and the body of `PUT /_emulator/faults`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Faults {
    /// The dice's seed.
    pub seed: u64,
    /// The operations that faults are limited to; all if empty. Delays of visibility, refused
    /// jobs, ids that fail a look, `slow` and `bulk_calls` are not limited by it.
    pub only: BTreeSet<Operation>,
    /// How long every call takes before its work is done: a caller that goes away meanwhile leaves
    /// it undone, and a hook ([`Emulator::on`](crate::Emulator::on)) runs after it.
    #[serde(with = "span")]
    pub latency: Duration,
    /// And up to this much longer.
    #[serde(with = "span")]
    pub jitter: Duration,
    /// How long the answers of an operation are held back after the work was done, which is when
    /// the call came (plus `latency`): also beyond any patience of the caller. Answers without work
    /// (a throttled call) are not held back.
    #[serde(with = "span::map")]
    pub slow: BTreeMap<Operation, Duration>,
    /// Calls whose work is done, and whose answer is held back for `slow_for`, without which this
    /// does nothing.
    #[serde(deserialize_with = "rate")]
    pub slow_rate: f64,
    /// How long calls by `slow_rate` and [`Fault::Slow`](crate::Fault::Slow) are held back. Where
    /// `slow` says more, that counts.
    #[serde(with = "span")]
    pub slow_for: Duration,
    /// An account-wide token bucket: calls above it get 429 `TooManyRequestsException`.
    pub calls_per_second: Option<f64>,
    /// The bucket's size; by default one second's worth.
    pub burst: Option<u32>,
    /// Calls answered with 429 `TooManyRequestsException`.
    #[serde(deserialize_with = "rate")]
    pub throttle_rate: f64,
    /// Jobs of a bulk call answered with `ThrottlingException`.
    #[serde(deserialize_with = "rate")]
    pub item_throttle_rate: f64,
    /// Jobs of a bulk call answered with `ServerException`.
    #[serde(deserialize_with = "rate")]
    pub item_server_error_rate: f64,
    /// Jobs that are always refused by cancel and terminate: in bulk calls with this code, alone
    /// with the whole-call error that means the same.
    pub item_errors: BTreeMap<String, ItemError>,
    /// Jobs whose cancel is refused with `ClientException` once they are STARTING or RUNNING, instead
    /// of being accepted without effect: alone 400, in bulk among `errors`. Which of the two Batch
    /// does is undocumented. Drawn by id: a job is always refused or never; 1 refuses all.
    #[serde(deserialize_with = "rate")]
    pub refuse_started_rate: f64,
    /// Jobs whose cancel and terminate are refused in the same way once they are SUCCEEDED or FAILED.
    #[serde(deserialize_with = "rate")]
    pub refuse_ended_rate: f64,
    /// Jobs that every bulk call accepts, and leaves out of `successful` and of `errors`.
    pub omit_done: BTreeSet<String>,
    /// Jobs that a bulk call accepts and leaves out; thrown anew in each call.
    #[serde(deserialize_with = "rate")]
    pub omit_done_rate: f64,
    /// Jobs that every bulk call passes over, and leaves out of `successful` and of `errors`.
    pub omit_undone: BTreeSet<String>,
    /// Jobs that a bulk call passes over and leaves out; thrown anew in each call.
    #[serde(deserialize_with = "rate")]
    pub omit_undone_rate: f64,
    /// Ids that make every `DescribeJobs` that names them fail as a whole, with 400
    /// `ClientException`, whether there is such a job or not.
    pub fails_describe: BTreeSet<String>,
    /// Ids that do the same. Drawn by id and seed, so that halving a call finds them.
    #[serde(deserialize_with = "rate")]
    pub fails_describe_rate: f64,
    /// What becomes of the tokens that ask for the next page of a listing.
    pub tokens: Tokens,
    /// Calls answered with 500 `ServerException`.
    #[serde(deserialize_with = "rate")]
    pub server_error_rate: f64,
    /// Calls whose connection is reset before anything was done.
    #[serde(deserialize_with = "rate")]
    pub reset_before_rate: f64,
    /// Calls whose connection is reset after the work was done.
    #[serde(deserialize_with = "rate")]
    pub reset_after_rate: f64,
    /// Calls whose work is done, and whose answer breaks off.
    #[serde(deserialize_with = "rate")]
    pub cut_short_rate: f64,
    /// Calls that are never answered; the work is done in half of them.
    #[serde(deserialize_with = "rate")]
    pub hang_rate: f64,
    /// Whether the endpoint knows the bulk calls.
    pub bulk_calls: BulkCalls,
    /// Operations that IAM denies. A denied `CancelJob` also denies each job of `CancelJobs`, as
    /// the bulk calls have no IAM action of their own.
    pub denied: BTreeSet<Operation>,
    /// Jobs that IAM denies cancelling and terminating.
    pub denied_jobs: BTreeSet<String>,
    /// Job queues, by their names, whose listing and whose snapshot fail like this.
    pub queue_errors: BTreeMap<String, ItemError>,
    /// How long jobs added from now on stay hidden from looks and listings.
    #[serde(with = "span")]
    pub visibility_delay: Duration,
    /// How long the effect of a cancel or terminate stays hidden.
    #[serde(with = "span")]
    pub flag_delay: Duration,
    /// Jobs whose cancel and terminate are accepted, and never happen.
    pub ignore_cancels: BTreeSet<String>,
    /// Jobs whose cancel is accepted (`isCancelled` shows) and does not stop them: they are
    /// dispatched all the same, run, and exit like this. How long each status takes is in
    /// [`Behaviour::runs_anyway`](crate::Behaviour::runs_anyway). A terminate does stop them. Of an
    /// array, its children count.
    pub runs_anyway: BTreeMap<String, Exit>,
    /// Jobs that do the same. Drawn by id and seed, as is how they exit.
    #[serde(deserialize_with = "rate")]
    pub runs_anyway_rate: f64,
}

fn rate<'de, D: serde::Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let rate = f64::deserialize(from)?;
    if (0.0..=1.0).contains(&rate) {
        Ok(rate)
    } else {
        let given = serde::de::Unexpected::Float(rate);
        Err(serde::de::Error::invalid_value(
            given,
            &"a rate between 0 and 1",
        ))
    }
}
