//! A small model of AWS Batch: jobs that move, and what calls do to them.

use super::*;
use crate::request::AUDIT_MARKER;

/// Where a job is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    Waiting,
    Running,
    Succeeded,
    Failed,
}

/// A job, an array parent or a child.
#[derive(Clone, Debug, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub(super) struct Entity {
    pub(super) id: JobId,
    pub(super) is_array: bool,
    /// The place of its array.
    pub(super) array: Option<usize>,
    /// It carries the protect tag.
    pub(super) is_protected: bool,
    pub(super) place: Place,
    pub(super) is_cancelled: bool,
    pub(super) is_terminated: bool,
    /// Its attempt ended with it.
    pub(super) ran: bool,
    /// A call of the engine has ended it, or will.
    pub(super) is_ours: bool,
    /// Batch knows it no more.
    pub(super) is_gone: bool,
    /// What a call has asked for, and may take place yet.
    pub(super) pending: Option<Action>,
    /// A call for it did not take effect when Batch had it.
    pub(super) was_late: bool,
    /// It was RUNNING at some time.
    pub(super) has_run: bool,
}

/// The account.
#[derive(Clone, Debug, Hash)]
pub(super) struct World {
    pub(super) entities: Vec<Entity>,
}

/// When a call that is accepted takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Effect {
    /// At once.
    Now,
    /// The mark shows at once, the end later.
    Slowly,
    /// Later, or never.
    Late,
}

impl World {
    pub(super) fn new(setting: &Setting) -> Self {
        let mut entities: Vec<Entity> = Vec::new();
        for (number, kind) in setting.jobs.iter().enumerate() {
            let plain = Entity::new(id(number));
            let array = Entity {
                is_array: true,
                is_protected: *kind == Kind::ProtectedChild,
                ..Entity::new(id(number))
            };
            match kind {
                Kind::Single => entities.push(plain),
                Kind::Service => {
                    let service = JobId::service_from_batch(&id(number).to_string());
                    entities.push(Entity::new(service.unwrap()));
                }
                Kind::Array | Kind::Child | Kind::ProtectedChild => {
                    let child = child(array.id, 0, entities.len());
                    entities.extend([array, child]);
                }
                Kind::Sibling => {
                    let of = entities.iter().rposition(|entity| entity.is_array).unwrap();
                    entities.push(child(entities[of].id, number, of));
                }
            }
        }
        Self { entities }
    }

    pub(super) fn at(&self, id: JobId) -> usize {
        let found = self.entities.iter().position(|entity| entity.id == id);
        found.expect("an id of this world")
    }

    /// What a call of the engine does to a job.
    pub(super) fn act(&mut self, at: usize, action: Action, effect: Effect) {
        let entity = &mut self.entities[at];
        if effect == Effect::Late {
            entity.pending = entity.pending.max(Some(action));
            entity.was_late = true;
            return;
        }
        let is_slow = effect == Effect::Slowly;
        let is_service = entity.id.is_service_job();
        match (entity.place, action) {
            (Place::Waiting, _) => {
                entity.is_cancelled |= !is_service;
                entity.is_terminated |= is_service;
            }
            (Place::Running, Action::Terminate) => entity.is_terminated = true,
            _ => return,
        }
        entity.is_ours = true;
        if !is_slow {
            entity.place = Place::Failed;
        }
        if entity.is_array {
            for child in 0..self.entities.len() {
                let state = &self.entities[child];
                let is_reached = state.place == Place::Waiting || action == Action::Terminate;
                if state.array == Some(at) && is_reached {
                    self.act(child, action, effect);
                }
            }
        }
    }

    /// What a call asked for long ago takes place after all.
    pub(super) fn act_late(&mut self, at: usize) {
        if let Some(action) = self.entities[at].pending.take() {
            self.act(at, action, Effect::Now);
        }
    }

    /// A job as Batch shows it; none if it does not know it.
    pub(super) fn show(&self, at: usize) -> Option<JobDetail> {
        let entity = &self.entities[at];
        let status = match entity.place {
            Place::Waiting if entity.is_array => Status::Pending,
            Place::Waiting => Status::Runnable,
            Place::Running => Status::Running,
            Place::Succeeded => Status::Succeeded,
            Place::Failed => Status::Failed,
        };
        let mut job = detail(entity.id, shown(status));
        let is_ended_by_us = entity.is_ours && entity.place == Place::Failed && !entity.ran;
        job.summary.status_reason =
            is_ended_by_us.then(|| format!("no longer needed {AUDIT_MARKER} 1"));
        job.summary.is_cancelled = entity.is_cancelled;
        job.summary.is_terminated = entity.is_terminated;
        job.summary.array_size = entity.is_array.then_some(1);
        job.ran_to_end = entity.ran.then(|| "exit code 1".to_owned());
        if entity.is_protected {
            job.tags
                .insert("batch-cancel:protect".to_owned(), String::new());
        }
        (!entity.is_gone).then_some(job)
    }

    /// Whether nobody may end it.
    pub(super) fn is_protected(&self, at: usize) -> bool {
        let entity = &self.entities[at];
        let array = entity.array.map(|array| &self.entities[array]);
        entity.is_protected || array.is_some_and(|array| array.is_protected)
    }
}

impl Entity {
    fn new(id: JobId) -> Self {
        Self {
            id,
            is_array: false,
            array: None,
            is_protected: false,
            place: Place::Waiting,
            is_cancelled: false,
            is_terminated: false,
            ran: false,
            is_ours: false,
            is_gone: false,
            pending: None,
            was_late: false,
            has_run: false,
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        matches!(self.place, Place::Succeeded | Place::Failed)
    }
}

fn child(array: JobId, index: usize, at: usize) -> Entity {
    let id = JobId::from_batch(&format!("{array}:{index}")).unwrap();
    Entity {
        array: Some(at),
        ..Entity::new(id)
    }
}
