"""`olderThan` and `runningFor` against a reference in Python, on 10,000 jobs with retries and arrays.

The emulator's clock starts a day ago. While it is moved to the present, jobs come, wait, run, fail and are tried again.
Then boto3 lists and describes everything, the reference says which jobs match, and a dry run of the function's binary
must name just those. The reference takes the time of a running attempt from `attempts`, the function from `startedAt`.

Jobs come and move at turns of the emulator's clock, which is left half-way between two: nothing moves while the account is
read and the function asked, and no limit is near a job's time, however slow the machine is.
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

# The seconds from one turn to the next.
TURN = 1200

# No job's time may be this close to a limit, in seconds: longer than jobs take to come, and than an invocation may take.
APART = 300

ENDED = {"SUCCEEDED", "FAILED"}
LIVE = ["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING"]


def lifecycle(dice):
    """How long a job stays in each status, and how often it is tried again, in seconds."""
    return {
        "submittedFor": dice.choice([0, 33 * TURN]),
        "runnableFor": dice.randrange(12) * TURN,
        "startingFor": dice.choice([0, TURN]),
        "runningFor": dice.randrange(1, 34) * TURN,
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
        """Every job, whatever its status, once."""
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


def limit(times, hours):
    """A time about so many hours ago, in seconds since 1970, that no job's time is close to."""
    times = sorted(at for at in times if at is not None)
    gaps = zip([times[0] - 2 * TURN, *times], [*times, time.time()], strict=True)
    middles = [(old + young) / 2 for old, young in gaps if young - old > 2 * APART]
    return min(middles, key=lambda middle: abs(time.time() - hours * 3600 - middle))


@pytest.fixture(scope="module")
def world():
    """The account, and a function on it."""
    dice = random.Random(2026)
    began = time.time() - HOURS * 3600 - TURN / 2
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
            advance(url, began + (hour + 1) * 3600 - advance(url, 0))
        advance(url, TURN / 2)
        environment = {
            "ALLOWED_QUEUES": QUEUE,
            "ALLOW_TERMINATE": "true",
            "REQUIRE_CALLER": "false",
            "MAX_SELECTED": "1000000",
            "API_CALLS_PER_SECOND": "0",
            "AWS_ENDPOINT_URL_BATCH": url,
        }
        with LambdaHost(binary("BATCH_CANCEL"), **environment) as function:
            yield Account(url), function


def advance(url, seconds):
    """Moves the emulator's clock, and gives its time then, in seconds since 1970."""
    status, answer = http(f"{url}/_emulator/advance", "POST", {"seconds": seconds})
    assert status == 200
    return answer["now"]


def would_end(function, select, field, since, terminate):
    """The jobs that a dry run names. Over HTTP, since the answer to a direct invocation is cut at 200 kB."""
    select = select | {field: f"{int(time.time() - since)}s"}
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
    account, _ = world
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
    account, function = world
    since = limit([attempt_began(job) for job in account.everything()], hours)
    sources = [({"jobQueue": QUEUE}, account.in_queue)]
    sources += [({"arrayJobId": array}, children) for array, children in account.arrays.items()]
    matched = 0
    for source, jobs in sources:
        began = {job["jobId"]: attempt_began(job) for job in jobs}
        expected = sorted(job for job, at in began.items() if at is not None and at <= since)
        assert would_end(function, source, "runningFor", since, True) == expected, (source, since)
        matched += len(expected)
    assert matched > 50


@pytest.mark.parametrize("hours", [1, 5, 12, 20])
@pytest.mark.parametrize("statuses", [None, ["RUNNABLE"], LIVE])
def test_older_than(world, hours, statuses):
    account, function = world
    since = limit([created(job) for job in account.everything()], hours)
    wanted = statuses or ["SUBMITTED", "PENDING", "RUNNABLE"]
    of_statuses = {"statuses": statuses} if statuses else {}
    sources = [({"jobQueue": QUEUE}, account.in_queue)]
    sources += [({"arrayJobId": array}, children) for array, children in list(account.arrays.items())[::8]]
    for source, jobs in sources:
        expected = sorted(job["jobId"] for job in jobs if job["status"] in wanted and created(job) <= since)
        named = would_end(function, source | of_statuses, "olderThan", since, statuses == LIVE)
        assert named == expected, (source, statuses, since)
