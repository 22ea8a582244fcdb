//! The emulator, asked in process and over HTTP.

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

mod account;
mod ask;
mod attempts;
mod cancel;
mod counts;
mod demo;
mod front;
mod items;
mod late;
mod life;
mod look;
mod queues;
mod refused;
mod runs_anyway;
mod serve;
mod wire;
mod wrong;
