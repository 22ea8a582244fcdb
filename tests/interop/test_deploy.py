"""Deploys what `sam build` made, as a user does, to a local AWS (ministack), and cancels jobs through the stack."""

import json
import re
import shutil
import subprocess
import time
import tomllib
import uuid
from pathlib import Path

import boto3
import pytest
import yaml
from botocore.config import Config

from cloudformation import REPOSITORY
from servers import CREDENTIALS, REGION, binary, emulator, http, ministack, plain_environment

FIRST, SECOND, NOT_ALLOWED, BLOCKING, COMING_SOON, ALARMED = (str(uuid.UUID(int=number)) for number in range(1, 7))
BLOCKED = "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - the job asks for more than any instance has"
# Seconds, so that the tests wait for seconds where a deployment waits for minutes.
BLOCKED_FOR = 2
LONG_AGO = {"at": 1}


def blocked_job(job, queue):
    """The first job of `queue` since long ago, as the emulator's seed says it."""
    return {"jobId": job, "jobQueue": queue, "status": "RUNNABLE", "statusReason": BLOCKED, "positionTime": LONG_AGO}


SEED = {
    "queues": [{"name": name} for name in ("render", "payments", "stuck-now", "stuck-soon", "stuck-alarm")],
    "jobs": [
        {"jobId": FIRST, "jobQueue": "render", "status": "RUNNABLE"},
        {"jobId": SECOND, "jobQueue": "render", "status": "RUNNABLE"},
        {"jobId": NOT_ALLOWED, "jobQueue": "payments", "status": "RUNNABLE"},
        blocked_job(BLOCKING, "stuck-now"),
        blocked_job(ALARMED, "stuck-alarm"),
    ]
}
# What the user answers; all else is Enter.
ANSWERS = {
    "AllowedJobQueues": "render,stuck-*",
    "BlockedFor": str(BLOCKED_FOR),
    "WatchSchedule": "rate(1 minute)",
    "StuckAfter": "10",
}


def for_ministack(template):
    """`template` with a plain alarm in place of those on a query, which ministack refuses. It evaluates none anyway."""
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::CloudWatch::Alarm":
            (metric,) = resource["Properties"].pop("Metrics")
            resource["Properties"] |= {
                "Namespace": {"Ref": "MetricsNamespace"},
                "MetricName": "HeadBlocked",
                "Statistic": "Minimum",
                "Period": metric["Period"],
            }
    return template


class Deployment:
    """The stack, deployed by `sam deploy --guided` in `folder`, and the Batch that its function works on."""

    def __init__(self, aws, batch, folder):
        self.aws, self.batch, self.folder = aws, batch, folder
        shutil.copy(REPOSITORY / "samconfig.toml", folder)
        build = folder / ".aws-sam" / "build"
        shutil.copytree(Path(binary("SAM_TEMPLATE")).parent, build)
        template = for_ministack(yaml.safe_load((build / "template.yaml").read_text()))
        (build / "template.yaml").write_text(yaml.safe_dump(template, sort_keys=False))
        self.parameters = list(template["Parameters"])
        self.output = self.sam_deploy("--guided", answers=self.answers())
        described = self.client("cloudformation").describe_stacks(StackName="batch-cancel")["Stacks"][0]
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
        self.name = self.outputs["FunctionName"]
        self.function = self.client("lambda").get_function(FunctionName=self.name)["Configuration"]
        self.point_the_function_at_the_emulator()
        self.start_the_watch_once_more()

    def answers(self):
        """The input of a user who answers some questions and presses Enter at the others."""
        parameters = [ANSWERS.get(name, "") for name in self.parameters]
        stack_name, region, confirm_changes = "", REGION, "n"
        create_roles = disable_rollback = save = config_file = config_environment = ""
        return "\n".join(
            [stack_name, region, *parameters, confirm_changes, create_roles]
            + [disable_rollback, save, config_file, config_environment, ""]
        )

    def sam_deploy(self, *options, answers=""):
        variables = {"AWS_ENDPOINT_URL": self.aws, "SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": REGION}
        done = subprocess.run(
            [binary("SAM"), "deploy", *options],
            cwd=self.folder,
            env=plain_environment(**variables),
            input=answers,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def client(self, service):
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.aws,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            config=Config(proxies={}, read_timeout=120),
        )

    def point_the_function_at_the_emulator(self):
        """Also without the certificates of Amazon Linux, which this machine may not have."""
        variables = self.function["Environment"]["Variables"] | {"AWS_ENDPOINT_URL_BATCH": self.batch}
        del variables["SSL_CERT_FILE"]
        self.client("lambda").update_function_configuration(
            FunctionName=self.name, Environment={"Variables": variables}
        )

    def start_the_watch_once_more(self):
        """By a copy of its timer for a time in the past, since the shortest rate is a minute. ministack looks at its
        schedules every ten seconds."""
        scheduler = self.client("scheduler")
        (timer,) = scheduler.list_schedules()["Schedules"]
        self.watch = scheduler.get_schedule(Name=timer["Name"], GroupName=timer["GroupName"])
        same = {field: self.watch[field] for field in ("GroupName", "Target", "FlexibleTimeWindow", "State")}
        scheduler.create_schedule(Name="now", ScheduleExpression="at(2026-01-01T00:00:00)", **same)

    def invoke(self, event):
        answer = self.client("lambda").invoke(FunctionName=self.name, Payload=json.dumps(event))
        return json.loads(answer["Payload"].read())

    def job(self, job):
        return next(found for found in http(f"{self.batch}/_emulator/jobs")[1] if found["jobId"] == job)

    def status(self, job):
        return self.job(job)["status"]

    def publish(self, event):
        """Puts an event of AWS on the bus, with the time of now."""
        entry = {"Source": event["source"], "DetailType": event["detail-type"], "Resources": event["resources"]}
        answer = self.client("events").put_events(Entries=[entry | {"Detail": json.dumps(event["detail"])}])
        assert answer["FailedEntryCount"] == 0, answer

    def left(self, queue):
        """The messages of a queue: those that can be received, those that wait for their time, those that are hidden."""
        names = ["", "Delayed", "NotVisible"]
        names = [f"ApproximateNumberOfMessages{name}" for name in names]
        counts = self.client("sqs").get_queue_attributes(QueueUrl=self.outputs[queue], AttributeNames=names)
        return sum(int(counts["Attributes"][name]) for name in names)

    def metrics(self):
        """The lines that the function wrote in CloudWatch's embedded metric format."""
        events = self.client("logs").filter_log_events(logGroupName=self.outputs["LogGroupName"])["events"]
        lines = (json.loads(event["message"]) for event in events if event["message"].startswith("{"))
        return [line for line in lines if "_aws" in line]

    def cancels(self, job):
        """How often a cancel of `job` was sent to Batch."""
        calls = http(f"{self.batch}/_emulator/calls")[1]
        return sum(call["operation"].startswith("Cancel") and job in json.dumps(call) for call in calls)


def eventually(look, seconds=60):
    """The first true value that `look` returns, or None after a timeout."""
    end = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < end:
        time.sleep(0.2)
    return found


@pytest.fixture(scope="module")
def deployment(tmp_path_factory):
    with ministack() as aws, emulator(SEED) as batch:
        yield Deployment(aws, batch, tmp_path_factory.mktemp("user"))


def test_guided_deployment_asks_for_parameters_only(deployment):
    assert "Successfully created/updated stack - batch-cancel" in deployment.output
    assert "has no authentication" not in deployment.output
    requested = re.findall(r"Parameter (\w+) \[", deployment.output)
    assert requested[0] == "AllowedJobQueues"
    assert requested == deployment.parameters


def test_answers_are_saved_in_the_configuration_file(deployment):
    """One default is JSON, which is hard to quote."""
    saved = tomllib.loads((deployment.folder / "samconfig.toml").read_text())["default"]["deploy"]["parameters"]
    assert saved["capabilities"] == "CAPABILITY_IAM"
    for name, answer in ANSWERS.items():
        assert f'{name}="{answer}"' in saved["parameter_overrides"]

    again = deployment.sam_deploy("--no-fail-on-empty-changeset")

    assert "No changes to deploy" in again


def test_function_gets_its_settings(deployment):
    assert (deployment.function["Runtime"], deployment.function["MemorySize"]) == ("provided.al2023", 128)
    variables = deployment.function["Environment"]["Variables"]
    assert (variables["ALLOWED_QUEUES"], variables["BLOCKED_FOR"]) == ("render,stuck-*", str(BLOCKED_FOR))
    assert json.loads(variables["ALARM_REQUEST"]) == {"select": {"head": True}}


def test_direct_request_returns_a_report(deployment):
    report = deployment.invoke({"jobIds": [FIRST, NOT_ALLOWED]})

    assert [job["outcome"] for job in report["jobs"]] == ["cancelled", "queueNotAllowed"]
    assert [deployment.status(job) for job in (FIRST, NOT_ALLOWED)] == ["FAILED", "RUNNABLE"]


def test_message_in_the_request_queue_cancels_and_is_deleted(deployment):
    deployment.client("sqs").send_message(
        QueueUrl=deployment.outputs["RequestQueueUrl"], MessageBody=json.dumps({"jobIds": [SECOND]})
    )

    assert eventually(lambda: deployment.status(SECOND) == "FAILED" and not deployment.left("RequestQueueUrl"))


ACCOUNT = "000000000000"  # ministack's, and so the function's


def blocked_event(job, queue):
    """EventBridge's event of a job that blocks its queue."""
    batch = f"arn:aws:batch:{REGION}:{ACCOUNT}"
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Batch Job Queue Blocked",
        "source": "aws.batch",
        "account": ACCOUNT,
        "time": "2026-11-22T10:00:00Z",
        "region": REGION,
        "resources": [f"{batch}:job/{job}", f"{batch}:job-queue/{queue}"],
        "detail": {
            "jobArn": f"{batch}:job/{job}",
            "jobId": job,
            "jobName": "frame",
            "jobQueue": f"{batch}:job-queue/{queue}",
            "status": "RUNNABLE",
            "statusReason": BLOCKED,
        },
    }


def contributor_event(alarm, queue):
    """EventBridge's event of a job queue that makes the alarm on all of them go off."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "CloudWatch Alarm Contributor State Change",
        "source": "aws.cloudwatch",
        "account": ACCOUNT,
        "time": "2026-11-22T10:00:00Z",
        "region": REGION,
        "resources": [f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{alarm}"],
        "detail": {
            "alarmName": alarm,
            "alarmContributor": {"id": "6d442278dba546f6", "attributes": {"JobQueueName": queue}},
            "state": {"value": "ALARM", "timestamp": "2026-11-22T10:00:00.919+0000"},
            "configuration": {"metrics": [{"id": "blocked", "expression": "SELECT …", "returnData": True}]},
        },
    }


def test_rules_match_the_events_they_are_for_and_no_others(deployment):
    events = deployment.client("events")
    patterns = {rule["Name"]: rule["EventPattern"] for rule in events.list_rules()["Rules"]}
    blocked = contributor_event(deployment.outputs["StuckAlarmName"], "stuck-alarm")
    calm = blocked | {"detail": blocked["detail"] | {"state": {"value": "OK"}}}

    def matching(event):
        answers = {
            name: events.test_event_pattern(EventPattern=pattern, Event=json.dumps(event))["Result"]
            for name, pattern in patterns.items()
        }
        return [re.search("BlockedQueueRule|AlarmRule", name)[0] for name, matches in answers.items() if matches]

    of_batch = blocked_event(BLOCKING, "stuck-now")
    assert matching(of_batch) == ["BlockedQueueRule"]
    assert matching(of_batch | {"detail-type": "Batch Job State Change"}) == []
    assert matching(blocked) == ["AlarmRule"]
    assert matching(blocked | {"detail-type": "CloudWatch Alarm State Change"}) == ["AlarmRule"]
    assert matching(calm) == []
    assert matching(contributor_event("another", "stuck-alarm")) == []


def test_event_of_a_blocked_queue_waits_and_cancels_the_blocking_job_once(deployment):
    sent = time.monotonic()
    deployment.publish(blocked_event(BLOCKING, "stuck-now"))

    assert eventually(lambda: deployment.status(BLOCKING) == "FAILED")
    assert time.monotonic() - sent >= BLOCKED_FOR, "the queue does not delay"
    assert eventually(lambda: not deployment.left("EventQueueUrl"))
    assert deployment.cancels(BLOCKING) == 1
    assert deployment.job(BLOCKING)["statusReason"].startswith(BLOCKED)
    assert deployment.left("EventDeadLetterQueueUrl") == 0


def test_event_that_comes_too_soon_comes_back_and_acts_then(deployment):
    """The job gets to the first place when its event is on its way, so its time has not come when the event arrives."""
    sqs, queue = deployment.client("sqs"), deployment.outputs["EventQueueUrl"]
    deployed = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["VisibilityTimeout"])["Attributes"]
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "2"})
    first_since = {"at": int((time.time() + BLOCKED_FOR - 0.5) * 1000)}
    job = blocked_job(COMING_SOON, "stuck-soon") | {"positionTime": first_since}
    status, added = http(f"{deployment.batch}/_emulator/jobs", "POST", job)
    assert status < 300, added

    deployment.publish(blocked_event(COMING_SOON, "stuck-soon"))

    assert eventually(lambda: deployment.status(COMING_SOON) == "FAILED")
    assert eventually(lambda: not deployment.left("EventQueueUrl"))
    assert sum(line.get("JobsTooSoon", 0) for line in deployment.metrics()) == 1
    assert deployment.cancels(COMING_SOON) == 1
    assert deployment.left("EventDeadLetterQueueUrl") == 0
    sqs.set_queue_attributes(QueueUrl=queue, Attributes=deployed)


def test_event_of_a_stuck_queue_of_the_alarm_cancels_its_first_job(deployment):
    deployment.publish(contributor_event(deployment.outputs["StuckAlarmName"], "stuck-alarm"))

    assert eventually(lambda: deployment.status(ALARMED) == "FAILED")
    assert eventually(lambda: not deployment.left("EventQueueUrl"))
    assert deployment.cancels(ALARMED) == 1
    assert deployment.left("EventDeadLetterQueueUrl") == 0


def test_the_timer_of_the_watch_invokes_the_function(deployment):
    assert deployment.watch["ScheduleExpression"] == ANSWERS["WatchSchedule"]

    def looks():
        """The metrics that the function wrote of job queues: all by the timer, since no test asks for any."""
        return [line for line in deployment.metrics() if "HeadBlocked" in line]

    lines = eventually(looks)
    assert lines, "the timer did not come, or the function knows no such event"
    by_queue = {line["JobQueueName"]: line for line in lines}
    assert by_queue.keys() == {"render", "stuck-now", "stuck-soon", "stuck-alarm"}
    for line in lines:
        (metrics,) = line["_aws"]["CloudWatchMetrics"]
        assert metrics["Namespace"] == deployment.function["Environment"]["Variables"]["METRICS_NAMESPACE"]
        assert metrics["Dimensions"] == [["JobQueueName"]]
        assert {metric["Name"] for metric in metrics["Metrics"]} == {"HeadAge", "HeadBlocked"}


def invoke_asynchronously(deployment, event):
    """As EventBridge does."""
    deployment.client("lambda").invoke(
        FunctionName=deployment.name, InvocationType="Event", Payload=json.dumps(event)
    )


def test_event_that_fails_is_kept(deployment):
    event = {"Records": [{"eventSource": "aws:s3", "s3": {"bucket": {"name": "bucket"}}}]}
    invoke_asynchronously(deployment, event)

    kept = eventually(
        lambda: deployment.client("sqs")
        .receive_message(QueueUrl=deployment.outputs["FailedEventQueueUrl"])
        .get("Messages")
    )
    record = json.loads(kept[0]["Body"])
    assert record["requestPayload"] == event
    assert record["responsePayload"]["errorType"] == "UnsupportedEvent"
