//! From a `JobSpec` to jobs in the world: the job itself, an array's children, its dependencies.

use std::{sync::Arc, time::Duration};

use crate::{
    clock::millis,
    job::{Job, Key, Shape},
    lifecycle::parent_status,
    queue::{PositionTime, QueueType},
    spec::{Dependency, DependencyType, JobSpec},
    status::Status,
    world::World,
};

/// The larger of this and a job's own is when looks find it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) now: Duration,
    pub(crate) visible_from: Duration,
}

impl World {
    /// Adds one job, with its children if it is an array, and gives its key.
    pub(crate) fn add(&mut self, spec: &JobSpec, times: Times) -> Key {
        let id = spec.job_id.clone().unwrap_or_else(|| self.new_id());
        let template = self.template(spec, &id, times);
        let key = match spec.array_size {
            Some(size) => self.add_array(template, spec, size),
            None => self.insert(template),
        };
        let leaves = match self.children(key) {
            children if children.is_empty() => vec![key],
            children => children,
        };
        for (index, leaf) in leaves.iter().enumerate() {
            if !self.job(*leaf).status.is_final() {
                for dependency in &spec.depends_on {
                    self.wait_for(*leaf, dependency, index, &leaves);
                }
            }
            self.plan_move(*leaf, times.now);
        }
        self.resolve_awaited(&id, key);
        key
    }

    fn template(&mut self, spec: &JobSpec, id: &str, times: Times) -> Job {
        let queue = self.queue_or_new(&spec.job_queue);
        let started = matches!(spec.status, Status::Running | Status::Succeeded);
        let created_at = spec
            .created_at
            .unwrap_or_else(|| times.now.saturating_sub(spec.age));
        let later = times.now.max(created_at);
        let before_now = |ago: Option<Duration>| ago.map(|ago| times.now.saturating_sub(ago));
        let started_at = spec.started_at.or(before_now(spec.started_ago));
        let stopped_at = spec.stopped_at.or(before_now(spec.stopped_ago));
        let mut job = Job {
            id: id.into(),
            name: spec.job_name.as_str().into(),
            queue,
            definition: self.definition_arn(&spec.job_definition).into(),
            status: spec.status,
            status_reason: spec.status_reason.as_deref().map(Into::into),
            created_at,
            started_at: started_at.or(started.then_some(later)),
            stopped_at: stopped_at.or(spec.status.is_final().then_some(later)),
            since: times.now,
            visible_from: times.visible_from,
            forgotten: false,
            is_service: self.is_service_queue(queue),
            is_cancelled: spec.is_cancelled,
            is_terminated: spec.is_terminated,
            is_held: false,
            ending: None,
            turn: 0,
            tags: Arc::new(spec.tags.clone()),
            share_identifier: spec.share_identifier.as_deref().map(Into::into),
            scheduling_priority: spec.scheduling_priority,
            depends_on: spec.depends_on.clone().into(),
            waits_for: 0,
            dependents: Vec::new(),
            lifecycle: Arc::new(spec.lifecycle),
            runs_anyway: spec.runs_anyway,
            attempts: Vec::new(),
            on_eks: spec.eks_attempts || self.queue(queue).queue.kind == QueueType::Eks,
            position_time: before_now(spec.first_for)
                .map_or(spec.position_time, |since| PositionTime::At(millis(since))),
            shown_as_node: Arc::new(spec.shown_as_node.clone()),
            shape: spec.nodes.map_or(Shape::Single, Shape::Nodes),
        };
        if spec.array_size.is_none() {
            job.begin_attempts(spec);
        }
        job
    }

    /// The parent, then its children. Only the children have a life of their own.
    fn add_array(&mut self, mut parent: Job, spec: &JobSpec, size: u32) -> Key {
        let id = Arc::clone(&parent.id);
        let mut counts = [0; Status::ALL.len()];
        let statuses: Vec<Status> = (0..size).map(|index| child_status(spec, index)).collect();
        for status in &statuses {
            if let Some(count) = counts.get_mut(*status as usize) {
                *count += 1;
            }
        }
        parent.shape = Shape::Parent {
            children: Vec::new(),
            counts,
        };
        parent.status = parent_status(&parent);
        let child_started_at = parent.started_at.unwrap_or(parent.since);
        parent.stopped_at = parent.stopped_at.filter(|_| parent.status.is_final());
        parent.started_at = parent.started_at.filter(|_| parent.status.is_final());
        let model = parent.child_model();
        let parent = self.insert(parent);
        let children = (0..size)
            .zip(statuses)
            .map(|(index, status)| {
                let started = matches!(status, Status::Running | Status::Succeeded);
                let mut child = Job {
                    id: format!("{id}:{index}").into(),
                    status,
                    stopped_at: status.is_final().then_some(model.since),
                    started_at: started.then_some(child_started_at),
                    shape: Shape::Child { parent, index },
                    ..model.child_model()
                };
                child.begin_attempts(spec);
                self.insert(child)
            })
            .collect();
        if let Shape::Parent { children: all, .. } = &mut self.job_mut(parent).shape {
            *all = children;
        }
        parent
    }

    fn definition_arn(&self, name: &str) -> String {
        if name.starts_with("arn:") {
            return name.to_owned();
        }
        let revision = if name.contains(':') { "" } else { ":1" };
        format!("{}job-definition/{name}{revision}", self.arn_prefix)
    }

    /// Lets a leaf wait for what a dependency means for it.
    fn wait_for(&mut self, leaf: Key, dependency: &Dependency, index: usize, siblings: &[Key]) {
        let target = match (&dependency.job_id, dependency.kind) {
            // A dependency on no job is a chain of the array's own children.
            (None, _) => index
                .checked_sub(1)
                .and_then(|before| siblings.get(before))
                .copied(),
            (Some(id), kind) => match self.key_of(id) {
                Some(key) if kind == Some(DependencyType::NToN) => {
                    Some(self.children(key).get(index).copied().unwrap_or(key))
                }
                Some(key) => Some(key),
                None => {
                    self.job_mut(leaf).waits_for += 1;
                    return self.awaited.entry(id.clone()).or_default().push(leaf);
                }
            },
        };
        if let Some(target) = target {
            self.job_mut(leaf).waits_for += 1;
            self.tell_when_done(target, leaf);
        }
    }

    fn resolve_awaited(&mut self, id: &str, key: Key) {
        for leaf in self.awaited.remove(id).unwrap_or_default() {
            self.tell_when_done(key, leaf);
        }
    }

    fn tell_when_done(&mut self, target: Key, leaf: Key) {
        let job = self.job_mut(target);
        if job.status.is_final() {
            let succeeded = job.status == Status::Succeeded;
            let at = job.since;
            self.plan_dependency(leaf, succeeded, at);
        } else {
            job.dependents.push(leaf);
        }
    }
}

impl Job {
    /// A copy without id and shape of its own.
    fn child_model(&self) -> Self {
        Self {
            id: Arc::clone(&self.id),
            name: Arc::clone(&self.name),
            definition: Arc::clone(&self.definition),
            status_reason: self.status_reason.clone(),
            tags: Arc::clone(&self.tags),
            share_identifier: self.share_identifier.clone(),
            depends_on: Arc::clone(&self.depends_on),
            lifecycle: Arc::clone(&self.lifecycle),
            shown_as_node: Arc::clone(&self.shown_as_node),
            ending: self.ending.clone(),
            dependents: Vec::new(),
            attempts: Vec::new(),
            shape: Shape::Single,
            ..*self
        }
    }
}

fn child_status(spec: &JobSpec, index: u32) -> Status {
    let place = index as usize % spec.children.len().max(1);
    match (spec.children.get(place), spec.status) {
        (Some(status), _) => *status,
        (None, Status::Pending) if spec.depends_on.is_empty() => Status::Runnable,
        (None, status) => status,
    }
}
