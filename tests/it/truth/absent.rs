//! Endpoints that do not know the bulk calls, in every form in which they may say so.

use batch_emulator::{BulkCalls, Emulator, Faults, Operation};

use serde_json::json;
use support::Function;

use super::{Case, Job, NamedCase, runnable};

pub(super) const CASES: [NamedCase; 5] = [
    ("403 MissingAuthenticationTokenException", |emulator| {
        without_bulk(emulator, BulkCalls::MissingToken)
    }),
    ("403 AccessDeniedException as JSON", |emulator| {
        without_bulk(emulator, BulkCalls::UndeterminedOperation)
    }),
    ("403 AccessDeniedException as XML", |emulator| {
        without_bulk(emulator, BulkCalls::UndeterminedOperationXml)
    }),
    ("404 HTML page", |emulator| {
        without_bulk(emulator, BulkCalls::NotFound)
    }),
    ("404 UnknownOperationException", |emulator| {
        without_bulk(emulator, BulkCalls::UnknownOperation)
    }),
];

fn without_bulk(emulator: &Emulator, bulk_calls: BulkCalls) -> Case {
    emulator.set_faults(Faults {
        bulk_calls,
        ..Faults::default()
    });
    let ids = runnable(emulator, 60).into_iter();
    Case::new(ids.map(Job::cancelled).collect())
        .calls(Operation::CancelJobs, 1)
        .calls(Operation::CancelJob, 60)
        .calls(Operation::DescribeJobs, 2)
        .takes(6)
}

#[tokio::test(start_paused = true)]
async fn absent_bulk_calls_are_asked_for_once_a_process() {
    let emulator = Emulator::new();
    emulator.set_faults(Faults {
        bulk_calls: BulkCalls::MissingToken,
        ..Faults::default()
    });
    let function = Function::on(emulator, &[]);
    let emulator = &function.emulator;
    for expected in [1, 0] {
        emulator.forget_calls();
        let event = json!({"jobIds": runnable(emulator, 5)});
        let report = function.invoke(event).await.unwrap();
        assert_eq!(report["summary"], json!({"jobs": 5, "cancelled": 5}));
        assert_eq!(emulator.count(Operation::CancelJobs), expected);
        assert_eq!(emulator.count(Operation::CancelJob), 5);
    }
}
