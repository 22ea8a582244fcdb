//! Cancel and terminate, one job or up to 50 (batch.md, 1.1 and 1.2).

use std::{borrow::Cow, sync::Arc};

use bytes::Bytes;
use serde::Serialize;

use super::{Desk, Done, body, required, required_text};
use crate::{
    counts::Switch,
    draw::{Omission, Refusal},
    ending::Action,
    error::ApiError,
    fault::ItemError,
    find::Found,
    job::{Key, Shape},
    operation::Operation,
    wire::Input,
};

/// "An array of up to 50 Batch job IDs" (`CancelJobs`).
const MAX_JOBS: usize = 50;
/// "This parameter has a limit of 1024 characters" (`CancelJob`).
const MAX_REASON: usize = 1024;

#[derive(Serialize)]
struct Outcome<'a> {
    successful: Vec<&'a str>,
    errors: Vec<Refused<'a>>,
}

#[derive(Serialize)]
struct Refused<'a> {
    job: &'a str,
    code: &'static str,
    message: Cow<'static, str>,
}

impl Desk<'_> {
    /// The singular calls. An unknown id is a success, whatever it looks like.
    pub(super) fn act(&mut self, operation: Operation, input: Input) -> Result<Bytes, ApiError> {
        let id = required_text(input.job_id, "jobId")?;
        let reason = reason(input.reason)?;
        match self.refuse(operation, &id) {
            Some(Refusal::Fault(error)) => {
                let arn = format!("{}job/{id}", self.world.arn_prefix);
                return Err(ApiError::of_item(error, operation, &arn));
            }
            Some(late) => return Err(ApiError::client(message(late, &id))),
            None => {}
        }
        self.accept(operation, &id, &reason);
        Ok(Bytes::from_static(b"{}"))
    }

    /// The bulk calls: 200 with a verdict for each job.
    pub(super) fn act_on_many(
        &mut self,
        operation: Operation,
        input: Input,
    ) -> Result<Done, ApiError> {
        let jobs = required(input.jobs, "jobs")?;
        if jobs.is_empty() {
            return Err(ApiError::client("'jobs' cannot be empty"));
        }
        if jobs.len() > MAX_JOBS {
            return Err(ApiError::client(format!(
                "Maximum number of jobs supported is {MAX_JOBS}"
            )));
        }
        let reason = reason(input.reason)?;
        let mut outcome = Outcome {
            successful: Vec::with_capacity(jobs.len()),
            errors: Vec::new(),
        };
        for id in &jobs {
            if let Some(refusal) = self.refuse_item(operation, id) {
                outcome.errors.push(Refused {
                    job: id,
                    code: code(refusal),
                    message: message(refusal, id),
                });
                continue;
            }
            let omission = self.dice.omit(operation, id);
            if omission != Some(Omission::Undone) {
                self.accept(operation, id, &reason);
            }
            if omission.is_none() {
                outcome.successful.push(id);
            }
        }
        let refused = outcome.errors.len();
        Ok(Done {
            refused,
            omitted: jobs.len() - refused - outcome.successful.len(),
            body: body(&outcome)?,
        })
    }

    /// Only the bulk calls look at the form of an id.
    fn refuse_item(&mut self, operation: Operation, id: &str) -> Option<Refusal> {
        if self.world.find(id).is_none() && !is_well_formed(id) {
            return Some(Refusal::Fault(ItemError::ValidationException));
        }
        self.refuse(operation, id)
    }

    fn refuse(&mut self, operation: Operation, id: &str) -> Option<Refusal> {
        let status = self
            .target(operation, id)
            .map(|key| self.world.job(key).status);
        self.dice.refuse(operation, id, status)
    }

    /// The job that a call acts on, if there is one of its kind.
    fn target(&self, operation: Operation, id: &str) -> Option<Key> {
        let Some(Found::Job(key)) = self.world.find(id) else {
            return None;
        };
        let service_call = operation.iam_action() == Operation::TerminateServiceJob;
        (self.world.job(key).is_service == service_call).then_some(key)
    }

    fn accept(&mut self, operation: Operation, id: &str, reason: &Arc<str>) {
        let Some(key) = self.target(operation, id) else {
            return;
        };
        let faults = self.dice.faults();
        if faults.ignore_cancels.contains(id) {
            return self.dice.bit(Switch::IgnoreCancels);
        }
        let action = if operation.iam_action() == Operation::CancelJob {
            Action::Cancel
        } else {
            Action::Terminate
        };
        let flag_delay = faults.flag_delay;
        let status = self.world.job(key).status;
        let ends = status.is_cancellable() || (action == Action::Terminate && !status.is_final());
        if ends && !flag_delay.is_zero() {
            self.dice.bit(Switch::FlagDelay);
        }
        if action == Action::Cancel {
            self.let_run_anyway(key);
        }
        self.world.accept(key, action, reason, self.now, flag_delay);
        self.world.settle(self.now);
    }

    /// Lets the jobs run that this cancel will not stop.
    fn let_run_anyway(&mut self, key: Key) {
        for child in self.world.children(key) {
            self.let_run_anyway(child);
        }
        let job = self.world.job_mut(key);
        let cancelled = job.is_cancelled || job.is_held || job.runs_anyway.is_some();
        let parent = matches!(job.shape, Shape::Parent { .. });
        if job.status.is_cancellable() && !cancelled && !parent {
            job.runs_anyway = self.dice.runs_anyway(&job.id);
        }
    }
}

fn reason(reason: Option<String>) -> Result<Arc<str>, ApiError> {
    let reason = required_text(reason, "reason")?;
    if reason.chars().count() > MAX_REASON {
        return Err(ApiError::client(format!(
            "'reason' has a limit of {MAX_REASON} characters"
        )));
    }
    Ok(reason.into())
}

/// A UUID, with `:N` of an array child or `#N` of a node.
fn is_well_formed(id: &str) -> bool {
    let (main, part) = match id.split_once([':', '#']) {
        Some((main, part)) => (main, Some(part)),
        None => (id, None),
    };
    let hyphenated = main.len() == uuid::fmt::Hyphenated::LENGTH;
    hyphenated
        && uuid::Uuid::try_parse(main).is_ok()
        && part
            .is_none_or(|part| !part.is_empty() && part.bytes().all(|digit| digit.is_ascii_digit()))
}

fn code(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Fault(error) => error.code(),
        Refusal::Started | Refusal::Ended => ItemError::ClientException.code(),
    }
}

fn message(refusal: Refusal, id: &str) -> Cow<'static, str> {
    let error = match refusal {
        Refusal::Fault(error) => error,
        Refusal::Started => {
            return format!("Job {id} has already started and cannot be cancelled").into();
        }
        Refusal::Ended => return format!("Job {id} has already ended").into(),
    };
    match error {
        ItemError::ValidationException => "The job ID is not valid.",
        ItemError::ClientException => "The job cannot be cancelled or terminated.",
        ItemError::ThrottlingException => "Rate exceeded. Please retry this job.",
        ItemError::ServerException => "Failed to read job state. Please retry this job.",
        ItemError::AccessDenied => "Access denied for this job.",
    }
    .into()
}
