//! Arrays some of whose children run: what a cancel leaves running is said before and after.

use std::time::Duration;

use batch_emulator::{Fault, Faults, JobSpec, Operation, Status};
use serde_json::{Value, json};
use support::{
    Function, QUEUE,
    events::{failures, sqs},
};

const WAITING: usize = 28;
const RUNNING: usize = 12;

const RUN_ON: &str = "12 of its children have started and run on; terminate ends them";

/// An array with 28 children that wait and 12 that run.
fn with_array() -> (Function, String) {
    let function = Function::new(&[("ALLOW_TERMINATE", "true")]);
    let children = [
        vec![Status::Runnable; WAITING],
        vec![Status::Running; RUNNING - 1],
        vec![Status::Starting],
    ]
    .concat();
    let spec = JobSpec::new(Status::Pending)
        .queue(QUEUE)
        .age(Duration::from_mins(10));
    let id = function.emulator.add_job(spec.array(&children));
    (function, id)
}

/// The request by id and by selection.
fn requests(id: &str, options: &Value) -> [Value; 2] {
    [json!({"jobId": id}), json!({"select": {"jobQueue": QUEUE}})].map(|mut request| {
        let options = options.as_object().unwrap().clone();
        request.as_object_mut().unwrap().extend(options);
        request
    })
}

async fn result(function: &Function, request: &Value) -> Value {
    let report = function.invoke(request.clone()).await.unwrap();
    assert_eq!(report["summary"]["jobs"], 1, "{report}");
    report["jobs"][0].clone()
}

#[tokio::test(start_paused = true)]
async fn dry_run_says_what_a_cancel_would_leave_running() {
    let (function, id) = with_array();
    for request in requests(&id, &json!({"dryRun": true})) {
        let job = result(&function, &request).await;
        assert_eq!(job["outcome"], "wouldCancel");
        let expected = json!({"RUNNABLE": 28, "RUNNING": 11, "STARTING": 1});
        assert_eq!(job["children"], expected);
        assert_eq!(job["message"], RUN_ON);
    }
    for request in requests(&id, &json!({"dryRun": true, "terminate": true})) {
        let job = result(&function, &request).await;
        assert_eq!(job["outcome"], "wouldTerminate");
        assert_eq!(job["children"]["RUNNING"], 11);
        assert!(job["message"].is_null(), "{job}");
    }
}

#[tokio::test(start_paused = true)]
async fn cancel_says_what_it_left_running() {
    for number in 0..2 {
        let (function, id) = with_array();
        let request = &requests(&id, &json!({}))[number];
        let job = result(&function, request).await;
        assert_eq!(job["outcome"], "cancelling");
        let after = json!({"FAILED": 28, "RUNNING": 11, "STARTING": 1});
        assert_eq!(job["children"], after);
        assert_eq!(job["message"], RUN_ON);
        // The same of the array that is being cancelled already.
        let again = result(&function, &json!({"jobId": id})).await;
        assert_eq!(again["outcome"], "cancelling");
        assert_eq!(
            (&again["children"], &again["message"]),
            (&after, &RUN_ON.into())
        );
    }
}

#[tokio::test(start_paused = true)]
async fn terminate_leaves_none_running() {
    for number in 0..2 {
        let (function, id) = with_array();
        let request = &requests(&id, &json!({"terminate": true}))[number];
        let job = result(&function, request).await;
        assert_eq!(job["outcome"], "terminated", "{job}");
        assert_eq!(job["children"], json!({"FAILED": 40}));
        assert!(job["message"].is_null(), "{job}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_child_that_runs_on_is_one() {
    let function = Function::new(&[]);
    let spec = JobSpec::new(Status::Pending).queue(QUEUE);
    let id = function.emulator.add_job(spec.array(&[
        Status::Running,
        Status::Succeeded,
        Status::Runnable,
    ]));
    let job = result(&function, &json!({"jobId": id})).await;
    let expected = "1 of its children has started and runs on; terminate ends it";
    assert_eq!(job["message"], expected);
    assert_eq!(
        job["children"],
        json!({"FAILED": 1, "RUNNING": 1, "SUCCEEDED": 1})
    );
}

/// The look at a child of an array that was ended a moment ago shows the array as well, and is none of the three that have to
/// show it unchanged.
#[tokio::test(start_paused = true)]
async fn look_at_a_child_gives_its_array_no_less_time_to_end() {
    let function = Function::new(&[]);
    let emulator = &function.emulator;
    let spec = JobSpec::new(Status::Pending).queue(QUEUE);
    let spec = spec.age(Duration::from_mins(10)).tag("user", "ann");
    let id = emulator.add_job(spec.array(&[Status::Runnable, Status::Runnable]));
    emulator.set_faults(Faults {
        flag_delay: Duration::from_secs(2),
        ..Faults::default()
    });
    // The first look at the child fails, so that the array is ended before it.
    emulator.on(Operation::DescribeJobs, |emulator, _| {
        if emulator.count_succeeded(Operation::DescribeJobs) == 0 {
            emulator.fail_next(Operation::DescribeJobs, Fault::ServerError, 1);
        }
    });
    let by_tag = json!({"select": {"jobQueue": QUEUE, "tags": {"user": "ann"}}});
    let child = json!({"jobId": format!("{id}:0")});
    let answer = function.invoke(sqs([by_tag, child])).await.unwrap();
    assert_eq!(answer, failures(&[]), "{:?}", emulator.calls());
}
