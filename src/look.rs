//! What Batch says of one job that is only to be shown.

use tokio::time::{Instant, sleep_until, timeout_at};

use crate::{
    batch::{CallError, ErrorKind, Seen},
    cancel::Tools,
    pace::backoff,
    request::JobId,
};

/// How often the call is made before it is given up.
const MAX_TRIES: u8 = 5;

/// What Batch shows of a job now, or nothing if it does not know the id.
///
/// # Errors
///
/// The error of the last call.
pub async fn look(id: JobId, tools: Tools<'_>) -> Result<Option<Seen>, CallError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let at = tools.pace.ready_at(Instant::now());
        sleep_until(at.min(tools.stop_at)).await;
        let began = Instant::now();
        tools.pace.spend(began);
        let call = async {
            if id.is_service_job() {
                tools.batch.describe_service_job(id).await
            } else {
                let seen = tools.batch.describe_jobs(&[id]).await?;
                Ok(seen.into_iter().find(|seen| seen.id == id))
            }
        };
        let looked = timeout_at(tools.stop_at, call)
            .await
            .unwrap_or_else(|_| Err(CallError::unavailable("no answer in time")));
        let operation = if id.is_service_job() {
            "DescribeServiceJob"
        } else {
            "DescribeJobs"
        };
        tools
            .calls
            .count(operation, 1, began, looked.as_ref().err());
        match looked {
            Ok(seen) => {
                tools.pace.accepted(Instant::now());
                return Ok(seen);
            }
            Err(error) => {
                if error.kind == ErrorKind::Throttled {
                    tools.pace.throttled(Instant::now());
                }
                let again = Instant::now() + backoff(tries);
                if !error.kind.is_worth_a_retry() || tries >= MAX_TRIES || again >= tools.stop_at {
                    return Err(error);
                }
                sleep_until(again).await;
            }
        }
    }
}
