"""Sends what the file says with the client that openapi-python-client made, and prints what it read of the answers."""

import json
import re
import sys
from pathlib import Path

told = json.loads(Path(sys.argv[1]).read_text())
sys.path.insert(0, told["folder"])

from batch_cancel_client import Client
from batch_cancel_client.api.default import cancel_job, cancel_jobs, list_jobs, show_queue
from batch_cancel_client.models import ListJobsStatus, Request, Select, SelectStatusesItem, SelectTags


def arguments(fields):
    """The fields by the names that they have in Python."""
    return {re.sub("[A-Z]", lambda found: "_" + found[0].lower(), name): value for name, value in fields.items()}


def select(fields):
    given = arguments(fields)
    if "statuses" in given:
        given["statuses"] = [SelectStatusesItem(status) for status in given["statuses"]]
    if "tags" in given:
        given["tags"] = SelectTags.from_dict(given["tags"])
    return Select(**given)


def request(fields):
    given = arguments(fields)
    if "select" in given:
        given["select"] = select(fields["select"])
    return Request(**given)


def outcomes(report):
    return {job.job_id: job.outcome.value for job in report.jobs}


def page(**given):
    found = list_jobs.sync("render", client=client, status=ListJobsStatus(given.pop("status")), **given)
    return [[job.job_id for job in found.jobs], found.next_token or None]


client = Client(base_url=told["url"], raise_on_unexpected_status=True)
first = page(**arguments(told["page"]))
second = page(**arguments(told["page"]), next_token=first[1])
job_id, options = told["delete"]
deleted = cancel_job.sync(job_id, client=client, **arguments(options))
queue = show_queue.sync("render", client=client)
print(
    json.dumps(
        {
            "requests": [outcomes(cancel_jobs.sync(client=client, body=request(body))) for body in told["requests"]],
            "pages": [first, second],
            "deleted": [deleted.job_id, deleted.outcome.value],
            "queue": [queue.state, queue.jobs.to_dict(), queue.head.job_id, queue.head.code],
        }
    )
)
