//! The edges of the function: what it reads of an event, how it answers, and what it logs and counts.

mod audit;
mod messages;
pub(crate) mod records;
mod widget;
