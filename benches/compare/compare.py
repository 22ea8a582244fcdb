"""batch-cancel beside what a user would write instead, in one run against one endpoint. See benches/run."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

from host import Host

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
WORK = Path(sys.argv[1])
ROUNDS = int(os.environ.get("ROUNDS", "5"))
WARM = 300

BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
CHANGING = {"CancelJob", "CancelJobs", "TerminateJob", "TerminateJobs"}


def tls_files():
    """A certificate for localhost, and the full bundle of roots with its issuer in it."""
    ssl = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"]
    run = lambda *arguments: subprocess.run(arguments, cwd=WORK, check=True, capture_output=True)
    run(*ssl, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=benchmark")
    run(*ssl, "-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=localhost", "-CA", "ca.pem", "-CAkey", "ca.key",
        "-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE")
    roots = Path(BUNDLE).read_text() + (WORK / "ca.pem").read_text()
    (WORK / "bundle.pem").write_text(roots)
    return roots.count("BEGIN CERTIFICATE")


class Endpoint:
    """The fake AWS Batch. `size` is how many bytes a job has in its answers, 0 the few that the emulator says."""

    def __init__(self, size=0):
        self._size = size
        command = [ROOT / "target/release/endpoint", WORK / "cert.pem", WORK / "key.pem"]
        command += [str(size)] if size else []
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.plain, self.tls = self._process.stdout.readline().split()

    def control(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.plain}/_emulator/{path}", data, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def jobs(self, count, **faults):
        """New runnable jobs; from now on calls are counted, and these faults are in force."""
        self.control("PUT", "faults", {})
        ids = self.control("POST", "jobs", {"jobQueue": "main", "status": "RUNNABLE", "count": count})["jobIds"]
        self.control("PUT", "faults", faults)
        self.control("DELETE", "calls")
        return ids

    def calls(self):
        return self.control("GET", "calls")

    def not_cancelled(self, ids):
        states = {job["jobId"]: job for job in self.control("GET", "jobs")}
        return sum(not states[job_id]["isCancelled"] for job_id in ids)

    def restart(self):
        self._process.kill()
        self._process.wait()
        self.__init__(self._size)

    def stop(self):
        self._process.kill()


class Peer:
    """A function: how it is started, and what its event looks like."""

    def __init__(self, name, command, package):
        self.name, self.command, self.package = name, command, package

    def host(self, url, mode="describe", group=None, **settings):
        environment = {
            "MODE": mode,
            "AWS_ENDPOINT_URL": url,
            "SSL_CERT_FILE": str(WORK / "bundle.pem"),
            "AWS_CA_BUNDLE": str(WORK / "bundle.pem"),
            "NODE_EXTRA_CA_CERTS": str(WORK / "ca.pem"),
            "ALLOWED_QUEUES": "*",
            "API_CALLS_PER_SECOND": "0",
            # As the template has it.
            "RESULT_BUS": "default",
            "API_CONCURRENCY": "32",
            **settings,
        }
        return Host(self.command, environment, group)

    def event(self, ids, mode):
        event = {"jobIds": ids}
        if self.name == "batch-cancel" and mode == "describe":
            event["dryRun"] = True
        return json.dumps(event).encode()


def ours():
    program = ROOT / "target/release/batch-cancel"
    return Peer("batch-cancel", [program], [program])


def peers():
    """batch-cancel, and what a user would write instead."""
    all_of_them = [ours(), Peer("boto3", [sys.executable, HERE / "function.py"], None)]
    if os.environ.get("NODE", "1") == "1" and (WORK / "node_modules").exists() and shutil.which("node"):
        shutil.copy(HERE / "function.mjs", WORK)
        all_of_them.append(Peer("Node SDK v3", ["node", WORK / "function.mjs"], None))
    return all_of_them


def spread(values, scale=1.0, digits=1):
    """The median of some runs."""
    return f"{statistics.median(values) * scale:.{digits}f}"


def median_of(runs, measure):
    return [measure() for _ in range(runs)]


def start_up(peer, endpoint):
    """Start → ready, and start → first answer over plain HTTP and over TLS, in seconds."""
    ready, plain, tls = [], [], []
    (job,) = endpoint.jobs(1)
    for _ in range(ROUNDS):
        for url, times in ((endpoint.plain, plain), (endpoint.tls, tls)):
            with peer.host(url) as function:
                ready.append(function.start)
                _, took = function.invoke(peer.event([job], "describe"))
                times.append(function.start + took)
    return ready, plain, tls


def warm(peer, url, endpoint, mode, group=None):
    """Seconds of each of many warm invocations."""
    ids = endpoint.jobs(WARM + 20)
    with peer.host(url, mode, group) as function:
        times = [function.invoke(peer.event([job], mode))[1] for job in ids]
    return times[20:]


def bulk(peer, endpoint, mode, count, runs, settings=None, secure=False, group=None, **faults):
    """Seconds, jobs not cancelled, calls, CPU seconds and peak memory of one invocation for many jobs; medians."""
    rows = []
    for _ in range(runs):
        endpoint.restart()
        ids = endpoint.jobs(count, **faults)
        url = endpoint.tls if secure else endpoint.plain
        with peer.host(url, mode, group, **(settings or {})) as function:
            _, took = function.invoke(peer.event(ids, mode))
            cpu, memory = function.end()
        rows.append((took, endpoint.not_cancelled(ids), len(endpoint.calls()), cpu, memory))
    return [statistics.median(column) for column in zip(*rows)]


def idle_memory(peer, url):
    with peer.host(url) as function:
        return function.end()[1]


def one_job_memory(peer, endpoint):
    (job,) = endpoint.jobs(1)
    with peer.host(endpoint.tls, "full") as function:
        function.invoke(peer.event([job], "full"))
        return function.end()[1]


def zip_size(files):
    path = WORK / "function.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for file in files:
            archive.write(file, Path(file).name)
    return path.stat().st_size / 1e6


def table(rows):
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def main():
    roots = tls_files()
    endpoint = Endpoint()
    built = ROOT / "target/release"
    hello = Peer("hello-world", [built / "hello"], [built / "hello"])
    everybody = peers()
    _, *others = everybody
    print(f"{os.cpu_count()} cores, {roots} root certificates, medians of {ROUNDS}; times in ms unless said\n", flush=True)

    hello_ready, hello_rss = [], []
    for _ in range(2 * ROUNDS):
        with hello.host(endpoint.plain) as function:
            hello_ready.append(function.start)
            hello_rss.append(function.end()[1])
    rows = [["", "ready", "+ first event", "… over TLS", "idle MB", "one job MB", "zip MB"]]
    rows.append(["hello-world", spread(hello_ready, 1e3), "", "", spread(hello_rss), "", f"{zip_size(hello.package):.2f}"])
    for peer in everybody:
        ready, plain, tls = start_up(peer, endpoint)
        memory = [median_of(ROUNDS, lambda: idle_memory(peer, endpoint.tls)), median_of(ROUNDS, lambda: one_job_memory(peer, endpoint))]
        size = f"{zip_size(peer.package):.2f}" if peer.package else ""
        rows.append([peer.name, spread(ready, 1e3), spread(plain, 1e3), spread(tls, 1e3), *map(spread, memory), size])
    table(rows)
    print(flush=True)

    rows = [["warm, ms", "one look p50", "p99", "look, cancel, look p50", "p99", "one look, TLS p50", "p99"]]
    for peer in everybody:
        row = [peer.name]
        for url, mode in ((endpoint.plain, "describe"), (endpoint.plain, "full"), (endpoint.tls, "describe")):
            times = sorted(warm(peer, url, endpoint, mode))
            row += [spread(times, 1e3, 2), f"{times[len(times) * 99 // 100] * 1e3:.2f}"]
        rows.append(row)
    table(rows)
    print(flush=True)

    def bulk_rows(title, cases, count, runs, **faults):
        rows = [[title, "seconds", "not cancelled", "calls", "CPU s", "peak MB"]]
        for name, peer, mode, settings in cases:
            took, left, calls, cpu, memory = bulk(peer, endpoint, mode, count, runs, settings, **faults)
            rows.append([name, f"{took:.2f}", f"{left:.0f}", f"{calls:.0f}", f"{cpu:.2f}", f"{memory:.1f}"])
        table(rows)
        print(flush=True)

    us = [("batch-cancel", ours(), "threads", {})]
    threads = [(f"{peer.name}, 32 at once", peer, "threads", {}) for peer in others]
    boto3_bulk = [("boto3, CancelJobs", others[0], "bulk", {})]
    serial = [(f"{peer.name}, serial", peer, "serial", {}) for peer in others]
    bulk_rows("1,000 jobs, 20 ms a call", us, 1000, ROUNDS, latency=0.02)
    bulk_rows("the same, peers", threads + boto3_bulk + serial, 1000, 1, latency=0.02)
    bulk_rows("10,000 jobs, 20 ms a call", us, 10_000, ROUNDS, latency=0.02)
    bulk_rows("the same, peers", threads + boto3_bulk, 10_000, 1, latency=0.02)
    limit = {"latency": 0.02, "callsPerSecond": 50, "burst": 5}
    at_50 = [("batch-cancel, ceiling 50", ours(), "threads", {"API_CALLS_PER_SECOND": "50"}), ("batch-cancel, no ceiling", ours(), "threads", {})]
    bulk_rows("2,000 jobs, 50 calls/s (bound 1.60 s)", at_50, 2000, ROUNDS, **limit)
    bulk_rows("the same, peers", threads + boto3_bulk, 2000, 1, **limit)
    bulk_rows("10,000 jobs, 50 calls/s (bound 8.00 s)", at_50, 10_000, 1, **limit)
    bulk_rows("10,000 jobs, no latency", us, 10_000, ROUNDS)
    no_bus = [("batch-cancel, no result bus", ours(), "threads", {"RESULT_BUS": ""})]
    bulk_rows("100,000 jobs, no latency", us + no_bus, 100_000, 1)
    endpoint.stop()


if __name__ == "__main__":
    main()
