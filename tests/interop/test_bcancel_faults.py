"""bcancel through faults and Ctrl-C at random moments: what it prints must be true.

Each run ends the jobs of a queue of its own, some of which start or end meanwhile, while calls are throttled, fail, and lose their answers.
Its report is then held against the emulator's account.
"""

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from keyboard import Batch
from servers import binary, emulator, http, sts

FAULTS = {
    "throttleRate": 0.2,
    "itemThrottleRate": 0.2,
    "serverErrorRate": 0.1,
    "resetBeforeRate": 0.05,
    "resetAfterRate": 0.05,
    "cutShortRate": 0.03,
    "omitDoneRate": 0.02,
    "refuseStartedRate": 0.3,
    "latency": 0.01,
    "jitter": 0.05,
}
ENDED = {"cancelled", "terminated", "cancelling", "terminating"}
UNTOUCHED = {"notAttempted", "failed", "throttled", "denied"}


class Run:
    def __init__(self, batch, number, seed):
        self.batch, self.queue = batch, f"queue-{number}"
        self.dice = random.Random(seed * 1_000_000 + number)

    def add_jobs(self):
        status, _ = http(f"{self.batch.url}/_emulator/queues", "POST", {"name": self.queue})
        assert status in (200, 204)
        specs = []
        for _ in range(self.dice.randrange(1, 8)):
            moves = self.dice.random() < 0.3
            lifecycle = {"runnableFor": self.dice.uniform(0, 2), "startingFor": 0.2, "runningFor": self.dice.uniform(0, 3)}
            specs.append({
                "jobQueue": self.queue,
                "count": self.dice.randrange(1, 30),
                "age": "3h",
                **({"lifecycle": lifecycle} if moves else {}),
                **({"tags": {"batch-cancel:protect": ""}} if self.dice.random() < 0.1 else {}),
            })
        assert http(f"{self.batch.url}/_emulator/jobs", "POST", specs)[0] == 200

    def account(self):
        return {job_id: job for job_id, job in self.batch.jobs().items() if job["jobQueue"].endswith(self.queue)}

    def end_jobs(self):
        """Exit code, report or none, and whether it was interrupted."""
        terminate = ["--terminate"] if self.dice.random() < 0.2 else []
        pace = self.dice.choice(["5", "10", "50"])
        words = ["--queue", self.queue, "--yes", "--json", "--calls-per-second", pace, *terminate]
        program = subprocess.Popen(
            [binary("BCANCEL"), *words], env=self.batch.variables, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )
        interrupts = self.dice.random() < 0.5
        if interrupts:
            time.sleep(self.dice.uniform(0.1, 5))
            program.send_signal(signal.SIGINT)
        out, said = program.communicate(timeout=120)
        return program.returncode, (json.loads(out) if out else None), interrupts, said

    def wrong(self):
        """What is untrue, and the outcomes."""
        self.add_jobs()
        code, report, interrupted, said = self.end_jobs()
        account, wrong = self.account(), []
        marked = {job_id for job_id, job in account.items() if job["isCancelled"] or job["isTerminated"]}
        if report is None:
            if code not in (2, -signal.SIGINT) or marked:
                wrong.append(f"no report, exit code {code}, {len(marked)} ended: {said}")
            return wrong, Counter(["nothing done"])
        outcomes = {job["jobId"]: job["outcome"] for job in report["jobs"]}
        if len(outcomes) != len(report["jobs"]):
            wrong.append("a job stands there twice")
        for job_id, outcome in outcomes.items():
            job = account[job_id]
            if outcome in ("cancelled", "terminated") and not (job_id in marked and job["status"] == "FAILED"):
                wrong.append(f"{job_id} is said to be {outcome}: {job}")
            if outcome in ("cancelling", "terminating") and job_id not in marked:
                wrong.append(f"{job_id} is said to be {outcome}: {job}")
            if outcome in UNTOUCHED | {"running", "protected"} and job_id in marked:
                wrong.append(f"{job_id} is said to be {outcome}, and was ended: {job}")
        if marked - outcomes.keys():
            wrong.append(f"ended and not in the report: {marked - outcomes.keys()}")
        counts = Counter(outcomes.values())
        if report["summary"] != {"jobs": len(outcomes), **counts}:
            wrong.append(f"the summary is {report['summary']}, the jobs {counts}")
        is_all = set(outcomes.values()) <= ENDED | {"finished"} and "selection" not in report
        if (code == 0) != is_all or code not in (0, 1):
            wrong.append(f"exit code {code} for {counts}: {said}")
        return wrong, counts + Counter(["runs that were stopped midway"] if interrupted and "stopping:" in said else [])


def test_what_it_prints_is_true_whatever_goes_wrong():
    runs, seed = int(os.environ.get("KEYBOARD_RUNS", "20")), int(os.environ.get("KEYBOARD_SEED", "1"))
    began, all_wrong, counts = time.monotonic(), [], Counter()
    with sts() as caller, emulator({"queues": [{"name": "other"}], "faults": {**FAULTS, "seed": seed}}) as url:
        batch = Batch(url, caller)
        with ThreadPoolExecutor(8) as pool:
            for number, (wrong, outcomes) in enumerate(pool.map(lambda number: Run(batch, number, seed).wrong(), range(runs))):
                counts += outcomes
                all_wrong += [f"run {number}: {what}" for what in wrong]
        bit = {name: count for name, count in http(f"{url}/_emulator/faults/counts")[1].items() if count}
    print(f"{runs} runs from seed {seed} in {time.monotonic() - began:.0f} s: {dict(counts)}\nfaults that bit: {bit}\nwrong: {len(all_wrong)}")
    assert not all_wrong, "\n".join(all_wrong)
    assert counts["cancelled"] > 10 * runs and counts["runs that were stopped midway"] > 0
    assert all(bit.get(name, 0) for name in FAULTS.keys() - {"seed", "refuseStartedRate"}), bit
