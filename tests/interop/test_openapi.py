"""The HTTP API against its OpenAPI description: Redocly lints it, and schemathesis reads /openapi.json and tests every
operation through real HTTP.

OPENAPI_EXAMPLES is the number of generated requests for each operation; tests/soak http makes thousands."""

import contextlib
import os
import subprocess
import time

import pytest

from http_front import Gateway, watch
from lambda_host import LambdaHost
from servers import HERE, REPOSITORY, TOOLS, binary, emulator, plain_environment

# One takes milliseconds.
EXAMPLES = int(os.environ.get("OPENAPI_EXAMPLES", "25"))
ACCOUNT = {
    "queues": [{"name": "demo-queue"}, {"name": "demo-service-queue", "type": "SAGEMAKER_TRAINING"}],
    "jobs": [
        {"jobQueue": "demo-queue", "jobName": f"render-{status}", "status": status, "count": 130}
        for status in ["SUBMITTED", "RUNNABLE", "RUNNING", "SUCCEEDED", "FAILED"]
    ],
}
SETTINGS = {"ALLOWED_QUEUES": "*", "ALLOW_TERMINATE": "true", "API_CALLS_PER_SECOND": "0"}


class Function(LambdaHost):
    arn = "arn:unknown"  # of no region: so jobs' ARNs of all regions are its own


@contextlib.contextmanager
def gateway(batch):
    """A gateway of our own, with a caller."""
    with Function(binary("BATCH_CANCEL"), AWS_ENDPOINT_URL_BATCH=batch, **SETTINGS) as function:
        with Gateway(function, batch) as front:
            yield front


def open_watch(batch):
    return watch(batch, REQUIRE_CALLER="false", **SETTINGS)


def strict_watch(batch):
    return watch(batch, REQUIRE_CALLER="true", **SETTINGS)


def schemathesis(front, folder):
    """Runs all checks on all operations; what it prints is printed."""
    began = time.monotonic()
    # The document comes from the file, since a function that requires a caller does not show it.
    run = subprocess.run(
        [
            TOOLS / "schemathesis",
            f"--config-file={HERE / 'schemathesis.toml'}",
            "run",
            REPOSITORY / "src/respond/openapi.json",
            f"--url={front.url}",
            "--checks=all",
            "--phases=examples,coverage,fuzzing",
            f"--max-examples={EXAMPLES}",
            "--seed=1",
            "--generation-deterministic",
            "--continue-on-failure",
            "--suppress-health-check=all",
            "--warnings=off",
            "--no-color",
        ],
        cwd=folder,
        env=plain_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300 + EXAMPLES,
    )
    count = sum(front.answers.values())
    print(run.stdout, f"{count} requests: {dict(front.answers)}, {time.monotonic() - began:.0f} s")
    assert run.returncode == 0, run.stdout
    assert not any(status >= 500 for _, status in front.answers)
    assert count > 3 * EXAMPLES


@pytest.mark.parametrize("front", [gateway, open_watch])
def test_http_api_conforms_to_its_description(front, tmp_path):
    with emulator(ACCOUNT) as batch, front(batch) as front:
        schemathesis(front, tmp_path)
        # Requests have passed the first checks of each operation.
        expected = {("POST", 200), ("POST", 400), ("POST", 415), ("GET", 200), ("GET", 400), ("GET", 404)}
        expected |= {("DELETE", 200), ("DELETE", 400), ("DELETE", 409)}
        assert expected <= set(front.answers)


def test_without_a_caller_every_request_is_401(tmp_path):
    with emulator(ACCOUNT) as batch, strict_watch(batch) as front:
        schemathesis(front, tmp_path)
        assert {status for _, status in front.answers} == {401}


def test_the_description_is_clean_to_a_linter():
    run = subprocess.run(
        [HERE / "node_modules/.bin/redocly", "lint", "--config", HERE / "redocly.yaml", "--format", "stylish"]
        + [REPOSITORY / "src/respond/openapi.json"],
        env=plain_environment(REDOCLY_TELEMETRY="off", REDOCLY_SUPPRESS_UPDATE_NOTICE="true"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    print(run.stdout)
    assert run.returncode == 0, run.stdout
    assert "Your API description is valid" in run.stdout
    assert "warning" not in run.stdout.lower().replace("deprecation warning", "")
