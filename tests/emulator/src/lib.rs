//! AWS Batch's wire protocol in memory, for tests and local runs.
//!
//! An [`Emulator`] holds queues and jobs, answers the operations that cancelling needs as AWS does
//! (rest-json, service model 2016-08-10), lets time pass, lets things go wrong on demand
//! ([`Faults`]), and records every call. It answers in process ([`Emulator::call`]) or over HTTP
//! ([`Emulator::serve`], or the binary `batch-emulator`).
//!
//! ```
//! use batch_emulator::{Emulator, JobSpec, Operation, Status};
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let emulator = Emulator::new();
//! let id = emulator.add_job(JobSpec::new(Status::Runnable));
//! let body = format!(r#"{{"jobId": "{id}", "reason": "no longer needed"}}"#);
//! let request = http::Request::post("/v1/canceljob").body(body.into()).unwrap();
//! assert_eq!(emulator.call(request).await.unwrap().status(), 200);
//! let job = emulator.job(&id).unwrap();
//! assert_eq!(job.status, Status::Failed);
//! assert_eq!(job.status_reason.as_deref(), Some("no longer needed"));
//! assert_eq!(emulator.count(Operation::CancelJob), 1);
//! # }
//! ```
//!
//! Time is tokio's (virtual where it is paused), plus what [`Emulator::advance`] adds.

mod add;
mod attempt;
mod behaviour;
mod body;
mod by_hand;
mod call;
mod clock;
mod control;
mod counts;
pub mod demo;
mod dice;
mod draw;
mod emulator;
mod ending;
mod error;
mod events;
mod fault;
mod faults;
mod find;
mod job;
mod lifecycle;
mod operation;
mod operations;
mod queue;
mod record;
mod seed;
mod server;
mod span;
mod spec;
mod status;
mod wire;
mod world;

pub use attempt::Attempt;
pub use behaviour::{Behaviour, TerminateMark, UnknownServiceJob};
pub use body::{Body, CutShort};
pub use call::Dropped;
pub use emulator::Emulator;
pub use fault::{BulkCalls, Fault, ItemError, Tokens};
pub use faults::Faults;
pub use job::JobView;
pub use operation::Operation;
pub use queue::{
    CapacityUsage, PositionTime, Queue, QueueState, QueueStatus, QueueType, TimeLimitAction,
    TimeLimitEnd, TimeLimitState,
};
pub use record::{Answer, Call};
pub use seed::{Seed, SeedError};
pub use server::Server;
pub use spec::{Dependency, DependencyType, JobSpec};
pub use status::{Exit, Lifecycle, Status};
