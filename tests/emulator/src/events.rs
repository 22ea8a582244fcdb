//! What is to happen to jobs, and when.

use std::{cmp::Ordering, sync::Arc, time::Duration};

use crate::{ending::Action, job::Key, world::World};

/// Something that is to happen to a job at a time.
#[derive(Debug)]
pub(crate) struct Event {
    due: Duration,
    /// Events of the same time happen in the order in which they were made.
    order: u64,
    key: Key,
    what: What,
}

#[derive(Debug)]
pub(crate) enum What {
    /// Its time in its status is over, if it is still the same turn.
    Move { turn: u32 },
    /// A job it waits for has ended.
    Dependency { succeeded: bool },
    /// A cancel or terminate that was accepted earlier takes effect.
    Effect { action: Action, reason: Arc<str> },
    /// A cancelled or terminated job becomes FAILED.
    End,
}

impl Ord for Event {
    /// The other way round, since the heap gives its greatest first.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.due, other.order).cmp(&(self.due, self.order))
    }
}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Event {}

impl World {
    /// Lets everything happen that is due by now.
    pub(crate) fn settle(&mut self, now: Duration) {
        while self.events.peek().is_some_and(|event| event.due <= now) {
            if let Some(event) = self.events.pop() {
                self.happen(event);
            }
        }
    }

    pub(crate) fn plan(&mut self, due: Duration, key: Key, what: What) {
        self.events_made += 1;
        self.events.push(Event {
            due,
            order: self.events_made,
            key,
            what,
        });
    }

    /// Lets a job know that one it waits for has ended.
    pub(crate) fn plan_dependency(&mut self, key: Key, succeeded: bool, at: Duration) {
        self.plan(at, key, What::Dependency { succeeded });
    }

    fn happen(&mut self, Event { due, key, what, .. }: Event) {
        match what {
            What::Move { turn } => self.move_on(key, turn, due),
            What::Dependency { succeeded } => self.dependency_ended(key, succeeded, due),
            What::Effect { action, reason } => self.take_effect(key, action, &reason, due),
            What::End => self.end(key, due),
        }
    }
}
