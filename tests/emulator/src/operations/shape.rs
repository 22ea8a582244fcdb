//! Arrays and multi-node jobs as the API shows them.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    job::{Job, Shape},
    status::Status,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ArrayProperties {
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_summary: Option<BTreeMap<&'static str, u32>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NodeProperties {
    num_nodes: u32,
    main_node: u32,
    node_range_properties: [(); 0],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the members' names are Batch's")]
pub(super) struct Node {
    is_main_node: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    num_nodes: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node_index: Option<u32>,
}

pub(super) fn array_properties(job: &Job) -> Option<ArrayProperties> {
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

/// The nodes of a multi-node job, in its own `JobDetail`.
pub(super) fn node_properties(job: &Job) -> Option<NodeProperties> {
    match job.shape {
        Shape::Nodes(count) => Some(NodeProperties {
            num_nodes: count,
            main_node: 0,
            node_range_properties: [],
        }),
        _ => None,
    }
}

/// The node that a `JobDetail` shows.
pub(super) fn node_details(job: &Job, index: u32) -> Option<Node> {
    matches!(job.shape, Shape::Nodes(_)).then_some(Node {
        is_main_node: index == 0,
        num_nodes: None,
        node_index: Some(index),
    })
}

/// The node that a `JobSummary` shows, if it shows one, and how many there are.
pub(super) fn node_summary(job: &Job, index: Option<u32>) -> Option<Node> {
    match job.shape {
        Shape::Nodes(count) => Some(Node {
            is_main_node: index == Some(0),
            num_nodes: Some(count),
            node_index: index,
        }),
        _ => None,
    }
}
