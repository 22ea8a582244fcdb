//! How the emulated Batch behaves where AWS leaves a choice.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{span, status::Lifecycle};

/// Which mark `TerminateJob` leaves on a job that has not started yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TerminateMark {
    /// `isCancelled`: "Jobs that have not progressed to the STARTING state are cancelled".
    #[default]
    Cancelled,
    /// `isTerminated`: "whether a termination request has been accepted for the job".
    Terminated,
    /// Both.
    Both,
}

/// What `DescribeServiceJob` answers for an id that it does not know. What Batch sends is unverified:
/// its service model has no error for it but `ClientException`. `{id}` in a text stands for the id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum UnknownServiceJob {
    /// 400 `ClientException` with this text, wrapped as every `ClientException` is
    /// (`Error executing request, Exception : …, RequestId: …`).
    ClientException(String),
    /// 404 `ResourceNotFoundException` with this text.
    ResourceNotFound(String),
}

impl Default for UnknownServiceJob {
    fn default() -> Self {
        Self::ClientException("Service job {id} does not exist".to_owned())
    }
}

/// How the emulated Batch behaves where time passes or where AWS's documentation is silent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Behaviour {
    /// From the cancel of a SUBMITTED or RUNNABLE job to its FAILED; `isCancelled` shows at once.
    #[serde(with = "span")]
    pub cancel_delay: Duration,
    /// From the terminate of a started job to its FAILED; it may finish by itself before.
    #[serde(with = "span")]
    pub terminate_delay: Duration,
    /// The lifecycle of jobs made by `SubmitJob`. By default RUNNABLE at once, then for ever.
    pub submitted: Lifecycle,
    /// Whether a job's ARN is taken for its id (as moto's `DescribeJobs` does). Off: unknown.
    pub accept_arns: bool,
    /// Whether array children show their parent's tags. Unverified; off.
    pub child_tags: bool,
    /// Whether an attempt shows while it runs, as moto's do. Off: `attempts` is empty during a job's
    /// first attempt. Unverified.
    pub running_attempts: bool,
    /// How long a cancelled job that runs all the same
    /// ([`Faults::runs_anyway`](crate::Faults::runs_anyway)) stays in each status after its cancel,
    /// where its own lifecycle says for ever. One second each by default. `exit` and
    /// `failed_attempts` have no meaning here.
    pub runs_anyway: Lifecycle,
    /// What `DescribeServiceJob` answers for an id that it does not know.
    pub unknown_service_job: UnknownServiceJob,
    /// Unverified; `cancelled` by default.
    pub terminate_mark: TerminateMark,
}

/// Long enough to be seen by a look in between.
const RUNS_ANYWAY: Duration = Duration::from_secs(1);

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            cancel_delay: Duration::ZERO,
            terminate_delay: Duration::ZERO,
            submitted: Lifecycle {
                submitted_for: Some(Duration::ZERO),
                ..Lifecycle::default()
            },
            accept_arns: false,
            child_tags: false,
            running_attempts: false,
            runs_anyway: Lifecycle {
                submitted_for: Some(RUNS_ANYWAY),
                pending_for: Some(RUNS_ANYWAY),
                runnable_for: Some(RUNS_ANYWAY),
                starting_for: Some(RUNS_ANYWAY),
                running_for: Some(RUNS_ANYWAY),
                ..Lifecycle::default()
            },
            unknown_service_job: UnknownServiceJob::default(),
            terminate_mark: TerminateMark::default(),
        }
    }
}
