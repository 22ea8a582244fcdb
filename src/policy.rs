//! The policy of the deployer. It comes from the environment, and no event can extend it.

mod owner;
mod principal;

use std::time::Duration;

use crate::request::{Action, Pattern, QueueName, Request};

pub(crate) use owner::{Identity, OwnerRule, tag_key};
pub use owner::{Owner, Ownership};
pub(crate) use principal::{Admins, ArnPattern, IDENTITY_CENTER_ROLES, roles};

/// The policy of the deployer.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The job queues whose jobs may be touched. Empty: none.
    pub(crate) allowed_queues: Queues,
    /// Jobs with this tag are never touched.
    pub(crate) protect_tag: ProtectTag,
    /// Whether `terminate` may be asked for.
    pub allow_terminate: bool,
    /// The most jobs that a selection may match.
    pub max_selected: usize,
    /// Patterns of the status reasons for which a job that blocks its queue is cancelled.
    pub blocked_reasons: Patterns,
    /// How long a job must have blocked its queue before an event, an alarm or `head` cancels it.
    pub blocked_for: Duration,
    /// Whose jobs may be ended over HTTP.
    pub(crate) owner_rule: OwnerRule,
    /// Everything is a dry run.
    pub dry_run: bool,
}

impl Policy {
    /// Whether a request may be acted on at all.
    ///
    /// # Errors
    ///
    /// What is forbidden, as a message to the caller.
    pub(crate) fn admit(&self, request: &Request) -> Result<(), String> {
        if request.action == Action::Terminate && !self.allow_terminate {
            return Err("terminate is not allowed here: ALLOW_TERMINATE (parameter AllowTerminate) is false".to_owned());
        }
        Ok(())
    }
}

/// The entries of a comma-separated list. White space around one does not count, nor does one that is empty.
pub(crate) fn entries(text: &str) -> impl Iterator<Item = &str> {
    let entries = text.split(',').map(str::trim);
    entries.filter(|entry| !entry.is_empty())
}

/// A list of patterns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Patterns(Vec<Pattern>);

impl Patterns {
    /// Reads a comma-separated list.
    pub(crate) fn parse(text: &str) -> Self {
        Self(entries(text).map(Pattern::new).collect())
    }

    /// The first pattern that `text` matches.
    pub(crate) fn first_match(&self, text: &str) -> Option<String> {
        let found = self.0.iter().find(|pattern| pattern.matches(text));
        found.map(ToString::to_string)
    }
}

/// Job queues by name or ARN, with `*` for any text.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Queues(Patterns);

impl Queues {
    /// Reads a comma-separated list of names and ARNs.
    pub(crate) fn parse(text: &str) -> Self {
        Self(Patterns::parse(text))
    }

    /// Whether the job queue with this ARN or name is among them.
    ///
    /// A pattern that begins with `arn:` is compared with the ARN, any other with the name only: `*batch*` would match
    /// every ARN of AWS Batch.
    pub(crate) fn contain(&self, queue: &str) -> bool {
        let name = queue_name(queue);
        let meant = |pattern: &Pattern| if pattern.is_of_arns() { queue } else { name };
        let mut patterns = self.0.0.iter();
        patterns.any(|pattern| pattern.matches(meant(pattern)))
    }

    /// Whether a queue that is known by its name may be among them. If this function does not know its own region, a
    /// pattern of ARNs may be meant for any name: the ARN that Batch shows decides.
    pub(crate) fn may_contain(&self, queue: &QueueName) -> bool {
        match &queue.arn {
            Some(arn) => self.contain(arn),
            None => self.may_contain_name(&queue.name),
        }
    }

    /// The same of a queue that is known by its name, or by its ARN.
    pub(crate) fn may_contain_name(&self, queue: &str) -> bool {
        let is_name = queue_name(queue) == queue;
        self.contain(queue) || (is_name && self.0.0.iter().any(Pattern::is_of_arns))
    }
}

/// The name of a job queue, from its name or ARN.
#[must_use]
pub fn queue_name(queue: &str) -> &str {
    let name = queue.rsplit_once(":job-queue/");
    name.map_or(queue, |(_, name)| name)
}

/// A tag, with any value or with one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProtectTag(String);

impl ProtectTag {
    /// Reads `key` or `key=value`.
    ///
    /// # Errors
    ///
    /// When the key is empty.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() || text.starts_with('=') {
            return Err("a tag's key, or key=value");
        }
        Ok(Self(text.to_owned()))
    }

    /// Whether a job with this tag is protected.
    pub(crate) fn is(&self, key: &str, value: &str) -> bool {
        match self.0.split_once('=') {
            Some(protected) => protected == (key, value),
            None => self.0 == key,
        }
    }

    /// The tag as it is set.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:batch:eu-west-1:123456789012:job-queue/spot-gpu";

    #[test]
    fn queues_match_by_name_or_arn() {
        for allowed in [
            "spot-gpu",
            "spot-*",
            "*",
            ARN,
            "arn:aws:batch:*:job-queue/spot-*",
            "a, spot-gpu",
        ] {
            assert!(Queues::parse(allowed).contain(ARN), "{allowed}");
        }
        for allowed in [
            "",
            " , ",
            "gpu",
            "spot",
            "Spot-gpu",
            "spot?gpu",
            "*batch*",
            "arn:aws:batch:us-*",
        ] {
            assert!(!Queues::parse(allowed).contain(ARN), "{allowed}");
        }
        assert!(Queues::parse("spot-*").contain("spot-gpu"));
        let queue = |arn: Option<&str>| QueueName {
            name: "spot-gpu".to_owned(),
            arn: arn.map(str::to_owned),
        };
        let other = "arn:aws:batch:*:job-queue/other";
        for (allowed, if_known, if_not) in [
            ("spot-*", true, true),
            (ARN, true, true),
            (other, false, true),
            ("x", false, false),
        ] {
            let allowed = Queues::parse(allowed);
            assert_eq!(allowed.may_contain(&queue(Some(ARN))), if_known);
            assert_eq!(allowed.may_contain(&queue(None)), if_not);
        }
    }

    #[test]
    fn a_protect_tag_is_a_key_or_a_key_with_a_value() {
        let any = ProtectTag::parse("keep").unwrap();
        assert!(any.is("keep", "") && any.is("keep", "yes") && !any.is("kept", "yes"));
        let one = ProtectTag::parse("env=prod").unwrap();
        assert!(one.is("env", "prod") && !one.is("env", "dev"));
        assert!(ProtectTag::parse("=x").is_err());
    }
}
