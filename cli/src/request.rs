//! The request that the flags of the command line make: the JSON that a function would get.

use serde_json::{Map, Value, json};

use crate::{
    args::End,
    error::{Result, UserError},
    report::{Job, Report},
};

/// The fields of a request.
pub(crate) type Fields = Map<String, Value>;

/// How much of the reason for which a job blocks its queue is kept in the reason that overwrites it, as the function does.
const MAX_BLOCKED: usize = 300;

/// The statuses of jobs that have not ended.
const LIVE: [&str; 5] = ["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING"];

/// The longest `waitSeconds` of a request. This program itself waits as long as it takes.
const WAIT: u64 = 840;

impl End {
    /// The first of these flags that is given, before a command, where they mean nothing.
    pub(crate) fn first_given(&self) -> Option<&'static str> {
        let given = [
            ("a job id", !self.ids.is_empty()),
            ("--queue", !self.queue.is_empty()),
            ("--array", self.array.is_some()),
            ("--terminate", self.terminate),
            ("--dry-run", self.dry_run),
            ("--yes", self.yes),
            ("--reason", self.reason.is_some()),
            ("--max-jobs", self.max_jobs.is_some()),
            ("--max-selected", self.max_selected.is_some()),
            ("--blocked-for", self.blocked_for.is_some()),
            ("--blocked-reasons", self.blocked_reasons.is_some()),
            ("--wait", self.wait),
            ("--timeout", self.timeout.is_some()),
            ("--json", self.json),
        ];
        let first = given.into_iter().find(|(_, is_given)| *is_given);
        first.map(|(flag, _)| flag).or(self.condition())
    }

    /// What is only about the first in line needs `--head`.
    pub(crate) fn check_head(&self) -> Result<()> {
        let given = [
            ("--blocked-for", self.blocked_for.is_some()),
            ("--blocked-reasons", self.blocked_reasons.is_some()),
        ];
        match given.into_iter().find(|(_, is_given)| *is_given) {
            Some((flag, _)) if !self.head => Err(UserError::new(format!("{flag} needs --head"))),
            _ => Ok(()),
        }
    }

    /// Whether jobs are chosen by conditions, not by ids.
    pub(crate) fn has_conditions(&self) -> bool {
        self.has_place() || self.condition().is_some()
    }

    fn has_place(&self) -> bool {
        !self.queue.is_empty() || self.array.is_some()
    }

    /// The first condition that is given.
    fn condition(&self) -> Option<&'static str> {
        self.conditions().next()
    }

    /// How many conditions are given, beside the queue.
    pub(crate) fn condition_count(&self) -> usize {
        self.conditions().count()
    }

    fn conditions(&self) -> impl Iterator<Item = &'static str> {
        let given = [
            ("--name", self.name.is_some()),
            ("--definition", self.definition.is_some()),
            ("--status", !self.status.is_empty()),
            ("--older-than", self.older_than.is_some()),
            ("--running-for", self.running_for.is_some()),
            ("--tag", !self.tag.is_empty()),
            ("--share", self.share.is_some()),
            ("--head", self.head),
        ];
        let given = given.into_iter().filter(|(_, is_given)| *is_given);
        given.map(|(flag, _)| flag)
    }

    /// The selection that the conditions make.
    pub(crate) fn selection(&self) -> Result<Value> {
        if !self.ids.is_empty() {
            return Err("give job ids or conditions, not both".into());
        }
        if let (false, Some(flag)) = (self.has_place(), self.condition()) {
            return Err(UserError::new(format!("{flag} needs a --queue or --array")));
        }
        if !self.queue.is_empty() && self.array.is_some() {
            return Err("give --queue or --array, not both".into());
        }
        let mut select = Map::new();
        let mut set = |field: &str, value: Option<Value>| {
            if let Some(value) = value {
                select.insert(field.to_owned(), value);
            }
        };
        let text = |given: &Option<String>| given.clone().map(Value::from);
        let list = |given: &[String]| (!given.is_empty()).then(|| json!(given));
        match &*self.queue {
            [one] if !one.contains('*') => set("jobQueue", Some(json!(one))),
            several => set("jobQueues", list(several)),
        }
        set("arrayJobId", text(&self.array));
        set("jobName", text(&self.name));
        set("jobDefinition", text(&self.definition));
        set("shareIdentifier", text(&self.share));
        set("olderThan", text(&self.older_than));
        set("runningFor", text(&self.running_for));
        set("statuses", list(&self.statuses()));
        set("tags", self.tags()?);
        set("head", self.head.then_some(json!(true)));
        Ok(Value::Object(select))
    }

    /// The statuses that are asked for. Who wants jobs ended that have started wants them found.
    fn statuses(&self) -> Vec<String> {
        let is_open = self.status.is_empty() && self.running_for.is_none() && !self.head;
        if self.terminate && is_open {
            return LIVE.map(str::to_owned).to_vec();
        }
        upper(&self.status)
    }

    fn tags(&self) -> Result<Option<Value>> {
        let mut tags = Map::new();
        for tag in &self.tag {
            let Some((key, value)) = tag.split_once('=') else {
                return Err(UserError::new(format!(
                    "--tag {tag}: expected KEY=VALUE, such as --tag user=ann"
                )));
            };
            if tags.insert(key.to_owned(), json!(value)).is_some() {
                return Err(UserError::new(format!("--tag {key} is given twice")));
            }
        }
        Ok((!tags.is_empty()).then_some(Value::Object(tags)))
    }

    /// A request to end these jobs: `jobIds` or `select`, with its value.
    pub(crate) fn request(&self, of: &str, which: &Value, dry_run: bool) -> Fields {
        let reason = self.reason.as_deref().unwrap_or("Cancelled with bcancel");
        let mut request = Fields::new();
        let mut set = |field: &str, value: Value| request.insert(field.to_owned(), value);
        set(of, which.clone());
        set("reason", json!(reason));
        if self.terminate {
            set("terminate", json!(true));
        }
        if dry_run {
            set("dryRun", json!(true));
        } else if self.wait {
            set("waitSeconds", json!(WAIT));
        }
        if let (Some(max), true) = (self.max_jobs, dry_run) {
            set("maxJobs", json!(max));
        }
        request
    }

    /// The request that ends exactly what a preview has counted. A function's answer may have been cut, so its selection is
    /// repeated, with `maxJobs` of the number that was confirmed.
    pub(crate) fn confirmed(&self, found: &Report, (of, which): (&str, &Value)) -> Fields {
        if found.truncated.is_some() {
            let mut request = self.request(of, which, false);
            if of == "select" {
                request.insert("maxJobs".to_owned(), json!(found.would_end()));
            }
            return request;
        }
        let ends = found.jobs.iter().filter(|job| job.would_end());
        // A job that is ending already is only waited for.
        let is_sent = |job: &&Job| job.would_end() || self.wait && job.outcome.is_under_way();
        let sent = found.jobs.iter().filter(is_sent);
        // As it was asked for: a service job is one by its ARN alone.
        let ids: Vec<&str> = sent.map(Job::asked).collect();
        let mut request = self.request("jobIds", &json!(ids), false);
        // A cancel overwrites the reason for which the first in line blocks its queue.
        let mut blocked = ends
            .filter(|_| self.head)
            .flat_map(|job| &job.status_reason);
        if let (Some(text), Some(reason)) = (blocked.next(), request.get("reason")) {
            let text: String = text.chars().take(MAX_BLOCKED).collect();
            let reason = format!("{text} | {}", reason.as_str().unwrap_or_default());
            request.insert("reason".to_owned(), json!(reason));
        }
        request
    }
}

/// Statuses in the case in which AWS Batch writes them.
pub(crate) fn upper(statuses: &[String]) -> Vec<String> {
    let upper = |status: &String| status.to_ascii_uppercase();
    statuses.iter().map(upper).collect()
}
