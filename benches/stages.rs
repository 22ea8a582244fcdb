//! What an invocation costs without the network, stage by stage: the cost of a job stays flat from 1 to 100,000.
//!
//! And what it costs to read a look's answer of real size, beside the SDK's own way.
//!
//! `cargo bench --package benches`; the throughput column is jobs a second.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark that panics fails"
)]

use std::{
    collections::{BTreeMap, HashMap},
    hint::black_box,
    time::Duration,
};

use aws_sdk_batch::{
    Client, Config as SdkConfig,
    config::{
        Credentials, Region,
        http::{HttpRequest, HttpResponse},
    },
};
use aws_smithy_runtime_api::{
    client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use batch_cancel::{
    Intent, Results, TagVerdict,
    batch::{Batch, DescribeJobs, JobDetail, JobSummary, Operation, behavior_version},
    command::{Event, Invocation, Reply, Source},
    config::{Config, Ownership},
    event::{self, Scope},
    plan_job,
    report::{JobResult, Outcome, Report, ReportedId},
    request::{Action, JobId, OwnRegion, Status},
    respond,
};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use jiff::Timestamp;
use serde_json::{json, value::RawValue};

const JOBS: [u32; 6] = [1, 10, 100, 1_000, 10_000, 100_000];

fn config() -> Config {
    Config::from_lookup(|name| (name == "ALLOWED_QUEUES").then(|| "*".to_owned())).unwrap()
}

fn id(number: u32) -> String {
    format!("{number:08x}-3a1b-4c2d-8e4f-5a6b7c8d9e0f")
}

fn payload(jobs: u32) -> Box<RawValue> {
    let ids: Vec<String> = (0..jobs).map(id).collect();
    RawValue::from_string(json!({ "jobIds": ids }).to_string()).unwrap()
}

fn decode(payload: &RawValue, config: &Config) -> Event {
    let own_region =
        OwnRegion::from_function_arn("arn:aws:lambda:eu-west-1:123456789012:function:f");
    let scope = Scope {
        config,
        own_region: &own_region,
        now: Timestamp::UNIX_EPOCH,
    };
    event::decode(payload, &scope).unwrap()
}

fn seen(number: u32) -> JobDetail {
    let summary = JobSummary {
        id: JobId::from_batch(&id(number)).unwrap(),
        status: Status::Runnable,
        is_cancelled: false,
        is_terminated: false,
        job_name: "frame".to_owned(),
        status_reason: None,
        created_at: None,
        started_at: None,
        array_size: None,
        children: BTreeMap::default(),
        job_definition: None,
        share_identifier: None,
    };
    JobDetail {
        summary,
        job_queue: "arn:aws:batch:eu-west-1:123456789012:job-queue/main".to_owned(),
        tags: HashMap::new(),
        ran_to_end: None,
    }
}

fn report(jobs: u32) -> Report {
    let result = |number| JobResult {
        job_id: ReportedId::Id(seen(number).summary.id),
        outcome: Outcome::Cancelled,
        before: Some(Status::Runnable),
        after: Some(Status::Failed),
        job_queue: Some("arn:aws:batch:eu-west-1:123456789012:job-queue/main".into()),
        job_name: Some("frame".into()),
        created_at: None,
        status_reason: None,
        asked_as: None,
        children: None,
        message: None,
    };
    Report {
        jobs: (0..jobs).map(result).collect(),
        ..Report::default()
    }
}

fn stages(criterion: &mut Criterion) {
    let config = config();
    for stage in ["decode", "plan", "report"] {
        let mut group = criterion.benchmark_group(stage);
        for jobs in JOBS {
            group.throughput(Throughput::Elements(jobs.into()));
            let name = BenchmarkId::from_parameter(jobs);
            match stage {
                "decode" => {
                    let payload = payload(jobs);
                    group.bench_function(name, |b| b.iter(|| decode(&payload, &config)));
                }
                "plan" => {
                    let intent = Intent::new(Action::Cancel, false);
                    let tags = TagVerdict {
                        is_protected: false,
                        ownership: Ownership::Own,
                    };
                    let seen: Vec<JobDetail> = (0..jobs).map(seen).collect();
                    group.bench_function(name, |b| {
                        b.iter(|| {
                            for seen in &seen {
                                black_box(plan_job(intent, seen, tags, &config.policy));
                            }
                        });
                    });
                }
                _ => {
                    let invocation = Invocation {
                        source: Some(Source::Direct),
                        requested_by: Some("direct"),
                        request_id: "request",
                        function_arn: "arn",
                        function_name: "function",
                        at: 0,
                        comes_again: false,
                    };
                    let results = || Results {
                        report: report(jobs),
                        messages: Vec::new(),
                    };
                    group.bench_function(name, |b| {
                        b.iter_batched(
                            results,
                            |results| respond::results(&results, &Reply::Report, invocation),
                            criterion::BatchSize::LargeInput,
                        );
                    });
                }
            }
        }
        group.finish();
    }
}

/// A job as Batch shows it, of 3 kB.
const RECORDED: &str = include_str!("job.json");

/// An endpoint that answers each call with the same body.
#[derive(Debug)]
struct Endpoint(Vec<u8>);

impl HttpConnector for Endpoint {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let status = StatusCode::try_from(200).unwrap();
        let answer = HttpResponse::new(status, SdkBody::from(self.0.clone()));
        HttpConnectorFuture::ready(Ok(answer))
    }
}

/// A whole call of DescribeJobs without the network: its answer of 100 jobs read by this function and by the SDK.
fn answers(criterion: &mut Criterion) {
    let job: serde_json::Value = serde_json::from_str(RECORDED).unwrap();
    let body = json!({"jobs": vec![job; 100]}).to_string();
    let connector = SharedHttpConnector::new(Endpoint(body.into()));
    let config = SdkConfig::builder()
        .behavior_version(behavior_version())
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::for_tests())
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .build();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let ids = [JobId::from_batch(&id(0)).unwrap()];
    let (batch, sdk) = (Batch::new(config.clone()), Client::from_conf(config));
    let mut group = criterion.benchmark_group("answer of 100 jobs, 3 kB each");
    group.throughput(Throughput::Elements(100));
    group.bench_function("batch-cancel", |b| {
        b.iter(|| runtime.block_on(DescribeJobs(&ids).send(&batch)).unwrap());
    });
    group.bench_function("SDK", |b| {
        b.iter(|| {
            runtime
                .block_on(sdk.describe_jobs().jobs(id(0)).send())
                .unwrap()
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    targets = stages, answers
}
criterion_main!(benches);
