//! The account: its queues and jobs, found by id and by queue and status without a scan.

use std::{
    collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap},
    fmt::Write as _,
    sync::Arc,
    time::Duration,
};

use crate::{
    behaviour::Behaviour,
    events::Event,
    job::{Job, Key, QueueKey, Shape},
    queue::{Place, Queue, QueueEntry, QueueType},
    status::Status,
};

/// All queues and jobs, and what will happen to them.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) arn_prefix: String,
    pub(crate) behaviour: Behaviour,
    queues: Vec<QueueEntry>,
    queue_names: HashMap<String, QueueKey>,
    jobs: Vec<Job>,
    ids: HashMap<Arc<str>, Key>,
    /// Who waits for an id that is not there yet.
    pub(crate) awaited: HashMap<String, Vec<Key>>,
    pub(crate) events: BinaryHeap<Event>,
    pub(crate) events_made: u64,
    random: fastrand::Rng,
}

impl World {
    pub(crate) fn new(account: &str, region: &str) -> Self {
        let partition = match region {
            region if region.starts_with("cn-") => "aws-cn",
            region if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        };
        Self {
            arn_prefix: format!("arn:{partition}:batch:{region}:{account}:"),
            behaviour: Behaviour::default(),
            queues: Vec::new(),
            queue_names: HashMap::new(),
            jobs: Vec::new(),
            ids: HashMap::new(),
            awaited: HashMap::new(),
            events: BinaryHeap::new(),
            events_made: 0,
            random: fastrand::Rng::with_seed(0),
        }
    }

    pub(crate) fn add_queue(&mut self, queue: Queue) -> QueueKey {
        let arn = format!("{}job-queue/{}", self.arn_prefix, queue.name);
        if let Some(&key) = self.queue_names.get(&queue.name) {
            if let Some(entry) = self.queues.get_mut(key.0) {
                entry.queue = queue;
            }
            return key;
        }
        let key = QueueKey(self.queues.len());
        self.queue_names.insert(queue.name.clone(), key);
        self.queues.push(QueueEntry {
            queue,
            arn,
            all: BTreeSet::new(),
            by_status: std::array::from_fn(|_| BTreeSet::new()),
            dispatch: BTreeSet::new(),
            shifts: BTreeMap::new(),
        });
        key
    }

    /// The queue of this name or ARN.
    pub(crate) fn find_queue(&self, name_or_arn: &str) -> Option<QueueKey> {
        let name = name_or_arn
            .strip_prefix(self.arn_prefix.as_str())
            .and_then(|rest| rest.strip_prefix("job-queue/"))
            .unwrap_or(name_or_arn);
        self.queue_names.get(name).copied()
    }

    /// The queue of this name or ARN, made if it is not there.
    pub(crate) fn queue_or_new(&mut self, name_or_arn: &str) -> QueueKey {
        match self.find_queue(name_or_arn) {
            Some(key) => key,
            None => self.add_queue(Queue::new(
                name_or_arn.rsplit('/').next().unwrap_or(name_or_arn),
            )),
        }
    }

    pub(crate) fn is_service_queue(&self, key: QueueKey) -> bool {
        self.queue(key).queue.kind == QueueType::SagemakerTraining
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "only `add_queue` makes keys, and queues are never removed"
    )]
    pub(crate) fn queue(&self, key: QueueKey) -> &QueueEntry {
        &self.queues[key.0]
    }

    /// A RUNNABLE job came to its place in its queue's line, or left it: all behind it get new
    /// positions.
    pub(crate) fn shift(&mut self, key: Key, at: Duration) {
        let job = self.job(key);
        let (queue, place) = (job.queue, (job.created_at, key));
        if let Some(entry) = self.queues.get_mut(queue.0) {
            entry.shift(place, at);
        }
    }

    pub(crate) fn queues(&self) -> &[QueueEntry] {
        &self.queues
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "only `insert` makes keys, and jobs are never removed"
    )]
    pub(crate) fn job(&self, key: Key) -> &Job {
        &self.jobs[key.0]
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "only `insert` makes keys, and jobs are never removed"
    )]
    pub(crate) fn job_mut(&mut self, key: Key) -> &mut Job {
        &mut self.jobs[key.0]
    }

    pub(crate) fn jobs(&self) -> impl Iterator<Item = &Job> {
        self.jobs.iter()
    }

    /// The key of the job with exactly this id.
    pub(crate) fn key_of(&self, id: &str) -> Option<Key> {
        self.ids.get(id).copied()
    }

    pub(crate) fn job_arn(&self, job: &Job) -> String {
        let kind = if job.is_service {
            "service-job/"
        } else {
            "job/"
        };
        let mut arn = String::with_capacity(self.arn_prefix.len() + 60);
        // Writing to a String cannot fail.
        let _ = write!(arn, "{}{kind}{}", self.arn_prefix, job.id);
        arn
    }

    /// A fresh UUID, the same in every run.
    pub(crate) fn new_id(&mut self) -> String {
        loop {
            let id = random_uuid(&mut self.random);
            // A seed may have given it to a job.
            if self.find(&id).is_none() {
                return id;
            }
        }
    }

    /// Takes the job into the store and the listings. A job of the same id is replaced: its id
    /// leads to the new one from now on.
    pub(crate) fn insert(&mut self, job: Job) -> Key {
        let key = Key(self.jobs.len());
        if let Some(old) = self.ids.insert(Arc::clone(&job.id), key) {
            self.unlist(old);
            self.job_mut(old).forgotten = true;
        }
        self.jobs.push(job);
        self.list(key);
        key
    }

    /// Enters the job in its queue's listings, as of its present status.
    pub(crate) fn list(&mut self, key: Key) {
        self.relist(key, true);
    }

    /// Takes the job out of its queue's listings; to be called before its status changes.
    pub(crate) fn unlist(&mut self, key: Key) {
        self.relist(key, false);
    }

    fn relist(&mut self, key: Key, enter: bool) {
        fn put(set: &mut BTreeSet<Place>, place: Place, enter: bool) {
            if enter {
                set.insert(place);
            } else {
                set.remove(&place);
            }
        }
        let Some(job) = self.jobs.get(key.0) else {
            return;
        };
        let Some(queue) = self.queues.get_mut(job.queue.0) else {
            return;
        };
        let place = (job.created_at, key);
        if job.status == Status::Runnable && !matches!(job.shape, Shape::Parent { .. }) {
            put(&mut queue.dispatch, place, enter);
        }
        if matches!(job.shape, Shape::Child { .. }) {
            return;
        }
        put(&mut queue.all, place, enter);
        if let Some(set) = queue.by_status.get_mut(job.status as usize) {
            put(set, place, enter);
        }
    }
}

/// A UUID by the dice given, so that runs can be repeated.
pub(crate) fn random_uuid(random: &mut fastrand::Rng) -> String {
    let bytes = random.u128(..).to_be_bytes();
    uuid::Builder::from_random_bytes(bytes)
        .into_uuid()
        .to_string()
}
