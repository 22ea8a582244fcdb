"""`cargo local --aws` on a machine where nothing of AWS is set."""

import os
import subprocess
import time

from servers import REPOSITORY, binary

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
