"""`bcancel event` and `bcancel serve`: samples, the demo account, and AWS on a machine where nothing of AWS is set."""

import json
import os
import re
import subprocess
import time
from collections import Counter

import pytest

from documents import blocks
from keyboard import Batch, ended
from servers import ACCOUNT, REPOSITORY, Process, binary, emulator, http, plain_environment, sts

EVENT = "events/direct-cancel.json"


def event(home, *words, text=None, **variables):
    """Exit code, standard output, standard error and seconds of `bcancel event`."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), **variables}
    began = time.monotonic()
    ran = subprocess.run(
        [binary("BCANCEL"), "event", *words], cwd=REPOSITORY, env=environment, input=text, capture_output=True, text=True, timeout=60
    )
    return ran.returncode, ran.stdout, ran.stderr, time.monotonic() - began


def test_without_a_region_it_says_at_once_what_to_set(tmp_path):
    code, out, said, seconds = event(tmp_path, EVENT, "--aws")
    assert (code, out) == (2, "") and said.startswith("error: no AWS region: add --region") and said.count("\n") == 1
    assert seconds < 5


def test_without_credentials_it_says_at_once_what_to_set(tmp_path):
    code, out, said, seconds = event(tmp_path, EVENT, "--aws", AWS_REGION="eu-west-1")
    assert (code, out) == (2, "") and said.startswith("error: no AWS credentials were found") and said.count("\n") == 1
    assert len(said) < 400 and seconds < 5


def test_a_region_of_a_profile_is_enough(tmp_path):
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/config").write_text("[default]\nregion = eu-west-1\n[profile other]\nregion = eu-west-3\n")
    assert event(tmp_path, EVENT, "--aws")[2].startswith("error: no AWS credentials were found")
    assert event(tmp_path, EVENT, "--aws", "--profile", "other")[2].startswith("error: no AWS credentials were found")


@pytest.fixture
def batch():
    with sts() as caller, emulator({"queues": [{"name": "render"}]}) as url:
        yield Batch(url, caller)


def test_aws_is_a_dry_run_until_a_person_says_yes(batch, tmp_path):
    batch.add(count=3)
    file = tmp_path / "event.json"
    file.write_text(json.dumps({"select": {"jobQueue": "render"}, "reason": "Stuck"}))
    code, out, said = batch.run("event", str(file), "--aws")
    assert code == 0 and json.loads(out)["summary"]["wouldCancel"] == 3
    assert f"Account {ACCOUNT}, eu-west-1, as ann, a dry run" in said
    assert batch.cancelled() == set()
    terminal = batch.at_the_keyboard("event", str(file), "--aws")
    terminal.expect_exact("Cancel these 3 jobs? [y/N] ")
    batch.add(count=2)
    terminal.sendline("y")
    said, code = ended(terminal)
    assert code == 0 and "3 cancelled" in said and len(batch.cancelled()) == 3
    reasons = {job["statusReason"] for job in batch.jobs().values() if job["isCancelled"]}
    assert all(reason.startswith("Stuck | by arn:aws:iam::") for reason in reasons)


def samples():
    return sorted((REPOSITORY / "events").glob("*.json"))


def in_process():
    """What each sample comes to in process, as events/README.md says and tests/it holds."""
    rows = (REPOSITORY / "events/README.md").read_text()
    return dict(re.findall(r"^\| \[(.+?)\]\(.+?\.json\) \|.*\|(.*?)\|$", rows, re.MULTILINE))


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample.stem)
def test_a_sample_comes_to_the_same_as_in_process_and_answers_with_one_json_document(sample, tmp_path):
    code, out, said, _ = event(tmp_path, str(sample), API_CALLS_PER_SECOND="0")
    assert code in (0, 1), said
    assert json.loads(out) is not None
    assert "made up" not in said and "calls to AWS Batch: " in said
    expected = in_process()[sample.stem]
    if error := re.search(r"error `(\w+)`", expected):
        assert f"{error[1]}: " in said
    if status := re.search(r"HTTP \d+", expected):
        assert status[0] in said
    assert ("ignored: " in said) == ("ignored" in expected)
    counts = {name: int(count) for count, name in re.findall(r"(\d+) ([a-z]+[A-Za-z]*)(?=[,; ]|$)", expected)}
    counts = {name: count for name, count in counts.items() if name not in ("of", "jobs", "queues", "messages")}
    shown = Counter(outcomes(said))
    if counts:
        assert shown == counts, said


def outcomes(said):
    """The column OUTCOME of the table."""
    lines = iter(said.splitlines())
    at = next((line.index("OUTCOME") for line in lines if line.startswith("JOB ")), 0)
    for line in lines:
        if line.startswith(("calls to", "ignored: ")):
            return
        yield line[at:].split()[0]


def test_a_bare_id_is_taken_and_one_that_is_not_in_the_account_is_made_up(tmp_path):
    job = "11111111-2222-4333-8444-555555555555"
    for words, text in (((job,), None), (("-",), f"{job}\n"), (("-",), json.dumps({"jobIds": [job]}))):
        code, out, said, _ = event(tmp_path, *words, text=text)
        assert code == 0 and json.loads(out)["summary"] == {"jobs": 1, "cancelled": 1}
        assert f"made up as RUNNABLE, since the demo account does not have them: {job}" in said


def test_settings_that_a_sample_needs_are_given_and_said(tmp_path):
    code, out, said, _ = event(tmp_path, "events/direct-terminate.json")
    assert code == 0 and "with ALLOW_TERMINATE=true, which this sample needs" in said, said
    code, out, said, _ = event(tmp_path, "events/direct-terminate.json", ALLOW_TERMINATE="false")
    assert code == 1 and "ALLOW_TERMINATE" in said and "which this sample needs" not in said


class Served(Process):
    """bcancel serve."""

    def __init__(self, *words, **variables):
        super().__init__(binary("BCANCEL"), "serve", "--port", "0", *words, cwd=REPOSITORY, **variables)

    def url(self):
        return self.wait_for_output(r"(?m)^(http://127\.0\.0\.1:\d+)$")[1]


def test_serve_answers_the_routes_on_loopback_to_whoever_is_here():
    job = "1f0c7a52-6d2e-4f6b-9a53-0a7d3c1b9e01"
    with Served() as served:
        url = served.url()
        assert http(f"{url}/jobs/{job}")[1]["status"] == "RUNNABLE"
        assert http(f"{url}/queues/demo-queue")[1]["jobQueue"] == "demo-queue"
        assert http(f"{url}/jobs/{job}?dryRun=true", "DELETE")[1]["outcome"] == "wouldCancel"
        status, report = http(f"{url}/cancellations", "POST", {"jobIds": [job]}, {"Content-Type": "application/json"})
        assert status == 200 and report["summary"] == {"jobs": 1, "cancelled": 1}
        assert http(f"{url}/jobs/{job}")[1]["status"] == "FAILED"
        assert http(f"{url}/no-such-route")[0] == 404
        assert http(f"{url}/openapi.json")[1]["openapi"].startswith("3.1")
        assert http(f"{url}/queues/demo-queue", headers={"Origin": "http://evil.example"})[0] == 403
        assert http(f"{url}/queues/demo-queue", headers={"Host": "evil.example"})[0] == 403


def test_the_commands_of_the_http_page_run_against_it():
    """Those with curl; their signature goes unread."""
    page = REPOSITORY / "docs" / "http.md"
    (block,) = (block.text for block in blocks("sh", [page]) if "call()" in block.text)
    script = "\n".join(line for line in block.splitlines() if "export-credentials" not in line)
    with Served() as served:
        ran = subprocess.run(
            ["bash", "-euc", script], env=plain_environment(HTTP_API_URL=served.url()), capture_output=True, text=True, timeout=60
        )
    answers, rest, decoder = [], ran.stdout, json.JSONDecoder()
    while rest.strip():
        answer, end = decoder.raw_decode(rest.lstrip())
        answers.append(answer)
        rest = rest.lstrip()[end:]
    one, queue, report = answers
    assert one["outcome"] == "wouldCancel" and queue["jobQueue"] == "render", ran
    assert report["summary"]["wouldCancel"] > 5 and report["dryRun"], ran


def test_serve_with_aws_wants_its_token(batch):
    (job,) = (batch.add(count=1), *batch.jobs())[1:]
    variables = {name: batch.variables[name] for name in ("AWS_ENDPOINT_URL_BATCH", "AWS_ENDPOINT_URL_STS")}
    with Served("--aws", ALLOWED_QUEUES="render", **variables) as served:
        url = served.url()
        token = served.wait_for_output(r"Authorization: Bearer (\w+)")[1]
        assert http(f"{url}/jobs/{job}")[0] == 401
        for wrong in ("", "Bearer ", f"Bearer {token[:-1]}", f"Bearer {token}0", f"Basic {token}"):
            assert http(f"{url}/jobs/{job}", headers={"Authorization": wrong})[0] == 401
        assert http(f"{url}/jobs/{job}", headers={"Authorization": f"Bearer {token}"})[1]["status"] == "RUNNABLE"
        assert http(f"{url}/jobs/{job}", headers={"Authorization": f"Bearer {token}", "Origin": url})[0] == 403
