"""`cargo local --aws` and `cargo emulator` on a machine where nothing of AWS is set."""

import os
import subprocess
import time

import boto3
import pytest

from servers import CREDENTIALS, LOOPBACK, REPOSITORY, Process, binary, free_port, http

EVENT = "events/direct-cancel.json"


def local(home, *words, **variables):
    """Exit code, standard error and seconds of `cargo local`."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), **variables}
    began = time.monotonic()
    ran = subprocess.run(
        [binary("CARGO_LOCAL"), *words], cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=60
    )
    return ran.returncode, ran.stderr, time.monotonic() - began


def test_without_a_region_it_says_at_once_what_to_set(tmp_path):
    code, said, seconds = local(tmp_path, EVENT, "--aws")
    assert (code, said) == (
        2, "cargo local: no AWS region: set AWS_REGION, or AWS_PROFILE to a profile with a region in ~/.aws/config\n"
    )
    assert seconds < 5


def test_without_credentials_it_says_at_once_what_to_set(tmp_path):
    code, said, seconds = local(tmp_path, EVENT, "--aws", AWS_REGION="eu-west-1")
    assert code == 2
    assert said.startswith("cargo local: no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or ")
    assert said.count("\n") == 1 and len(said) < 400, said
    assert seconds < 5


def test_a_region_of_a_profile_is_enough(tmp_path):
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/config").write_text("[default]\nregion = eu-west-1\n")
    _, said, _ = local(tmp_path, EVENT, "--aws")
    assert said.startswith("cargo local: no AWS credentials: "), said


def test_for_real_needs_allowed_queues(tmp_path):
    code, said, _ = local(tmp_path, EVENT, "--aws", "--for-real", AWS_REGION="eu-west-1")
    assert code == 2
    assert said.startswith("cargo local: --for-real needs ALLOWED_QUEUES: ")


@pytest.fixture(scope="module")
def emulator_url():
    with Process(binary("CARGO_LOCAL"), "--serve", f"{LOOPBACK}:{free_port()}", cwd=REPOSITORY) as process:
        yield process.wait_for_output(r"until Ctrl-C: (http://\S+)")[1]


def test_cargo_emulator_holds_the_jobs_of_the_samples(emulator_url):
    jobs = {job["jobId"]: job for job in http(f"{emulator_url}/_emulator/jobs")[1]}
    for job_id in ("1f0c7a52-6d2e-4f6b-9a53-0a7d3c1b9e01", "2b9d4e63-7e3f-4a7c-8b64-1b8e4d2cae02"):
        assert jobs[job_id]["jobQueue"].endswith("demo-queue")


def test_cargo_emulator_is_an_endpoint_for_boto3(emulator_url):
    """As docs/local.md shows it: a job that is submitted becomes RUNNABLE, and stays that."""
    keys = {"aws_access_key_id": CREDENTIALS["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": CREDENTIALS["AWS_SECRET_ACCESS_KEY"]}
    batch = boto3.client("batch", endpoint_url=emulator_url, region_name="us-east-1", **keys)
    job_id = batch.submit_job(jobName="frame", jobQueue="demo-queue", jobDefinition="frame:1")["jobId"]
    http(f"{emulator_url}/_emulator/advance", "POST", {"seconds": 3600})
    (job,) = batch.describe_jobs(jobs=[job_id])["jobs"]
    assert job["status"] == "RUNNABLE"
    assert job["jobQueue"] == "arn:aws:batch:us-east-1:012345678912:job-queue/demo-queue"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--serve", "--port", "4000"), "unknown option --port"),
        (("--serve", "events/no-such.json"), "events/no-such.json: "),
        (("--serve", "--account"), "--account needs a seed file"),
        (("--serve", "--account", "seed.json", EVENT), "--account gives all jobs"),
    ],
)
def test_a_wrong_command_line_is_refused(tmp_path, words, said):
    code, text, _ = local(tmp_path, *words)
    assert code == 2 and text.startswith(f"cargo local: {said}"), text
