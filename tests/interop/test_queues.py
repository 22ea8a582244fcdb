"""`jobQueues` against a reference in Python: 50 queues of 2,000 jobs.

boto3 lists and describes everything, the reference says which jobs match, and a dry run of the function's binary must name
just those, with no more calls than one selection a queue needs together.
"""

import json
import random
import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore.config import Config

from lambda_host import LambdaHost
from servers import CREDENTIALS, REGION, binary, emulator, http

QUEUES = [f"{kind}-{number:02}" for kind in ("render", "train") for number in range(25)]
JOBS = 2000
LIVE = ["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING"]
OVER = ["SUCCEEDED", "FAILED"]
RUNS = ["a", "b", "c", "d"]
# A few jobs of each kind: a report of some thousand jobs fits into an answer over HTTP.
FEW = 10


def jobs(dice, queue):
    """2,000 jobs of a queue, ten of each kind. Most have ended, or are of another run."""
    for _ in range(JOBS // FEW):
        status = dice.choices([*LIVE, *OVER], weights=[1, 1, 3, 1, 1, 4, 4])[0]
        yield {
            "jobQueue": queue,
            "status": status,
            "count": FEW,
            "tags": {"run": dice.choice(RUNS)},
            # Whole hours, and a bit: no job's age is near that of a request.
            "age": f"{dice.randrange(1, 48) * 3600 + 600}s",
        } | ({"dependsOn": [{"jobId": "gone"}]} if status == "PENDING" else {})


class Account:
    """All jobs as boto3 sees them."""

    def __init__(self, url):
        self.url = url
        self.batch = boto3.client(
            "batch",
            endpoint_url=url,
            region_name=REGION,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            config=Config(proxies={}, max_pool_connections=16),
        )
        with ThreadPoolExecutor(8) as pool:
            self.queues = dict(zip(QUEUES, pool.map(self.described, QUEUES), strict=True))

    def described(self, queue):
        pages = self.batch.get_paginator("list_jobs").paginate
        ids = []
        for status in [*LIVE, *OVER]:
            for page in pages(jobQueue=queue, jobStatus=status):
                ids += [job["jobId"] for job in page["jobSummaryList"]]
        chunks = [ids[start : start + 100] for start in range(0, len(ids), 100)]
        return [job for chunk in chunks for job in self.batch.describe_jobs(jobs=chunk)["jobs"]]

    def matching(self, queues, run, statuses, older_than):
        """The reference: the ids of the jobs that match."""
        latest = (time.time() - older_than) * 1000
        return sorted(
            job["jobId"]
            for queue in queues
            for job in self.queues[queue]
            if job["tags"].get("run") == run and job["status"] in statuses and job["createdAt"] <= latest
        )

    def calls(self):
        """How many calls the emulator has answered since this was last asked."""
        status, calls = http(f"{self.url}/_emulator/calls")
        assert status == 200
        assert http(f"{self.url}/_emulator/calls", "DELETE")[0] == 200
        return Counter(call["operation"] for call in calls)


@pytest.fixture(scope="module")
def world():
    dice = random.Random(2026)
    seed = {"queues": [{"name": queue} for queue in QUEUES], "jobs": [job for queue in QUEUES for job in jobs(dice, queue)]}
    environment = {
        "ALLOWED_QUEUES": "*",
        "ALLOW_TERMINATE": "true",
        "REQUIRE_CALLER": "false",
        "MAX_SELECTED": "1000000",
        "API_CALLS_PER_SECOND": "0",
    }
    with emulator(seed) as url, LambdaHost(binary("BATCH_CANCEL"), AWS_ENDPOINT_URL_BATCH=url, **environment) as function:
        yield Account(url), function


def dry_run(function, select, **options):
    """The report of a dry run. Over HTTP, since the answer to a direct invocation is cut at 200 kB."""
    event = {
        "version": "2.0",
        "rawPath": "/cancellations",
        "rawQueryString": "",
        "headers": {"content-type": "application/json"},
        "requestContext": {"http": {"method": "POST", "path": "/cancellations"}, "stage": "$default"},
        "body": json.dumps({"select": select, "dryRun": True} | options),
        "isBase64Encoded": False,
    }
    answer = function.invoke(event)
    assert answer["statusCode"] == 200, answer["body"]
    report = json.loads(answer["body"])
    assert report["complete"] and "truncated" not in report and "unread" not in report, report["summary"]
    return report


def test_the_account_has_fifty_queues_of_two_thousand_jobs(world):
    account, _ = world
    assert [len(jobs) for jobs in account.queues.values()] == [JOBS] * len(QUEUES)


@pytest.mark.parametrize(
    ("pattern", "statuses", "hours"),
    [("*", ["RUNNABLE"], 40), ("*", LIVE, 44), ("train-*", ["SUBMITTED", "PENDING", "RUNNABLE"], 30), ("*-07", LIVE, 3)],
)
def test_several_queues_are_what_each_of_them_is(world, pattern, statuses, hours):
    account, function = world
    queues = [queue for queue in QUEUES if re.fullmatch(pattern.replace("*", ".*"), queue)]
    terminate = "RUNNING" in statuses
    conditions = {"tags": {"run": "b"}, "statuses": statuses, "olderThan": f"{hours}h"}
    expected = account.matching(queues, "b", statuses, hours * 3600)
    assert len(expected) > 50

    account.calls()
    report = dry_run(function, {"jobQueues": [pattern]} | conditions, terminate=terminate)
    together = account.calls()
    assert sorted(job["jobId"] for job in report["jobs"]) == expected
    assert {job["outcome"] for job in report["jobs"]} == {"wouldTerminate" if terminate else "wouldCancel"}

    singly = Counter()
    for queue in queues:
        dry_run(function, {"jobQueue": queue} | conditions, terminate=terminate)
        singly += account.calls()
    assert sum(together.values()) <= sum(singly.values()), (together, singly)
    assert together["ListJobs"] <= singly["ListJobs"] and together["DescribeJobQueues"] == 1
