//! What AWS Batch's reasons for a job that blocks its queue mean: whose fault each is, and what helps.
//!
//! Batch writes the reason as the first job's `statusReason`, a code and a text: `MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT -
//! …`. This is the only table of the codes that AWS documents
//! ([jobs](https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable.html),
//! [service jobs](https://docs.aws.amazon.com/batch/latest/userguide/sm_job_stuck_in_runnable.html)).

/// A documented reason for which a job blocks its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockedReason {
    /// The code, with which the status reason begins.
    pub code: &'static str,
    /// What it means, in one sentence.
    pub meaning: &'static str,
    /// Whose fault it is.
    pub fault: Fault,
    /// What helps, in one or two sentences.
    pub remedy: &'static str,
    /// Whether `jobStateTimeLimitActions` of the job queue can end such a job.
    pub aws_acts: AwsActs,
}

/// Whose fault it is that a job blocks its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The job's: the next one may well start.
    Job,
    /// That of the queue's compute or service environment: the next job is likely to be stuck too.
    Environment,
    /// AWS's, which has no instances left: the next job may ask for others.
    Capacity,
    /// Not known.
    Unknown,
}

/// Whether `jobStateTimeLimitActions` of the job queue can end a job that is stuck for a reason
/// ([jobs](https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable_time_limit_actions.html),
/// [service jobs](https://docs.aws.amazon.com/batch/latest/userguide/sm_job_stuck_in_runnable_time_limit_actions.html)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AwsActs {
    /// They can.
    Yes,
    /// AWS documents it for some regions only.
    InSomeRegions,
    /// They cannot.
    No,
}

/// The documented reasons. No code is the beginning of another.
///
/// Sources, of the AWS Batch user guide:
/// [capacity](https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable_capacity.html),
/// [misconfiguration](https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable_misconfiguration.html),
/// [invalid compute environments](https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable_invalid_ce.html),
/// [undetermined](https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable_undetermined.html), and of service
/// jobs [misconfiguration](https://docs.aws.amazon.com/batch/latest/userguide/sm_job_stuck_in_runnable_misconfiguration.html).
pub const REASONS: [BlockedReason; 9] = [
    BlockedReason {
        code: "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY",
        meaning: "AWS has no instances left of the types that the queue's environments may start.",
        fault: Fault::Capacity,
        remedy: "Wait, or allow more instance types, Availability Zones or on-demand instances.",
        aws_acts: AwsActs::Yes,
    },
    BlockedReason {
        code: "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE",
        meaning: "The job asks for more vCPUs than maxvCpus of any of the queue's compute environments.",
        fault: Fault::Environment,
        remedy: "Raise maxvCpus, or ask for fewer vCPUs. A queue that is paused by maxvCpus 0 shows this for every job.",
        aws_acts: AwsActs::Yes,
    },
    BlockedReason {
        code: "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT",
        meaning: "No instance type of the queue's compute environments has the vCPUs, memory or GPUs that the job asks for.",
        fault: Fault::Job,
        remedy: "Cancel the job and submit it with smaller requirements, or allow larger instance types. A queue that scales \
                 up may show this for some minutes.",
        aws_acts: AwsActs::Yes,
    },
    BlockedReason {
        code: "MISCONFIGURATION:EC2_INSTANCE_CONFIGURATION_UNSUPPORTED",
        meaning: "EC2 cannot start the instances as the compute environment configures them.",
        fault: Fault::Environment,
        remedy: "Compare instance types, AMI, architecture and launch template of the compute environment.",
        aws_acts: AwsActs::InSomeRegions,
    },
    BlockedReason {
        code: "MISCONFIGURATION:SERVICE_ROLE_PERMISSIONS",
        meaning: "The service role of the compute environments lacks a permission.",
        fault: Fault::Environment,
        remedy: "Correct the role, or use Batch's service-linked role.",
        aws_acts: AwsActs::No,
    },
    BlockedReason {
        code: "ACTION_REQUIRED",
        meaning: "All compute environments of the queue are INVALID.",
        fault: Fault::Environment,
        remedy: "Look at statusReason of the compute environments, and correct them.",
        aws_acts: AwsActs::No,
    },
    BlockedReason {
        code: "UNDETERMINED",
        meaning: "The queue is blocked, and AWS Batch does not know why.",
        fault: Fault::Unknown,
        remedy: "Look at the compute environments: instances that do not register with the cluster, network, permissions.",
        aws_acts: AwsActs::No,
    },
    BlockedReason {
        code: "MISCONFIGURATION:SERVICE_ENVIRONMENT_MAX_RESOURCE",
        meaning: "The service job asks for more instances than the capacity limit of the service environment.",
        fault: Fault::Job,
        remedy: "Ask for fewer instances, or raise the limit of the service environment.",
        aws_acts: AwsActs::Yes,
    },
    BlockedReason {
        code: "MISCONFIGURATION:QUOTA_MANAGEMENT_LIMIT_EXCEEDED",
        meaning: "The service job asks for more instances than the capacity limit of its quota share.",
        fault: Fault::Job,
        remedy: "Ask for fewer instances, or raise the limit of the quota share.",
        aws_acts: AwsActs::Yes,
    },
];

/// The documented reason with whose code a status reason begins.
#[must_use]
pub fn documented(status_reason: &str) -> Option<&'static BlockedReason> {
    let mut reasons = REASONS.iter();
    reasons.find(|reason| has_code(status_reason, reason.code))
}

/// Whether a status reason begins with this code.
pub(crate) fn has_code(status_reason: &str, code: &str) -> bool {
    let in_code = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let rest = status_reason.strip_prefix(code);
    rest.is_some_and(|rest| !rest.starts_with(in_code))
}

impl BlockedReason {
    /// What the reason means, and whose fault it is.
    pub(crate) fn explanation(&self) -> String {
        let fault = match self.fault {
            Fault::Job => "It is the job's own fault.",
            Fault::Environment => {
                "It is the environment's fault: the next job is likely to be stuck too."
            }
            Fault::Capacity => "It is neither the job's fault nor yours.",
            Fault::Unknown => "Whose fault it is, is not known.",
        };
        format!("{} {fault}", self.meaning)
    }

    /// What is said of a queue that has no time limit action for this reason.
    pub(crate) fn without_action(&self) -> &'static str {
        match self.aws_acts {
            AwsActs::Yes => {
                "The queue has no time limit action of its own (jobStateTimeLimitActions) for this reason."
            }
            AwsActs::InSomeRegions => {
                "The queue has no time limit action of its own (jobStateTimeLimitActions) for this reason; AWS has one in \
                 some regions only."
            }
            AwsActs::No => {
                "AWS has no time limit action (jobStateTimeLimitActions) for this reason."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_found_by_its_code_and_what_stands_behind() {
        for reason in REASONS {
            for text in ["", " - The text.", " – With an en dash", ": more"] {
                let found = documented(&format!("{}{text}", reason.code));
                assert_eq!(found, Some(&reason), "{}{text}", reason.code);
            }
            assert_eq!(documented(&format!("{}_TOO", reason.code)), None);
            let ended = format!(
                "Canceled by JobStateTimeLimit action due to reason: {}",
                reason.code
            );
            assert_eq!(documented(&ended), None);
        }
        assert_eq!(documented(""), None);
        assert_eq!(documented("Essential container in task exited"), None);
    }

    #[test]
    fn every_reason_is_told_in_whole_sentences() {
        for reason in REASONS {
            for text in [reason.meaning, reason.remedy] {
                assert!(text.ends_with('.') && !text.contains("  "), "{text}");
            }
        }
    }
}
