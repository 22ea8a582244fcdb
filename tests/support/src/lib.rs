//! What the tests in `tests/it` and `tests/process` share: the function on an emulator, the sample events, and events made
//! to order.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a test that panics fails"
)]
#![allow(
    missing_docs,
    clippy::must_use_candidate,
    clippy::return_self_not_must_use,
    reason = "only tests call it"
)]

pub mod bus;
pub mod emf;
pub mod events;
mod function;
mod jobs;
pub mod samples;
pub mod schema;

pub use function::{
    Alter, FUNCTION_ARN, Failed, Function, QUEUE, QUEUE_ARN, SETTINGS, batch, failed, first_for,
    now, only_outcome, outcomes, request_id,
};
pub use jobs::{NO_CAPACITY, NO_ROLE, OWN_FAULT, job};
