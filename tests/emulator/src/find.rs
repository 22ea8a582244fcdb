//! Which job an id of a caller names.

use crate::{
    job::{Key, Shape},
    world::World,
};

/// What an id names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Job(Key),
    Node(Key, u32),
}

impl World {
    /// The job, child or node that a caller's id names.
    pub(crate) fn find(&self, id: &str) -> Option<Found> {
        let id = self.without_arn(id);
        let found = match self.key_of(id) {
            Some(key) => Found::Job(key),
            None => self.find_node(id)?,
        };
        let (Found::Job(key) | Found::Node(key, _)) = found;
        (!self.job(key).forgotten).then_some(found)
    }

    fn find_node(&self, id: &str) -> Option<Found> {
        let (main, node) = id.split_once('#')?;
        let key = self.key_of(main)?;
        let node = node.parse().ok()?;
        match self.job(key).shape {
            Shape::Nodes(count) if node < count => Some(Found::Node(key, node)),
            _ if node == 0 && !self.job(key).shown_as_node.is_empty() => {
                Some(Found::Node(key, node))
            }
            _ => None,
        }
    }

    fn without_arn<'a>(&self, id: &'a str) -> &'a str {
        if !self.behaviour.accept_arns {
            return id;
        }
        id.strip_prefix(self.arn_prefix.as_str())
            .and_then(|rest| {
                rest.strip_prefix("job/")
                    .or_else(|| rest.strip_prefix("service-job/"))
            })
            .unwrap_or(id)
    }
}
