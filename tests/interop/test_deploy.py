"""Deploys what `sam build` made, as a user does, to a local AWS (ministack), and cancels a job through the stack."""

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
from botocore.config import Config

from cloudformation import REPOSITORY, transformed
from servers import CREDENTIALS, REGION, binary, emulator, http, ministack, plain_environment

FIRST, SECOND, BLOCKING, NOT_ALLOWED = (str(uuid.UUID(int=number)) for number in range(1, 5))
BLOCKED = "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - the job asks for more than any instance has"
SEED = {
    "jobs": [
        {"jobId": FIRST, "jobQueue": "render", "status": "RUNNABLE"},
        {"jobId": SECOND, "jobQueue": "render", "status": "RUNNABLE"},
        {"jobId": BLOCKING, "jobQueue": "render", "status": "RUNNABLE", "statusReason": BLOCKED},
        {"jobId": NOT_ALLOWED, "jobQueue": "payments", "status": "RUNNABLE"},
    ]
}


class Deployment:
    """The stack, deployed by `sam deploy --guided` in `folder`, and the Batch that its function works on."""

    def __init__(self, aws, batch, folder):
        self.aws, self.batch, self.folder = aws, batch, folder
        shutil.copy(REPOSITORY / "samconfig.toml", folder)
        shutil.copytree(Path(binary("SAM_TEMPLATE")).parent, folder / ".aws-sam" / "build")
        self.output = self.sam_deploy("--guided", answers=self.answers())
        described = self.client("cloudformation").describe_stacks(StackName="batch-cancel")["Stacks"][0]
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
        self.function = self.client("lambda").get_function(FunctionName="batch-cancel")["Configuration"]
        self.point_the_function_at_the_emulator()

    @staticmethod
    def answers():
        """The input of a user who keeps the defaults: the job queues, which come first, then Enter."""
        parameters = ["render", *[""] * (len(transformed()["Parameters"]) - 1)]
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
            FunctionName="batch-cancel", Environment={"Variables": variables}
        )

    def invoke(self, event):
        answer = self.client("lambda").invoke(FunctionName="batch-cancel", Payload=json.dumps(event))
        return json.loads(answer["Payload"].read())

    def status(self, job):
        return next(found["status"] for found in http(f"{self.batch}/_emulator/jobs")[1] if found["jobId"] == job)


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
    assert sorted(requested) == sorted(transformed()["Parameters"])


def test_answers_are_saved_in_the_configuration_file(deployment):
    """One default is JSON, which is hard to quote."""
    saved = tomllib.loads((deployment.folder / "samconfig.toml").read_text())["default"]["deploy"]["parameters"]
    assert saved["capabilities"] == "CAPABILITY_IAM"
    assert 'AllowedJobQueues="render"' in saved["parameter_overrides"]

    again = deployment.sam_deploy("--no-fail-on-empty-changeset")

    assert "No changes to deploy" in again


def test_function_gets_its_settings(deployment):
    assert (deployment.function["Runtime"], deployment.function["MemorySize"]) == ("provided.al2023", 128)
    variables = deployment.function["Environment"]["Variables"]
    assert variables["ALLOWED_QUEUES"] == "render"
    assert json.loads(variables["ALARM_REQUEST"]) == {"select": {"head": True}}


def test_direct_request_returns_a_report(deployment):
    report = deployment.invoke({"jobIds": [FIRST, NOT_ALLOWED]})

    assert [job["outcome"] for job in report["jobs"]] == ["cancelled", "queueNotAllowed"]
    assert [deployment.status(job) for job in (FIRST, NOT_ALLOWED)] == ["FAILED", "RUNNABLE"]


def test_message_in_the_request_queue_cancels_and_is_deleted(deployment):
    sqs, queue = deployment.client("sqs"), deployment.outputs["RequestQueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"jobIds": [SECOND]}))

    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

    def done():
        left = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
        return deployment.status(SECOND) == "FAILED" and not any(int(count) for count in left.values())

    assert eventually(done)


def blocked_event():
    """EventBridge's event of a job that blocks its queue."""
    account = "000000000000"  # ministack's, and so the function's
    batch = f"arn:aws:batch:{REGION}:{account}"
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Batch Job Queue Blocked",
        "source": "aws.batch",
        "account": account,
        "time": "2026-11-22T10:00:00Z",
        "region": REGION,
        "resources": [f"{batch}:job/{BLOCKING}", f"{batch}:job-queue/render"],
        "detail": {
            "jobArn": f"{batch}:job/{BLOCKING}",
            "jobId": BLOCKING,
            "jobName": "frame",
            "jobQueue": f"{batch}:job-queue/render",
            "status": "RUNNABLE",
            "statusReason": BLOCKED,
        },
    }


def test_rule_matches_blocked_queues_and_no_other_event_of_batch(deployment):
    events = deployment.client("events")
    (rule,) = (rule for rule in events.list_rules()["Rules"] if "BlockedQueueRule" in rule["Name"])

    def matches(event):
        return events.test_event_pattern(EventPattern=rule["EventPattern"], Event=json.dumps(event))["Result"]

    assert matches(blocked_event())
    assert not matches(blocked_event() | {"detail-type": "Batch Job State Change"})


def invoke_asynchronously(deployment, event):
    """As EventBridge does."""
    deployment.client("lambda").invoke(
        FunctionName="batch-cancel", InvocationType="Event", Payload=json.dumps(event)
    )


def test_event_of_a_blocked_queue_cancels_the_blocking_job(deployment):
    invoke_asynchronously(deployment, blocked_event())

    assert eventually(lambda: deployment.status(BLOCKING) == "FAILED")


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
