//! What Batch says of one job that is only to be shown.

use crate::{
    batch::{CallError, Seen},
    call::patiently,
    cancel::Tools,
    request::JobId,
};

/// What Batch shows of a job now, or nothing if it does not know the id.
///
/// # Errors
///
/// The error of the last call.
pub async fn look(id: JobId, tools: Tools<'_>) -> Result<Option<Seen>, CallError> {
    if id.is_service_job() {
        return patiently("DescribeServiceJob", 1, tools, || {
            tools.batch.describe_service_job(id)
        })
        .await;
    }
    let ids = [id];
    let seen = patiently("DescribeJobs", 1, tools, || tools.batch.describe_jobs(&ids)).await?;
    Ok(seen.into_iter().find(|seen| seen.id == id))
}
