//! The operations of AWS Batch that the emulator knows, with their paths in the service model.

use std::fmt;

use http::Method;
use serde::{Deserialize, Serialize};

/// One operation of the AWS Batch API (service model 2016-08-10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each variant is the operation of that name")]
pub enum Operation {
    CancelJob,
    CancelJobs,
    TerminateJob,
    TerminateJobs,
    TerminateServiceJob,
    TerminateServiceJobs,
    DescribeJobs,
    ListJobs,
    SubmitJob,
    DescribeJobQueues,
    GetJobQueueSnapshot,
    DescribeServiceJob,
    ListServiceJobs,
    /// A path or method that is none of the above: answered 404, and recorded all the same.
    Unknown,
}

impl Operation {
    /// Every operation but [`Operation::Unknown`].
    pub const ALL: [Self; 13] = [
        Self::CancelJob,
        Self::CancelJobs,
        Self::TerminateJob,
        Self::TerminateJobs,
        Self::TerminateServiceJob,
        Self::TerminateServiceJobs,
        Self::DescribeJobs,
        Self::ListJobs,
        Self::SubmitJob,
        Self::DescribeJobQueues,
        Self::GetJobQueueSnapshot,
        Self::DescribeServiceJob,
        Self::ListServiceJobs,
    ];

    /// The operation that a request line asks for.
    #[must_use]
    pub fn of(method: &Method, path: &str) -> Self {
        if method != Method::POST {
            return Self::Unknown;
        }
        match path {
            "/v1/canceljob" => Self::CancelJob,
            "/v1/canceljobs" => Self::CancelJobs,
            "/v1/terminatejob" => Self::TerminateJob,
            "/v1/terminatejobs" => Self::TerminateJobs,
            "/v1/terminateservicejob" => Self::TerminateServiceJob,
            "/v1/terminateservicejobs" => Self::TerminateServiceJobs,
            "/v1/describejobs" => Self::DescribeJobs,
            "/v1/listjobs" => Self::ListJobs,
            "/v1/submitjob" => Self::SubmitJob,
            "/v1/describejobqueues" => Self::DescribeJobQueues,
            "/v1/getjobqueuesnapshot" => Self::GetJobQueueSnapshot,
            "/v1/describeservicejob" => Self::DescribeServiceJob,
            "/v1/listservicejobs" => Self::ListServiceJobs,
            _ => Self::Unknown,
        }
    }

    /// The path that the operation is posted to, `/v1/canceljob`.
    #[must_use]
    pub fn path(self) -> String {
        format!("/v1/{}", self.name().to_ascii_lowercase())
    }

    /// The name in the service model, `CancelJob`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CancelJob => "CancelJob",
            Self::CancelJobs => "CancelJobs",
            Self::TerminateJob => "TerminateJob",
            Self::TerminateJobs => "TerminateJobs",
            Self::TerminateServiceJob => "TerminateServiceJob",
            Self::TerminateServiceJobs => "TerminateServiceJobs",
            Self::DescribeJobs => "DescribeJobs",
            Self::ListJobs => "ListJobs",
            Self::SubmitJob => "SubmitJob",
            Self::DescribeJobQueues => "DescribeJobQueues",
            Self::GetJobQueueSnapshot => "GetJobQueueSnapshot",
            Self::DescribeServiceJob => "DescribeServiceJob",
            Self::ListServiceJobs => "ListServiceJobs",
            Self::Unknown => "Unknown",
        }
    }

    /// Whether this is one of the bulk calls of September 2026 (50 jobs, an answer for each).
    #[must_use]
    pub fn is_bulk(self) -> bool {
        matches!(
            self,
            Self::CancelJobs | Self::TerminateJobs | Self::TerminateServiceJobs
        )
    }

    /// The IAM action that allows the operation. A bulk call has none of its own: it needs the
    /// singular one for each of its jobs.
    #[must_use]
    pub fn iam_action(self) -> Self {
        match self {
            Self::CancelJobs => Self::CancelJob,
            Self::TerminateJobs => Self::TerminateJob,
            Self::TerminateServiceJobs => Self::TerminateServiceJob,
            other => other,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_leads_back_to_its_operation() {
        for operation in Operation::ALL {
            assert_eq!(Operation::of(&Method::POST, &operation.path()), operation);
            assert_eq!(
                Operation::of(&Method::GET, &operation.path()),
                Operation::Unknown
            );
        }
    }
}
