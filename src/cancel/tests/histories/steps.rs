//! What can happen next in a state.

use super::*;
use ErrorKind::{Denied, NoAnswer, NoSuchOperation, Refused, Server, Throttled};

/// Something that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Batch does the work of the call in flight with this number, or does not.
    Work(usize, Work),
    /// The answer to the call in flight with this number arrives.
    Answer(usize),
    /// A job moves.
    Move(usize, Move),
    /// Time passes until the next timer.
    Time,
    /// Nearly all time passes: this is left, in milliseconds.
    Hurry(u64),
}

/// What Batch does with a call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Work {
    /// A look: shows the jobs as they are.
    Shows,
    /// A look: leaves out this one of the jobs.
    Hides(usize),
    /// A call that ends jobs: what is done with each.
    Ends(Vec<Item>),
    /// An error, and nothing is done.
    Fails(ErrorKind),
    /// No answer. This is done for each job of a call that ends jobs; for none of a look.
    Silent(Vec<Option<Effect>>),
}

/// What Batch does with one job of a call that ends jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Item {
    Accepts(Effect),
    Refuses(ErrorKind),
    /// The answer leaves it out, although this is done.
    LeavesOut(Option<Effect>),
}

/// How a job moves by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Move {
    Starts,
    Succeeds,
    FailsByItself,
    /// Its attempt has failed, and it waits for the next.
    IsTriedAgain,
    /// Somebody else cancels it.
    IsCancelledByAnother,
    /// It is being ended, and ends now.
    FinishesEnding,
    /// A call that was accepted, or not answered, takes effect now.
    TakesEffect,
    Vanishes,
}

/// How the time runs short, in milliseconds that are left: enough for a call and a look, or only for looks.
const SHORT: [u64; 2] = [300, 50];

impl Item {
    fn is_fault(self) -> bool {
        !matches!(self, Self::Accepts(Effect::Now | Effect::Slowly))
    }
}

impl State {
    /// Everything that can happen next.
    pub(super) fn steps(&self, setting: &Setting) -> Vec<Step> {
        let mut steps = Vec::new();
        for (number, flight) in self.in_flight.iter().enumerate() {
            if flight.work.is_some() {
                steps.push(Step::Answer(number));
            } else {
                let works = self.works(&flight.call, setting.faults - self.faults);
                steps.extend(works.into_iter().map(|work| Step::Work(number, work)));
            }
        }
        if self.moves < setting.moves {
            for at in 0..self.world.entities.len() {
                steps.extend(self.moves_of(at).into_iter().map(|to| Step::Move(at, to)));
            }
        }
        if self
            .engine
            .poll_timeout()
            .is_some_and(|at| !self.is_over(at))
        {
            steps.push(Step::Time);
        }
        let shorter = |left: &&u64| self.hurry.is_none_or(|now| **left < now);
        steps.extend(SHORT.iter().filter(shorter).map(|left| Step::Hurry(*left)));
        steps
    }

    fn works(&self, call: &Call, faults: u8) -> Vec<Work> {
        let ids = match call {
            Call::Look(ids) => ids.as_slice(),
            Call::End(call) => return Self::end_works(call, faults),
        };
        let mut works = vec![Work::Shows];
        if faults > 0 {
            works.extend(ids.iter().map(|id| Work::Hides(self.world.at(*id))));
            works.extend([Throttled, Denied, Server].map(Work::Fails));
            if !ids.iter().any(|id| id.is_service_job()) {
                works.push(Work::Fails(Refused));
            }
            works.push(Work::Silent(Vec::new()));
        }
        works
    }

    fn end_works(call: &EndCall, faults: u8) -> Vec<Work> {
        use Effect::{Late, Now, Slowly};
        let count = call.jobs.len();
        let mut choices = vec![
            Item::Accepts(Now),
            Item::Accepts(Slowly),
            Item::Accepts(Late),
        ];
        if count > 1 {
            choices.extend([Throttled, Denied, Refused, Server].map(Item::Refuses));
            choices.extend([Some(Now), Some(Late)].map(Item::LeavesOut));
        }
        let mut all: Vec<Vec<Item>> = vec![Vec::new()];
        for _ in 0..count {
            let longer = all.iter().flat_map(|items| {
                choices
                    .iter()
                    .map(|item| [items.as_slice(), &[*item]].concat())
            });
            let is_allowed = |items: &Vec<Item>| {
                let bad = items.iter().filter(|item| item.is_fault()).count();
                bad <= usize::from(faults)
            };
            all = longer.filter(is_allowed).collect();
        }
        let mut works: Vec<Work> = all.into_iter().map(Work::Ends).collect();
        if faults > 0 {
            let kinds = [Throttled, Denied, NoSuchOperation, Refused, Server];
            works.extend(kinds.map(Work::Fails));
            works.extend([Some(Now), Some(Late)].map(|effect| Work::Silent(vec![effect; count])));
            if count > 1 {
                let mut first = vec![None; count];
                first[0] = Some(Now);
                works.push(Work::Silent(first));
            }
        }
        works
    }

    fn moves_of(&self, at: usize) -> Vec<Move> {
        use Move::{
            FailsByItself, FinishesEnding, IsCancelledByAnother, IsTriedAgain, Starts, Succeeds,
            TakesEffect, Vanishes,
        };
        let entity = &self.world.entities[at];
        let mut moves = Vec::new();
        if entity.is_gone {
            return moves;
        }
        let is_service = entity.id.is_service_job();
        match entity.place {
            Place::Waiting => {
                let is_ending = entity.is_cancelled || entity.is_terminated;
                if !entity.is_array {
                    moves.push(Starts);
                } else if !is_ending {
                    moves.extend([Succeeds, FailsByItself]);
                }
                if !entity.is_cancelled && !is_service {
                    moves.push(IsCancelledByAnother);
                }
                if is_ending {
                    moves.push(FinishesEnding);
                }
            }
            Place::Running => {
                moves.extend([Succeeds, FailsByItself]);
                if entity.is_terminated {
                    moves.push(FinishesEnding);
                } else if !entity.is_cancelled {
                    moves.push(IsTriedAgain);
                }
            }
            Place::Succeeded | Place::Failed => {}
        }
        if entity.pending.is_some() {
            moves.push(TakesEffect);
        }
        moves.push(Vanishes);
        moves
    }
}

impl World {
    pub(super) fn go(&mut self, at: usize, to: Move) {
        let entity = &mut self.entities[at];
        match to {
            Move::Starts => {
                entity.place = Place::Running;
                entity.has_run = true;
            }
            Move::Succeeds | Move::FailsByItself => {
                let is_success = to == Move::Succeeds;
                entity.place = if is_success {
                    Place::Succeeded
                } else {
                    Place::Failed
                };
                entity.ran = !entity.is_array;
            }
            Move::IsTriedAgain => entity.place = Place::Waiting,
            Move::IsCancelledByAnother => {
                entity.is_cancelled = true;
                entity.place = Place::Failed;
            }
            Move::FinishesEnding => entity.place = Place::Failed,
            Move::TakesEffect => self.act_late(at),
            Move::Vanishes => entity.is_gone = true,
        }
    }
}

/// The work of a call is a fault.
pub(super) fn is_fault(work: &Work) -> u8 {
    let count = match work {
        Work::Shows => 0,
        Work::Ends(items) => items.iter().filter(|item| item.is_fault()).count(),
        Work::Hides(_) | Work::Fails(_) | Work::Silent(_) => 1,
    };
    u8::try_from(count).unwrap()
}

/// The error of a call that was not answered.
pub(super) const SILENCE: ErrorKind = NoAnswer;
