//! How many calls it takes.

use std::time::Duration;

use batch_emulator::{Faults, JobSpec, Operation, Status};
use fastrand::Rng;
use serde_json::json;
use support::{Function, QUEUE};

use super::changing_calls;

/// N known jobs, none of them missing, throttled or unconfirmed: N/100 looks, N/50 calls, N/100 looks.
#[tokio::test(start_paused = true)]
async fn undisturbed_invocation_takes_as_few_calls_as_can_be() {
    for seed in 0..60 {
        let mut random = Rng::with_seed(seed);
        let rate = *random.choice(&["0", "5", "20", "50"]).unwrap();
        let concurrency = *random.choice(&["1", "2", "8", "32"]).unwrap();
        let jobs = random.usize(1..400);
        let mut function = Function::new(&[
            ("API_CALLS_PER_SECOND", rate),
            ("API_CONCURRENCY", concurrency),
        ]);
        function.deadline = Duration::from_mins(5);
        function.emulator.set_faults(Faults {
            seed,
            latency: Duration::from_millis(random.u64(0..60)),
            jitter: Duration::from_millis(random.u64(0..100)),
            ..Faults::default()
        });
        let ids = function.emulator.add_jobs(&JobSpec {
            count: u32::try_from(jobs).unwrap(),
            ..JobSpec::new(Status::Runnable).queue(QUEUE)
        });
        let report = function.invoke(json!({ "jobIds": ids })).await.unwrap();
        assert_eq!(report["summary"], json!({"jobs": jobs, "cancelled": jobs}));
        let looks = function.emulator.count(Operation::DescribeJobs);
        let calls = (looks, changing_calls(&function.emulator));
        let expected = (2 * jobs.div_ceil(100), jobs.div_ceil(50));
        assert_eq!(calls, expected, "seed {seed}: {jobs} jobs");
    }
}
