//! One call to Batch that others wait for: paced, given up in time, and made again where that helps.

use std::future::Future;

use tokio::time::{Instant, sleep_until, timeout_at};

use crate::{
    batch::{CallError, ErrorKind},
    cancel::{CALL_TIMEOUT, Tools},
    pace::backoff,
};

/// How often a call is made before it is given up.
const MAX_TRIES: u8 = 8;

/// Makes a call for `jobs` jobs until it is answered, it is refused for good, or the time is over.
///
/// # Errors
///
/// The error of the last call.
pub async fn patiently<T, F>(
    operation: &'static str,
    jobs: usize,
    tools: Tools<'_>,
    call: impl Fn() -> F,
) -> Result<T, CallError>
where
    F: Future<Output = Result<T, CallError>>,
{
    let mut tries = 0;
    loop {
        tries += 1;
        let at = tools.pace.ready_at(Instant::now());
        if at >= tools.stop_at {
            return Err(CallError::unavailable("out of time"));
        }
        sleep_until(at).await;
        let began = Instant::now();
        tools.pace.spend(began);
        let limit = tools.stop_at.min(began + CALL_TIMEOUT);
        let answered = timeout_at(limit, call())
            .await
            .unwrap_or_else(|_| Err(CallError::unavailable("no answer in time")));
        let now = Instant::now();
        tools
            .calls
            .count(operation, jobs, began, answered.as_ref().err());
        let error = match answered {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        if error.kind == ErrorKind::Throttled {
            tools.pace.throttled(began, now);
        }
        let again = now + backoff(tries);
        if !error.kind.is_worth_a_retry() || tries >= MAX_TRIES || again >= tools.stop_at {
            return Err(error);
        }
        sleep_until(again).await;
    }
}
