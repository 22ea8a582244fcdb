"""The same calls to moto and to our emulator: where they agree, and where and why they do not.

moto is the other emulator of AWS Batch, written by others from the same documentation. It has no
bulk calls, no pages, no isCancelled, and its jobs move in threads that want Docker: here they are
put into each status by hand, and wait there for what a call does to them.
"""

import time

import boto3
import pytest
from botocore.exceptions import ClientError
from keyboard import until
from moto import mock_aws
from moto.batch.models import batch_backends
from moto.moto_api import state_manager
from test_emulator import UNKNOWN, Emulator, start

ACCOUNT, REGION, QUEUE = "123456789012", "eu-west-1", "default"
KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": REGION}


class Moto:
    """moto in this process, with a queue and a job definition."""

    name = "moto"

    def __init__(self):
        role = boto3.client("iam", **KEYS).create_role(RoleName="r", AssumeRolePolicyDocument="{}")
        self.batch = boto3.client("batch", **KEYS)
        environment = self.batch.create_compute_environment(
            computeEnvironmentName="environment", type="UNMANAGED", serviceRole=role["Role"]["Arn"]
        )
        self.batch.create_job_queue(
            jobQueueName=QUEUE,
            state="ENABLED",
            priority=1,
            computeEnvironmentOrder=[
                {"order": 1, "computeEnvironment": environment["computeEnvironmentArn"]}
            ],
        )
        self.batch.register_job_definition(
            jobDefinitionName="d",
            type="container",
            containerProperties={"image": "none", "vcpus": 1, "memory": 4},
        )

    def put(self, status, depends_on=(), name="job"):
        job = self.batch.submit_job(
            jobName=name,
            jobQueue=QUEUE,
            jobDefinition="d",
            dependsOn=[{"jobId": other} for other in depends_on],
        )["jobId"]
        inside = batch_backends[ACCOUNT][REGION]._jobs[job]
        if status in ("SUCCEEDED", "FAILED"):
            inside._mark_stopped(success=status == "SUCCEEDED")
        else:
            inside.status = status
        return job


class Ours(Emulator):
    """Our emulator's binary, with a queue."""

    name = "ours"

    def __init__(self, url):
        super().__init__(url)
        self.control("POST", "queues", {"name": QUEUE})

    def put(self, status, depends_on=(), name="job"):
        depends_on = [{"jobId": other} for other in depends_on]
        return self.add(status=status, dependsOn=depends_on, jobName=name)


@pytest.fixture(scope="module")
def both():
    process, url = start()
    try:
        with mock_aws():
            state_manager.set_transition("batch::job", {"progression": "manual", "times": 10**9})
            try:
                yield Moto(), Ours(url)
            finally:
                state_manager.unset_transition("batch::job")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def answer(call, **arguments):
    """How a call is answered: "ok", or the code of the error."""
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "ok"


def status(batch, job):
    """Status and statusReason."""
    (job,) = batch.describe_jobs(jobs=[job])["jobs"]
    return job["status"], job.get("statusReason")


# The result of this call for a job in this status: by the documentation, and in moto if that
# differs. `None` for the reason: unchanged.
STATES = [
    # moto's threads do not look whether they are to stop before they wait for something.
    ("SUBMITTED", "cancel_job", ("FAILED", "why"), ("SUBMITTED", "why")),
    ("RUNNABLE", "cancel_job", ("FAILED", "why"), ("RUNNABLE", "why")),
    ("STARTING", "cancel_job", ("STARTING", None), None),
    ("SUCCEEDED", "cancel_job", ("SUCCEEDED", None), None),
    ("FAILED", "cancel_job", ("FAILED", None), None),
    ("RUNNABLE", "terminate_job", ("FAILED", "why"), ("RUNNABLE", "why")),
    ("STARTING", "terminate_job", ("FAILED", "why"), ("STARTING", "why")),
    # moto writes the reason on a job that had ended before.
    ("SUCCEEDED", "terminate_job", ("SUCCEEDED", None), ("SUCCEEDED", "why")),
    ("FAILED", "terminate_job", ("FAILED", None), ("FAILED", "why")),
]


@pytest.mark.parametrize(("before", "call", "documented", "in_moto"), STATES)
def test_each_state(both, before, call, documented, in_moto):
    seen = {}
    for side in both:
        job = side.put(before)
        assert status(side.batch, job)[0] == before, side.name
        assert answer(getattr(side.batch, call), jobId=job, reason="why") == "ok", side.name
        seen[side.name] = status(side.batch, job)
    assert seen == {"ours": documented, "moto": in_moto or documented}


def test_cancelled_while_waiting_for_another(both):
    """moto ends the job within a second; by the documentation it stays PENDING until the other one
    is done, and only isCancelled shows."""
    moto, ours = both
    seen = {}
    for side in both:
        first = side.put("STARTING")
        second = side.put("PENDING", depends_on=[first])
        assert answer(side.batch.cancel_job, jobId=second, reason="why") == "ok"
        if side is moto:
            until(lambda: status(moto.batch, second)[0] == "FAILED")
        (job,) = side.batch.describe_jobs(jobs=[second])["jobs"]
        assert job["dependsOn"] == [{"jobId": first}]
        seen[side.name] = (job["status"], job.get("statusReason"), job.get("isCancelled"))
        last = (first, second)
    assert seen == {"moto": ("FAILED", "why", None), "ours": ("PENDING", None, True)}
    ours.batch.terminate_job(jobId=last[0], reason="first")
    assert status(ours.batch, last[1]) == ("FAILED", "why")


def test_a_failed_dependency_fails_its_dependents(both):
    moto, ours = both
    for side in both:
        first = side.put("FAILED")
        second = side.put("PENDING", depends_on=[first])
        until(lambda batch=side.batch, job=second: status(batch, job)[0] == "FAILED")
        reason = None if side is moto else "Dependent Job failed"
        assert status(side.batch, second) == ("FAILED", reason), side.name


@pytest.mark.parametrize("call", ["cancel_job", "terminate_job"])
@pytest.mark.parametrize(
    ("job", "reason", "expected"),
    [
        (UNKNOWN, "why", "ok"),
        ("Whatever-string", "why", "ok"),
        ("", "why", "ClientException"),
        (UNKNOWN, "", "ClientException"),
    ],
)
def test_ids_and_reasons(both, call, job, reason, expected):
    for side in both:
        assert answer(getattr(side.batch, call), jobId=job, reason=reason) == expected, side.name


def test_submitted_jobs_look_the_same(both):
    """The members that both show have the same type, and ours lack none but the container."""
    shown = {}
    for side in both:
        job = side.batch.submit_job(
            jobName="same", jobQueue=QUEUE, jobDefinition="d:1", tags={"team": "film"}
        )
        assert set(job) - {"ResponseMetadata"} == {"jobId", "jobName", "jobArn"}, side.name
        (shown[side.name],) = side.batch.describe_jobs(jobs=[job["jobId"], UNKNOWN])["jobs"]
        assert shown[side.name]["jobArn"] == job["jobArn"]
    moto, ours = shown["moto"], shown["ours"]
    assert set(moto) - set(ours) == {"container"}
    assert {name: type(moto[name]) for name in moto if name in ours} == {
        name: type(ours[name]) for name in ours if name in moto
    }
    for name in ("jobQueue", "jobDefinition", "jobName", "tags", "parameters", "dependsOn"):
        assert moto[name] == ours[name], name


def test_listings(both):
    for side in both:
        old = side.put("RUNNABLE", name="Listed-1")
        time.sleep(0.002)  # createdAt is in milliseconds, and decides the order
        new = side.put("STARTING", name="listed-2")

        def ids(**arguments):
            found = side.batch.list_jobs(jobQueue=QUEUE, **arguments)["jobSummaryList"]
            return [job["jobId"] for job in found if job["jobId"] in (old, new)]

        assert ids(jobStatus="RUNNABLE") == [old], side.name
        assert ids(jobStatus="FAILED") == [], side.name
        named = [{"name": "JOB_NAME", "values": ["LISTED*"]}]
        # By the documentation the newest comes first, and RUNNING is the default.
        assert ids(filters=named) == ([new, old] if side.name == "ours" else [old, new])
        assert ids() == ([] if side.name == "ours" else [old, new])
        missing = {"jobQueue": "no such queue"}
        assert answer(side.batch.list_jobs, **missing) == "ClientException", side.name


def test_arrays(both):
    """Ours start to move when they are submitted; moto's are held here."""
    for side in both:
        array = side.batch.submit_job(
            jobName="array", jobQueue=QUEUE, jobDefinition="d", arrayProperties={"size": 3}
        )["jobId"]
        (job,) = side.batch.describe_jobs(jobs=[array])["jobs"]
        assert job["arrayProperties"]["size"] == 3
        held = "SUBMITTED" if side.name == "moto" else "RUNNABLE"
        summary = job["arrayProperties"]["statusSummary"]
        assert {name: count for name, count in summary.items() if count} == {held: 3}
        assert len(summary) == 7
        children = side.batch.list_jobs(arrayJobId=array, jobStatus=held)["jobSummaryList"]
        assert [child["jobId"] for child in children] == [f"{array}:{i}" for i in range(3)]


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("describe_jobs", {"jobs": [UNKNOWN] * 101}),
        ("cancel_job", {"jobId": UNKNOWN, "reason": "x" * 1025}),
        ("list_jobs", {}),
    ],
)
def test_limits_that_moto_does_not_know(both, call, arguments):
    moto, ours = both
    assert answer(getattr(moto.batch, call), **arguments) == "ok"
    assert answer(getattr(ours.batch, call), **arguments) == "ClientException"


def test_moto_takes_an_arn_for_an_id_in_describe_jobs_only(both):
    moto, ours = both
    for side in both:
        job = side.put("RUNNABLE")
        (shown,) = side.batch.describe_jobs(jobs=[job])["jobs"]
        found = side.batch.describe_jobs(jobs=[shown["jobArn"]])["jobs"]
        assert len(found) == (1 if side is moto else 0)
        side.batch.cancel_job(jobId=shown["jobArn"], reason="why")
        assert status(side.batch, job) == ("RUNNABLE", None), side.name
    ours.control("PUT", "behaviour", {"acceptArns": True})
    assert len(ours.batch.describe_jobs(jobs=[shown["jobArn"]])["jobs"]) == 1
    ours.control("PUT", "behaviour", {})
