"""Cancels jobs in moto, an independent emulator of AWS Batch, which has no bulk calls.

moto has no isCancelled: a cancelled job is FAILED with the reason of the call. A job that waits for another one ends
within a second of its cancellation; one that is still SUBMITTED never does.
"""

import time
import uuid
from collections import Counter

import boto3
import pytest
from botocore.config import Config

from lambda_host import LambdaHost
from servers import CREDENTIALS, REGION, RecordingProxy, binary, http, moto

QUEUE = "render"
WAITING, RUNNING, FINISHED = 112, 4, 2


class Account:
    """Batch in moto: a queue, a job definition and ways to get jobs into a given status."""

    def __init__(self, url):
        self.url = url
        keys = {
            "aws_access_key_id": CREDENTIALS["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        }
        place = {"region_name": REGION, "endpoint_url": url, "config": Config(proxies={})}
        role = boto3.client("iam", **keys, **place).create_role(RoleName="batch", AssumeRolePolicyDocument="{}")
        self.batch = boto3.client("batch", **keys, **place)
        environment = self.batch.create_compute_environment(
            computeEnvironmentName="environment", type="UNMANAGED", serviceRole=role["Role"]["Arn"]
        )["computeEnvironmentArn"]
        order = [{"order": 1, "computeEnvironment": environment}]
        self.batch.create_job_queue(jobQueueName=QUEUE, state="ENABLED", priority=1, computeEnvironmentOrder=order)
        self.batch.register_job_definition(
            jobDefinitionName="frame",
            type="container",
            containerProperties={"image": "busybox", "vcpus": 1, "memory": 128},
        )

    def moves(self, **transition):
        """Sets how jobs change their status, in moto's state manager."""
        body = {"model_name": "batch::job", "transition": transition}
        assert http(f"{self.url}/moto-api/state-manager/set-transition", "POST", body)[0] == 201

    def submit(self, **options):
        return self.batch.submit_job(jobName="frame", jobQueue=QUEUE, jobDefinition="frame", **options)["jobId"]

    def waiting(self, count):
        """Jobs that are PENDING, since the job that they wait for does not exist."""
        self.moves(progression="manual", times=1)
        jobs = [self.submit(dependsOn=[{"jobId": str(uuid.uuid4())}]) for _ in range(count)]
        self.until(jobs, "PENDING")
        return jobs

    def running(self, count):
        """Jobs that moto believes to be RUNNING."""
        jobs = self.waiting(count)
        self.moves(progression="immediate")
        self.until(jobs, "RUNNING")
        self.moves(progression="manual", times=1)
        return jobs

    def finished(self, count):
        """Jobs that have SUCCEEDED, without a container."""
        assert http(f"{self.url}/moto-api/config", "POST", {"batch": {"use_docker": False}})[0] == 201
        jobs = [self.submit() for _ in range(count)]
        assert http(f"{self.url}/moto-api/config", "POST", {"batch": {"use_docker": True}})[0] == 201
        self.until(jobs, "SUCCEEDED")
        return jobs

    def stuck(self):
        """A job that stays SUBMITTED, even when it is cancelled."""
        self.moves(progression="manual", times=1_000_000)
        return self.submit()

    def described(self, jobs):
        batches = (jobs[start : start + 100] for start in range(0, len(jobs), 100))
        return {job["jobId"]: job for batch in batches for job in self.batch.describe_jobs(jobs=batch)["jobs"]}

    def until(self, jobs, status, seconds=60):
        end = time.monotonic() + seconds
        while Counter(job["status"] for job in self.described(jobs).values()) != {status: len(jobs)}:
            assert time.monotonic() < end, self.described(jobs)
            time.sleep(0.1)


class Run:
    """The same request for 120 jobs of all kinds, twice."""

    def __init__(self, account, proxy):
        self.account = account
        # The running ones first, since creating them changes the status of all others.
        self.running = account.running(RUNNING)
        self.waiting = account.waiting(WAITING)
        self.finished = account.finished(FINISHED)
        self.stuck = account.stuck()
        self.missing = str(uuid.uuid4())
        self.jobs = [self.stuck, *self.finished, *self.waiting, self.missing, *self.running]
        assert len(self.jobs) == 120
        environment = {
            "ALLOWED_QUEUES": QUEUE,
            "API_CALLS_PER_SECOND": "0",
            "AWS_ENDPOINT_URL_BATCH": proxy.url,
        }
        with LambdaHost(binary("BATCH_CANCEL"), **environment) as function:
            request = {"jobIds": self.jobs, "reason": "interop"}
            self.reports = [function.invoke(request)]
            self.first_calls = list(proxy.calls)
            self.reports.append(function.invoke(request))
            self.calls = list(proxy.calls)
            self.request_ids = function.request_ids

    def outcome(self, job, report=0):
        return next(entry for entry in self.reports[report]["jobs"] if entry["jobId"] == job)


@pytest.fixture(scope="module")
def run():
    with moto() as url, RecordingProxy(url) as proxy:
        yield Run(Account(url), proxy)


@pytest.mark.parametrize("report", [0, 1])
def test_every_job_is_reported_once_in_the_order_of_the_request(run, report):
    assert [entry["jobId"] for entry in run.reports[report]["jobs"]] == run.jobs


@pytest.mark.parametrize("report", [0, 1])
def test_summary_counts_the_outcomes(run, report):
    summary = {
        "jobs": 120,
        "cancelled": WAITING,
        "running": RUNNING,
        "finished": FINISHED,
        "notFound": 1,
        "unconfirmed": 1,
    }
    assert run.reports[report]["summary"] == summary
    assert Counter(entry["outcome"] for entry in run.reports[report]["jobs"]) + Counter(jobs=120) == summary
    assert run.reports[report]["complete"] is False, "an unconfirmed job is retryable"


def test_job_reported_cancelled_is_cancelled(run):
    shown = run.account.described(run.waiting)
    for job in run.waiting:
        entry = run.outcome(job)
        assert (entry["outcome"], entry["before"], entry["after"]) == ("cancelled", "PENDING", "FAILED")
        assert shown[job]["status"] == "FAILED"
        assert shown[job]["statusReason"].startswith("interop | by ")
        assert shown[job]["statusReason"].endswith(f" | batch-cancel {run.request_ids[0]}")


def test_job_that_did_not_end_is_unconfirmed(run):
    assert run.outcome(run.stuck)["outcome"] == "unconfirmed"
    assert run.account.described([run.stuck])[run.stuck]["status"] == "SUBMITTED"


def test_jobs_that_cannot_be_cancelled_are_unchanged(run):
    assert {run.outcome(job)["outcome"] for job in run.running} == {"running"}
    assert {run.outcome(job)["outcome"] for job in run.finished} == {"finished"}
    assert run.outcome(run.missing)["outcome"] == "notFound"
    shown = run.account.described(run.running + run.finished)
    assert all("statusReason" not in job for job in shown.values())


def test_bulk_call_is_tried_once(run):
    bulk = [status for _, path, _, status in run.calls if path == "/v1/canceljobs"]
    assert bulk == [404]
    assert run.calls[-1][1] == "/v1/describejobs"


def test_each_job_is_cancelled_by_one_call(run):
    cancelled = Counter(body["jobId"] for _, path, body, _ in run.first_calls if path == "/v1/canceljob")
    assert cancelled == Counter([run.stuck, *run.waiting])


def test_cancelled_jobs_are_not_cancelled_again(run):
    again = run.calls[len(run.first_calls) :]
    assert [body["jobId"] for _, path, body, _ in again if path == "/v1/canceljob"] == [run.stuck]
