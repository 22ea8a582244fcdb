#!/usr/bin/env python3
"""What batch-cancel costs, with AWS's list prices in us-east-1 and no free tier. docs/costs.md says what the parts are.

    docs/files/costs.py month    1,000 requests of 100 jobs each in a month, and a watch of five queues
    docs/files/costs.py jobs     many jobs at once, in batches of 1,000: how long they take, and what they cost
"""

import sys


def month():
    requests, queues, watches = 1000, 5, 8760
    parts = {
        "8 custom metrics, $0.30 each": 8 * 0.30,
        "14 alarms, $0.10 each": 14 * 0.10,
        "polls of 2 empty queues: 5 pollers, one each 20 s": 2 * 5 * 3 * 60 * 730 * 0.4e-6,
        "1,000 invocations of 0.5 s with 128 MB": requests * (0.2e-6 + 0.5 * 0.125 * 0.0000166667),
        "logs, 8 kB each": requests * 8e3 * 0.5e-9,
        "reports: events and report queue": requests * (1e-6 + 0.4e-6),
        "requests: SQS send, receive, delete": requests * 3 * 0.4e-6,
        "traces": requests * 5e-6,
    }
    watch = {
        "watching 5 queues: 2 custom metrics each": queues * 2 * 0.30,
        "2 alarms on a query of 5 metrics, $0.10 a metric": 2 * queues * 0.10,
        "2 alarms on events that are lost": 2 * 0.10,
        "8,760 invocations of 1 s": watches * (0.2e-6 + 0.125 * 0.0000166667),
    }
    for name, some in ("without a watch", parts), ("a watch", watch):
        for what, dollars in some.items():
            print(f"${dollars:.3f}  {what}")
        print(f"${sum(some.values()):.2f}   {name}")
    print(f"${sum(list(parts.values())[3:]):.2f}   of the month: the function, its logs, reports, requests and traces")


def jobs():
    print("jobs        calls   at 10/s   at 20/s   at 50/s   Lambda  logs   reports  list   traces  sum")
    for n in 10**3, 10**4, 10**5, 10**6, 10**7:
        calls, batches = n // 100 + n // 50 + n // 100, n // 1000
        # Lambda: at 10 calls a second. Logs: 57 bytes a job. Reports: four chunks of 64 KB a batch, as event and in the queue.
        # A list: two transitions of Step Functions a batch.
        cost = [
            calls / 10 * 0.125 * 0.0000166667 + batches * 0.2e-6,
            n * 57 * 0.5e-9,
            batches * 4 * (1e-6 + 0.4e-6),
            batches * 2 * 25e-6,
            batches * 5e-6,
        ]
        seconds = (f"{calls / rate:>7.0f} s" for rate in (10, 20, 50))
        print(f"{n:<10} {calls:>6}", *seconds, *(f" ${part:.3f}" for part in cost), f" ${sum(cost):.2f}")


{"month": month, "jobs": jobs}[sys.argv[1]]()
