//! Job queues, and the front of one.

use aws_sdk_batch::types::{JobQueueDetail, JobStateTimeLimitAction, JqStatus};
use serde::Serialize;

use super::{Batch, CallError, Operation, job::time};
use crate::request::JobId;

/// The most job queues in one `DescribeJobQueues` call, named or on a page
/// ([API reference](https://docs.aws.amazon.com/batch/latest/APIReference/API_DescribeJobQueues.html)).
pub(crate) const QUEUES_LIMIT: usize = 100;

/// The same for the SDK.
const PAGE: i32 = 100;

/// A job queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JobQueue {
    pub(crate) arn: String,
    /// Whether it accepts jobs: ENABLED or DISABLED.
    pub(crate) state: String,
    /// Whether it is as it should be: VALID, or what else.
    pub(crate) status: String,
    /// Why it has this status.
    pub(crate) status_reason: Option<String>,
    pub(crate) is_of_service_jobs: bool,
    /// What Batch does by itself with a job that blocks it.
    pub(crate) time_limit_actions: Vec<TimeLimitAction>,
}

/// What Batch does by itself with a job that has blocked its queue for a time: `jobStateTimeLimitActions`
/// ([API reference](https://docs.aws.amazon.com/batch/latest/APIReference/API_JobStateTimeLimitAction.html)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TimeLimitAction {
    /// The code of the reason for which the job blocks.
    pub reason: String,
    /// The time, in seconds, which AWS calls approximate.
    pub seconds: u32,
    /// CANCEL or TERMINATE.
    pub action: String,
}

impl TimeLimitAction {
    fn from_sdk(action: JobStateTimeLimitAction) -> Option<Self> {
        Some(Self {
            reason: action.reason?,
            seconds: u32::try_from(action.max_time_seconds?).ok()?,
            action: action.action?.as_str().to_owned(),
        })
    }
}

impl JobQueue {
    fn from_sdk(queue: JobQueueDetail) -> Option<Self> {
        let kind = queue.job_queue_type;
        let actions = queue.job_state_time_limit_actions.into_iter().flatten();
        let status = queue.status.as_ref().map(JqStatus::as_str);
        Some(Self {
            arn: queue.job_queue_arn?,
            state: queue
                .state
                .map_or_else(String::new, |state| state.as_str().to_owned()),
            status: status.unwrap_or_default().to_owned(),
            status_reason: queue.status_reason,
            is_of_service_jobs: kind.is_some_and(|kind| kind.as_str() == "SAGEMAKER_TRAINING"),
            time_limit_actions: actions.filter_map(TimeLimitAction::from_sdk).collect(),
        })
    }
}

/// `DescribeJobQueues`: a page of job queues.
#[derive(Clone, Copy, Debug)]
pub(crate) enum DescribeJobQueues<'a> {
    /// All queues of the account and region, at most [`QUEUES_LIMIT`] on a page. The text is [`QueuePage::next`] of the page
    /// before; none for the first.
    All(Option<&'a str>),
    /// These by their names or ARNs, at most [`QUEUES_LIMIT`]. Those that do not exist are left out.
    Named(&'a [String]),
}

#[derive(Debug, Default)]
pub(crate) struct QueuePage {
    pub(crate) queues: Vec<JobQueue>,
    /// What to ask for the next page with, if there is one.
    pub(crate) next: Option<String>,
}

impl Operation for DescribeJobQueues<'_> {
    type Answer = QueuePage;

    fn name(&self) -> &'static str {
        "DescribeJobQueues"
    }

    fn jobs(&self) -> usize {
        0
    }

    async fn send(&self, batch: &Batch) -> Result<QueuePage, CallError> {
        let call = batch.client.describe_job_queues();
        let call = match self {
            Self::All(next) => call
                .max_results(PAGE)
                .set_next_token(next.map(str::to_owned)),
            Self::Named(names) => call.set_job_queues(Some(names.to_vec())),
        };
        let answer = call.send().await?;
        let queues = answer.job_queues.unwrap_or_default().into_iter();
        Ok(QueuePage {
            queues: queues.filter_map(JobQueue::from_sdk).collect(),
            next: answer.next_token.filter(|token| !token.is_empty()),
        })
    }
}

/// `GetJobQueueSnapshot`: the front of a queue, which holds RUNNABLE jobs in the order in which they will be placed.
#[derive(Debug)]
pub(crate) struct GetJobQueueSnapshot<'a>(pub(crate) &'a str);

/// The front of a job queue.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct QueueSnapshot {
    /// The first jobs of the queue, at most a hundred.
    pub(crate) front: Vec<Position>,
    /// The first job of each quota share.
    pub(crate) of_shares: Vec<Position>,
    /// What the queue's jobs use now.
    pub(crate) in_use: Vec<InUse>,
}

/// How much of one kind of capacity the jobs of a queue use.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InUse {
    /// What is counted, such as `VCPU`.
    pub unit: String,
    /// How much of it.
    pub quantity: f64,
}

/// A job's position in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) id: JobId,
    /// Since when it is at this position, in milliseconds since 1970.
    pub(crate) since: Option<i64>,
}

impl QueueSnapshot {
    /// The first job of the queue; none if no job is RUNNABLE.
    pub(crate) fn first(&self) -> Option<Position> {
        self.front.first().copied()
    }

    /// The position of a job that is the first of the queue, or of its share.
    pub(crate) fn first_place_of(&self, id: JobId) -> Option<Position> {
        let firsts = self.front.first().into_iter().chain(&self.of_shares);
        firsts.copied().find(|position| position.id == id)
    }
}

impl Operation for GetJobQueueSnapshot<'_> {
    type Answer = QueueSnapshot;

    fn name(&self) -> &'static str {
        "GetJobQueueSnapshot"
    }

    async fn send(&self, batch: &Batch) -> Result<QueueSnapshot, CallError> {
        let call = batch.client.get_job_queue_snapshot().job_queue(self.0);
        let answer = call.send().await?;
        let front = answer.front_of_queue.and_then(|front| front.jobs);
        let front = front.unwrap_or_default().into_iter();
        let mut front =
            front.map(|job| position(job.job_arn.as_deref(), job.earliest_time_at_position));
        let first = front.next().transpose()?;
        let shares = answer.front_of_quota_shares;
        let shares = shares.and_then(|shares| shares.quota_shares);
        let firsts = shares.into_iter().flatten();
        let firsts = firsts.filter_map(|(_, jobs)| jobs.into_iter().next());
        let usage = answer.queue_utilization;
        let usage = usage.and_then(|usage| usage.total_capacity_usage);
        let in_use = usage.into_iter().flatten().filter_map(|usage| {
            Some(InUse {
                unit: usage.capacity_unit?,
                quantity: usage.quantity?,
            })
        });
        Ok(QueueSnapshot {
            in_use: in_use.collect(),
            // One behind the first that cannot be read hides no other: it is not its turn.
            front: first.into_iter().chain(front.flatten()).collect(),
            of_shares: firsts
                .map(|job| position(job.job_arn.as_deref(), job.earliest_time_at_position))
                .collect::<Result<_, _>>()?,
        })
    }
}

fn position(arn: Option<&str>, since: Option<i64>) -> Result<Position, CallError> {
    let arn = arn.unwrap_or_default();
    let id = match arn.split_once(":service-job/") {
        Some((_, id)) => JobId::service_from_batch(id),
        None => arn
            .split_once(":job/")
            .and_then(|(_, id)| JobId::from_batch(id)),
    };
    let id = id.ok_or_else(|| CallError::unreadable(format!("{arn:?} is not a job's ARN")))?;
    Ok(Position {
        id,
        since: time(since),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::ErrorKind;

    const ID: &str = "0c9d8f6e-3a1b-4c2d-8e4f-5a6b7c8d9e0f";

    #[test]
    fn position_names_the_job_of_an_arn() {
        for id in [ID.to_owned(), format!("{ID}#0"), ID.to_uppercase()] {
            let arn = format!("arn:aws:batch:eu-west-1:123456789012:job/{id}");
            let found = position(Some(&arn), Some(7)).unwrap();
            assert_eq!((found.id.to_string().as_str(), found.since), (ID, Some(7)));
        }
    }

    #[test]
    fn position_without_a_job_is_an_error_that_shows_the_arn() {
        for arn in [
            None,
            Some("arn:aws:batch:eu-west-1:123456789012:job/7"),
            Some("arn:aws:batch:eu-west-1:123456789012:jobs"),
        ] {
            let error = position(arn, None).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Refused);
            let shown = format!("{:?} is not a job's ARN", arn.unwrap_or_default());
            assert!(error.message.contains(&shown), "{error}");
        }
    }
}
