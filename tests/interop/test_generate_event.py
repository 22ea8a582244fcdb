"""AWS's own sample events, of every service of `sam local generate-event`: supported, or refused without a call."""

import json
import subprocess
import uuid

import pytest

from lambda_host import FunctionError, LambdaHost
from servers import binary, emulator, http, plain_environment

QUEUE = "render"
# Of the sample of AWS Batch.
SAMPLE = "38fd08ce-5f5e-434c-8997-6bba5e3f5a74"

# `sam local generate-event` for each list of arguments, in one process, since starting takes longer than generating.
GENERATE = """
import json, sys
from click.testing import CliRunner
from samcli.cli.main import cli
from samcli.lib.generated_sample_events.events import Events

def generate(*arguments):
    result = CliRunner().invoke(cli, ["local", "generate-event", *arguments])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)

requested = json.load(sys.stdin)
if requested is None:
    requested = [[service, event] for service, events in Events().event_mapping.items() for event in events]
print(json.dumps([[arguments, generate(*arguments)] for arguments in requested]))
"""


def generate(requested):
    """[arguments, event] for each list of arguments, or for every event."""
    program = subprocess.run(
        [binary("SAM_PYTHON"), "-c", GENERATE],
        input=json.dumps(requested),
        env=plain_environment(SAM_CLI_TELEMETRY="0"),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return json.loads(program.stdout.splitlines()[-1])


def generated(*arguments):
    [(_, event)] = generate([arguments])
    return event


class Function(LambdaHost):
    """The function, and the Batch that it works on."""

    def __init__(self, batch, **settings):
        super().__init__(binary("BATCH_CANCEL"), AWS_ENDPOINT_URL_BATCH=batch, ALLOWED_QUEUES="*", **settings)
        self.batch = batch

    def job(self, job_id=None):
        """A new RUNNABLE job."""
        job = {"jobId": job_id or str(uuid.uuid4()), "jobQueue": QUEUE, "status": "RUNNABLE"}
        assert http(f"{self.batch}/_emulator/jobs", "POST", [job])[0] == 200
        return job["jobId"]

    def is_cancelled(self, job_id):
        jobs = {job["jobId"]: job for job in http(f"{self.batch}/_emulator/jobs")[1]}
        return jobs[job_id]["isCancelled"]

    def calls(self):
        """The operations called since the last time."""
        calls = http(f"{self.batch}/_emulator/calls")[1]
        http(f"{self.batch}/_emulator/calls", "DELETE")
        return [call["operation"] for call in calls]


@pytest.fixture(scope="module")
def batch():
    with emulator({"jobs": []}) as url:
        yield url


@pytest.fixture(scope="module")
def function(batch):
    with Function(batch) as function:
        yield function


@pytest.fixture(scope="module")
def open_function(batch):
    """A function that requires no caller, since the samples of gateways name none."""
    with Function(batch, REQUIRE_CALLER="false") as function:
        yield function


def answer(function, event):
    """The answer of the function to an event, in a few words."""
    try:
        answer = function.invoke(event)
    except FunctionError as error:
        assert error.message
        return error.type
    if "statusCode" in answer:
        return f"HTTP {answer['statusCode']}"
    if "batchItemFailures" in answer:
        return f"{len(answer['batchItemFailures'])} failed"
    return f"{answer['source']}: {answer['summary']}"


# All others are unsupported.
SUPPORTED = {
    "alb request": "HTTP 401",
    "apigateway aws-proxy": "HTTP 401",
    "apigateway http-api-proxy": "HTTP 401",
    "sns notification": "InvalidRequest",
    "sqs receive-message": "1 failed",
}


def test_every_sample_is_supported_or_refused_and_calls_nothing(function):
    answers = {}
    for arguments, event in generate(None):
        name = " ".join(arguments)
        if event.get("jobId") == SAMPLE:
            continue
        answers[name] = answer(function, event)
        assert function.calls() == [], name
    assert len(answers) >= 50
    assert {name: answer for name, answer in answers.items() if answer != "UnsupportedEvent"} == SUPPORTED


def test_samples_of_gateways_have_unknown_paths(open_function):
    gateways = [["alb", "request"], ["apigateway", "aws-proxy"], ["apigateway", "http-api-proxy"]]
    for arguments, event in generate(gateways):
        assert answer(open_function, event) == "HTTP 404", arguments
        assert open_function.calls() == []


def test_response_of_submit_job_cancels_the_job(function):
    """As a state machine passes it on. SAM has exchanged the names of its two samples of AWS Batch."""
    samples = [event for _, event in generate([["batch", "submit-job"], ["batch", "get-job"]])]
    [sample] = [event for event in samples if "jobId" in event]
    assert sample == {"jobId": SAMPLE}
    function.job(SAMPLE)
    assert answer(function, sample) == "direct: {'jobs': 1, 'cancelled': 1}"
    assert function.is_cancelled(SAMPLE)
    function.calls()


def escaped(text):
    """`text` for an option of `sam local generate-event`, which puts it between quotes as it is."""
    return json.dumps(text)[1:-1]


def request(job_id):
    return json.dumps({"jobIds": [job_id], "reason": 'Frame 7 is "done"'})


BODIES = {"ids": str, "a request": request, "a list": lambda job_id: json.dumps([job_id])}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_sqs_message_cancels(function, body):
    job_id = function.job()
    event = generated("sqs", "receive-message", "--body", escaped(body(job_id)))
    assert function.invoke(event) == {"batchItemFailures": []}
    assert function.is_cancelled(job_id)


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_sns_message_cancels(function, body):
    job_id = function.job()
    event = generated("sns", "notification", "--message", escaped(body(job_id)))
    assert answer(function, event) == "sns: {'jobs': 1, 'cancelled': 1}"
    assert function.is_cancelled(job_id)


def test_sns_message_in_sqs_cancels(function):
    job_id = function.job()
    topic = generated("sns", "notification", "--message", escaped(request(job_id)))
    notification = json.dumps(topic["Records"][0]["Sns"])
    event = generated("sqs", "receive-message", "--body", escaped(notification))
    assert function.invoke(event) == {"batchItemFailures": []}
    assert function.is_cancelled(job_id)


def test_custom_event_cancels_and_an_event_of_aws_with_the_same_detail_does_not(function):
    job_id = function.job()
    event = generated("cloudwatch", "scheduled-event")
    event["detail"] = json.loads(request(job_id))
    function.calls()
    assert answer(function, event) == "UnsupportedEvent"
    assert function.calls() == []
    event["source"] = "my.scheduler"
    assert answer(function, event) == "eventbridge: {'jobs': 1, 'cancelled': 1}"
    assert function.is_cancelled(job_id)


GATEWAYS = {
    "rest": ["apigateway", "aws-proxy", "--stage", "prod"],
    "http": ["apigateway", "http-api-proxy", "--stage", "prod"],
    "alb": ["alb", "request"],
}


@pytest.mark.parametrize("gateway", GATEWAYS.values(), ids=GATEWAYS.keys())
def test_http_post_cancels(open_function, gateway):
    job_id = open_function.job()
    event = generated(*gateway, "--method", "POST", "--path", "cancellations", "--body", request(job_id))
    # The samples have query parameters, which this path refuses.
    event |= {name: {} for name in event if name.endswith("ueryStringParameters")}
    event |= {"rawQueryString": ""} if "rawQueryString" in event else {}
    event["headers"] = {name: value for name, value in event["headers"].items() if name.lower() != "content-type"}
    answer = open_function.invoke(event)
    assert (answer["statusCode"], json.loads(answer["body"])["summary"]) == (200, {"jobs": 1, "cancelled": 1})
    assert open_function.is_cancelled(job_id)


@pytest.mark.parametrize("gateway", GATEWAYS.values(), ids=GATEWAYS.keys())
def test_http_delete_cancels_but_not_with_the_parameters_or_the_body_of_the_sample(open_function, gateway):
    job_id = open_function.job()
    open_function.calls()
    sample = generated(*gateway, "--method", "DELETE", "--path", f"jobs/{job_id}")
    without_parameters = {name: None for name in sample if name.endswith("ueryStringParameters")}
    without_parameters |= {"rawQueryString": ""} if "rawQueryString" in sample else {}
    for part in ({"body": None}, without_parameters):
        assert answer(open_function, sample | part) == "HTTP 400", part
    assert open_function.calls() == []
    event = sample | without_parameters | {"body": None}
    assert answer(open_function, event) == "HTTP 200"
    assert open_function.is_cancelled(job_id)
