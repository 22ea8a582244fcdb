use aws_sdk_batch::{
    Client, Config,
    config::{
        Credentials, Region,
        http::{HttpRequest, HttpResponse},
    },
    types::{AttemptDetail, EksAttemptDetail, JobDetail as SdkDetail, JobStatus},
};
use aws_smithy_runtime_api::{
    client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::*;
use crate::batch::{Batch, DescribeJobs, Described, ErrorKind, Operation, behavior_version};

/// A job as Batch shows it, with what a job on EC2 has.
const RECORDED: &str = include_str!("../../../benches/job.json");

/// Its id.
const ID: &str = "1f0c7a52-6d2e-4f6b-9a53-0a7d3c1b9e01";

const OTHER: &str = "2b9d4e63-7e3f-4a7c-8b64-1b8e4d2cae02";

/// An endpoint that answers everything with one status and body.
#[derive(Clone, Debug)]
struct Endpoint(u16, Vec<u8>);

impl HttpConnector for Endpoint {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let status = StatusCode::try_from(self.0).unwrap();
        let answer = HttpResponse::new(status, SdkBody::from(self.1.clone()));
        HttpConnectorFuture::ready(Ok(answer))
    }
}

impl Endpoint {
    fn config(&self) -> Config {
        let connector = SharedHttpConnector::new(self.clone());
        Config::builder()
            .behavior_version(behavior_version())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::for_tests())
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .build()
    }

    /// What the function reads of the answer to a look at one job.
    async fn ours(&self) -> Result<Described, CallError> {
        let ids = [JobId::from_batch(ID).unwrap()];
        DescribeJobs(&ids).send(&Batch::new(self.config())).await
    }

    /// The jobs of the answer, by the SDK's own deserializer.
    async fn sdk(&self) -> Result<Vec<JobDetail>, CallError> {
        let call = Client::from_conf(self.config()).describe_jobs().jobs(ID);
        let jobs = call.send().await?.jobs.unwrap_or_default();
        jobs.into_iter().map(from_sdk).collect()
    }
}

/// What is used of the SDK's job.
fn from_sdk(job: SdkDetail) -> Result<JobDetail, CallError> {
    let ran_to_end = time(job.stopped_at).and_then(|stopped_at| {
        let attempts = job.attempts.iter().flatten().map(stopped);
        let eks_attempts = job.eks_attempts.iter().flatten().map(eks_stopped);
        let mut all = attempts.chain(eks_attempts);
        all.find_map(|(at, exit_code, reason)| {
            let is_near = time(at)?.abs_diff(stopped_at) <= SAME_STOP;
            is_near.then(|| match (exit_code, reason) {
                (Some(code), _) => format!("exit code {code}"),
                (None, reason) => reason.unwrap_or("no exit code").to_owned(),
            })
        })
    });
    let array = job.array_properties.as_ref();
    let array_size = array_size(array.and_then(|array| array.size.map(i64::from)));
    let summary = array.and_then(|array| array.status_summary.clone());
    let summary = summary.filter(|_| array_size.is_some()).unwrap_or_default();
    let counts = summary.iter();
    let counts = counts.map(|(name, count)| (name.as_str(), i64::from(*count)));
    Ok(JobDetail {
        summary: JobSummary {
            id: job_id(job.job_id.as_deref())?,
            status: status(job.status.as_ref().map(JobStatus::as_str)),
            status_reason: job.status_reason,
            job_name: job.job_name.unwrap_or_default(),
            // The SDK makes an empty text of a required field that is missing.
            job_definition: job.job_definition.filter(|arn| !arn.is_empty()),
            share_identifier: job.share_identifier,
            created_at: time(job.created_at),
            started_at: time_since(job.created_at, job.started_at),
            is_cancelled: job.is_cancelled.unwrap_or_default(),
            is_terminated: job.is_terminated.unwrap_or_default(),
            array_size,
            children: children(counts),
        },
        job_queue: job.job_queue.unwrap_or_default(),
        tags: job.tags.unwrap_or_default(),
        ran_to_end,
    })
}

/// When an attempt stopped, its first exit code, and its reason.
type Stopped<'a> = (Option<i64>, Option<i32>, Option<&'a str>);

fn stopped(attempt: &AttemptDetail) -> Stopped<'_> {
    let exit_code = attempt
        .container()
        .and_then(|container| container.exit_code);
    (attempt.stopped_at, exit_code, attempt.status_reason())
}

fn eks_stopped(attempt: &EksAttemptDetail) -> Stopped<'_> {
    let mut containers = attempt.containers().iter();
    let exit_code = containers.find_map(|container| container.exit_code);
    (attempt.stopped_at, exit_code, attempt.status_reason())
}

/// Values as Batch may send them, or may one day.
struct Draw(Rng);

impl Draw {
    fn text(&mut self) -> Value {
        let parts = [
            "no longer needed",
            "\"",
            "\\",
            "\n",
            "\u{0}",
            "é",
            "漢字",
            "🦀",
            "{",
            "]",
            ",",
            "",
            "{\"jobs\": []}",
        ];
        (0..self.0.usize(0..4))
            .map(|_| parts[self.0.usize(0..parts.len())])
            .collect::<String>()
            .into()
    }

    fn time(&mut self) -> Value {
        match self.0.u8(0..6) {
            0 => json!(0),
            1 => json!(1.764e12),
            2 => json!(-1),
            _ => json!(1_764_066_311_000_i64 + self.0.i64(0..3_000)),
        }
    }

    /// Something that nobody reads.
    fn anything(&mut self, depth: u8) -> Value {
        match self.0.u8(0..if depth == 0 { 5 } else { 7 }) {
            0 => Value::Null,
            1 => self.0.bool().into(),
            2 => json!(self.0.i64(..)),
            3 => json!(self.0.f64() * 1e9),
            4 => self.text(),
            5 => (0..self.0.u8(0..4))
                .map(|_| self.anything(depth - 1))
                .collect(),
            _ => {
                let names = ["name", "jobId", "status", "jobs", "isCancelled"];
                let entries = (0..self.0.u8(0..4)).map(|_| {
                    let name = names[self.0.usize(0..names.len())];
                    (name.to_owned(), self.anything(depth - 1))
                });
                Value::Object(entries.collect())
            }
        }
    }

    fn exit(&mut self) -> Value {
        let mut container = json!({"logStreamName": self.text()});
        if self.0.bool() {
            container["exitCode"] = self.0.i32(..).into();
        }
        container
    }

    fn attempts(&mut self, is_eks: bool) -> Value {
        let attempts = (0..self.0.u8(0..3)).map(|_| {
            let mut attempt = json!({"startedAt": self.time(), "stoppedAt": self.time()});
            if self.0.bool() {
                attempt["statusReason"] = self.text();
            }
            if is_eks {
                attempt["containers"] = (0..self.0.u8(0..3)).map(|_| self.exit()).collect();
            } else {
                attempt["container"] = self.exit();
            }
            attempt
        });
        attempts.collect()
    }

    /// A job whose fields are there or not, in any order, among others that nobody knows.
    fn job(&mut self) -> Value {
        let id = format!("{:08x}-6d2e-4f6b-9a53-0a7d3c1b9e01", self.0.u32(..));
        let statuses = ["RUNNABLE", "FAILED", "RUNNING", "NEW_STATUS"];
        let mut tags = Map::new();
        for _ in 0..self.0.u8(0..3) {
            let name = self.text().as_str().unwrap().to_owned();
            tags.insert(name, self.text());
        }
        let mut fields = vec![
            ("jobId", Value::from(id)),
            ("status", statuses[self.0.usize(0..statuses.len())].into()),
            ("statusReason", self.text()),
            ("jobName", self.text()),
            ("jobQueue", self.text()),
            ("jobDefinition", "align:7".into()),
            ("shareIdentifier", self.text()),
            ("createdAt", self.time()),
            ("startedAt", self.time()),
            ("stoppedAt", self.time()),
            ("isCancelled", self.0.bool().into()),
            ("isTerminated", self.0.bool().into()),
            (
                "arrayProperties",
                json!({
                    "size": self.0.i32(-1..4),
                    "statusSummary": {"FAILED": self.0.i32(-1..3), "RUNNING": 2, "DREAMING": 7},
                }),
            ),
            ("tags", Value::Object(tags)),
            ("attempts", self.attempts(false)),
            ("eksAttempts", self.attempts(true)),
            ("newField", self.anything(5)),
            ("anotherField", self.anything(5)),
        ];
        for (name, value) in &mut fields {
            if *name != "jobId" && self.0.u8(0..12) == 0 {
                *value = Value::Null;
            }
        }
        fields.retain(|(name, _)| *name == "jobId" || self.0.u8(0..6) > 0);
        self.0.shuffle(&mut fields);
        fields
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    fn answer(&mut self) -> Value {
        let jobs: Value = (0..self.0.u8(0..4)).map(|_| self.job()).collect();
        json!({"before": self.anything(3), "jobs": jobs, "nextToken": self.anything(3)})
    }
}

#[tokio::test]
async fn a_recorded_answer_is_read_as_the_sdk_reads_it() {
    let endpoint = Endpoint(
        200,
        format!("{{\"jobs\": [{RECORDED}, {RECORDED}]}}").into(),
    );
    let jobs = endpoint.ours().await.unwrap().jobs;
    assert_eq!(jobs.len(), 2);
    assert_eq!(jobs[0].tags["Owner"], "alice");
    assert_eq!(Ok(jobs), endpoint.sdk().await);
}

#[tokio::test]
async fn random_answers_are_read_as_the_sdk_reads_them() {
    let mut draw = Draw(Rng::with_seed(15));
    let mut ran_to_end = 0;
    for _ in 0..2000 {
        let body = draw.answer().to_string();
        let endpoint = Endpoint(200, body.clone().into());
        let seen = endpoint
            .ours()
            .await
            .unwrap_or_else(|error| panic!("{error}: {body}"));
        let Described { jobs, unreadable } = seen;
        assert_eq!(unreadable, [], "{body}");
        ran_to_end += jobs.iter().filter(|job| job.ran_to_end.is_some()).count();
        assert_eq!(Ok(jobs), endpoint.sdk().await, "{body}");
    }
    assert!(ran_to_end > 100, "{ran_to_end}");
}

#[test]
fn an_answer_that_is_cut_short_is_no_answer() {
    let body = format!("{{\"jobs\": [{RECORDED}]}}");
    for length in 0..body.trim_end().len() {
        let error = read_jobs(&body.as_bytes()[..length]).unwrap_err();
        assert_eq!(error.kind, ErrorKind::NoAnswer, "{length} bytes: {error}");
    }
}

#[test]
fn an_answer_without_a_list_of_jobs_is_no_answer() {
    for body in [
        "",
        "{}",
        "null",
        "[]",
        "{\"jobs\": null}",
        "{\"jobs\": {}}",
        "<html></html>",
    ] {
        let error = read_jobs(body.as_bytes()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::NoAnswer, "{body}: {error}");
        assert!(
            error.message.starts_with("Batch's answer cannot be read: "),
            "{error}"
        );
    }
    assert_eq!(read_jobs(b"{\"jobs\": []}"), Ok(Rows::default()));
}

/// Fields that the reference does not know in this form, and where the error says that they are.
const BROKEN: [(&str, &str); 11] = [
    (r#""status": 1"#, "status: "),
    (r#""isCancelled": "true""#, "isCancelled: "),
    (r#""createdAt": "today""#, "createdAt: "),
    (r#""createdAt": 1.5"#, "createdAt: "),
    (r#""createdAt": 1e400"#, "createdAt: "),
    (r#""tags": []"#, "tags: "),
    (r#""tags": {"a": null}"#, "tags."),
    (r#""attempts": {}"#, "attempts: "),
    (
        r#""attempts": [{"container": 7}]"#,
        "attempts[0].container: ",
    ),
    (r#""arrayProperties": 7"#, "arrayProperties: "),
    (r#""statusReason": {}"#, "statusReason: "),
];

#[tokio::test]
async fn a_value_of_another_type_harms_its_own_job_alone() {
    let other = RECORDED.replace(ID, OTHER);
    for (field, place) in BROKEN {
        let bad = format!(r#"{{"jobId": "{ID}", {field}}}"#);
        let endpoint = Endpoint(
            200,
            format!(r#"{{"jobs": [{other}, {bad}, {other}]}}"#).into(),
        );
        let seen = endpoint.ours().await.unwrap();
        assert_eq!(seen.jobs.len(), 2, "{field}");
        let [(id, error)] = &seen.unreadable[..] else {
            panic!("{field}: {seen:?}");
        };
        assert_eq!(id.to_string(), ID, "{field}");
        assert_eq!(error.kind, ErrorKind::Refused, "{field}: {error}");
        assert!(error.message.contains(place), "{field}: {error}");
    }
}

#[tokio::test]
async fn a_job_whose_id_cannot_be_read_is_one_of_the_missing() {
    let other = RECORDED.replace(ID, OTHER);
    for job in [
        "{}",
        "7",
        "[]",
        "null",
        r#"{"jobId": "none"}"#,
        r#"{"jobId": null}"#,
        r#"{"jobId": 7}"#,
    ] {
        let endpoint = Endpoint(200, format!(r#"{{"jobs": [{other}, {job}]}}"#).into());
        let seen = endpoint.ours().await.unwrap();
        assert_eq!(seen.jobs.len(), 1, "{job}");
        let asked = JobId::from_batch(ID).unwrap();
        let error = seen.get(asked).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Refused, "{job}: {error}");
        // Once it is shown as well, the other is none that was asked for.
        let shown = format!(r#"{{"jobs": [{{"jobId": "{ID}"}}, {job}]}}"#);
        let seen = Endpoint(200, shown.into()).ours().await.unwrap();
        assert!(seen.get(asked).unwrap().is_some(), "{job}");
        assert_eq!(seen.unreadable, [], "{job}");
    }
}

#[test]
fn half_a_surrogate_pair_in_a_text_harms_no_other_job() {
    let job = format!(
        r#"{{"jobId": "{ID}", "statusReason": "a\ud800b", "jobName": "\"<é\n", "tags": {{"\ud800": "\udc00x"}}}}"#
    );
    let jobs = read_jobs(format!("{{\"jobs\": [{job}, {RECORDED}]}}").as_bytes());
    let jobs = jobs.unwrap().jobs;
    let reason = jobs[0].summary.status_reason.as_deref().unwrap();
    assert!(
        reason.starts_with("a\u{fffd}") && reason.ends_with('b'),
        "{reason:?}"
    );
    assert_eq!(jobs[0].summary.job_name, "\"<é\n");
    assert!(jobs[0].tags.values().next().unwrap().ends_with('x'));
    assert_eq!(jobs[1].tags["Owner"], "alice");
}

#[test]
fn what_nobody_reads_may_be_nested_deeply() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let body = format!("{{\"x\": {deep}, \"jobs\": [{{\"x\": {deep}, \"jobId\": \"{ID}\"}}]}}");
    assert_eq!(read_jobs(body.as_bytes()).unwrap().jobs.len(), 1);
}

#[tokio::test]
async fn errors_stay_the_sdks() {
    for (status, body, kind) in [
        (
            400,
            "{\"__type\": \"ClientException\", \"message\": \"no\"}",
            ErrorKind::Refused,
        ),
        (
            403,
            "{\"__type\": \"AccessDeniedException\"}",
            ErrorKind::Denied,
        ),
        (429, "{\"jobs\": []}", ErrorKind::Throttled),
        (500, "{\"jobs\": []}", ErrorKind::Server),
    ] {
        let endpoint = Endpoint(status, body.into());
        let error = endpoint.ours().await.unwrap_err();
        assert_eq!(error.kind, kind, "{status}");
        assert_eq!(Err(error), endpoint.sdk().await);
    }
}

#[test]
fn times_that_no_calendar_has_are_none_and_long_texts_are_cut() {
    let long = "\u{0}🦀".repeat(300_000);
    let attempt = json!({"stoppedAt": 1_764_066_311_000_i64, "statusReason": long});
    let job = json!({
        "jobId": ID,
        "createdAt": i64::MAX,
        "startedAt": i64::MIN,
        "stoppedAt": 1_764_066_311_000_i64,
        "statusReason": long,
        "jobName": long,
        "attempts": [attempt],
    });
    let job = read_jobs(json!({"jobs": [job]}).to_string().as_bytes())
        .unwrap()
        .jobs
        .remove(0);
    assert_eq!(
        (job.summary.created_at, job.summary.started_at),
        (None, None)
    );
    for text in [
        job.summary.status_reason.unwrap(),
        job.summary.job_name,
        job.ran_to_end.unwrap(),
    ] {
        assert!(text.ends_with('…') && text.chars().count() < 1200);
    }
}
