//! What each sample event must lead to. A file in `events/` needs a line here.

use super::{
    ARRAY,
    Expected::{
        self, Error, Failures, HttpJob, HttpReport, HttpShown, Ignored, OpenApi, Problem, Report,
        Shown,
    },
    RUNNABLE, RUNNING, SUBMITTED, Sample,
};

/// One job has its own call, several share one.
const ONE: &str = "DescribeJobs CancelJob DescribeJobs";
const SEVERAL: &str = "DescribeJobs CancelJobs DescribeJobs";
/// Requests with reasons of their own have calls of their own.
const EACH: &str = "DescribeJobs CancelJob CancelJob DescribeJobs";
const LOOK: &str = "DescribeJobs";

/// The queue is looked up; SUBMITTED, PENDING and RUNNABLE are listed until a sweep brings nothing new.
const SWEPT: &str = "DescribeJobQueues ListJobs ListJobs ListJobs ListJobs ListJobs ListJobs DescribeJobs CancelJobs DescribeJobs";
const SWEPT_ONE: &str = "DescribeJobQueues ListJobs ListJobs ListJobs ListJobs ListJobs ListJobs DescribeJobs CancelJob DescribeJobs";

/// A sample whose event leads to no call.
fn none(name: &'static str, expected: Expected) -> Sample {
    calls("", &[], name, expected)
}

/// A sample whose event is looked into, and found to ask for nothing that can be done.
fn look(name: &'static str, expected: Expected) -> Sample {
    calls(LOOK, &[], name, expected)
}

/// A sample whose event ends this one job.
fn one(ended: &'static [&'static str], name: &'static str, expected: Expected) -> Sample {
    calls(ONE, ended, name, expected)
}

/// A sample whose event ends these jobs.
fn several(ended: &'static [&'static str], name: &'static str, expected: Expected) -> Sample {
    calls(SEVERAL, ended, name, expected)
}

fn calls(
    calls: &'static str,
    ended: &'static [&'static str],
    name: &'static str,
    expected: Expected,
) -> Sample {
    Sample {
        name,
        expected,
        calls,
        ended,
        array: None,
    }
}

/// The same, where this job is an array of five.
fn where_an_array(job: &'static str, sample: Sample) -> Sample {
    Sample {
        array: Some(job),
        ..sample
    }
}

/// Every sample.
pub fn table() -> Vec<Sample> {
    [
        direct(),
        sqs(),
        sns(),
        pipes(),
        eventbridge(),
        alarm(),
        http_v1(),
        http_v2(),
        http_others(),
        unsupported(),
        widget(),
    ]
    .concat()
}

const FIRST: &[&str] = &[RUNNABLE];
const THIRD: &[&str] = &[SUBMITTED];
const BOTH: &[&str] = &[RUNNABLE, SUBMITTED];
const CHILD_3_OF_RUNNABLE: &str = "1f0c7a52-6d2e-4f6b-9a53-0a7d3c1b9e01:3";
const CHILDREN_OF_RUNNABLE: &[&str] = &[
    "1f0c7a52-6d2e-4f6b-9a53-0a7d3c1b9e01:0",
    "1f0c7a52-6d2e-4f6b-9a53-0a7d3c1b9e01:1",
    "1f0c7a52-6d2e-4f6b-9a53-0a7d3c1b9e01:2",
    CHILD_3_OF_RUNNABLE,
    "1f0c7a52-6d2e-4f6b-9a53-0a7d3c1b9e01:4",
];
const CHILD_3_OF_RUNNING: &str = "2b9d4e63-7e3f-4a7c-8b64-1b8e4d2cae02:3";
const CHILD_0_OF_ARRAY: &str = "70e293b8-c384-4fc1-90b9-60d392721f07:0";

fn direct() -> Vec<Sample> {
    let awkward = "cancelled cancelled cancelled finished invalidId invalidId";
    let three = "cancelled running cancelled";
    vec![
        where_an_array(
            RUNNING,
            several(
                &[RUNNABLE, SUBMITTED, CHILD_3_OF_RUNNING],
                "direct-awkward-ids",
                Report(awkward),
            ),
        ),
        several(BOTH, "direct-cancel", Report(three)),
        one(
            &[CHILD_0_OF_ARRAY],
            "direct-child",
            Report("running cancelled"),
        ),
        several(BOTH, "direct-distributed-map", Report(three)),
        look(
            "direct-distributed-map-rows",
            Report("wouldCancel wouldCancel"),
        ),
        look("direct-dry-run", Report("wouldCancel running wouldCancel")),
        none("direct-empty", Report("")),
        one(
            FIRST,
            "direct-fail-on-incomplete",
            Error("Rejected", r#"{"jobs":2,"cancelled":1,"invalidId":1}"#),
        ),
        none(
            "direct-job-and-jobs",
            Error("InvalidRequest", "only one of jobIds, jobId and select"),
        ),
        none("direct-misspelt-field", Error("InvalidRequest", "dryrun")),
        one(FIRST, "direct-one-job", Report("cancelled")),
        calls(
            SWEPT,
            &[RUNNABLE, SUBMITTED, ARRAY, CHILD_0_OF_ARRAY],
            "direct-scheduler",
            Report("cancelled cancelling protected cancelled"),
        ),
        where_an_array(
            RUNNABLE,
            calls(
                "DescribeJobs ListJobs ListJobs ListJobs ListJobs DescribeJobs CancelJobs DescribeJobs",
                CHILDREN_OF_RUNNABLE,
                "direct-select-array",
                Report("cancelled cancelled cancelled cancelled cancelled"),
            ),
        ),
        none(
            "direct-select-bad-status",
            Error("InvalidRequest", "select.statuses"),
        ),
        calls(
            SWEPT_ONE,
            FIRST,
            "direct-select-by-tag",
            Report("cancelled"),
        ),
        head("direct-select-head"),
        calls(
            "DescribeJobQueues ListJobs ListJobs DescribeJobs",
            &[],
            "direct-select-stuck",
            Report("protected wouldCancel"),
        ),
        none("direct-terminate", Error("Refused", "ALLOW_TERMINATE")),
        one(FIRST, "direct-wait", Report("cancelled")),
    ]
}

fn sqs() -> Vec<Sample> {
    vec![
        several(BOTH, "sqs-bare-ids", Failures(&[])),
        one(FIRST, "sqs-eventbridge-custom", Failures(&[])),
        one(FIRST, "sqs-eventbridge-queue-blocked", Failures(&[])),
        // Of the group "train" the second message is bad, so that its third comes again too.
        several(BOTH, "sqs-fifo-groups", Failures(&[2, 5])),
        calls(HEAD, FIRST, "sqs-sns-alarm-contributor", Failures(&[])),
        one(FIRST, "sqs-sns-eventbridge-queue-blocked", Failures(&[])),
        one(FIRST, "sqs-sns-raw-request", Failures(&[])),
        one(FIRST, "sqs-sns-request", Failures(&[])),
        one(FIRST, "sqs-some-bad", Failures(&[1, 2, 3, 4])),
        // A standard queue's groups say nothing about order.
        one(FIRST, "sqs-standard-groups", Failures(&[0])),
        one(FIRST, "sqs-two-jobs", Failures(&[])),
    ]
}

fn sns() -> Vec<Sample> {
    vec![
        head("sns-alarm"),
        none("sns-alarm-composite", Ignored("JobQueueName, JobQueue")),
        head("sns-alarm-contributor"),
        none(
            "sns-alarm-contributor-no-queue",
            Ignored("contributor \"f1a2b3\""),
        ),
        head("sns-alarm-metric-math"),
        none("sns-alarm-ok", Ignored("its state is OK")),
        one(
            FIRST,
            "sns-bad-id",
            Error("Rejected", r#"{"jobs":2,"cancelled":1,"invalidId":1}"#),
        ),
        several(BOTH, "sns-bare-ids", Report("cancelled cancelled")),
        one(FIRST, "sns-eventbridge-queue-blocked", Report("cancelled")),
        none(
            "sns-prose",
            Error("InvalidRequest", "expected a JSON request"),
        ),
        one(FIRST, "sns-request", Report("cancelled running")),
    ]
}

fn pipes() -> Vec<Sample> {
    vec![
        several(BOTH, "pipes-ids", Report("cancelled running cancelled")),
        one(
            FIRST,
            "pipes-one-bad",
            Error("InvalidRequest", "[1].dryrun"),
        ),
        calls(
            EACH,
            BOTH,
            "pipes-requests",
            Report("cancelled running cancelled"),
        ),
        calls(EACH, BOTH, "pipes-sqs-requests", Failures(&[])),
        one(FIRST, "pipes-sqs-some-bad", Failures(&[1, 2, 3])),
    ]
}

fn eventbridge() -> Vec<Sample> {
    vec![
        one(FIRST, "eventbridge-custom", Report("cancelled running")),
        none(
            "eventbridge-custom-bad-field",
            Error("InvalidRequest", "detail.dryrun"),
        ),
        one(
            FIRST,
            "eventbridge-custom-bad-id",
            Error("Rejected", r#"{"jobs":2,"cancelled":1,"invalidId":1}"#),
        ),
        none(
            "eventbridge-ec2-unsupported",
            Error("UnsupportedEvent", "aws.ec2"),
        ),
        none("eventbridge-job-failed", Ignored("CANCEL_ON_STATUS")),
        one(FIRST, "eventbridge-job-runnable", Report("cancelled")),
        one(FIRST, "eventbridge-queue-blocked", Report("cancelled")),
        look(
            "eventbridge-queue-blocked-capacity",
            Ignored("BLOCKED_REASONS"),
        ),
        none(
            "eventbridge-queue-blocked-elsewhere",
            Ignored("us-east-1:123456789012"),
        ),
        none(
            "eventbridge-service-job-queue-blocked",
            Ignored("ALLOW_TERMINATE"),
        ),
        none(
            "eventbridge-service-job-state-change",
            Ignored("service jobs"),
        ),
    ]
}

/// The queue and its head are looked up; the job there is looked at and ended.
const HEAD: &str = "DescribeJobQueues GetJobQueueSnapshot DescribeJobs CancelJob DescribeJobs";

/// A sample whose alarm ends the job at the head of the queue.
fn head(name: &'static str) -> Sample {
    calls(HEAD, FIRST, name, Report("cancelled"))
}

fn alarm() -> Vec<Sample> {
    vec![
        head("alarm-action"),
        none("alarm-action-composite", Ignored("JobQueueName, JobQueue")),
        // ALARM_DESCRIPTIONS is false.
        head("alarm-action-description"),
        none(
            "alarm-action-insufficient-data",
            Ignored("INSUFFICIENT_DATA"),
        ),
        head("alarm-action-metric-math"),
        none(
            "alarm-action-no-dimensions",
            Ignored("JobQueueName, JobQueue"),
        ),
        none("alarm-action-ok", Ignored("its state is OK")),
        none("alarm-action-suppressed", Ignored("suppressed")),
        head("alarm-eventbridge"),
        none("alarm-eventbridge-broken", Error("InvalidEvent", "state")),
        head("alarm-eventbridge-contributor"),
        head("alarm-eventbridge-custom-namespace"),
        head("alarm-eventbridge-day-period"),
        none("alarm-eventbridge-elsewhere", Ignored("it belongs to")),
        none("alarm-eventbridge-muted", Ignored("mute")),
        none(
            "alarm-eventbridge-other-namespace",
            Ignored("JobQueueName, JobQueue"),
        ),
        none(
            "alarm-eventbridge-two-queues",
            Ignored("more than one job queue"),
        ),
    ]
}

const THREE: Expected = HttpReport("cancelled running cancelled");

fn http_v1() -> Vec<Sample> {
    vec![
        none(
            "http-v1-api-key-only",
            Problem(401, "an API key does not count"),
        ),
        several(BOTH, "http-v1-cognito-post", THREE),
        one(THIRD, "http-v1-delete", HttpJob(200, "cancelled")),
        look("http-v1-delete-running", HttpJob(409, "running")),
        look("http-v1-get", HttpShown("RUNNABLE")),
        several(BOTH, "http-v1-post", THREE),
    ]
}

fn http_v2() -> Vec<Sample> {
    vec![
        none("http-v2-anonymous", Problem(401, "REQUIRE_CALLER")),
        look("http-v2-delete", HttpJob(200, "wouldCancel")),
        where_an_array(
            RUNNABLE,
            one(
                &[CHILD_3_OF_RUNNABLE],
                "http-v2-delete-child",
                HttpJob(200, "cancelled"),
            ),
        ),
        look("http-v2-delete-protected", HttpJob(403, "protected")),
        look("http-v2-get", HttpShown("RUNNABLE")),
        several(BOTH, "http-v2-jwt-post", THREE),
        none("http-v2-no-such-route", Problem(404, "POST /cancellations")),
        none("http-v2-openapi", OpenApi),
        several(BOTH, "http-v2-post", THREE),
        none("http-v2-post-bad-field", Problem(400, "jobIds[1]")),
        one(
            FIRST,
            "http-v2-post-base64",
            HttpReport("cancelled running"),
        ),
        none("http-v2-wrong-method", Problem(405, "GET, DELETE")),
    ]
}

fn http_others() -> Vec<Sample> {
    vec![
        none("http-alb-delete", Problem(401, "REQUIRE_CALLER")),
        none("http-alb-multi-value-post", Problem(401, "REQUIRE_CALLER")),
        none("http-alb-post", Problem(401, "REQUIRE_CALLER")),
        none(
            "http-function-url-anonymous",
            Problem(401, "REQUIRE_CALLER"),
        ),
        look("http-function-url-get", HttpShown("RUNNABLE")),
        several(BOTH, "http-function-url-post", THREE),
    ]
}

fn unsupported() -> Vec<Sample> {
    [
        ("unsupported-empty", "looked for"),
        ("unsupported-empty-array", "an empty array"),
        ("unsupported-kinesis", "looked for"),
        ("unsupported-s3", "looked for"),
        ("unsupported-scheduled-event", "aws.events"),
        ("unsupported-vpc-lattice", "looked for"),
        ("unsupported-websocket", "looked for"),
    ]
    .map(|(name, message)| none(name, Error("UnsupportedEvent", message)))
    .to_vec()
}

fn widget() -> Vec<Sample> {
    vec![
        none("widget-describe", Shown("panel.jobQueue")),
        calls(
            "DescribeJobQueues ListJobs ListJobs GetJobQueueSnapshot DescribeJobs",
            &[],
            "widget-panel",
            Shown("cwdb-action"),
        ),
        one(&[RUNNABLE], "widget-cancel", Shown("cancelled")),
        none("widget-bad-field", Shown("unknown field `dryrun`")),
        one(&[RUNNABLE], "widget-confirmed", Shown("<h3>Done</h3>")),
        look("widget-saved-request", Shown("Nothing was done.")),
    ]
}
