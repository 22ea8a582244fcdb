"""bcancel in a pseudo-terminal and in pipes: what it asks, what it does, what it prints, and its exit code."""

import json
import subprocess

import pexpect
import pytest

from keyboard import Batch, ended, plain, until
from servers import binary, emulator, sts

FREE = ("--calls-per-second", "0")


@pytest.fixture(scope="module")
def caller():
    with sts() as url:
        yield url


@pytest.fixture
def batch(caller):
    with emulator({"queues": [{"name": "render"}, {"name": "render-gpu"}]}) as url:
        yield Batch(url, caller)


def ids(batch, count, **spec):
    batch.add(count=count, age="3h", **spec)
    return [job_id for job_id, job in batch.jobs().items() if job["jobQueue"].endswith("render")]


def test_a_yes_ends_what_was_shown(batch):
    wanted = ids(batch, 3)
    terminal = batch.at_the_keyboard("--queue", "render", *FREE)
    terminal.expect_exact("Cancel these 3 jobs? [y/N] ")
    shown = plain(terminal.before)
    assert "Account 123456789012, eu-west-1, as ann" in shown
    assert all(job_id in shown for job_id in wanted)
    terminal.sendline("y")
    said, code = ended(terminal)
    assert code == 0 and "3 cancelled" in said
    assert batch.cancelled() == set(wanted)
    reasons = {job["statusReason"] for job in batch.jobs().values()}
    assert all("by arn:aws:iam::123456789012:user/ann | batch-cancel " in reason for reason in reasons), reasons


@pytest.mark.parametrize("answer", ["", "n", "no", "3", "yes please"])
def test_anything_else_ends_nothing(batch, answer):
    ids(batch, 3)
    terminal = batch.at_the_keyboard("--queue", "render")
    terminal.expect_exact("[y/N] ")
    terminal.sendline(answer)
    said, code = ended(terminal)
    assert code == 2 and "Nothing was changed." in said
    assert batch.cancelled() == set() and batch.calls()["CancelJobs"] == 0


@pytest.mark.parametrize("answer", ["y", "11", "13", "012"])
def test_many_jobs_take_their_number(batch, answer):
    ids(batch, 12)
    terminal = batch.at_the_keyboard("--queue", "render")
    terminal.expect_exact("Type 12 to cancel them, anything else to stop: ")
    assert "12 jobs would be cancelled" in plain(terminal.before)
    terminal.sendline(answer)
    said, code = ended(terminal)
    assert code == 2 and "Nothing was changed." in said and batch.cancelled() == set()


def test_the_right_number_ends_them(batch):
    wanted = ids(batch, 12)
    terminal = batch.at_the_keyboard("--queue", "render", *FREE)
    terminal.expect_exact("anything else to stop: ")
    terminal.sendline("12")
    said, code = ended(terminal)
    assert code == 0 and "12 cancelled" in said
    assert batch.cancelled() == set(wanted)


@pytest.mark.parametrize("end", ["eof", "interrupt"])
def test_the_end_of_the_input_and_ctrl_c_are_no(batch, end):
    ids(batch, 3)
    terminal = batch.at_the_keyboard("--queue", "render")
    terminal.expect_exact("[y/N] ")
    terminal.sendeof() if end == "eof" else terminal.sendintr()
    said, code = ended(terminal)
    assert code == 2 and "Nothing was changed." in said
    assert batch.cancelled() == set()


def test_jobs_that_come_while_a_person_thinks_are_not_ended(batch):
    wanted = ids(batch, 3)
    terminal = batch.at_the_keyboard("--queue", "render", *FREE)
    terminal.expect_exact("[y/N] ")
    batch.add(count=5, age="3h")
    terminal.sendline("y")
    said, code = ended(terminal)
    assert code == 0 and "3 cancelled" in said
    assert batch.cancelled() == set(wanted)


def test_a_job_that_starts_while_a_person_thinks_runs_on(batch):
    first, second = ids(batch, 2)
    batch.add(jobId="aaaaaaaa-0000-4000-8000-000000000001", status="RUNNABLE", lifecycle={"runnableFor": 60, "startingFor": 1})
    terminal = batch.at_the_keyboard("--queue", "render", *FREE)
    terminal.expect_exact("[y/N] ")
    from servers import http
    http(f"{batch.url}/_emulator/advance", "POST", {"seconds": 120})
    terminal.sendline("y")
    said, code = ended(terminal)
    assert code == 1 and "2 cancelled, 1 runs on" in said
    assert batch.cancelled() == {first, second}


def test_forty_columns_are_enough(batch):
    ids(batch, 12)
    terminal = batch.at_the_keyboard("--queue", "render", *FREE, columns=40)
    terminal.expect_exact("anything else to stop: ")
    terminal.sendline("12")
    said, code = ended(terminal)
    assert code == 0 and "12 cancelled" in said


def test_ids_from_a_pipe_are_asked_about_on_the_terminal(batch):
    wanted = ids(batch, 3)
    line = f"echo {' '.join(wanted)} | {binary('BCANCEL')} - --calls-per-second 0"
    terminal = batch.at_the_keyboard("-c", line, command="/bin/sh")
    terminal.expect_exact("Cancel these 3 jobs? [y/N] ")
    terminal.sendline("y")
    said, code = ended(terminal)
    assert code == 0 and "3 cancelled" in said
    assert batch.cancelled() == set(wanted)


def test_without_a_terminal_nothing_is_asked_and_nothing_is_done(batch):
    wanted = ids(batch, 3)
    code, out, said = batch.run(*wanted)
    assert (code, out) == (2, "") and "there is no terminal to ask on" in said
    assert batch.calls() == {}


def test_ctrl_c_while_it_looks_ends_nothing(batch):
    ids(batch, 3)
    batch.faults(latency=30)
    terminal = batch.at_the_keyboard("--queue", "render", "--yes")
    until(lambda: batch.calls())
    terminal.sendintr()
    said, code = ended(terminal)
    assert code == 2 and "Nothing was changed." in said
    assert batch.cancelled() == set()


def test_ctrl_c_while_it_sends_takes_one_last_look_and_tells_the_truth(batch):
    wanted = ids(batch, 500)
    terminal = batch.at_the_keyboard("--queue", "render", "--yes", "--calls-per-second", "4")
    until(lambda: len(batch.cancelled()) >= 100)
    terminal.sendintr()
    terminal.expect_exact("one last look (Ctrl-C again to leave at once)")
    said, code = ended(terminal)
    done = batch.cancelled()
    assert code == 1 and 100 <= len(done) < len(wanted)
    assert f"{len(done)} cancelled, {len(wanted) - len(done)} not touched: run the same command again" in said
    # The same command again does the rest, and ends nothing more.
    code, report = batch.report("--queue", "render", "--yes", *FREE)
    assert code == 0 and report["summary"]["cancelled"] == len(wanted) - len(done)
    assert batch.cancelled() == set(wanted)


def test_a_second_ctrl_c_leaves_at_once(batch):
    ids(batch, 500)
    terminal = batch.at_the_keyboard("--queue", "render", "--yes", "--calls-per-second", "4")
    until(lambda: len(batch.cancelled()) >= 50)
    batch.faults(latency=30)
    terminal.sendintr()
    terminal.expect_exact("Ctrl-C again to leave at once")
    terminal.sendintr()
    said, code = ended(terminal)
    assert code == 130 and "left at once" in said


def test_a_pipe_that_closes_midway_ends_the_printing_and_not_the_work(batch):
    wanted = ids(batch, 300)
    line = f"{binary('BCANCEL')} --queue render --yes --json --calls-per-second 0 | head -c 5"
    subprocess.run(["/bin/sh", "-c", line], env=batch.variables, stdin=subprocess.DEVNULL, check=True, timeout=60)
    assert batch.cancelled() == set(wanted)


def test_ten_thousand_jobs_by_pattern_with_progress(batch):
    wanted = set(ids(batch, 10_000, jobName="nf-align"))
    batch.add(count=50, jobName="other", age="3h")
    batch.faults(latency=0.02)
    words = ("--queue", "render*", "--name", "nf-*", "--max-selected", "20000", "--calls-per-second", "100")
    terminal = batch.at_the_keyboard(*words)
    terminal.expect_exact("Type 10000 to cancel them, anything else to stop: ")
    assert "found" in plain(terminal.before)
    terminal.sendline("10000")
    terminal.expect(r"cancelled \d+ of 10000  ·  \d+ left  ·  \d+ a second  ·  [\d.]+ ")
    said, code = ended(terminal)
    assert code == 0 and "10000 cancelled" in said
    assert batch.cancelled() == wanted
    code, out, said = batch.run(*words, "--yes")
    assert (code, out) == (0, "No job in render* matches.\n")


def test_the_report_is_that_of_a_dry_run_with_other_outcomes(batch):
    waiting = ids(batch, 2)
    batch.add(jobId="aaaaaaaa-0000-4000-8000-000000000001", status="RUNNING")
    batch.add(jobId="aaaaaaaa-0000-4000-8000-000000000002", tags={"batch-cancel:protect": ""})
    named = [*waiting, "aaaaaaaa-0000-4000-8000-000000000001", "aaaaaaaa-0000-4000-8000-000000000002"]
    code, report = batch.report(*named, "--yes", *FREE)
    outcomes = {job["jobId"]: job["outcome"] for job in report["jobs"]}
    assert code == 1 and list(outcomes) == named
    assert list(outcomes.values()) == ["cancelled", "cancelled", "running", "protected"]
    assert report["summary"] == {"jobs": 4, "cancelled": 2, "running": 1, "protected": 1}


def test_queues_that_are_missing_are_suggested_from_those_that_exist(batch):
    code, _, said = batch.run("--queue", "rendr", "--yes")
    assert code == 2
    assert "error: there is no job queue rendr in 123456789012, eu-west-1. Did you mean render?" in said


def test_jobs_lists_every_page(batch):
    ids(batch, 250)
    code, out, _ = batch.run("jobs", "render", "--quiet", *FREE)
    assert code == 0 and len(set(out.split())) == 250
    code, out, _ = batch.run("jobs", "render", "--json", "--limit", "5", *FREE)
    assert len(json.loads(out)) == 5


CALLS = {
    "DescribeJobs": "batch:DescribeJobs",
    "DescribeJobQueues": "batch:DescribeJobQueues",
    "ListJobs": "batch:ListJobs",
    "GetJobQueueSnapshot": "batch:GetJobQueueSnapshot",
    "CancelJobs": "batch:CancelJob",
}


@pytest.mark.parametrize("denied", CALLS)
def test_check_names_what_is_denied_and_the_statement_that_allows_it(batch, denied):
    batch.faults(denied=[denied])
    code, out, said = batch.run("check", "render", "--bulk", *FREE) if denied != "DescribeJobQueues" else batch.run("check", *FREE)
    assert code == 1, (out, said)
    lines = out.splitlines()
    (at,) = (number for number, line in enumerate(lines) if line.startswith("  no "))
    assert CALLS[denied] in lines[at]
    statement = json.loads(lines[at + 1].split("allow it:")[1])
    assert statement["Effect"] == "Allow" and statement["Action"] == CALLS[denied]
    of_one = {
        "GetJobQueueSnapshot": "arn:aws:batch:eu-west-1:123456789012:job-queue/render",
        "CancelJobs": "arn:aws:batch:eu-west-1:123456789012:job/*",
    }
    assert statement["Resource"] == of_one.get(denied, "*")
    assert batch.cancelled() == set()


def test_check_says_what_is_allowed_and_what_it_did_not_try(batch):
    code, out, said = batch.run("check", *FREE)
    assert code == 0, said
    assert "ok   credentials                   ann, account 123456789012, eu-west-1" in out
    assert "ok   batch:GetJobQueueSnapshot     on render, render-gpu" in out
    assert "?    batch:CancelJob               not tested; --bulk sends one CancelJobs" in out
    assert "CancelJobs" not in batch.calls()
    code, out, _ = batch.run("check", "--bulk", *FREE)
    assert code == 0 and "ok   batch:CancelJob               by CancelJobs, 50 jobs a call" in out
    batch_behaviour = {"bulkCalls": "notFound"}
    batch.faults(**batch_behaviour)
    code, out, _ = batch.run("check", "--bulk", *FREE)
    assert code == 0 and "there are no bulk calls here" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--queue", "render", "--blocked-for", "1h", "--yes"), "--blocked-for needs --head"),
        (("event", "1f0c7a52-6d2e-4f6b-9a53-0a7d3c1b9e01", "--aws", "--emulator"), "give one of --aws, --emulator and --function"),
        (("event", "1f0c7a52-6d2e-4f6b-9a53-0a7d3c1b9e01", "--aws", "--function", "f"), "give one of --aws, --emulator and --function"),
        (("serve", "--aws", "--emulator"), "give --aws or --emulator, not both"),
        (("--blocked-for", "1h", "queues"), "--blocked-for is not for a command"),
    ],
)
def test_flags_that_would_be_ignored_are_refused(batch, words, said):
    ids(batch, 2)
    code, out, error = batch.run(*words)
    assert (code, out) == (2, "") and said in error
    assert batch.cancelled() == set()


def test_nothing_on_standard_input_is_an_error(batch):
    for text in ("\n", "[]"):
        code, out, said = batch.run("-", "--yes", text=text)
        assert (code, out) == (2, "") and "there are no job ids on standard input" in said


def test_a_word_that_is_no_id_ends_nothing(batch):
    wanted = ids(batch, 1)
    code, out, said = batch.run(*wanted, "queues", "--yes")
    assert (code, out) == (2, "") and '"queues" is neither a job id nor a command' in said
    assert batch.cancelled() == set()


def test_a_service_job_is_ended_by_its_arn(caller):
    with emulator({"queues": [{"name": "train", "type": "SAGEMAKER_TRAINING"}]}) as url:
        batch = Batch(url, caller)
        job = "aaaaaaaa-0000-4000-8000-000000000001"
        batch.add(jobId=job, jobQueue="train")
        arn = f"arn:aws:batch:eu-west-1:123456789012:service-job/{job}"
        code, out, said = batch.run(arn, "--terminate", "--yes", *FREE)
        assert code == 0 and f"{arn}  terminated" in out, said
        assert batch.cancelled() == {job}


def test_wait_waits_for_a_job_that_is_ending_already(batch):
    batch.add(jobId="aaaaaaaa-0000-4000-8000-000000000001", status="PENDING", dependsOn=[{"jobId": "gone"}], isCancelled=True)
    code, out, _ = batch.run("aaaaaaaa-0000-4000-8000-000000000001", "--yes", "--wait", "--timeout", "3s", *FREE)
    assert code == 0 and "cancelling" in out and out.rstrip().endswith(" s") and float(out.split()[-2]) > 1


def test_texts_of_batch_move_no_cursor(batch):
    reason = "MISCONFIGURATION:NEW \x1b[2J\x1b]0;x\x07\nforged\x9b2J\u202e"
    batch.add(jobId="aaaaaaaa-0000-4000-8000-000000000001", jobName="a\x1b[2Jb", statusReason=reason, age="3h")
    for words in (("--queue", "render", "--head", "--dry-run"), ("--queue", "render", "--dry-run"), ("queues",), ("jobs", "render")):
        _, out, said = batch.run(*words, *FREE)
        assert not set(out + said) & set("\x1b\x07\x9b\u202e"), (words, out, said)


def test_what_is_typed_before_the_question_is_no_answer(batch):
    ids(batch, 2)
    batch.faults(latency=3)
    terminal = batch.at_the_keyboard("--queue", "render", *FREE)
    until(lambda: batch.calls())
    terminal.sendline("y")
    batch.faults()
    terminal.expect_exact("[y/N] ")
    terminal.sendline("n")
    said, code = ended(terminal)
    assert code == 2 and batch.cancelled() == set()


def test_an_error_after_the_question_is_not_nothing(batch):
    ids(batch, 2)
    terminal = batch.at_the_keyboard("--queue", "render", "--wait", "--timeout", "60s", *FREE)
    terminal.expect_exact("[y/N] ")
    batch.faults(denied=["CancelJobs", "CancelJob"])
    terminal.sendline("y")
    said, code = ended(terminal)
    assert code == 1 and "2 refused" in said
