//! Jobs as the API shows them: required members always, the rest where Batch has something to say.

use std::collections::BTreeMap;

use serde::Serialize;

use super::attempts::{self, AttemptDetail, ContainerSummary, EksAttemptDetail};
use crate::{
    clock::millis,
    job::{Job, Key, Shape},
    spec::Dependency,
    status::Status,
    world::World,
};

/// A `JobDetail`. Its `startedAt` is required by the model, yet absent before a job has started,
/// as it is in Batch's events and moto.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Detail<'a> {
    job_arn: String,
    job_name: &'a str,
    job_id: &'a str,
    job_queue: &'a str,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    share_identifier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scheduling_priority: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<Vec<AttemptDetail<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    eks_attempts: Option<Vec<EksAttemptDetail<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    container: Option<ContainerSummary<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_reason: Option<&'a str>,
    created_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped_at: Option<i64>,
    depends_on: &'a [Dependency],
    job_definition: &'a str,
    parameters: NoParameters,
    #[serde(skip_serializing_if = "Option::is_none")]
    array_properties: Option<ArrayProperties>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node_properties: Option<NodeProperties>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node_details: Option<Node>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<&'a BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "is_false")]
    is_cancelled: bool,
    #[serde(skip_serializing_if = "is_false")]
    is_terminated: bool,
}

#[derive(Serialize)]
struct NoParameters {}

/// A `JobSummary` or a `ServiceJobSummary`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Summary<'a> {
    job_arn: String,
    job_id: &'a str,
    job_name: &'a str,
    created_at: i64,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    share_identifier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    container: Option<ContainerSummary<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    array_properties: Option<ArrayProperties>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node_properties: Option<Node>,
    #[serde(skip_serializing_if = "Option::is_none")]
    job_definition: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_job_type: Option<&'static str>,
    #[serde(skip_serializing_if = "is_false")]
    is_cancelled: bool,
    #[serde(skip_serializing_if = "is_false")]
    is_terminated: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ArrayProperties {
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_summary: Option<BTreeMap<&'static str, u32>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NodeProperties {
    num_nodes: u32,
    main_node: u32,
    node_range_properties: [(); 0],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the members' names are Batch's")]
struct Node {
    is_main_node: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    num_nodes: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node_index: Option<u32>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde's `skip_serializing_if` asks for a reference"
)]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// Which node of a multi-node job is shown, and its id.
pub(super) type NodeId<'a> = Option<(&'a str, u32)>;

impl World {
    pub(super) fn detail<'a>(&'a self, key: Key, node: NodeId<'a>) -> Detail<'a> {
        let job = self.job(key);
        let mut arn = self.job_arn(job);
        if let Some((_, index)) = node {
            arn = format!("{arn}#{index}");
        }
        let is_child = matches!(job.shape, Shape::Child { .. });
        let tagged = !job.tags.is_empty() && (!is_child || self.behaviour.child_tags);
        Detail {
            job_arn: arn,
            job_name: &job.name,
            job_id: node.map_or(&job.id, |(id, _)| id),
            job_queue: &self.queue(job.queue).arn,
            status: job.status,
            share_identifier: job.share_identifier.as_deref(),
            scheduling_priority: job.scheduling_priority,
            attempts: self.attempts(job),
            eks_attempts: self.eks_attempts(job),
            container: attempts::container(job),
            status_reason: job.status_reason.as_deref(),
            created_at: millis(job.created_at),
            started_at: job.started_at.map(millis),
            stopped_at: job.stopped_at.map(millis),
            depends_on: &job.depends_on,
            job_definition: &job.definition,
            parameters: NoParameters {},
            array_properties: array_properties(job),
            node_properties: match job.shape {
                Shape::Nodes(count) if node.is_none() => Some(NodeProperties {
                    num_nodes: count,
                    main_node: 0,
                    node_range_properties: [],
                }),
                _ => None,
            },
            node_details: node.map(|(_, index)| Node {
                is_main_node: index == 0,
                num_nodes: None,
                node_index: Some(index),
            }),
            tags: tagged.then_some(&*job.tags),
            is_cancelled: job.is_cancelled,
            is_terminated: job.is_terminated,
        }
    }

    pub(super) fn summary<'a>(&'a self, key: Key, node: NodeId<'a>) -> Summary<'a> {
        let job = self.job(key);
        let mut arn = self.job_arn(job);
        if let Some((_, index)) = node {
            arn = format!("{arn}#{index}");
        }
        Summary {
            job_arn: arn,
            job_id: node.map_or(&job.id, |(id, _)| id),
            job_name: &job.name,
            created_at: millis(job.created_at),
            status: job.status,
            status_reason: job.status_reason.as_deref(),
            share_identifier: job.share_identifier.as_deref(),
            started_at: job.started_at.map(millis),
            stopped_at: job.stopped_at.map(millis),
            container: (!job.is_service)
                .then(|| attempts::container(job))
                .flatten(),
            array_properties: array_properties(job),
            node_properties: match job.shape {
                Shape::Nodes(count) => Some(Node {
                    is_main_node: node.is_some_and(|(_, index)| index == 0),
                    num_nodes: Some(count),
                    node_index: node.map(|(_, index)| index),
                }),
                _ => None,
            },
            // Real listings lack it for RUNNABLE jobs (aws-sdk-js#4193, aws-sdk#588).
            job_definition: (job.status != Status::Runnable && !job.is_service)
                .then_some(&*job.definition),
            service_job_type: job.is_service.then_some("SAGEMAKER_TRAINING"),
            is_cancelled: job.is_cancelled,
            is_terminated: job.is_terminated,
        }
    }
}

fn array_properties(job: &Job) -> Option<ArrayProperties> {
    match &job.shape {
        Shape::Parent { children, counts } => Some(ArrayProperties {
            size: Some(children.len()),
            index: None,
            status_summary: Some(
                Status::ALL
                    .into_iter()
                    .zip(counts)
                    .filter(|(status, _)| *status != Status::Scheduled)
                    .map(|(status, count)| (status.as_str(), *count))
                    .collect(),
            ),
        }),
        Shape::Child { index, .. } => Some(ArrayProperties {
            size: None,
            index: Some(*index),
            status_summary: None,
        }),
        Shape::Single | Shape::Nodes(_) => None,
    }
}
