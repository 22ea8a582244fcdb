//! Whether a job matches a selection.

use crate::{
    batch::{JobDetail, JobSummary},
    request::{Action, Select},
};

impl Select {
    /// Whether a job matches as far as a listing tells, its status included. Jobs that are being ended already do not.
    pub(super) fn matches_listed(&self, job: &JobSummary, action: Action, before: i64) -> bool {
        let is_ending = match action {
            // Cancelling an array leaves its running children alone.
            Action::Terminate => {
                job.is_terminated || (job.is_cancelled && job.array_size.is_none())
            }
            Action::Cancel => job.is_cancelled || job.is_terminated,
        };
        self.statuses.contains(&job.status) && !is_ending && self.matches(job, before)
    }

    /// Whether a job matches as far as a look at it tells, which is all but its status. That counts for `runningFor` only.
    pub(crate) fn matches_seen(&self, job: &JobDetail, before: i64) -> bool {
        let has = |(key, value): (&String, &String)| job.tags.get(key) == Some(value);
        let is_defined = job.summary.job_definition.is_some() || self.job_definition.is_none();
        self.tags.iter().all(has) && is_defined && self.matches(&job.summary, before)
    }

    /// Whether a job matches as far as its summary tells. Listings leave out some definitions.
    fn matches(&self, job: &JobSummary, before: i64) -> bool {
        let is_defined = |definition: &String| {
            let wanted = self.job_definition.as_ref();
            wanted.is_none_or(|wanted| wanted.matches_definition(definition))
        };
        let name = self.job_name.as_ref();
        let share = self.share_identifier.as_ref();
        job.created_at.is_none_or(|created_at| created_at < before)
            && self.is_old_enough(job.created_at, before)
            && self
                .running_since(before)
                .is_none_or(|since| job.runs_since(since))
            && name.is_none_or(|name| name.matches(&job.job_name))
            && (share.is_none() || share == job.share_identifier.as_ref())
            && job.job_definition.as_ref().is_none_or(is_defined)
    }
}
