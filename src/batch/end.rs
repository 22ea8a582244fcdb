//! Cancelling and terminating jobs.

use std::time::Duration;

use super::{Batch, CallError, ErrorKind, Operation, operation::TIMEOUT};
use crate::request::{Action, JobId};

/// The most ids in one `CancelJobs`, `TerminateJobs` or `TerminateServiceJobs` call
/// ([API reference](https://docs.aws.amazon.com/batch/latest/APIReference/API_CancelJobs.html)).
pub(crate) const BULK_LIMIT: usize = 50;

/// How long a bulk call may take before it is given up. AWS documents no latency for it.
const BULK_TIMEOUT: Duration = Duration::from_secs(25);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum EndOperation {
    /// `CancelJob` and `CancelJobs`.
    Cancel,
    /// `TerminateJob` and `TerminateJobs`.
    Terminate,
    /// `TerminateServiceJob` and `TerminateServiceJobs`.
    TerminateService,
}

impl EndOperation {
    /// The operation that does `action` to the job `id`.
    pub(crate) fn of(action: Action, id: JobId) -> Self {
        match action {
            _ if id.is_service_job() => Self::TerminateService,
            Action::Cancel => Self::Cancel,
            Action::Terminate => Self::Terminate,
        }
    }
}

/// Ends jobs, at most [`BULK_LIMIT`]: one by the single call, several by the bulk call.
#[derive(Debug)]
pub(crate) struct EndJobs<'a> {
    pub(crate) operation: EndOperation,
    pub(crate) ids: &'a [JobId],
    /// The reason that Batch keeps with each job, at most 1024 characters.
    pub(crate) reason: &'a str,
}

/// What Batch answered for each job. A bulk call answers 200 whatever happened. A job in neither list was not answered.
///
/// That Batch accepted the call says little: it also accepts jobs that run, ended or never existed.
#[derive(Debug, Default)]
pub(crate) struct EndAnswer {
    /// The jobs for which the call was accepted.
    pub(crate) accepted: Vec<JobId>,
    pub(crate) refused: Vec<(JobId, CallError)>,
}

impl Operation for EndJobs<'_> {
    type Answer = EndAnswer;

    fn name(&self) -> &'static str {
        match (self.operation, self.ids.len()) {
            (EndOperation::Cancel, 1) => "CancelJob",
            (EndOperation::Cancel, _) => "CancelJobs",
            (EndOperation::Terminate, 1) => "TerminateJob",
            (EndOperation::Terminate, _) => "TerminateJobs",
            (EndOperation::TerminateService, 1) => "TerminateServiceJob",
            (EndOperation::TerminateService, _) => "TerminateServiceJobs",
        }
    }

    fn jobs(&self) -> usize {
        self.ids.len()
    }

    fn timeout(&self) -> Duration {
        if self.ids.len() > 1 {
            BULK_TIMEOUT
        } else {
            TIMEOUT
        }
    }

    fn is_throttled(answer: &EndAnswer) -> bool {
        let mut refused = answer.refused.iter();
        refused.any(|(_, error)| error.kind == ErrorKind::Throttled)
    }

    async fn send(&self, batch: &Batch) -> Result<EndAnswer, CallError> {
        if let &[id] = self.ids {
            self.send_single(batch, id).await?;
            return Ok(EndAnswer {
                accepted: vec![id],
                refused: Vec::new(),
            });
        }
        let answer = self.send_bulk(batch).await;
        batch.learn_of_bulk_calls(answer.as_ref().err().map(|error| error.kind));
        answer
    }
}

impl EndJobs<'_> {
    async fn send_single(&self, batch: &Batch, id: JobId) -> Result<(), CallError> {
        let (client, id, reason) = (&batch.client, id.to_string(), self.reason);
        macro_rules! send {
            ($call:ident) => {{
                client.$call().job_id(id).reason(reason).send().await?;
            }};
        }
        match self.operation {
            EndOperation::Cancel => send!(cancel_job),
            EndOperation::Terminate => send!(terminate_job),
            EndOperation::TerminateService => send!(terminate_service_job),
        }
        Ok(())
    }

    async fn send_bulk(&self, batch: &Batch) -> Result<EndAnswer, CallError> {
        let (client, reason) = (&batch.client, self.reason);
        let ids = Some(self.ids.iter().map(ToString::to_string).collect());
        // The three answers are of three types with the same fields.
        macro_rules! send {
            ($call:ident) => {{
                let answer = client.$call().set_jobs(ids).reason(reason).send().await?;
                let accepted = answer.successful.unwrap_or_default();
                let refused = answer.errors.unwrap_or_default().into_iter();
                let refused = refused.filter_map(|item| {
                    let code = item.code.unwrap_or_default();
                    let error = CallError::of_code(&code, item.message.as_deref(), None);
                    Some((self.id(&item.job?)?, error))
                });
                EndAnswer {
                    accepted: accepted.iter().filter_map(|id| self.id(id)).collect(),
                    refused: refused.collect(),
                }
            }};
        }
        Ok(match self.operation {
            EndOperation::Cancel => send!(cancel_jobs),
            EndOperation::Terminate => send!(terminate_jobs),
            EndOperation::TerminateService => send!(terminate_service_jobs),
        })
    }

    /// An id of the answer. One that cannot be read answers for no job, which is then looked at.
    fn id(&self, text: &str) -> Option<JobId> {
        match self.operation {
            EndOperation::TerminateService => JobId::service_from_batch(text),
            EndOperation::Cancel | EndOperation::Terminate => JobId::from_batch(text),
        }
    }
}
