"""bcancel against moto, an independent emulator of AWS Batch without bulk calls, which also answers for STS."""

import json
import subprocess

import pytest

from servers import binary, moto, plain_environment
from test_moto import Account

# moto runs a thread for each job: with thousands it does not answer any more.
JOBS = 500


@pytest.fixture(scope="module")
def account():
    with moto() as url:
        yield Account(url)


def bcancel(account, *words):
    ran = subprocess.run(
        [binary("BCANCEL"), *words, "--calls-per-second", "0"],
        env=plain_environment(AWS_ENDPOINT_URL=account.url), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
    )
    return ran.returncode, ran.stdout, ran.stderr


def test_hundreds_of_jobs_by_pattern(account):
    wanted = account.waiting(JOBS)
    words = ("--queue", "rend*", "--name", "fra*", "--max-selected", "20000", "--yes")
    code, out, said = bcancel(account, *words)
    assert code == 0 and f"{JOBS} jobs would be cancelled" in said, said
    assert out.startswith(f"{JOBS} cancelled ") or f"{JOBS} are ending" in out, out
    account.until(wanted, "FAILED")
    assert {job["statusReason"].split(" | by ")[0] for job in account.described(wanted[:100]).values()} == {"Cancelled with bcancel"}
    code, out, _ = bcancel(account, *words)
    assert (code, out) == (0, "No job in rend* matches.\n")


def test_queues_and_ids(account):
    (job,) = account.waiting(1)
    code, out, said = bcancel(account, "queues", "--json")
    assert json.loads(out)["queues"][0]["jobQueue"] == "render", said
    code, out, said = bcancel(account, "--yes", job)
    assert code == 0, (out, said)
