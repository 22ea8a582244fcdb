//! Behaviour in process: events in, reports and calls out.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics fails"
)]
#![allow(
    unreachable_pub,
    reason = "nothing outside of this binary can be reached"
)]

mod alarms;
mod arrays;
mod blocked;
mod checklists;
mod conflicts;
mod dependencies;
mod directions;
mod edges;
mod engine;
mod events;
mod faults;
mod mutations;
mod owners;
mod pace;
mod parameters;
mod policy;
mod publish;
mod queues;
mod recovery;
mod select;
mod selections;
mod settings;
mod spellings;
mod truth;
mod watch;
mod widget;
