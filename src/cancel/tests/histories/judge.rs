//! What must hold in every state.

use super::*;
use crate::report::Class;
use state::{Flight, Record, looked_at};
use steps::Item;

/// An invariant that does not hold, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) invariant: Invariant,
    pub(super) why: String,
}

/// What must hold in every state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Invariant {
    /// No transition is impossible, and nothing panics.
    NoPanic,
    /// Every job has one outcome at the end.
    OneOutcome,
    /// The outcome is true of the world.
    Truth,
    /// Nothing that was done, or may have been, is reported as if it was not.
    DoneIsNotFailed,
    /// Nothing is sent twice that was accepted.
    SentOnce,
    /// No job is ended that was not looked at, and none again after a call without an answer before it is looked at.
    LookFirst,
    /// What must not be ended is not named by a call that ends jobs.
    Untouched,
    /// The number of calls is bounded.
    BoundedCalls,
    /// The work ends, and not by waiting for the deadline.
    Ends,
    /// The work does not end before each job has its outcome.
    Forgotten,
    /// One error is not the end: what a later try would have done is done.
    Patience,
}

#[expect(clippy::unnecessary_wraps, reason = "what a judge returns")]
fn broken(invariant: Invariant, why: impl Into<String>) -> Option<Broken> {
    let why = why.into();
    Some(Broken { invariant, why })
}

impl State {
    /// A call is sent: remembers it, and what is wrong with it.
    pub(super) fn watch(&mut self, call: &Call, setting: &Setting) {
        let Call::End(call) = call else {
            self.looks = self.looks.saturating_add(1);
            return;
        };
        for (_, id) in &call.jobs {
            let at = self.world.at(*id);
            let is_protected = self.world.is_protected(at);
            let record = &mut self.records[at];
            record.sent = record.sent.saturating_add(1);
            let most = 1 + self.faults;
            let found = if setting.ask == Ask::DryRun || is_protected {
                broken(
                    Invariant::Untouched,
                    "it is protected, or this is a dry run",
                )
            } else if record.is_accepted {
                broken(Invariant::SentOnce, "its call was accepted before")
            } else if record.is_unlooked {
                broken(
                    Invariant::LookFirst,
                    "its last call was not answered, and it was not looked at since",
                )
            } else if !record.is_seen {
                broken(Invariant::LookFirst, "no look has shown it")
            } else if record.sent > most {
                broken(
                    Invariant::BoundedCalls,
                    format!("{} calls after {} faults", record.sent, self.faults),
                )
            } else {
                None
            };
            self.broken = self.broken.take().or(found);
        }
    }

    /// An answer arrives: remembers what it says of each job.
    pub(super) fn remember(&mut self, flight: &Flight, work: &Work) {
        for id in looked_at(&flight.call) {
            let at = self.world.at(id);
            let is_gone = self.world.entities[at].is_gone;
            let record = &mut self.records[at];
            match work {
                Work::Shows | Work::Hides(_) => {
                    let is_shown = *work != Work::Hides(at);
                    record.is_unlooked = false;
                    record.is_seen |= is_shown;
                    record.hidden += u8::from(!is_shown && !is_gone);
                }
                Work::Fails(kind) => record.is_refused |= is_final(*kind),
                _ => {}
            }
        }
        let Call::End(call) = &flight.call else {
            return;
        };
        for (place, (_, id)) in call.jobs.iter().enumerate() {
            let record = &mut self.records[self.world.at(*id)];
            let item = match work {
                Work::Ends(items) => items.get(place).copied(),
                Work::Fails(kind) => Some(Item::Refuses(*kind)),
                _ => None,
            };
            match item {
                Some(Item::Accepts(_)) => record.is_accepted = true,
                Some(Item::Refuses(kind)) => record.is_refused |= is_final(kind),
                Some(Item::LeavesOut(_)) | None => {
                    record.is_unsure = true;
                    record.is_unlooked = true;
                }
            }
        }
    }
}

/// Whether the same would be refused again.
fn is_final(kind: ErrorKind) -> bool {
    !kind.is_worth_a_retry()
}

/// What is broken in a state, if anything. Time may be over in it.
pub(super) fn judge(state: &State, setting: &Setting) -> Option<Broken> {
    if let Some(found) = &state.broken {
        return Some(found.clone());
    }
    let is_finished = state.is_finished(setting);
    let in_time = state.hurry.is_none();
    if !is_finished
        && state.in_flight.is_empty()
        && in_time
        && state.engine.poll_timeout().is_none()
    {
        return broken(
            Invariant::Ends,
            "nothing is in flight or due, and it is not finished",
        );
    }
    let most = 3 * state.world.entities.len()
        + 3 * usize::from(state.faults)
        + 2 * usize::from(state.moves);
    let is_waiting = setting.ask == Ask::CancelAndWait || setting.moves == u8::MAX;
    if !is_waiting && usize::from(state.looks) > most + 2 {
        return broken(
            Invariant::BoundedCalls,
            format!("{} looks, {most} are enough", state.looks),
        );
    }
    let indices: Vec<JobIndex> = state.engine.jobs.indices().collect();
    let open = indices
        .iter()
        .find(|index| state.engine.jobs[**index].outcome().is_none());
    if let Some(index) = open.filter(|_| is_finished && in_time) {
        let job = &state.engine.jobs[*index];
        return broken(Invariant::Forgotten, format!("{:?}", job.stage()));
    }
    let results = state.engine.clone().into_jobs().into_results();
    if results.len() != indices.len() {
        return broken(Invariant::OneOutcome, format!("{} results", results.len()));
    }
    for (index, result) in indices.into_iter().zip(results) {
        let Some(id) = state.engine.jobs[index].id() else {
            continue;
        };
        let at = state.world.at(id);
        let case = Case { state, setting, at };
        let message = result.message.unwrap_or_default();
        let found = case.judge(result.outcome, is_finished && in_time);
        if let Some((invariant, why)) = found {
            let outcome = result.outcome.as_str();
            return broken(
                invariant,
                format!("job {at} is {outcome} ({message}): {why}"),
            );
        }
    }
    None
}

/// A job at the end.
struct Case<'a> {
    state: &'a State,
    setting: &'a Setting,
    at: usize,
}

impl Case<'_> {
    fn entity(&self) -> &Entity {
        &self.state.world.entities[self.at]
    }

    fn record(&self) -> Record {
        self.state.records[self.at]
    }

    /// What is wrong with an outcome. `in_time`: the work has ended by itself.
    fn judge(&self, outcome: Outcome, in_time: bool) -> Option<(Invariant, &'static str)> {
        if !self.is_true(outcome) {
            return Some((Invariant::Truth, "that is not true"));
        }
        let says_nothing_was_done = matches!(
            outcome,
            Outcome::Failed | Outcome::Throttled | Outcome::Denied | Outcome::NotAttempted
        );
        if says_nothing_was_done && self.may_be_done() {
            return Some((
                Invariant::DoneIsNotFailed,
                "a call was done, or may have been",
            ));
        }
        if in_time && outcome.class() != Class::Done && !self.has_an_excuse(outcome) {
            return Some((Invariant::Patience, "a later try would have shown it"));
        }
        None
    }

    fn is_true(&self, outcome: Outcome) -> bool {
        let (entity, record) = (self.entity(), self.record());
        let is_ended = entity.place == Place::Failed && !entity.ran;
        match outcome {
            Outcome::Cancelled => is_ended && (entity.is_cancelled || entity.is_ours),
            Outcome::Cancelling => entity.is_cancelled,
            Outcome::Terminated => {
                entity.place == Place::Failed && entity.is_terminated || is_ended && entity.is_ours
            }
            Outcome::Terminating => entity.is_terminated,
            Outcome::Running => entity.has_run && self.setting.ask != Ask::Terminate,
            Outcome::Finished => entity.has_ended() && (entity.ran || !entity.is_ours),
            Outcome::NotFound => (entity.is_gone || record.hidden > 2) && record.sent == 0,
            Outcome::Protected => self.state.world.is_protected(self.at),
            Outcome::WouldCancel => self.setting.ask == Ask::DryRun,
            Outcome::Unconfirmed => record.sent > 0 || self.array_sent(),
            Outcome::NotAttempted => record.sent == 0,
            Outcome::Failed | Outcome::Throttled | Outcome::Denied => true,
            _ => false,
        }
    }

    /// A call named its array.
    fn array_sent(&self) -> bool {
        let array = self.entity().array;
        array.is_some_and(|array| self.state.records[array].sent > 0)
    }

    /// A call for it was done, or was not answered, or is in flight.
    fn may_be_done(&self) -> bool {
        let (entity, record) = (self.entity(), self.record());
        let is_in_flight = self
            .state
            .in_flight
            .iter()
            .any(|flight| match &flight.call {
                Call::End(call) => call.jobs.iter().any(|(_, id)| *id == entity.id),
                Call::Look(_) => false,
            });
        let is_done = entity.is_ours && (entity.is_cancelled || entity.is_terminated);
        is_done
            || record.is_unsure
            || record.is_accepted
            || is_in_flight
            || entity.pending.is_some()
    }

    /// Why the work may end without this job done.
    fn has_an_excuse(&self, outcome: Outcome) -> bool {
        let (entity, record) = (self.entity(), self.record());
        let array = entity
            .array
            .map(|array| (&self.state.world.entities[array], self.state.records[array]));
        let is_hidden = |entity: &Entity, record: Record| entity.is_gone || record.hidden > 0;
        let of_array =
            array.is_some_and(|(array, record)| is_hidden(array, record) || record.is_refused);
        let excuses = [
            record.is_refused,
            is_hidden(entity, record),
            of_array,
            outcome == Outcome::Unconfirmed && (entity.was_late || record.was_tried_again),
            // A terminate was accepted before it started, which did not stop it.
            outcome == Outcome::Unconfirmed && entity.is_ours && entity.has_run,
        ];
        excuses.contains(&true)
    }
}
