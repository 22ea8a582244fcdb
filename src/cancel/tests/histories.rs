//! Every history: the engine and a small model of AWS Batch, explored breadth first. From each state follow all answers that
//! Batch can give to the calls in flight, in every order, all moves of the jobs, and the passing of time; and in each state
//! time may be over. What must hold is in [`judge`].
//!
//! `HISTORIES` names the frontier: `small` (seconds, the default) or `whole` (`tests/soak histories`). The shortest history
//! that breaks an invariant is printed as a test for [`found`].

mod batch;
mod explore;
mod found;
mod frontier;
mod judge;
mod state;
mod steps;

use super::*;
use batch::{Effect, Entity, Place, World};
use frontier::{Ask, FRONTIER, Kind, Setting};
use judge::{Broken, judge};
use state::State;
use steps::{Item, Move, Step, Work};
