"""`sam local` in Docker, with the committed samconfig.toml and env file: every sample event gets the answer that the same
binary gives in process."""

import contextlib
import itertools
import json
import os
import re
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

import pytest

from docker import NoDocker, docker
from lambda_host import FunctionError, LambdaHost
from servers import LOOPBACK, REPOSITORY, Process, binary, emulator, free_port, http

# Where `sam local` says that each function is.
ACCOUNT, REGION = "012345678912", "us-east-1"
SETTINGS = json.loads((REPOSITORY / "samconfig.env.json").read_text())["Function"]
# Where samconfig.env.json says that the emulator is.
PORT = 4000
EVENTS = sorted((REPOSITORY / "events").glob("*.json"))

JOB_ID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
QUEUE = r"(?:job-queue/|/queues/|(?:jobQueue|JobQueueName|JobQueue)\W+(?:value\W+)?)([A-Za-z][\w-]+)"
BLOCKED = "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job needs more than any instance has."
STATUSES = ("RUNNABLE", "RUNNING", "SUBMITTED", "SUCCEEDED")


class InProcess(LambdaHost):
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:Function"


def event_for_sam(path):
    """The event as if it came from the account and region that `sam local` has, else it would be another's."""
    text = path.read_text().replace("us-east-1", "eu-central-1").replace("eu-west-1", REGION).replace("123456789012", ACCOUNT)
    return json.dumps(json.loads(text))


def account(text):
    """An account with the jobs and queues that an event names: they are what looks like an id or a queue."""
    queues = list(dict.fromkeys(["render", *re.findall(QUEUE, text)]))
    first = queues[1] if len(queues) > 1 else queues[0]
    common = {"createdAt": 1763700000000, "statusReason": BLOCKED, "positionTime": {"at": 1763800000000}}
    jobs = []
    for job_id, status in zip(dict.fromkeys(re.findall(JOB_ID, text.lower())), itertools.cycle(STATUSES)):
        job = {"jobId": job_id, "jobName": f"named-{len(jobs)}", "jobQueue": first, "status": status, **common}
        if re.search(f"{job_id}(:|%3a)\\d", text.lower()):
            job |= {"status": "PENDING", "arraySize": 9}
        jobs.append(job)
    for number, queue in enumerate(queues):
        job_id = str(uuid.UUID(int=number + 1))
        jobs.append({"jobId": job_id, "jobName": "waits", "jobQueue": queue, "status": "RUNNABLE", **common})
    return {"account": ACCOUNT, "region": REGION, "queues": [{"name": queue} for queue in queues], "jobs": jobs}


def comparable(answer):
    """An answer without what differs from one invocation to the next."""
    text = json.dumps(answer, sort_keys=True)
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z|\d{13}", "TIME", text)
    text = re.sub(r'(ageSeconds|age)(\W+)\d+', r"\1\2AGE", text)
    text = re.sub(r'(requestId|batch-cancel)(\W+)' + JOB_ID, r"\1\2REQUEST", text)
    return re.sub(r"\b\d+ (s|min|h|d)\b|\b\d\d:\d\d(:\d\d)?\b", "AGE", text)


class Sam:
    """The SAM CLI with Docker, in the environment of a user without credentials."""

    def __init__(self, variables, gateway):
        self.gateway = gateway
        home = os.environ["HOME"]
        self.environment = {"PATH": os.environ["PATH"], "HOME": home, "SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": REGION}
        self.environment |= variables

    def command(self, what, *more):
        # Without --template, since SAM reads samconfig.toml beside the template that it is given.
        return [binary("SAM"), "local", what, "--skip-pull-image", *more]

    @contextlib.contextmanager
    def batch(self, seed):
        """The emulator where samconfig.env.json says; yields its URL."""
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(seed, file)
            file.flush()
            at = ("--bind", self.gateway, "--port", str(PORT))
            with Process(binary("BATCH_EMULATOR"), "--seed", file.name, *at) as process:
                yield process.wait_for_output(r"listening on (http://\S+)")[1]

    @contextlib.contextmanager
    def serving(self, what):
        """`sam local start-…`; yields its URL."""
        port = free_port()
        with tempfile.NamedTemporaryFile("w+", prefix="interop-sam-", suffix=".log") as log:
            process = subprocess.Popen(
                self.command(what, "--port", str(port)), cwd=REPOSITORY, env=self.environment, stdout=log, stderr=log
            )
            try:
                end = time.monotonic() + 60
                while "Running on http" not in (said := Path(log.name).read_text()):
                    if process.poll() is not None or time.monotonic() > end:
                        raise RuntimeError(said)
                    time.sleep(0.1)
                yield f"http://{LOOPBACK}:{port}"
            finally:
                process.terminate()
                process.wait(60)
                print(Path(log.name).read_text())


@pytest.fixture(scope="module")
def sam():
    try:
        with docker(binary("BOOTSTRAP")) as (variables, gateway):
            yield Sam(variables, gateway)
    except NoDocker as reason:
        pytest.skip(f"no `sam local` without Docker: {reason}")


@pytest.fixture(scope="module")
def function(sam):
    """Invokes the function by `sam local start-lambda`; yields how."""
    with sam.serving("start-lambda") as url:

        def invoke(event):
            _, answer = http(f"{url}/2015-03-31/functions/Function/invocations", "POST", event.encode())
            return answer

        yield invoke


def in_process(event):
    """What the same code answers without SAM and Docker, and the calls that it makes."""
    with emulator(account(event)) as batch:
        settings = SETTINGS | {"AWS_ENDPOINT_URL_BATCH": batch, "AWS_REGION": REGION}
        with InProcess(binary("BOOTSTRAP"), **settings) as host:
            try:
                answer = host.invoke(json.loads(event))
            except FunctionError as error:
                answer = {"errorType": error.type, "errorMessage": error.message}
        return answer, calls(batch)


def calls(batch):
    return sorted(call["operation"] for call in http(f"{batch}/_emulator/calls")[1])


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_the_answer_is_the_same_as_in_process(sam, function, path):
    event = event_for_sam(path)
    expected, expected_calls = in_process(event)
    with sam.batch(account(event)) as batch:
        answer = function(event)
        assert comparable(answer) == comparable(expected)
        assert calls(batch) == expected_calls


def test_an_alarm_really_cancels(sam, function):
    event = event_for_sam(REPOSITORY / "events/alarm-eventbridge.json")
    with sam.batch(account(event)) as batch:
        report = function(event)
        assert report.get("summary") == {"jobs": 1, "cancelled": 1}, report
        (job,) = report["jobs"]
        shown = {job["jobId"]: job for job in http(f"{batch}/_emulator/jobs")[1]}[job["jobId"]]
        assert shown["status"] == "FAILED" and shown["isCancelled"]


def test_invoke_as_the_readme_says(sam):
    event = (REPOSITORY / "events/direct-cancel.json").read_text()
    with sam.batch(account(event)) as batch:
        command = sam.command("invoke", "-e", "events/direct-cancel.json")
        ran = subprocess.run(command, cwd=REPOSITORY, env=sam.environment, capture_output=True, text=True, timeout=120)
        assert ran.returncode == 0, ran.stderr
        assert json.loads(ran.stdout)["summary"] == {"jobs": 3, "cancelled": 2, "running": 1}
        assert "CancelJobs" in calls(batch)


def test_start_api_answers_200_404_and_409(sam):
    waits, runs, unknown = (str(uuid.UUID(int=number)) for number in (1, 2, 3))
    jobs = [{"jobId": job_id, "jobQueue": "render", "status": status} for job_id, status in ((waits, "RUNNABLE"), (runs, "RUNNING"))]
    with sam.batch({"account": ACCOUNT, "region": REGION, "jobs": jobs}), sam.serving("start-api") as url:
        status, job = http(f"{url}/jobs/{waits}")
        assert (status, job["status"]) == (200, "RUNNABLE")
        status, result = http(f"{url}/jobs/{waits}", "DELETE")
        assert (status, result["outcome"]) == (200, "cancelled")
        status, problem = http(f"{url}/jobs/{unknown}")
        assert (status, problem["status"]) == (404, 404)
        status, result = http(f"{url}/jobs/{runs}", "DELETE")
        assert (status, result["outcome"]) == (409, "running")
        request = {"jobIds": [runs], "dryRun": True}
        status, report = http(f"{url}/cancellations", "POST", request, {"content-type": "application/json"})
        assert (status, report["summary"]) == (200, {"jobs": 1, "running": 1})
