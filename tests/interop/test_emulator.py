"""The emulator's binary as boto3 sees it.

boto3 validates what is asked against AWS's service model; a hook here validates what is answered
against the same model, so that every test is a test of the wire form as well. The binary is
BATCH_EMULATOR, or target/debug/batch-emulator.
"""

import http.client
import json
import os
import re
import subprocess
import tempfile
import urllib.request
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

ROOT = Path(__file__).resolve().parents[2]
BINARY = os.environ.get("BATCH_EMULATOR", str(ROOT / "target/debug/batch-emulator"))
UNKNOWN = "00000000-0000-4000-8000-00000000dead"

# Required in the model, yet not there before a job has started: so in Batch's own events, and moto.
NOT_YET = {"startedAt"}


def assert_fits(shape, value, where):
    """Holds an answer's JSON against the service model: no unknown, none of the required missing."""
    if shape.type_name == "structure":
        assert isinstance(value, dict), where
        assert not set(value) - set(shape.members), f"{where}: {set(value) - set(shape.members)}"
        missing = set(shape.required_members) - set(value) - NOT_YET
        assert not missing, f"{where}: {missing} missing"
        for name, member in value.items():
            assert_fits(shape.members[name], member, f"{where}.{name}")
    elif shape.type_name == "list":
        assert isinstance(value, list), where
        for item in value:
            assert_fits(shape.member, item, f"{where}[]")
    elif shape.type_name == "map":
        assert isinstance(value, dict), where
        for item in value.values():
            assert_fits(shape.value, item, f"{where}{{}}")
    elif shape.type_name == "string":
        assert isinstance(value, str), where
        assert not getattr(shape, "enum", None) or value in shape.enum, f"{where}: {value}"
    elif shape.type_name in ("integer", "long"):
        assert isinstance(value, int) and not isinstance(value, bool), where
    elif shape.type_name in ("double", "float"):
        assert isinstance(value, (int, float)) and not isinstance(value, bool), where
    elif shape.type_name == "boolean":
        assert isinstance(value, bool), where
    else:
        raise AssertionError(f"{where}: nothing known of {shape.type_name}")


class Emulator:
    """A running binary, its control endpoints and a client."""

    def __init__(self, url):
        self.url = url
        self.batch = self.client()

    def client(self, **config):
        config = Config(**{"retries": {"total_max_attempts": 1}, "read_timeout": 60, **config})
        client = boto3.client(
            "batch",
            endpoint_url=self.url,
            region_name="eu-west-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=config,
        )
        client.meta.events.register("before-parse.batch", self._check)
        return client

    @staticmethod
    def _check(operation_model, response_dict, **_):
        headers = response_dict["headers"]
        if headers["content-type"] == "application/json":
            assert headers["x-amzn-requestid"]
        if response_dict["status_code"] == 200:
            assert_fits(
                operation_model.output_shape,
                json.loads(response_dict["body"]),
                operation_model.name,
            )

    def control(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_emulator/{path}", data, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def add(self, **job):
        return self.control("POST", "jobs", job)["jobIds"][0]

    def faults(self, **faults):
        self.control("PUT", "faults", faults)

    def advance(self, seconds):
        self.control("POST", "advance", {"seconds": seconds})

    def shown(self, job_id):
        """Status, isCancelled, isTerminated and statusReason."""
        (job,) = self.batch.describe_jobs(jobs=[job_id])["jobs"]
        assert job.get("isCancelled", True) and job.get("isTerminated", True), "only when true"
        return (
            job["status"],
            "isCancelled" in job,
            "isTerminated" in job,
            job.get("statusReason"),
        )


def start(*arguments):
    """Starts the binary: the process and its URL."""
    process = subprocess.Popen([BINARY, *arguments], stdout=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    found = re.fullmatch(r"batch-emulator listening on (http://127\.0\.0\.1:\d+) with \d+ jobs in \d+ queues\n", line)
    assert found, line
    return process, found[1]


@pytest.fixture
def emulator():
    process, url = start()
    try:
        emulator = Emulator(url)
        emulator.control("POST", "queues", {"name": "default"})
        yield emulator
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def refused(error):
    """The HTTP status and code of a ClientError."""
    response = error.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


@pytest.mark.parametrize("status", ["SUBMITTED", "PENDING", "RUNNABLE"])
def test_cancel_ends_what_has_not_started(emulator, status):
    job = emulator.add(status=status)
    emulator.batch.cancel_job(jobId=job, reason="why not")
    assert emulator.shown(job) == ("FAILED", True, False, "why not")


@pytest.mark.parametrize("status", ["STARTING", "RUNNING", "SUCCEEDED", "FAILED"])
def test_cancel_leaves_the_rest(emulator, status):
    job = emulator.add(status=status)
    emulator.batch.cancel_job(jobId=job, reason="why not")
    assert emulator.shown(job) == (status, False, False, None)


def test_terminate_ends_running_jobs(emulator):
    job = emulator.add(status="RUNNING")
    emulator.batch.terminate_job(jobId=job, reason="why not")
    assert emulator.shown(job) == ("FAILED", False, True, "why not")


def test_unknown_ids(emulator):
    emulator.batch.cancel_job(jobId=UNKNOWN, reason="r")
    emulator.batch.terminate_job(jobId="Whatever-string", reason="r")
    assert emulator.batch.describe_jobs(jobs=[UNKNOWN])["jobs"] == []


def test_submitted_jobs_and_their_dependents(emulator):
    common = {"jobQueue": "default", "jobDefinition": "d:2"}
    first = emulator.batch.submit_job(jobName="first", tags={"a": "b"}, **common)
    second = emulator.batch.submit_job(
        jobName="second", dependsOn=[{"jobId": first["jobId"]}], **common
    )
    array = emulator.batch.submit_job(
        jobName="array",
        arrayProperties={"size": 3},
        dependsOn=[{"type": "SEQUENTIAL"}],
        **common,
    )
    (job,) = emulator.batch.describe_jobs(jobs=[first["jobId"]])["jobs"]
    assert job["jobArn"] == first["jobArn"] and job["tags"] == {"a": "b"}
    assert job["jobDefinition"].endswith(":job-definition/d:2")
    assert job["status"] == "RUNNABLE"
    assert emulator.shown(second["jobId"])[0] == "PENDING"
    emulator.batch.cancel_job(jobId=second["jobId"], reason="second")
    assert emulator.shown(second["jobId"]) == ("PENDING", True, False, None)
    emulator.batch.cancel_job(jobId=first["jobId"], reason="first")
    assert emulator.shown(first["jobId"]) == ("FAILED", True, False, "first")
    assert emulator.shown(second["jobId"]) == ("FAILED", True, False, "second")
    children = emulator.batch.list_jobs(arrayJobId=array["jobId"], jobStatus="PENDING")
    assert [job["arrayProperties"]["index"] for job in children["jobSummaryList"]] == [1, 2]


def test_arrays(emulator):
    array = emulator.add(arraySize=4, children=["RUNNABLE", "RUNNING"])
    (job,) = emulator.batch.describe_jobs(jobs=[array])["jobs"]
    assert job["arrayProperties"]["size"] == 4
    assert job["arrayProperties"]["statusSummary"]["RUNNABLE"] == 2
    emulator.batch.cancel_job(jobId=array, reason="r")
    assert emulator.shown(array) == ("PENDING", True, False, None)
    assert emulator.shown(f"{array}:0") == ("FAILED", True, False, "r")
    assert emulator.shown(f"{array}:1") == ("RUNNING", False, False, None)
    emulator.batch.terminate_job(jobId=array, reason="s")
    assert emulator.shown(f"{array}:1") == ("FAILED", False, True, "s")
    assert emulator.shown(array)[0] == "FAILED"


def test_nodes(emulator):
    job = emulator.add(nodes=2, status="RUNNING")
    nodes = emulator.batch.list_jobs(multiNodeJobId=job)["jobSummaryList"]
    assert [node["jobId"] for node in nodes] == [f"{job}#0", f"{job}#1"]
    described = emulator.batch.describe_jobs(jobs=[job, f"{job}#1"])["jobs"]
    assert described[0]["nodeProperties"]["numNodes"] == 2
    assert described[1]["nodeDetails"] == {"nodeIndex": 1, "isMainNode": False}


@pytest.mark.parametrize("call", ["cancel_jobs", "terminate_jobs"])
def test_bulk_calls(emulator, call):
    act = getattr(emulator.batch, call)
    jobs = [emulator.add() for _ in range(3)]
    emulator.faults(itemErrors={jobs[1]: "ThrottlingException"})
    answer = act(jobs=[*jobs, UNKNOWN, "no id"], reason="r")
    assert answer["successful"] == [jobs[0], jobs[2], UNKNOWN]
    assert [(e["job"], e["code"]) for e in answer["errors"]] == [
        (jobs[1], "ThrottlingException"),
        ("no id", "ValidationException"),
    ]
    assert [emulator.shown(job)[0] for job in jobs] == ["FAILED", "RUNNABLE", "FAILED"]
    for wrong in ([], [UNKNOWN] * 51):
        with pytest.raises(emulator.batch.exceptions.ClientException):
            act(jobs=wrong, reason="r")


def test_service_jobs(emulator):
    emulator.control("POST", "queues", {"name": "training", "type": "SAGEMAKER_TRAINING"})
    jobs = [emulator.add(jobQueue="training", status="SCHEDULED", age=age) for age in (3, 2, 1)]
    pages = emulator.batch.get_paginator("list_service_jobs").paginate(
        jobQueue="training", jobStatus="SCHEDULED", PaginationConfig={"PageSize": 2}
    )
    pages = [[job["jobId"] for job in page["jobSummaryList"]] for page in pages]
    assert pages == [[jobs[2], jobs[1]], [jobs[0]]]
    emulator.batch.terminate_service_job(jobId=jobs[0], reason="r")
    answer = emulator.batch.terminate_service_jobs(jobs=jobs[1:], reason="r")
    assert answer["successful"] == jobs[1:] and answer["errors"] == []
    for job in jobs:
        job = emulator.batch.describe_service_job(jobId=job)
        assert (job["status"], job["isTerminated"], job["statusReason"]) == ("FAILED", True, "r")
    with pytest.raises(emulator.batch.exceptions.ClientException):
        emulator.batch.describe_service_job(jobId=UNKNOWN)


def test_paginators_and_filters(emulator):
    emulator.add(jobName="many", count=25)
    emulator.add(jobName="Other", status="SUCCEEDED")
    paginator = emulator.batch.get_paginator("list_jobs")
    pages = list(
        paginator.paginate(
            jobQueue="default", jobStatus="RUNNABLE", PaginationConfig={"PageSize": 10}
        )
    )
    assert [len(page["jobSummaryList"]) for page in pages] == [10, 10, 5]
    created = [job["createdAt"] for page in pages for job in page["jobSummaryList"]]
    assert created == sorted(created, reverse=True)
    named = [{"name": "JOB_NAME", "values": ["oth*"]}]
    (job,) = paginator.paginate(jobQueue="default", filters=named).search("jobSummaryList[]")
    assert job["jobName"] == "Other" and "tags" not in job


def test_queues(emulator):
    for number in range(5):
        emulator.control("POST", "queues", {"name": f"q{number}", "priority": number})
    pages = emulator.batch.get_paginator("describe_job_queues").paginate(
        PaginationConfig={"PageSize": 4}
    )
    names = [queue["jobQueueName"] for page in pages for queue in page["jobQueues"]]
    assert names == ["default", "q0", "q1", "q2", "q3", "q4"]
    (queue,) = emulator.batch.describe_job_queues(jobQueues=["q3", "none"])["jobQueues"]
    assert (queue["priority"], queue["state"], queue["jobQueueType"]) == (3, "ENABLED", "ECS")


def test_the_front_of_a_queue(emulator):
    jobs = [emulator.add(age=age) for age in (1, 3, 2)]
    front = emulator.batch.get_job_queue_snapshot(jobQueue="default")["frontOfQueue"]
    ids = [job["jobArn"].rsplit("/", 1)[1] for job in front["jobs"]]
    assert ids == [jobs[1], jobs[2], jobs[0]]
    with pytest.raises(emulator.batch.exceptions.ClientException):
        emulator.batch.get_job_queue_snapshot(jobQueue="none")


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("cancel_job", {"jobId": "", "reason": "r"}),
        ("cancel_job", {"jobId": UNKNOWN, "reason": ""}),
        ("terminate_job", {"jobId": UNKNOWN, "reason": "x" * 1025}),
        ("describe_jobs", {"jobs": []}),
        ("describe_jobs", {"jobs": [UNKNOWN] * 101}),
        ("list_jobs", {}),
        ("list_jobs", {"jobQueue": "none"}),
        ("list_jobs", {"jobQueue": "default", "arrayJobId": UNKNOWN}),
        ("submit_job", {"jobName": "n", "jobQueue": "none", "jobDefinition": "d"}),
    ],
)
def test_what_batch_refuses(emulator, call, arguments):
    with pytest.raises(emulator.batch.exceptions.ClientException) as error:
        getattr(emulator.batch, call)(**arguments)
    assert refused(error) == (400, "ClientException")
    assert re.fullmatch(
        r"Error executing request, Exception : .+, RequestId: [0-9a-f-]{36}",
        error.value.response["Error"]["Message"],
    )


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        ({"throttleRate": 1}, (429, "TooManyRequestsException")),
        ({"serverErrorRate": 1}, (500, "ServerException")),
        ({"denied": ["CancelJob"]}, (403, "AccessDeniedException")),
        ({"deniedJobs": [UNKNOWN]}, (403, "AccessDeniedException")),
    ],
)
def test_calls_that_fail(emulator, faults, expected):
    emulator.faults(**faults)
    with pytest.raises(ClientError) as error:
        emulator.batch.cancel_job(jobId=UNKNOWN, reason="r")
    assert refused(error) == expected


def test_the_account_has_a_limit(emulator):
    emulator.faults(callsPerSecond=0.01, burst=2)
    for _ in range(2):
        emulator.batch.cancel_job(jobId=UNKNOWN, reason="r")
    with pytest.raises(ClientError) as error:
        emulator.batch.cancel_job(jobId=UNKNOWN, reason="r")
    assert refused(error) == (429, "TooManyRequestsException")
    emulator.advance(100)
    emulator.batch.cancel_job(jobId=UNKNOWN, reason="r")


def test_boto3_retries_what_is_throttled(emulator):
    emulator.faults(throttleRate=0.5, seed=3)
    client = emulator.client(retries={"total_max_attempts": 10, "mode": "standard"})
    job = emulator.add()
    client.cancel_job(jobId=job, reason="r")
    emulator.faults()
    assert emulator.shown(job)[0] == "FAILED"


@pytest.mark.parametrize(
    ("mode", "code"),
    [("notFound", "404"), ("unknownOperation", "UnknownOperationException")],
)
def test_bulk_calls_may_be_missing(emulator, mode, code):
    emulator.faults(bulkCalls=mode)
    with pytest.raises(ClientError) as error:
        emulator.batch.cancel_jobs(jobs=[UNKNOWN], reason="r")
    assert refused(error) == (404, code)
    emulator.batch.cancel_job(jobId=UNKNOWN, reason="r")


@pytest.mark.parametrize(
    ("faults", "expected", "status"),
    [
        ({"resetBeforeRate": 1}, ConnectionClosedError, "RUNNABLE"),
        ({"resetAfterRate": 1}, ConnectionClosedError, "FAILED"),
        ({"hangRate": 1}, ReadTimeoutError, None),
    ],
)
def test_connections_that_fail(emulator, faults, expected, status):
    job = emulator.add()
    emulator.faults(**faults, only=["CancelJob"])
    with pytest.raises(expected):
        emulator.client(read_timeout=0.3 if "hangRate" in faults else 60).cancel_job(jobId=job, reason="r")
    # What hangs has done its work, or not.
    assert emulator.shown(job)[0] in ([status] if status else ["RUNNABLE", "FAILED"])


def test_an_answer_that_breaks_off(emulator):
    """Without boto3, which takes a broken answer for a whole one."""
    job = emulator.add()
    emulator.faults(cutShortRate=1)
    ask = json.dumps({"jobId": job, "reason": "r"}).encode()
    with (
        urllib.request.urlopen(f"{emulator.url}/v1/canceljob", ask, timeout=60) as answer,
        pytest.raises(http.client.IncompleteRead),
    ):
        answer.read()
    emulator.faults()
    assert emulator.shown(job) == ("FAILED", True, False, "r")


def test_time_and_delays(emulator):
    job = emulator.add(status="SUBMITTED", lifecycle={"submittedFor": 60, "runnableFor": "1h"})
    emulator.advance(60)
    assert emulator.shown(job)[0] == "RUNNABLE"
    emulator.control("PUT", "behaviour", {"cancelDelay": 30})
    emulator.batch.cancel_job(jobId=job, reason="r")
    assert emulator.shown(job) == ("RUNNABLE", True, False, None)
    emulator.advance(30)
    assert emulator.shown(job) == ("FAILED", True, False, "r")


def test_the_record_of_calls(emulator):
    emulator.batch.cancel_jobs(jobs=[UNKNOWN], reason="r")
    (call,) = emulator.control("GET", "calls")
    assert call["operation"] == "CancelJobs" and call["jobIds"] == [UNKNOWN]
    assert call["answer"] == {"status": 200} and call["fault"] is None
    emulator.control("DELETE", "calls")
    assert emulator.control("GET", "calls") == []


def test_seed_files(tmp_path):
    seed = tmp_path / "seed.json"
    seed.write_text(
        json.dumps(
            {
                "account": "111122223333",
                "region": "us-gov-west-1",
                "queues": [{"name": "q"}],
                "jobs": [{"jobId": UNKNOWN, "jobQueue": "q", "status": "RUNNING"}],
            }
        )
    )
    process, url = start("--seed", str(seed))
    try:
        (job,) = Emulator(url).batch.describe_jobs(jobs=[UNKNOWN])["jobs"]
        assert job["jobArn"] == f"arn:aws-us-gov:batch:us-gov-west-1:111122223333:job/{UNKNOWN}"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        ((), "us-east-1:012345678912"),
        (("--account", "111122223333", "--region", "eu-west-1"), "eu-west-1:111122223333"),
    ],
)
def test_the_demo_account_is_where_sam_local_runs_functions(arguments, where):
    process, url = start("--demo", *arguments)
    try:
        batch = Emulator(url).batch
        (sample,) = json.loads((ROOT / "events/direct-one-job.json").read_text()).values()
        (job,) = batch.describe_jobs(jobs=[sample])["jobs"]
        assert job["status"] == "RUNNABLE" and job["jobQueue"] == f"arn:aws:batch:{where}:job-queue/demo-queue"
        for queue in batch.describe_job_queues()["jobQueues"]:
            assert queue["state"] == ("DISABLED" if queue["jobQueueName"] == "nightly" else "ENABLED")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_the_last_of_several_accounts_counts(tmp_path):
    """So that `cargo emulator --seed FILE` works: the alias says `--demo`."""
    seed = tmp_path / "seed.json"
    seed.write_text('{"jobs": [{"jobQueue": "q", "count": 3}]}')
    process, url = start("--demo", "--port", "0", "--seed", str(seed))
    try:
        assert len(Emulator(url).control("GET", "jobs")) == 3
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"jobs": [{"jobName": "a"}, {"stauts": "RUNNING"}]}', "jobs[1].stauts: unknown field"),
        ('{"faults": {"hangRate": "often"}}', "faults.hangRate: invalid type"),
        ("{", "EOF"),
    ],
)
def test_mistyped_seed_files(tmp_path, text, problem):
    seed = tmp_path / "seed.json"
    seed.write_text(text)
    ended = subprocess.run(
        [BINARY, "--seed", str(seed)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    assert str(seed) in ended.stderr and problem in ended.stderr


def test_the_command_line():
    def run(*arguments):
        return subprocess.run(
            [BINARY, *arguments], capture_output=True, text=True, timeout=60, check=False
        )

    text = run("--help").stdout
    assert all(word in text for word in ("--seed", "--port", "--bind", "_emulator", "--help faults"))
    for wrong in (["--sed"], ["--port"], ["--port", "many"], ["--seed", "/no/such/file"]):
        ended = run(*wrong)
        assert ended.returncode == 1 and wrong[-1] in ended.stderr


def test_help_is_one_screen_and_names_all_that_a_seed_may_say():
    shown = [subprocess.run([BINARY, "--help", *more], capture_output=True, text=True, check=True).stdout for more in ((), ("faults",))]
    assert all(text.count("\n") <= 50 and max(map(len, text.splitlines())) <= 120 for text in shown)
    text = "".join(shown)
    for kind in ("jobs", "queues", "behaviour", "faults"):
        wrong = {kind: {"noSuchField": 1} if kind in ("behaviour", "faults") else [{"noSuchField": 1}]}
        with tempfile.NamedTemporaryFile("w", suffix=".json") as seed:
            json.dump(wrong, seed)
            seed.flush()
            said = subprocess.run([BINARY, "--seed", seed.name], capture_output=True, text=True).stderr
        fields = re.findall(r"`(\w+)`", said.split("expected", 1)[1])
        assert fields
        assert not {field for field in fields if not re.search(rf"\b{field}\b", text)} - {"jobs", "queues"}, said
