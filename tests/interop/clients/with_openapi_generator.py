"""Sends what the file says with the client that openapi-generator made, and prints what it read of the answers."""

import json
import re
import sys
from pathlib import Path

told = json.loads(Path(sys.argv[1]).read_text())
sys.path.insert(0, told["folder"])

from batch_cancel_client import ApiClient, Configuration, DefaultApi, Request, Select


def arguments(fields):
    """The fields by the names that they have in Python."""
    return {re.sub("[A-Z]", lambda found: "_" + found[0].lower(), name): value for name, value in fields.items()}


def request(fields):
    given = arguments(fields)
    if "select" in given:
        given["select"] = Select(**arguments(given["select"]))
    return Request(**given)


def outcomes(report):
    return {job.job_id: job.outcome.value for job in report.jobs}


def page(**given):
    found = api.list_jobs("render", **given)
    return [[job.job_id for job in found.jobs], found.next_token]


api = DefaultApi(ApiClient(Configuration(host=told["url"])))
first = page(**arguments(told["page"]))
second = page(**arguments(told["page"]), next_token=first[1])
job_id, options = told["delete"]
deleted = api.cancel_job(job_id, **arguments(options))
queue = api.show_queue("render")
print(
    json.dumps(
        {
            "requests": [outcomes(api.cancel_jobs(request(body))) for body in told["requests"]],
            "pages": [first, second],
            "deleted": [deleted.job_id, deleted.outcome.value],
            "queue": [queue.state, queue.jobs, queue.head.job_id, queue.head.code],
        }
    )
)
