"""`olderThan` and `runningFor` against a reference in Python, on 10,000 jobs with retries and arrays.

The emulator's clock starts a day ago. While it is moved to the present, jobs come, wait, run, fail and are tried again.
Then boto3 lists and describes everything, the reference says which jobs match, and a dry run of the function's binary
must name just those. The reference takes the time of a running attempt from `attempts`, the function from `startedAt`.
"""

import json
import random
import time
from collections import Counter

import boto3
import pytest
from botocore.config import Config

from lambda_host import LambdaHost
from servers import CREDENTIALS, REGION, binary, emulator, http

QUEUE = "render"
JOBS, HOURS = 10_000, 24
ARRAYS_AN_HOUR, SIZE = 2, 80

# No job's time may be this close to a limit, in seconds: clock and calls take some.
APART = 90

ENDED = {"SUCCEEDED", "FAILED"}
LIVE = ["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING"]


def lifecycle(dice):
    """How long a job stays in each status, and how often it is tried again, in seconds."""
    return {
        "submittedFor": dice.choice([1, 40_000]),
        "runnableFor": dice.randrange(60, 14_000),
        "startingFor": dice.randrange(5, 900),
        "runningFor": dice.randrange(600, 40_000),
        "exit": dice.choice(["SUCCEEDED", "FAILED"]),
        "failedAttempts": dice.choice([0, 0, 1, 3]),
    }


def submit(url, dice, count):
    jobs = [{"jobQueue": QUEUE, "status": "SUBMITTED", "lifecycle": lifecycle(dice)} for _ in range(count)]
    for _ in range(ARRAYS_AN_HOUR):
        # All children of an array have one lifecycle, and begin in different statuses.
        children = [dice.choice(["SUBMITTED", "RUNNABLE", "STARTING", "RUNNING"]) for _ in range(SIZE)]
        jobs.append(
            {
                "jobQueue": QUEUE,
                "status": "PENDING",
                "arraySize": SIZE,
                "children": children,
                "lifecycle": lifecycle(dice),
            }
        )
    assert http(f"{url}/_emulator/jobs", "POST", jobs)[0] == 200


class Account:
    """All jobs of the queue as boto3 sees them."""

    def __init__(self, url):
        self.batch = boto3.client(
            "batch",
            endpoint_url=url,
            region_name=REGION,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            config=Config(proxies={}),
        )
        in_queue = self.listed(jobQueue=QUEUE)
        self.in_queue = self.described(in_queue)
        arrays = [job["jobId"] for job in self.in_queue if job.get("arrayProperties", {}).get("size")]
        self.arrays = {array: self.described(self.listed(arrayJobId=array)) for array in arrays}

    def listed(self, **of):
        """Every job, whatever its status, once: nothing moves while the clock stands still but for seconds."""
        pages = self.batch.get_paginator("list_jobs").paginate
        jobs = {}
        for status in [*LIVE, *ENDED]:
            for page in pages(**of, jobStatus=status):
                jobs |= {job["jobId"]: None for job in page["jobSummaryList"]}
        return list(jobs)

    def described(self, ids):
        chunks = (ids[start : start + 100] for start in range(0, len(ids), 100))
        return [job for chunk in chunks for job in self.batch.describe_jobs(jobs=chunk)["jobs"]]

    def everything(self):
        return self.in_queue + [child for children in self.arrays.values() for child in children]


def created(job):
    """When a job was created, in seconds since 1970."""
    return job["createdAt"] / 1000


def attempt_began(job):
    """When the attempt that runs came to RUNNING; none if none runs."""
    if job["status"] != "RUNNING":
        return None
    (running,) = [attempt for attempt in job["attempts"] if "stoppedAt" not in attempt]
    return running["startedAt"] / 1000


def limit(times, about, now):
    """A length of time near `about`, in seconds, that no job is close to."""
    ages = sorted(now - at for at in times if at is not None)
    pairs = zip([0, *ages], [*ages, ages[-1] + 10_000], strict=True)
    middles = [(young + old) / 2 for young, old in pairs if old - young > 2 * APART]
    return int(min(middles, key=lambda middle: abs(middle - about)))


@pytest.fixture(scope="module")
def world():
    """The account, a function on it, and the time."""
    dice = random.Random(2026)
    began = time.time() - HOURS * 3600
    seed = {
        "now": int(began * 1000),
        "queues": [{"name": QUEUE}],
        "jobs": [],
        "behaviour": {"runningAttempts": True},
    }
    with emulator(seed) as url:
        each = (JOBS - HOURS * ARRAYS_AN_HOUR * (SIZE + 1)) // HOURS + 1
        for hour in range(HOURS):
            submit(url, dice, each)
            seconds = began + (hour + 1) * 3600 - json_now(url)
            assert http(f"{url}/_emulator/advance", "POST", {"seconds": seconds})[0] == 200
        environment = {
            "ALLOWED_QUEUES": QUEUE,
            "ALLOW_TERMINATE": "true",
            "REQUIRE_CALLER": "false",
            "MAX_SELECTED": "1000000",
            "API_CALLS_PER_SECOND": "0",
            "AWS_ENDPOINT_URL_BATCH": url,
        }
        with LambdaHost(binary("BATCH_CANCEL"), **environment) as function:
            yield Account(url), function, time.time()


def json_now(url):
    """The emulator's time, in seconds since 1970."""
    status, answer = http(f"{url}/_emulator/advance", "POST", {"seconds": 0})
    assert status == 200
    return answer["now"]


def would_end(function, select, terminate):
    """The jobs that a dry run names. Over HTTP, since the answer to a direct invocation is cut at 200 kB."""
    request = {"select": select, "terminate": terminate, "dryRun": True}
    event = {
        "version": "2.0",
        "rawPath": "/cancellations",
        "rawQueryString": "",
        "headers": {"content-type": "application/json"},
        "requestContext": {"http": {"method": "POST", "path": "/cancellations"}, "stage": "$default"},
        "body": json.dumps(request),
        "isBase64Encoded": False,
    }
    answer = function.invoke(event)
    assert answer["statusCode"] == 200, answer["body"]
    report = json.loads(answer["body"])
    assert report["complete"] and report["dryRun"] and "truncated" not in report
    outcome = "wouldTerminate" if terminate else "wouldCancel"
    assert {job["outcome"] for job in report["jobs"]} <= {outcome}
    return sorted(job["jobId"] for job in report["jobs"])


def test_the_account_has_ten_thousand_jobs_of_all_kinds(world):
    account, _, _ = world
    jobs = account.everything()
    assert len(jobs) >= JOBS
    assert set(Counter(job["status"] for job in jobs)) == {*LIVE, *ENDED}
    running = [job for job in jobs if job["status"] == "RUNNING"]
    retried = [job for job in running if len(job["attempts"]) > 1]
    assert len(running) > 1000 and len(retried) > 200
    # Jobs that ran before and wait again: their startedAt tells nothing.
    again = [job for job in jobs if job["status"] in ("RUNNABLE", "STARTING") and "startedAt" in job]
    assert len(again) > 100


@pytest.mark.parametrize("hours", [0.5, 1, 3, 7])
def test_running_for(world, hours):
    account, function, now = world
    at_least = limit([attempt_began(job) for job in account.everything()], hours * 3600, now)
    sources = [({"jobQueue": QUEUE}, account.in_queue)]
    sources += [({"arrayJobId": array}, children) for array, children in account.arrays.items()]
    matched = 0
    for source, jobs in sources:
        began = {job["jobId"]: attempt_began(job) for job in jobs}
        expected = sorted(job for job, at in began.items() if at is not None and now - at >= at_least)
        assert would_end(function, source | {"runningFor": f"{at_least}s"}, True) == expected, (source, at_least)
        matched += len(expected)
    assert matched > 50


@pytest.mark.parametrize("hours", [1, 5, 12, 20])
@pytest.mark.parametrize("statuses", [None, ["RUNNABLE"], LIVE])
def test_older_than(world, hours, statuses):
    account, function, now = world
    at_least = limit([created(job) for job in account.everything()], hours * 3600, now)
    terminate = statuses == LIVE
    select = {"olderThan": f"{at_least}s"} | ({"statuses": statuses} if statuses else {})
    wanted = set(statuses or ["SUBMITTED", "PENDING", "RUNNABLE"])
    sources = [({"jobQueue": QUEUE}, account.in_queue)]
    sources += [({"arrayJobId": array}, children) for array, children in list(account.arrays.items())[::8]]
    for source, jobs in sources:
        expected = sorted(job["jobId"] for job in jobs if job["status"] in wanted and now - created(job) >= at_least)
        assert would_end(function, source | select, terminate) == expected, (source, select)
