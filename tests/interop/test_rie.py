"""The binary of `sam build`, under AWS's own Lambda runtime interface emulator."""

import json
import re
import uuid
from collections import Counter
from pathlib import Path

import pytest

from servers import LOOPBACK, Process, binary, emulator, free_port, http

RUNNABLE, SECOND, PROTECTED, RUNNING, SUCCEEDED, MISSING = (str(uuid.UUID(int=number)) for number in range(1, 7))
SEED = {
    "jobs": [
        {"jobId": RUNNABLE, "jobQueue": "render", "status": "RUNNABLE"},
        {"jobId": SECOND, "jobQueue": "render", "status": "RUNNABLE"},
        {"jobId": PROTECTED, "jobQueue": "render", "status": "RUNNABLE", "tags": {"batch-cancel:protect": "yes"}},
        {"jobId": RUNNING, "jobQueue": "render", "status": "RUNNING"},
        {"jobId": SUCCEEDED, "jobQueue": "render", "status": "SUCCEEDED"},
    ]
}


class Rie:
    """The function under the runtime interface emulator, and the Batch that it works on."""

    def __init__(self, batch, address):
        self.batch = batch
        self._url = f"http://{address}/2015-03-31/functions/function/invocations"

    def invoke(self, event):
        status, answer = http(self._url, "POST", event)
        assert status == 200, answer
        return answer

    def jobs(self):
        return {job["jobId"]: job for job in http(f"{self.batch}/_emulator/jobs")[1]}

    def calls(self):
        return http(f"{self.batch}/_emulator/calls")[1]


@pytest.fixture
def function():
    address, runtime_api = (f"{LOOPBACK}:{free_port()}" for _ in range(2))
    with emulator(SEED) as batch:
        with Process(
            binary("RIE"),
            "--runtime-interface-emulator-address",
            address,
            "--runtime-api-address",
            runtime_api,
            binary("BOOTSTRAP"),
            AWS_LAMBDA_FUNCTION_TIMEOUT="30",
            AWS_LAMBDA_FUNCTION_MEMORY_SIZE="128",
            AWS_LAMBDA_FUNCTION_NAME="batch-cancel",
            AWS_ENDPOINT_URL_BATCH=batch,
            ALLOWED_QUEUES="*",
        ) as process:
            process.wait_for_port(int(address.rsplit(":", 1)[1]))
            yield Rie(batch, address)


def sqs(*bodies):
    """An SQS event with these bodies, whose message ids are m0, m1 and so on."""
    return {
        "Records": [
            {
                "messageId": f"m{number}",
                "receiptHandle": "handle",
                "body": body if isinstance(body, str) else json.dumps(body),
                "attributes": {"ApproximateReceiveCount": "1"},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:requests",
                "awsRegion": "eu-west-1",
            }
            for number, body in enumerate(bodies)
        ]
    }


def test_binary_starts_on_amazon_linux_2023():
    """It needs no glibc above 2.34, that of Amazon Linux. This machine has a newer one."""
    needed = re.findall(rb"GLIBC_(\d+)\.(\d+)", Path(binary("BOOTSTRAP")).read_bytes())
    assert max((int(major), int(minor)) for major, minor in needed) <= (2, 34)


def test_direct_request_returns_a_report(function):
    report = function.invoke({"jobIds": [RUNNABLE, RUNNING, SUCCEEDED, PROTECTED, MISSING], "reason": "wrong input"})

    outcomes = {job["jobId"]: (job["outcome"], job.get("before"), job.get("after")) for job in report["jobs"]}
    assert outcomes[RUNNABLE] == ("cancelled", "RUNNABLE", "FAILED")
    assert {job: outcome for job, (outcome, *_) in outcomes.items()} == {
        RUNNABLE: "cancelled",
        RUNNING: "running",
        SUCCEEDED: "finished",
        PROTECTED: "protected",
        MISSING: "notFound",
    }
    assert report["summary"] == Counter(outcome for outcome, *_ in outcomes.values()) | {"jobs": 5}
    assert (report["complete"], report["dryRun"]) == (True, False)
    shown = function.jobs()
    assert shown[RUNNABLE]["status"] == "FAILED"
    assert shown[RUNNABLE]["statusReason"].startswith("wrong input | by ")
    assert [shown[job]["status"] for job in (SECOND, PROTECTED, RUNNING)] == ["RUNNABLE", "RUNNABLE", "RUNNING"]


def test_dry_run_changes_nothing(function):
    report = function.invoke({"jobIds": [RUNNABLE, RUNNING], "dryRun": True})

    assert [job["outcome"] for job in report["jobs"]] == ["wouldCancel", "running"]
    assert function.jobs()[RUNNABLE]["status"] == "RUNNABLE"


def test_unreadable_message_is_returned_and_does_not_affect_others(function):
    answer = function.invoke(sqs({"jobIds": [RUNNABLE]}, "Hello from SQS!", SECOND))

    assert [failure["itemIdentifier"] for failure in answer["batchItemFailures"]] == ["m1"]
    assert [function.jobs()[job]["status"] for job in (RUNNABLE, SECOND)] == ["FAILED", "FAILED"]


def test_misspelt_request_is_an_error_that_names_the_field(function):
    answer = function.invoke({"jobIds": [RUNNABLE], "dryrun": True})

    assert "dryrun" in answer["errorMessage"]
    assert function.calls() == []


def test_unsupported_event_is_an_error_without_a_call(function):
    answer = function.invoke({"Records": [{"eventSource": "aws:s3", "s3": {"bucket": {"name": "bucket"}}}]})

    assert answer["errorType"] == "UnsupportedEvent"
    assert function.calls() == []
