//! `ListJobs` and `ListServiceJobs` (batch.md, 1.4 and 1.5). No page remembers the others: each
//! starts after the last job of the one before, in listings that change meanwhile.

use bytes::Bytes;
use serde::Serialize;

use super::{
    Desk, body,
    page::{self, Choice, LARGE, SMALL},
    show::Summary,
};
use crate::{
    counts::Switch,
    error::ApiError,
    fault::Tokens,
    find::Found,
    job::{Key, QueueKey, Shape},
    operation::Operation,
    queue::Place,
    status::Status,
    wire::Input,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Page<'a> {
    job_summary_list: Vec<Summary<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

impl Desk<'_> {
    pub(super) fn list_jobs(&mut self, input: &Input) -> Result<Bytes, ApiError> {
        match (
            &input.job_queue,
            &input.array_job_id,
            &input.multi_node_job_id,
        ) {
            (Some(queue), None, None) => {
                let queue = self.queue_to_show(queue, Operation::ListJobs)?;
                let choice = Choice::of(input)?;
                let limit = if choice.is_some() { SMALL } else { LARGE };
                self.list_queue(input, queue, choice.as_ref(), false, limit)
            }
            (None, Some(array), None) => self.list_children(input, array),
            (None, None, Some(job)) => self.list_nodes(input, job),
            _ => Err(ApiError::client(
                "Exactly one of jobQueue, arrayJobId and multiNodeJobId must be specified",
            )),
        }
    }

    pub(super) fn list_service_jobs(&mut self, input: &Input) -> Result<Bytes, ApiError> {
        let name = super::required(input.job_queue.as_deref(), "jobQueue")?;
        let queue = self.known_queue(name)?;
        let choice = Choice::of(input)?;
        self.list_queue(input, queue, choice.as_ref(), true, SMALL)
    }

    pub(super) fn known_queue(&self, name: &str) -> Result<QueueKey, ApiError> {
        self.world
            .find_queue(name)
            .ok_or_else(|| ApiError::client(format!("Job queue {name} does not exist")))
    }

    /// The queue whose jobs this operation is to show.
    pub(super) fn queue_to_show(
        &self,
        name: &str,
        operation: Operation,
    ) -> Result<QueueKey, ApiError> {
        let key = self.known_queue(name)?;
        let entry = self.world.queue(key);
        match self.dice.faults().queue_errors.get(&entry.queue.name) {
            Some(error) => {
                self.dice.bit(Switch::QueueErrors);
                Err(ApiError::of_item(*error, operation, &entry.arn))
            }
            None => Ok(key),
        }
    }

    /// The place after which the asked-for page starts.
    pub(super) fn place(&self, input: &Input) -> Result<Option<Place>, ApiError> {
        match page::place(input)? {
            Some(_) if self.dice.faults().tokens == Tokens::Expired => {
                self.dice.bit(Switch::Tokens);
                Err(ApiError::client("'nextToken' has expired"))
            }
            place => Ok(place),
        }
    }

    /// The token with which a page ends.
    pub(super) fn token(&self, input: &Input, next: Option<String>) -> Option<String> {
        match &input.next_token {
            Some(token) if self.dice.faults().tokens == Tokens::Repeated => {
                self.dice.bit(Switch::Tokens);
                Some(token.clone())
            }
            _ => next,
        }
    }

    fn list_queue(
        &mut self,
        input: &Input,
        queue: QueueKey,
        choice: Option<&Choice>,
        service: bool,
        limit: usize,
    ) -> Result<Bytes, ApiError> {
        let status = page::status(input, service)?;
        let size = page::size(input, limit)?;
        let before = self.place(input)?;
        if self.world.is_service_queue(queue) != service {
            return self.answer(Vec::new(), None);
        }
        let by_status = match choice {
            None => true,
            Some(choice) => choice.combines() && input.job_status.is_some(),
        };
        let entry = self.world.queue(queue);
        let listing = match entry.by_status.get(status as usize) {
            Some(listing) if by_status => listing,
            _ => &entry.all,
        };
        let chosen = |(_, key): &&Place| {
            let job = self.world.job(*key);
            choice.is_none_or(|choice| choice.lets_through(job)) && self.is_shown(job)
        };
        let places: Vec<Place> = match before {
            Some(place) => listing
                .range(..place)
                .rev()
                .filter(chosen)
                .take(size + 1)
                .copied()
                .collect(),
            None => listing
                .iter()
                .rev()
                .filter(chosen)
                .take(size + 1)
                .copied()
                .collect(),
        };
        let shown = places.get(..size).unwrap_or(&places);
        let next = shown
            .last()
            .filter(|_| places.len() > size)
            .map(|last| page::token(*last));
        let keys = shown.iter().map(|(_, key)| (*key, None)).collect();
        let next = self.token(input, next);
        self.answer(keys, next)
    }

    /// Children come by index; filters do not apply to them.
    fn list_children(&mut self, input: &Input, array: &str) -> Result<Bytes, ApiError> {
        let status = page::status(input, false)?;
        let size = page::size(input, LARGE)?;
        let after = self.place(input)?.map(|(_, key)| key);
        let children = match self.world.find(array) {
            Some(Found::Job(key)) if self.is_shown(self.world.job(key)) => self.world.children(key),
            _ => Vec::new(),
        };
        // Children have keys in the order of their index.
        let start = after.map_or(0, |after| children.partition_point(|child| *child <= after));
        let shown: Vec<Key> = children
            .into_iter()
            .skip(start)
            .filter(|child| {
                let child = self.world.job(*child);
                child.status == status && self.is_shown(child)
            })
            .take(size + 1)
            .collect();
        let more = shown.len() > size;
        let keys: Vec<_> = shown
            .into_iter()
            .take(size)
            .map(|key| (key, None))
            .collect();
        let next = keys
            .last()
            .filter(|_| more)
            .map(|(key, _)| page::token((self.world.job(*key).created_at, *key)));
        let next = self.token(input, next);
        self.answer(keys, next)
    }

    /// The nodes of a multi-node job, which share its status.
    fn list_nodes(&mut self, input: &Input, job: &str) -> Result<Bytes, ApiError> {
        let status: Status = page::status(input, false)?;
        let nodes = match self.world.find(job) {
            Some(Found::Job(key)) if self.is_shown(self.world.job(key)) => {
                match self.world.job(key).shape {
                    Shape::Nodes(count) if self.world.job(key).status == status => {
                        (0..count).map(|node| (key, Some(node))).collect()
                    }
                    _ => Vec::new(),
                }
            }
            _ => Vec::new(),
        };
        self.answer(nodes, None)
    }

    fn answer(
        &self,
        jobs: Vec<(Key, Option<u32>)>,
        next: Option<String>,
    ) -> Result<Bytes, ApiError> {
        let summaries = jobs
            .into_iter()
            .map(|(key, node)| self.world.summary(key, node));
        body(&Page {
            job_summary_list: summaries.collect(),
            next_token: next,
        })
    }
}
