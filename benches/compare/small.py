"""The functions at the size of a Lambda function of 128 MB: answers as large as real ones, over TLS, and 7.2 % of a core
from the first event on. See benches/run."""

import os
import statistics

from compare import ROUNDS, Endpoint, bulk, ours, peers, spread, table, tls_files, warm
from host import share_of_core

# Bytes of a job in an answer of DescribeJobs: a short one, an ordinary one, one with many variables and attempts.
SIZES = (1000, 2500, 5000)
# What a function has of one core: its memory over 1769 MB (docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html).
SHARE = 128 / 1769
# Calls a second that AWS grants an account.
LIMIT = 50


def first_and_warm(group):
    rows = [[f"2.5 kB a job, TLS{', 7.2 % of a core' if group else ''}; ms", "first event", "warm p50", "warm p99"]]
    for peer in peers():
        endpoint = Endpoint(2500)
        (job,) = endpoint.jobs(1)
        first = []
        for _ in range(ROUNDS):
            with peer.host(endpoint.tls, group=group) as function:
                first.append(function.invoke(peer.event([job], "describe"))[1])
        times = sorted(warm(peer, endpoint.tls, endpoint, "describe", group=group))
        rows.append([peer.name, spread(first, 1e3), spread(times, 1e3, 2), f"{times[len(times) * 99 // 100] * 1e3:.2f}"])
        endpoint.stop()
    table(rows)
    print(flush=True)


def cpu(count, sizes, runs):
    rows = [[f"{count:,} jobs over TLS, no latency", "seconds", "calls", "CPU s", "CPU s a 1,000 jobs", "peak MB"]]
    for size in sizes:
        endpoint = Endpoint(size)
        # As many calls at a time as the function makes by default.
        took, _, calls, cpu, memory = bulk(ours(), endpoint, "threads", count, runs, {"API_CONCURRENCY": "8"}, secure=True)
        name = f"{size / 1000} kB a job" if size else "the emulator's 0.4 kB"
        rows.append([name, f"{took:.2f}", f"{calls:.0f}", f"{cpu:.2f}", f"{cpu / count * 1000:.4f}", f"{memory:.1f}"])
        endpoint.stop()
    table(rows)
    print(flush=True)


def at_the_limit(count, group, runs):
    """Seconds of an invocation for so many jobs at the account's limit, beside the least that it can take."""
    calls = 4 * count // 100
    bound = calls / LIMIT
    name = f"{count:,} jobs, 2.5 kB, TLS, {LIMIT} calls/s{', 7.2 % of a core' if group else ''} (bound {bound:.2f} s)"
    rows = [[name, "seconds", "× bound", "not cancelled", "calls", "CPU s"]]
    endpoint = Endpoint(2500)
    took, left, calls, cpu, _ = bulk(
        ours(), endpoint, "threads", count, runs, {"API_CALLS_PER_SECOND": str(LIMIT), "API_CONCURRENCY": "8"},
        secure=True, group=group, latency=0.02, callsPerSecond=LIMIT, burst=5,
    )
    rows.append(["batch-cancel", f"{took:.2f}", f"{took / bound:.2f}", f"{left:.0f}", f"{calls:.0f}", f"{cpu:.2f}"])
    table(rows)
    endpoint.stop()
    print(flush=True)


def to_the_truth():
    """Calls, and so seconds, until the last job's final state is known: by count, at the account's limit."""
    rows = [["calls and seconds to the truth", "batch-cancel", "", "Distributed Map, CancelJob then DescribeJobs each", ""]]
    for count in (1000, 10_000, 100_000):
        calls, singly = 4 * count // 100, 2 * count
        rows.append([f"{count:,} jobs", f"{calls:,}", f"{calls / LIMIT:,.0f} s", f"{singly:,}", f"{singly / LIMIT:,.0f} s"])
    table(rows)


def main():
    tls_files()
    group = share_of_core(SHARE)
    if group is None:
        print("no CPU group can be made here, so what needs one is left out\n")
    first_and_warm(None)
    if group:
        first_and_warm(group)
    cpu(10_000, (0, *SIZES), ROUNDS)
    for count, runs in ((2000, ROUNDS), (10_000, max(1, ROUNDS // 2))):
        at_the_limit(count, None, runs)
        if group:
            at_the_limit(count, group, runs)
    cpu(100_000, (5000,), 1)
    to_the_truth()


if __name__ == "__main__":
    main()
