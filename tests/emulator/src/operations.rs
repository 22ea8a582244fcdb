//! The operations themselves: a request and the world in, an answer's body out.

mod act;
mod attempts;
mod describe;
mod list;
mod page;
mod queues;
mod shape;
mod show;
mod submit;

use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;

use crate::{
    counts::Switch, dice::Dice, error::ApiError, job::Job, operation::Operation, wire::Input,
    world::World,
};

/// What an operation works on.
pub(crate) struct Desk<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) dice: &'a mut Dice,
    pub(crate) now: Duration,
}

/// An answer's body, and how many jobs of a bulk call were refused in it, or left out of it.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) body: Bytes,
    pub(crate) refused: usize,
    pub(crate) omitted: usize,
}

impl Desk<'_> {
    /// Does the work of one call.
    pub(crate) fn perform(&mut self, operation: Operation, input: Input) -> Result<Done, ApiError> {
        let body = match operation {
            Operation::CancelJob | Operation::TerminateJob | Operation::TerminateServiceJob => {
                self.act(operation, input)
            }
            Operation::CancelJobs | Operation::TerminateJobs | Operation::TerminateServiceJobs => {
                return self.act_on_many(operation, input);
            }
            Operation::DescribeJobs => self.describe_jobs(input),
            Operation::ListJobs => self.list_jobs(&input),
            Operation::SubmitJob => self.submit_job(input),
            Operation::DescribeJobQueues => self.describe_job_queues(&input),
            Operation::GetJobQueueSnapshot => self.queue_snapshot(&input),
            Operation::DescribeServiceJob => self.describe_service_job(&input),
            Operation::ListServiceJobs => self.list_service_jobs(&input),
            Operation::Unknown => Err(ApiError::unknown_operation()),
        }?;
        Ok(Done {
            body,
            refused: 0,
            omitted: 0,
        })
    }

    /// Whether looks and listings show the job.
    fn is_shown(&self, job: &Job) -> bool {
        let hidden = job.is_hidden(self.now);
        if hidden && !job.forgotten {
            self.dice.bit(Switch::VisibilityDelay);
        }
        !hidden && !job.forgotten
    }
}

/// The JSON of an answer.
fn body(answer: &impl Serialize) -> Result<Bytes, ApiError> {
    serde_json::to_vec(answer)
        .map(Bytes::from)
        .map_err(|_| ApiError::server())
}

/// A member that may not be missing or empty.
fn required<T>(member: Option<T>, name: &str) -> Result<T, ApiError> {
    member.ok_or_else(|| ApiError::client(format!("'{name}' is a required field")))
}

fn required_text(member: Option<String>, name: &str) -> Result<String, ApiError> {
    let text = required(member, name)?;
    if text.is_empty() {
        return Err(ApiError::client(format!(
            "'{name}' is a required field (cannot be an empty string)"
        )));
    }
    Ok(text)
}
