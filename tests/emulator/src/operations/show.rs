//! Jobs as the API shows them: required members always, the rest where Batch has something to say.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Serialize;

use super::{
    attempts::{self, AttemptDetail, ContainerSummary, EksAttemptDetail},
    shape::{self, ArrayProperties, Node, NodeProperties},
};
use crate::{
    clock::millis,
    job::{Key, Shape},
    operation::Operation,
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
    job_id: Cow<'a, str>,
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
    job_id: Cow<'a, str>,
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

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde's `skip_serializing_if` asks for a reference"
)]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl World {
    /// A job, or one of its nodes, as `DescribeJobs` shows it.
    pub(super) fn detail(&self, key: Key, node: Option<u32>) -> Detail<'_> {
        let job = self.job(key);
        let node = node.or_else(|| job.shown_node(Operation::DescribeJobs));
        let is_child = matches!(job.shape, Shape::Child { .. });
        let tagged = !job.tags.is_empty() && (!is_child || self.behaviour.child_tags);
        Detail {
            job_arn: with_node(&self.job_arn(job), node).into_owned(),
            job_name: &job.name,
            job_id: with_node(&job.id, node),
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
            array_properties: shape::array_properties(job),
            node_properties: shape::node_properties(job).filter(|_| node.is_none()),
            node_details: node.and_then(|index| shape::node_details(job, index)),
            tags: tagged.then_some(&*job.tags),
            is_cancelled: job.is_cancelled,
            is_terminated: job.is_terminated,
        }
    }

    /// A job, or one of its nodes, as listings show it.
    pub(super) fn summary(&self, key: Key, node: Option<u32>) -> Summary<'_> {
        let job = self.job(key);
        let node = node.or_else(|| job.shown_node(Operation::ListJobs));
        Summary {
            job_arn: with_node(&self.job_arn(job), node).into_owned(),
            job_id: with_node(&job.id, node),
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
            array_properties: shape::array_properties(job),
            node_properties: shape::node_summary(job, node),
            // Real listings lack it for RUNNABLE jobs (aws-sdk-js#4193, aws-sdk#588).
            job_definition: (job.status != Status::Runnable && !job.is_service)
                .then_some(&*job.definition),
            service_job_type: job.is_service.then_some("SAGEMAKER_TRAINING"),
            is_cancelled: job.is_cancelled,
            is_terminated: job.is_terminated,
        }
    }
}

/// An id or ARN of a job, or of one of its nodes.
pub(super) fn with_node(text: &str, node: Option<u32>) -> Cow<'_, str> {
    match node {
        Some(index) => format!("{text}#{index}").into(),
        None => text.into(),
    }
}
