//! Which messages of a batch come back.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Class, class, judged::Judged};
use crate::faults::request::{Reach, Request, Target};

impl Judged<'_> {
    /// A message comes back if one of its jobs is not done, or not all could be found, or if an earlier one of its group
    /// does.
    pub(super) fn messages_come_back(
        &self,
        answer: &Value,
        is_fifo: bool,
        numbers: &[usize],
    ) -> Vec<usize> {
        let failures = answer["batchItemFailures"].as_array();
        let failures = failures.unwrap_or_else(|| panic!("{answer}")).iter();
        let left: Vec<usize> = failures
            .map(|failure| failure["itemIdentifier"].as_str().unwrap().parse().unwrap())
            .collect();
        let mut held = BTreeSet::new();
        let requests = self.invocation.requests.iter().zip(self.reaches);
        for ((request, reach), number) in requests.zip(numbers) {
            let comes = left.contains(number);
            let group = number % 3;
            let is_held = is_fifo && held.contains(&group);
            if comes {
                held.insert(group);
            }
            if is_held {
                assert!(
                    comes,
                    "message {number} overtakes its group: {}",
                    self.story()
                );
                continue;
            }
            if comes {
                assert!(
                    self.may_come_back(request, reach),
                    "{request:?} comes back, of {:?}: {}",
                    self.logged.results,
                    self.story()
                );
            } else {
                assert!(
                    self.may_be_gone(request, reach),
                    "{request:?} is lost, of {:?}: {}",
                    self.logged.results,
                    self.story()
                );
            }
        }
        left
    }

    fn outcomes_of<'a>(&'a self, ids: &'a BTreeSet<String>) -> impl Iterator<Item = Class> + 'a {
        let outcomes = ids.iter().filter_map(|id| self.outcomes.get(id.as_str()));
        outcomes.map(|outcome| class(outcome))
    }

    /// Something of the request is not done.
    fn may_come_back(&self, request: &Request, reach: &Reach) -> bool {
        let mut classes = self
            .outcomes_of(&reach.may)
            .chain(self.outcomes_of(&reach.unsure));
        let is_left = classes.any(|class| class != Class::Done);
        let is_refused = self.logged.refused() > 0 || self.logged.is_partial();
        is_left || (is_refused && !matches!(request.target, Target::Ids(_)))
    }

    /// Nothing of the request is left, or a retry would select other jobs.
    fn may_be_gone(&self, request: &Request, reach: &Reach) -> bool {
        let was_called = reach.may.iter().any(|id| self.called.contains(id.as_str()));
        if request.reselects() && was_called {
            return true;
        }
        let is_left = self
            .outcomes_of(&reach.must)
            .any(|class| class != Class::Done);
        let is_whole = request.max_jobs.is_some()
            || reach
                .must
                .iter()
                .all(|id| self.outcomes.contains_key(id.as_str()));
        !is_left && is_whole && !matches!(request.target, Target::Unreadable)
    }
}
