//! Cancel and terminate, one job or up to 50 (batch.md, 1.1 and 1.2).

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use super::{Desk, Done, body, required, required_text};
use crate::{
    counts::Switch, ending::Action, error::ApiError, fault::ItemError, operation::Operation,
    wire::Input, world::Found,
};

/// "An array of up to 50 Batch job IDs" (`CancelJobs`).
const MAX_JOBS: usize = 50;
/// "This parameter has a limit of 1024 characters" (`CancelJob`).
const MAX_REASON: usize = 1024;

#[derive(Serialize)]
struct Outcome<'a> {
    successful: Vec<&'a str>,
    errors: Vec<Refusal<'a>>,
}

#[derive(Serialize)]
struct Refusal<'a> {
    job: &'a str,
    code: &'static str,
    message: &'static str,
}

impl Desk<'_> {
    /// The singular calls. An unknown id is a success, whatever it looks like.
    pub(super) fn act(&mut self, operation: Operation, input: Input) -> Result<Bytes, ApiError> {
        let id = required_text(input.job_id, "jobId")?;
        let reason = reason(input.reason)?;
        if let Some(error) = self.dice.refuse(operation, &id) {
            let arn = format!("{}job/{id}", self.world.arn_prefix);
            return Err(ApiError::of_item(error, operation, &arn));
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
            let malformed = self.world.find(id).is_none() && !is_well_formed(id);
            let error = if malformed {
                Some(ItemError::ValidationException)
            } else {
                self.dice.refuse(operation, id)
            };
            if let Some(error) = error {
                outcome.errors.push(Refusal {
                    job: id,
                    code: error.code(),
                    message: message(error),
                });
            } else {
                self.accept(operation, id, &reason);
                outcome.successful.push(id);
            }
        }
        Ok(Done {
            refused: outcome.errors.len(),
            body: body(&outcome)?,
        })
    }

    fn accept(&mut self, operation: Operation, id: &str, reason: &Arc<str>) {
        let Some(Found::Job(key)) = self.world.find(id) else {
            return;
        };
        let service_call = operation.iam_action() == Operation::TerminateServiceJob;
        let faults = self.dice.faults();
        if self.world.job(key).is_service != service_call {
            return;
        }
        if faults.ignore_cancels.contains(id) {
            return self.dice.bit(Switch::IgnoreCancels);
        }
        let action = if operation.iam_action() == Operation::CancelJob {
            Action::Cancel
        } else {
            Action::Terminate
        };
        let flag_delay = faults.flag_delay;
        if !flag_delay.is_zero() && !self.world.job(key).status.is_final() {
            self.dice.bit(Switch::FlagDelay);
        }
        self.world.accept(key, action, reason, self.now, flag_delay);
        self.world.settle(self.now);
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

fn message(error: ItemError) -> &'static str {
    match error {
        ItemError::ValidationException => "The job ID is not valid.",
        ItemError::ClientException => "The job cannot be cancelled or terminated.",
        ItemError::ThrottlingException => "Rate exceeded. Please retry this job.",
        ItemError::ServerException => "Failed to read job state. Please retry this job.",
        ItemError::AccessDenied => "Access denied for this job.",
    }
}
