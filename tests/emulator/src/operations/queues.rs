//! `DescribeJobQueues` and `GetJobQueueSnapshot`.

use bytes::Bytes;
use serde::Serialize;

use super::{
    Desk, body,
    page::{self, SMALL},
    required,
    show::with_node,
};
use crate::{
    clock::millis,
    error::ApiError,
    job::{Key, QueueKey},
    operation::Operation,
    queue::{
        CapacityUsage, PositionTime, QueueEntry, QueueState, QueueStatus, QueueType,
        TimeLimitAction,
    },
    wire::Input,
};

/// "The first 100 RUNNABLE jobs in the job queue are listed in order of dispatch."
const FRONT: usize = 100;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Queues<'a> {
    job_queues: Vec<QueueDetail<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct QueueDetail<'a> {
    job_queue_name: &'a str,
    job_queue_arn: &'a str,
    state: QueueState,
    status: QueueStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_reason: Option<&'a str>,
    priority: i32,
    compute_environment_order: Vec<ComputeEnvironment>,
    job_queue_type: QueueType,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    job_state_time_limit_actions: &'a [TimeLimitAction],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ComputeEnvironment {
    order: u32,
    compute_environment: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Snapshot<'a> {
    front_of_queue: Front,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue_utilization: Option<Utilization<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Utilization<'a> {
    total_capacity_usage: &'a [CapacityUsage],
    last_updated_at: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Front {
    jobs: Vec<FrontJob>,
    last_updated_at: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FrontJob {
    job_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    earliest_time_at_position: Option<i64>,
}

impl Desk<'_> {
    pub(super) fn describe_job_queues(&mut self, input: &Input) -> Result<Bytes, ApiError> {
        let size = page::size(input, SMALL)?;
        let start = self.place(input)?.map_or(0, |(_, Key(next))| next);
        let named: Vec<&QueueEntry> = match input.job_queues.as_deref().unwrap_or_default() {
            [] => self.world.queues().iter().collect(),
            names => names
                .iter()
                .filter_map(|name| self.world.find_queue(name))
                .map(|key: QueueKey| self.world.queue(key))
                .collect(),
        };
        let end = start.saturating_add(size);
        let more = named.len() > end;
        body(&Queues {
            job_queues: named
                .into_iter()
                .skip(start)
                .take(size)
                .map(|entry| self.queue_detail(entry))
                .collect(),
            next_token: self.token(
                input,
                more.then(|| page::token((std::time::Duration::ZERO, Key(end)))),
            ),
        })
    }

    fn queue_detail<'a>(&self, entry: &'a QueueEntry) -> QueueDetail<'a> {
        let service = entry.queue.kind == QueueType::SagemakerTraining;
        QueueDetail {
            job_queue_name: &entry.queue.name,
            job_queue_arn: &entry.arn,
            state: entry.queue.state,
            status: entry.queue.status,
            status_reason: entry.queue.shown_status_reason(),
            priority: entry.queue.priority,
            compute_environment_order: if service {
                Vec::new()
            } else {
                vec![ComputeEnvironment {
                    order: 1,
                    compute_environment: format!(
                        "{}compute-environment/default",
                        self.world.arn_prefix
                    ),
                }]
            },
            job_queue_type: entry.queue.kind,
            job_state_time_limit_actions: &entry.queue.job_state_time_limit_actions,
        }
    }

    pub(super) fn queue_snapshot(&mut self, input: &Input) -> Result<Bytes, ApiError> {
        let name = required(input.job_queue.as_deref(), "jobQueue")?;
        let entry = self
            .world
            .queue(self.queue_to_show(name, Operation::GetJobQueueSnapshot)?);
        let jobs = entry
            .dispatch
            .iter()
            .map(|place| (place, self.world.job(place.1)))
            .filter(|(_, job)| self.is_shown(job))
            .take(FRONT)
            .map(|(place, job)| FrontJob {
                job_arn: with_node(
                    &self.world.job_arn(job),
                    job.shown_node(Operation::GetJobQueueSnapshot),
                )
                .into_owned(),
                earliest_time_at_position: match job.position_time {
                    PositionTime::Actual => {
                        Some(millis(entry.at_position_since(*place, job.since)))
                    }
                    PositionTime::Missing => None,
                    PositionTime::At(at) => Some(at),
                },
            })
            .collect();
        body(&Snapshot {
            front_of_queue: Front {
                jobs,
                last_updated_at: millis(self.now),
            },
            queue_utilization: self.utilization(entry),
        })
    }

    fn utilization<'a>(&self, entry: &'a QueueEntry) -> Option<Utilization<'a>> {
        let total_capacity_usage = entry.queue.total_capacity_usage.as_slice();
        (!total_capacity_usage.is_empty()).then_some(Utilization {
            total_capacity_usage,
            last_updated_at: millis(self.now),
        })
    }
}
