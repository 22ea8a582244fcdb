"""bcancel as a person uses it: in a pseudo-terminal, or in a pipe, against an emulator with an account of its own."""

import json
import re
import subprocess
import time
from collections import Counter

import pexpect

from servers import binary, http, plain_environment

ENDED = {"cancelled", "terminated"}


class Batch:
    """The emulator's account, and bcancel in it."""

    def __init__(self, url, sts_url):
        self.url = url
        self.variables = plain_environment(AWS_ENDPOINT_URL_BATCH=url, AWS_ENDPOINT_URL_STS=sts_url, TERM="xterm")

    def add(self, **spec):
        status, answer = http(f"{self.url}/_emulator/jobs", "POST", {"jobQueue": "render", **spec})
        assert status == 200, answer
        return answer

    def faults(self, **faults):
        assert http(f"{self.url}/_emulator/faults", "PUT", faults)[0] in (200, 204)

    def jobs(self):
        return {job["jobId"]: job for job in http(f"{self.url}/_emulator/jobs")[1]}

    def cancelled(self):
        return {job_id for job_id, job in self.jobs().items() if job["isCancelled"] or job["isTerminated"]}

    def calls(self):
        return Counter(call["operation"] for call in http(f"{self.url}/_emulator/calls")[1])

    def run(self, *words, text=None, timeout=120):
        """Exit code, standard output and standard error, without a terminal."""
        ran = subprocess.run(
            [binary("BCANCEL"), *words], env=self.variables, input=text, stdin=None if text else subprocess.DEVNULL,
            capture_output=True, text=True, timeout=timeout,
        )
        return ran.returncode, ran.stdout, ran.stderr

    def report(self, *words):
        code, out, said = self.run(*words, "--json")
        assert out, said
        return code, json.loads(out)

    def at_the_keyboard(self, *words, columns=80, command=None):
        """bcancel in a terminal."""
        program, arguments = (command or binary("BCANCEL")), list(words)
        return pexpect.spawn(program, arguments, env=self.variables, dimensions=(40, columns), encoding="utf-8", timeout=60)


def ended(terminal):
    """What was printed from now on, without the moves of the cursor, and the exit code."""
    terminal.expect(pexpect.EOF)
    terminal.close()
    return plain(terminal.before), terminal.exitstatus


def plain(text):
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", text)


def until(what, seconds=60):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)
