"""bcancel --function and bcancel check: through a deployed function, in a local AWS."""

import json
import subprocess
import uuid

import pytest

from deployment import deployed
from servers import REGION, binary, plain_environment

MANY = 1500
JOBS = [{"jobId": str(uuid.UUID(int=number)), "jobQueue": "render", "jobName": f"frame-{number}"} for number in range(1, MANY + 1)]
SEED = {
    "account": "000000000000",
    "region": REGION,
    "queues": [{"name": "render"}, {"name": "stuck-a"}, {"name": "private"}],
    "jobs": [
        *JOBS,
        {"jobId": str(uuid.UUID(int=9001)), "jobQueue": "stuck-a", "status": "RUNNABLE", "age": "3h"},
        {"jobId": str(uuid.UUID(int=9002)), "jobQueue": "stuck-a", "status": "RUNNING"},
        {"jobId": str(uuid.UUID(int=9003)), "jobQueue": "private", "status": "RUNNABLE"},
    ],
}
WAITING, RUNS, PRIVATE = (str(uuid.UUID(int=number)) for number in (9001, 9002, 9003))


@pytest.fixture(scope="module")
def deployment(tmp_path_factory):
    answers = {"MaxSelected": "2000", "ApiCallsPerSecond": "0"}
    with deployed(tmp_path_factory.mktemp("keyboard"), SEED, **answers) as deployment:
        yield deployment


def bcancel(deployment, *words, name=None):
    """Exit code, standard output and standard error."""
    ran = subprocess.run(
        [binary("BCANCEL"), *words, "--function", name or deployment.name],
        env=plain_environment(AWS_ENDPOINT_URL=deployment.aws), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
    )
    return ran.returncode, ran.stdout, ran.stderr


def test_a_dry_run_says_what_the_function_would_do(deployment):
    code, out, said = bcancel(deployment, "--dry-run", WAITING, RUNS, PRIVATE)
    assert code == 0, said
    assert f"Function {deployment.name} in 000000000000, {REGION}, as " in said
    assert "runs on: only --terminate ends it" in out
    assert deployment.status(WAITING) == "RUNNABLE"
    code, out, _ = bcancel(deployment, "--dry-run", "--json", PRIVATE)
    assert code == 0 and json.loads(out)["jobs"][0]["outcome"] == "queueNotAllowed"


def test_it_ends_jobs_and_the_reason_names_the_caller(deployment):
    code, out, said = bcancel(deployment, "--yes", "--queue", "stuck-*")
    assert code == 0 and f"{WAITING}  cancelled" in out, said
    reason = deployment.job(WAITING)["statusReason"]
    assert reason.startswith("Cancelled with bcancel (bcancel, arn:aws:iam::000000000000:") and "| by direct |" in reason


def test_an_answer_that_is_cut_ends_no_other_jobs(deployment):
    """The preview of 1,500 jobs does not fit into the answer: the selection is repeated, with the number that was confirmed."""
    code, out, said = bcancel(deployment, "--yes", "--queue", "render", "--name", "frame-*")
    assert code == 0, said
    assert f"{MANY} jobs would be cancelled" in said and "of them are shown here" in said
    assert f"{MANY} cancelled" in out
    assert all(deployment.status(job["jobId"]) == "FAILED" for job in JOBS[:: MANY // 10])


def test_what_the_function_refuses_is_an_error(deployment):
    code, out, said = bcancel(deployment, "--yes", "--queue", "private")
    assert (code, out) == (2, "") and "not in ALLOWED_QUEUES" in said, said
    code, _, said = bcancel(deployment, "--yes", "--terminate", RUNS)
    assert code == 2 and f"error: {deployment.name} refused: terminate is not allowed here" in said


def test_a_function_that_does_not_exist_is_an_error(deployment):
    code, _, said = bcancel(deployment, "--yes", WAITING, name="no-such-function")
    assert (code, said) == (2, f"error: there is no function no-such-function in 000000000000, {REGION}\n") or "no function" in said


@pytest.mark.parametrize("words", [("jobs", "render"), ("serve",)])
def test_what_a_function_cannot_do_is_refused(deployment, words):
    code, _, said = bcancel(deployment, *words)
    assert code == 2 and said.startswith("error: "), said


def test_any_event_can_be_sent_as_it_is(deployment, tmp_path):
    file = tmp_path / "request.json"
    file.write_text(json.dumps({"jobIds": [RUNS], "dryRun": True}))
    code, out, said = bcancel(deployment, "event", str(file))
    assert code == 0 and json.loads(out)["jobs"][0]["outcome"] == "running" and RUNS in said
    file.write_text(json.dumps({"jobIds": [RUNS], "dryrun": True}))
    code, out, said = bcancel(deployment, "event", str(file))
    assert (code, out) == (2, "") and f"error: {deployment.name} refused: " in said and "dryrun" in said


def test_flags_that_are_settings_of_the_function_are_refused(deployment):
    code, _, said = bcancel(deployment, "--yes", "--max-selected", "5", "--queue", "render")
    assert code == 2 and "--max-selected is a setting of the function" in said


def test_queues_are_those_of_the_function(deployment):
    code, out, said = bcancel(deployment, "queues", "--json")
    assert code == 0, said
    assert {queue["jobQueue"] for queue in json.loads(out)["queues"]} == {"render", "stuck-a"}


def test_check_asks_the_function_and_reads_its_settings(deployment):
    code, out, said = bcancel(deployment, "check")
    assert code == 0, said
    assert "it answers a dry run" in out and "ALLOWED_QUEUES         render,stuck-*" in out


def test_a_function_that_fails_is_an_error(deployment):
    function = deployment.client("lambda")
    variables = function.get_function_configuration(FunctionName=deployment.name)["Environment"]["Variables"]
    function.update_function_configuration(FunctionName=deployment.name, Environment={"Variables": variables | {"BLOCKED_FOR": "soon"}})
    try:
        code, out, said = bcancel(deployment, "--yes", WAITING)
    finally:
        function.update_function_configuration(FunctionName=deployment.name, Environment={"Variables": variables})
    assert (code, out) == (2, "") and said.splitlines()[-1].startswith(f"error: {deployment.name} "), said
