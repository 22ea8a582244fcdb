//! Attempts as the API shows them (`AttemptDetail`, `EksAttemptDetail` and `ContainerSummary` of the
//! service model).

use serde::Serialize;

use crate::{attempt::Attempt, clock::millis, job::Job, world::World};

/// How much of a job's id goes into the made-up id of a task: with the attempt's number, 32 digits.
const TASK_DIGITS: usize = 30;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AttemptDetail<'a> {
    container: EcsContainer<'a>,
    #[serde(flatten)]
    course: Course<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EksAttemptDetail<'a> {
    containers: [EksContainer<'a>; 1],
    init_containers: [(); 0],
    eks_cluster_arn: String,
    pod_name: String,
    pod_namespace: &'static str,
    node_name: &'static str,
    #[serde(flatten)]
    course: Course<'a>,
}

/// What both forms have: when, and why it is as it is.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Course<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_reason: Option<&'a str>,
}

/// How a container ended.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ContainerSummary<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_code: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EcsContainer<'a> {
    container_instance_arn: String,
    task_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_stream_name: Option<String>,
    #[serde(flatten)]
    end: ContainerSummary<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EksContainer<'a> {
    name: &'static str,
    #[serde(rename = "containerID")]
    container_id: String,
    #[serde(flatten)]
    end: ContainerSummary<'a>,
}

impl World {
    /// The job's attempts; None if it runs on EKS.
    pub(super) fn attempts<'a>(&'a self, job: &'a Job) -> Option<Vec<AttemptDetail<'a>>> {
        let shown = || {
            self.shown_attempts(job)
                .map(|(task, attempt)| self.on_ecs(job, &task, attempt))
        };
        (!job.on_eks).then(|| shown().collect())
    }

    /// The job's attempts if it runs on EKS.
    pub(super) fn eks_attempts<'a>(&'a self, job: &'a Job) -> Option<Vec<EksAttemptDetail<'a>>> {
        let shown = || {
            self.shown_attempts(job)
                .map(|(task, attempt)| self.on_eks(task, attempt))
        };
        job.on_eks.then(|| shown().collect())
    }

    /// The attempts that are shown, each with the id of its task.
    fn shown_attempts<'a>(&self, job: &'a Job) -> impl Iterator<Item = (String, &'a Attempt)> {
        let running = self.behaviour.running_attempts;
        let digits = job.id.chars().filter(char::is_ascii_hexdigit);
        let digits: String = digits.take(TASK_DIGITS).collect();
        job.attempts
            .iter()
            .enumerate()
            .filter(move |(_, attempt)| running || !attempt.is_open())
            .map(move |(number, attempt)| (format!("{digits}{number:02x}"), attempt))
    }

    fn on_ecs<'a>(&self, job: &Job, task: &str, attempt: &'a Attempt) -> AttemptDetail<'a> {
        let prefix = self.arn_prefix.replacen(":batch:", ":ecs:", 1);
        let definition = job.definition.rsplit('/').next().unwrap_or_default();
        let name = definition.split(':').next().unwrap_or_default();
        // "Each container attempt receives a log stream name when they reach the RUNNING status."
        let log_stream = attempt.started_at.map(|_| format!("{name}/default/{task}"));
        AttemptDetail {
            container: EcsContainer {
                container_instance_arn: format!("{prefix}container-instance/default/{task}"),
                task_arn: format!("{prefix}task/default/{task}"),
                log_stream_name: log_stream,
                end: end(attempt),
            },
            course: course(attempt),
        }
    }

    fn on_eks<'a>(&self, task: String, attempt: &'a Attempt) -> EksAttemptDetail<'a> {
        let prefix = self.arn_prefix.replacen(":batch:", ":eks:", 1);
        EksAttemptDetail {
            eks_cluster_arn: format!("{prefix}cluster/default"),
            pod_name: format!("aws-batch.{task}"),
            pod_namespace: "default",
            node_name: "node",
            containers: [EksContainer {
                name: "default",
                container_id: task,
                end: end(attempt),
            }],
            init_containers: [],
            course: course(attempt),
        }
    }
}

/// How the last attempt's container ended, once the job has.
pub(super) fn container(job: &Job) -> Option<ContainerSummary<'_>> {
    let last = job.attempts.last().filter(|_| job.status.is_final());
    last.filter(|_| !job.on_eks).map(end)
}

fn end(attempt: &Attempt) -> ContainerSummary<'_> {
    ContainerSummary {
        exit_code: attempt.exit_code,
        reason: attempt.reason.as_deref(),
    }
}

fn course(attempt: &Attempt) -> Course<'_> {
    Course {
        started_at: attempt.started_at.map(millis),
        stopped_at: attempt.stopped_at.map(millis),
        status_reason: attempt.status_reason.as_deref(),
    }
}
