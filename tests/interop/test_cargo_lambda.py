"""cargo-lambda's own ways to the function: deploy and invoke on a local AWS (ministack), and invoke of what it watches."""

import json
import subprocess

from http_front import watch
from servers import LOOPBACK, REGION, REPOSITORY, binary, demo_account, http, ministack, plain_environment

SAMPLE = "events/direct-cancel.json"
ROLE = "arn:aws:iam::000000000000:role/batch-cancel"


def cargo_lambda(*arguments):
    """What `cargo lambda` prints."""
    command = [binary("CARGO_LAMBDA"), "lambda", *(str(argument) for argument in arguments)]
    environment = plain_environment(AWS_DEFAULT_REGION=REGION)
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def assert_cancelled(report, batch):
    assert report["summary"] == {"jobs": 3, "cancelled": 2, "running": 1}
    jobs = {job["jobId"]: job["status"] for job in http(f"{batch}/_emulator/jobs")[1]}
    assert [jobs[job] for job in json.loads((REPOSITORY / SAMPLE).read_text())["jobIds"]] == ["FAILED", "RUNNING", "FAILED"]


def test_deploy_creates_a_function_that_cancels():
    with ministack() as aws, demo_account() as batch:
        cargo_lambda(
            *("deploy", "batch-cancel", "--endpoint-url", aws, "--iam-role", ROLE),
            *("--binary-path", binary("BOOTSTRAP"), "--timeout", "60", "--memory", "128"),
            *("--env-var", f"ALLOWED_QUEUES=demo-queue,AWS_ENDPOINT_URL_BATCH={batch}"),
        )

        answer = cargo_lambda("invoke", "batch-cancel", "--remote", "--endpoint-url", aws, "--data-file", SAMPLE)

        assert_cancelled(json.loads(answer), batch)


def test_invoke_reaches_a_watched_function():
    with demo_account() as batch, watch(batch, ALLOWED_QUEUES="demo-queue") as front:
        answer = cargo_lambda("invoke", "batch-cancel", "-A", LOOPBACK, "-P", front.port, "--data-file", SAMPLE)

        assert_cancelled(json.loads(answer), batch)
