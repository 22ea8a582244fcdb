"""`sam local` in Docker, with the committed samconfig.toml: every sample event, with the settings that it needs, gets the
answer that the same binary gives in process. With the committed env file too, the commands of docs/local.md do what they say.
All of it is about the demo account."""

import contextlib
import json
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from docker import NoDocker, docker
from lambda_host import FunctionError, LambdaHost
from servers import LOOPBACK, REPOSITORY, binary, demo_account, free_port, http

# Where `sam local` says that each function is.
ACCOUNT, REGION = "012345678912", "us-east-1"
# The settings without which no sample can be tried.
SETTINGS = json.loads((REPOSITORY / "samconfig.env.json").read_text())["Function"]
SETTINGS = {name: SETTINGS[name] for name in ("AWS_ENDPOINT_URL_BATCH", "ALLOWED_QUEUES", "RESULT_BUS")}
# Where samconfig.env.json says that the emulator is.
PORT = 4000


def samples():
    """The sample events by the settings that they need, so that those with the same settings come one after the other."""
    rows = (REPOSITORY / "events/README.md").read_text()
    for name, settings in re.findall(r"^\| \[(.+?)\]\(.+?\.json\) \|.*\|(.*?)\|.*?\|$", rows, re.MULTILINE):
        yield tuple(tuple(setting.split("=", 1)) for setting in re.findall(r"`(.+?)`", settings)), name


SAMPLES = sorted(samples())
JOB_ID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


class InProcess(LambdaHost):
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:Function"


def event_for_sam(name):
    """The event as if it came from the account and region that `sam local` has, else it would be another's."""
    text = (REPOSITORY / f"events/{name}.json").read_text()
    text = text.replace("us-east-1", "eu-central-1").replace("eu-west-1", REGION).replace("123456789012", ACCOUNT)
    return json.dumps(json.loads(text))


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

    def batch(self):
        """The demo account where samconfig.env.json says; gives its URL to `with`."""
        return demo_account("--bind", self.gateway, "--port", PORT)

    @contextlib.contextmanager
    def serving(self, what, *more):
        """`sam local start-…`; yields its URL."""
        port = free_port()
        with tempfile.NamedTemporaryFile("w+", prefix="interop-sam-", suffix=".log") as log:
            process = subprocess.Popen(
                self.command(what, "--port", str(port), *more), cwd=REPOSITORY, env=self.environment, stdout=log, stderr=log
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


@contextlib.contextmanager
def function(sam, settings):
    """Invokes the function by `sam local start-lambda`, with these settings; yields how."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"Function": SETTINGS | dict(settings)}, file)
        file.flush()
        with sam.serving("start-lambda", "--env-vars", file.name) as url:
            yield lambda event: http(f"{url}/2015-03-31/functions/Function/invocations", "POST", event.encode())[1]


@pytest.fixture(scope="module")
def invoke(sam, request):
    with function(sam, request.param) as invoke:
        yield invoke


def in_process(event, settings):
    """What the same code answers without SAM and Docker, and the calls that it makes."""
    with demo_account() as batch:
        settings = SETTINGS | dict(settings) | {"AWS_ENDPOINT_URL_BATCH": batch, "AWS_REGION": REGION}
        with InProcess(binary("BOOTSTRAP"), **settings) as host:
            try:
                answer = host.invoke(json.loads(event))
            except FunctionError as error:
                answer = {"errorType": error.type, "errorMessage": error.message}
        return answer, calls(batch)


def calls(batch):
    return sorted(call["operation"] for call in http(f"{batch}/_emulator/calls")[1])


@pytest.mark.parametrize(
    ("invoke", "settings", "name"),
    [pytest.param(settings, settings, name, id=name) for settings, name in SAMPLES],
    indirect=["invoke"],
)
def test_the_answer_is_the_same_as_in_process(sam, invoke, settings, name):
    event = event_for_sam(name)
    expected, expected_calls = in_process(event, settings)
    with sam.batch() as batch:
        answer = invoke(event)
        assert comparable(answer) == comparable(expected)
        assert calls(batch) == expected_calls


def test_each_sample_is_among_them():
    assert sorted(name for _, name in SAMPLES) == sorted(path.stem for path in (REPOSITORY / "events").glob("*.json"))


def test_an_alarm_really_cancels(sam):
    with sam.batch() as batch, function(sam, ()) as invoke:
        report = invoke(event_for_sam("alarm-eventbridge"))
        assert report.get("summary") == {"jobs": 1, "cancelled": 1}, report
        (job,) = report["jobs"]
        shown = {job["jobId"]: job for job in http(f"{batch}/_emulator/jobs")[1]}[job["jobId"]]
        assert shown["status"] == "FAILED" and shown["isCancelled"]


def test_invoke_as_the_readme_says(sam):
    with sam.batch() as batch:
        command = sam.command("invoke", "-e", "events/direct-cancel.json")
        ran = subprocess.run(command, cwd=REPOSITORY, env=sam.environment, capture_output=True, text=True, timeout=120)
        assert ran.returncode == 0, ran.stderr
        assert json.loads(ran.stdout)["summary"] == {"jobs": 3, "cancelled": 2, "running": 1}
        assert "CancelJobs" in calls(batch)


def test_start_api_answers_200_404_and_409(sam):
    waits, runs, _ = json.loads((REPOSITORY / "events/direct-cancel.json").read_text())["jobIds"]
    unknown = "00000000-0000-4000-8000-000000000003"
    with sam.batch(), sam.serving("start-api") as url:
        status, queue = http(f"{url}/queues/demo-queue")
        assert (status, queue["head"]["jobId"]) == (200, waits)
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
