"""The peak memory of one invocation, with a result bus and without, at the sizes that a function of 128 MB has to hold. See
benches/run."""

import json

from compare import Endpoint, ours, table, tls_files

# Bytes of a job in an answer of DescribeJobs.
SIZE = 2500
# What Batch keeps of a status reason in a report, in characters.
REASON = 256


def jobs(endpoint, count, reasons):
    """The ids of so many jobs, among which are so many different status reasons; 0 is none."""
    reason = lambda number: f"{number % max(reasons, 1):08d} ".ljust(REASON, "x") if reasons else None
    ids = []
    for start in range(0, count, 10_000):
        spec = {"jobQueue": "main", "status": "RUNNABLE", "jobName": "nightly-render-frame"}
        batch = [{**spec, "statusReason": reason(number)} for number in range(start, min(start + 10_000, count))]
        ids += endpoint.control("POST", "jobs", batch)["jobIds"]
    return ids


def peak(ids, endpoint, wrap, settings):
    """Megabytes at the peak, and seconds."""
    with ours().host(endpoint.tls, API_CONCURRENCY="8", **settings) as function:
        _, took = function.invoke(wrap(ids))
        _, memory = function.end()
    return memory, took


def direct(ids):
    return json.dumps({"jobIds": ids}).encode()


def sqs(ids):
    """Ten messages, as many as SQS hands over at once."""
    size = -(-len(ids) // 10)
    records = [
        {"messageId": str(number), "eventSource": "aws:sqs", "body": json.dumps({"jobIds": ids[at : at + size]})}
        for number, at in enumerate(range(0, len(ids), size))
    ]
    return json.dumps({"Records": records}).encode()


def main():
    tls_files()
    rows = [["peak memory, TLS, 2.5 kB a job", "direct, bus", "direct, no bus", "SQS, bus", "seconds"]]
    for title, count, reasons in (
        ("100,000 jobs, no reason", 100_000, 0),
        ("100,000 jobs, 1,000 reasons of 256 bytes", 100_000, 1000),
        ("100,000 jobs, a reason of 256 bytes each", 100_000, 100_000),
        ("150,000 jobs, no reason", 150_000, 0),
    ):
        figures = []
        for wrap, settings in ((direct, {}), (direct, {"RESULT_BUS": ""}), (sqs, {})):
            endpoint = Endpoint(SIZE)
            memory, took = peak(jobs(endpoint, count, reasons), endpoint, wrap, settings)
            figures.append((memory, took))
            endpoint.stop()
        rows.append([title, *(f"{memory:.1f} MB" for memory, _ in figures), f"{figures[0][1]:.1f}"])
    table(rows)


if __name__ == "__main__":
    main()
