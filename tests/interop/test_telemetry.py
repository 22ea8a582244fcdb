"""What the template says of logs and metrics against what the function's binary writes: each metric of an alarm or of the
dashboard, and each field of a saved query, is one that it wrote here."""

import contextlib
import functools
import json
import re
import time
import uuid
from collections import Counter

import pytest

from cloudformation import PSEUDO, of_type, stack
from lambda_host import FunctionError, LambdaHost
from servers import LOOPBACK, binary, emulator, free_port, http
from test_template import everything

QUEUE, SERVICE = "render", "BatchCancel"
ARN = f"arn:aws:batch:{PSEUDO['AWS::Region']}:{PSEUDO['AWS::AccountId']}"
IDS = {
    name: str(uuid.UUID(int=number))
    for number, name in enumerate(
        [
            "waiting",
            "dependent",
            "running",
            "to terminate",
            "ended",
            "protected",
            "elsewhere",
            "denied",
            "failing",
            "unmoved",
            "first",
            "second",
            "third",
            "blocking",
            "hanging",
            "terminated",
        ],
        1,
    )
}
BLOCKED = "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - the job asks for more than any instance has"


def job(name, status="RUNNABLE", **fields):
    return {"jobId": IDS[name], "jobQueue": QUEUE, "status": status} | fields


SEED = {
    "queues": [{"name": name} for name in (QUEUE, "payments", "stuck")],
    "jobs": [
        job("waiting"),
        job("dependent", "PENDING", dependsOn=[{"jobId": IDS["running"]}]),
        job("running", "RUNNING"),
        job("to terminate", "RUNNING"),
        job("ended", "SUCCEEDED"),
        job("protected", tags={"batch-cancel:protect": "yes"}),
        job("elsewhere", jobQueue="payments"),
        job("denied"),
        job("failing"),
        job("unmoved"),
        job("first"),
        job("second"),
        job("third"),
        job("hanging"),
        job("blocking", jobQueue="stuck", statusReason=BLOCKED),
        job("terminated", "FAILED", isTerminated=True),
    ],
    "behaviour": {"terminateDelay": "1h"},
    "faults": {
        "itemErrors": {IDS["denied"]: "AccessDenied", IDS["failing"]: "ValidationException"},
        "ignoreCancels": [IDS["unmoved"]],
    },
}
BLOCKED_EVENT = {
    "detail-type": "Batch Job Queue Blocked",
    "source": "aws.batch",
    "account": PSEUDO["AWS::AccountId"],
    "region": PSEUDO["AWS::Region"],
    "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    "resources": [],
    "detail": {
        "jobId": IDS["blocking"],
        "jobQueue": f"{ARN}:job-queue/stuck",
        "status": "RUNNABLE",
        "statusReason": BLOCKED,
    },
}


def http_event(method, path, body=None, caller="arn:aws:iam::123456789012:user/ann"):
    authorizer = {"iam": {"userArn": caller}} if caller else {}
    return {
        "version": "2.0",
        "rawPath": path,
        "headers": {"content-type": "application/json"},
        "requestContext": {"http": {"method": method, "path": path}, "authorizer": authorizer},
        "body": json.dumps(body),
    }


def ids(*names):
    return [IDS[name] for name in names]


# Events, and the faults of the emulator while each is worked on.
CASES = [
    ({"jobIds": ids(*(name for name in IDS if name not in ("to terminate", "third", "blocking", "hanging")))}, {}),
    ({"jobIds": ["no id", str(uuid.UUID(int=999))]}, {}),
    ({"jobIds": ids("to terminate"), "terminate": True}, {}),
    ({"jobIds": ids("third", "running"), "terminate": True, "dryRun": True}, {}),
    ({"jobIds": ids("third"), "dryRun": True}, {}),
    ({"jobIds": ids("third", "hanging"), "maxJobs": 1, "dryRun": True}, {}),
    ({"jobIds": ids("third"), "dryrun": True}, {}),
    ({"select": {"jobQueue": "render"}, "reason": "A test"}, {"throttleRate": 1}),
    ({"jobIds": ids("third"), "reason": "A test"}, {"throttleRate": 1, "only": ["CancelJob", "CancelJobs"]}),
    ({"jobIds": ids("hanging")}, {"hangRate": 1}),
    ([{"jobIds": ids("first"), "reason": "One"}, {"jobIds": ids("second"), "reason": "Another"}], {}),
    (BLOCKED_EVENT, {}),
    ({"watch": {}}, {}),
    ({"AlarmName": "deep", "NewStateValue": "OK"}, {}),
    (http_event("POST", "/cancellations", {"jobIds": ids("first")}), {}),
    (http_event("POST", "/cancellations", {"jobIds": ids("first")}, caller=None), {}),
    (http_event("GET", "/nowhere"), {}),
]


@pytest.fixture(scope="module")
def lines():
    """The lines that the function wrote in its log."""
    variables = {
        "ALLOWED_QUEUES": f"{QUEUE},stuck",
        "ALLOW_TERMINATE": "true",
        "API_CALLS_PER_SECOND": "0",
        # Longer than the job is the first of its queue.
        "BLOCKED_FOR": "12h",
    }
    no_bus = {"RESULT_BUS": "default", "AWS_ENDPOINT_URL_EVENTBRIDGE": f"http://{LOOPBACK}:{free_port()}"}
    with emulator(SEED) as url:
        with LambdaHost(binary("BATCH_CANCEL"), timeout=8, AWS_ENDPOINT_URL=url, **variables) as function:
            for event, faults in CASES:
                assert http(f"{url}/_emulator/faults", "PUT", SEED["faults"] | faults)[0] == 200
                with contextlib.suppress(FunctionError):
                    function.invoke(event)
            log = function.logs()
        with LambdaHost(binary("BATCH_CANCEL"), AWS_ENDPOINT_URL=url, **variables, **no_bus) as function:
            function.invoke({"jobIds": ids("ended")})
            log += function.logs()
    return [json.loads(line) for line in log.splitlines() if line.startswith("{")]


def of_metrics(lines):
    """Namespace, name and dimensions of each metric that was written."""
    return {
        (directive["Namespace"], metric["Name"], dimension)
        for line in lines
        if "_aws" in line
        for directive in line["_aws"]["CloudWatchMetrics"]
        for metric in directive["Metrics"]
        for dimensions in directive["Dimensions"]
        for dimension in dimensions
    }


def named(query):
    """The fields that a query of Logs Insights names."""
    query = re.sub(r'"[^"]*"', "", query)  # texts
    words = set(re.findall(r"[A-Za-z][\w.]*", query))
    keywords = {"filter", "fields", "sort", "limit", "desc", "and", "or", "ispresent", "display"}
    # What the query makes itself, and what is in it, is for `rows`.
    made = set(re.findall(r"(?:as|into) (\w+)", query))
    keywords |= made and {"jsonParse", "as", "unnest", "into"}
    return {word for word in words - keywords if word.split(".")[0] not in made}


def rows(query, lines):
    """What the commands of a query make of lines, as AWS documents them; no local AWS has `jsonParse` and `unnest`."""
    for command in query.split("|"):
        word, rest = command.strip().split(" ", 1)
        if found := re.fullmatch(r'filter (\w+) = "(\w+)"', command.strip()):
            lines = [line for line in lines if line.get(found[1]) == found[2]]
        elif found := re.fullmatch(r"fields jsonParse\((\w+)\) as (\w+)", command.strip()):
            lines = [line | {found[2]: json.loads(line[found[1]])} for line in lines]
        elif found := re.fullmatch(r"unnest (\w+) into (\w+)", command.strip()):
            lines = [line | {found[2]: item} for line in lines for item in line[found[1]]]
        elif word == "display":
            names = rest.split(", ")
            value = lambda line, name: functools.reduce(lambda part, key: part[key], name.split("."), line)
            lines = [{name: value(line, name) for name in names} for line in lines]
        else:
            assert re.fullmatch(r"sort \w+ desc|limit \d+", command.strip()), command
    return lines


def fields(lines):
    found = set()
    for line in lines:
        found |= line.keys() | {f"counts.{outcome}" for outcome in line.get("counts", {})}
    return found


def test_each_field_of_a_saved_query_is_one_that_the_function_wrote(lines):
    queries = of_type(stack(**everything), "AWS::Logs::QueryDefinition")
    assert len(queries) == 4
    for name, query in queries.items():
        text = query["Properties"]["QueryString"]
        assert {"timestamp", "requestId"} <= named(text), name
        kind = re.search(r'message = "(\w+)"', text)[1]
        written = fields([line for line in lines if line.get("message") == kind])
        assert named(text) <= written, f"{name}: the function never wrote these"


def test_the_outcome_of_each_job_is_a_row_of_its_own(lines):
    queries = of_type(stack(**everything), "AWS::Logs::QueryDefinition")
    (query,) = (
        query["Properties"]["QueryString"]
        for query in queries.values()
        if "Outcome of each job" in str(query["Properties"]["Name"])
    )
    asked = Counter()
    for line in lines:
        if line.get("message") == "done":
            asked.update({(line["requestId"], outcome): count for outcome, count in line.get("counts", {}).items()})
    found = rows(query, lines)
    # One that was only counted, for `maxJobs`, is in no line.
    assert Counter((row["requestId"], row["job.outcome"]) for row in found) <= asked
    assert len(found) > len(IDS) and all(row["timestamp"] and row["job.jobId"] for row in found)
    (several,) = (line for line in lines if line.get("message") == "done" and line.get("jobs", 0) > 5)
    assert len([row for row in found if row["requestId"] == several["requestId"]]) == several["jobs"]
    jobs = {job["job.jobId"] for job in found}
    assert {"no id", *ids("first", "second", "running")} <= jobs


def test_each_metric_of_an_alarm_is_one_that_the_function_wrote(lines):
    written = of_metrics(lines)
    alarms = of_type(stack(**everything, MetricsNamespace=SERVICE), "AWS::CloudWatch::Alarm").values()
    used = set()
    for alarm in alarms:
        properties = alarm["Properties"]
        if properties.get("Namespace") == SERVICE:
            (dimension,) = properties["Dimensions"]
            used.add((SERVICE, properties["MetricName"], dimension["Name"]))
        for metric in properties.get("Metrics", []):
            name, dimension = re.search(r'\((\w+)\) FROM SCHEMA\("BatchCancel", (\w+)\)', metric["Expression"]).groups()
            used.add((SERVICE, name, dimension))
    assert len(used) == 5
    assert used <= written


def test_each_metric_of_the_dashboard_is_one_that_the_function_wrote(lines):
    written = of_metrics(lines)
    dashboard = stack("stacks/dashboard.yaml", JobQueue="low", MetricsNamespace=SERVICE)["Dashboard"]
    body = json.loads(dashboard["Properties"]["DashboardBody"])
    used, queries = set(), []
    for widget in body["widgets"]:
        previous = []
        for metric in widget["properties"].get("metrics", []):
            parts = [part for part in metric if isinstance(part, str)]
            if not parts:
                queries.append(metric[0]["expression"])
                continue
            if parts[0] == "...":
                parts = previous[: 1 - len(parts)] + parts[1:]
            parts = [before if part == "." else part for part, before in zip(parts, previous or parts)]
            previous = parts
            namespace, name, dimension, _ = parts
            if namespace == SERVICE:
                used.add((namespace, name, dimension))
    assert len(used) == 18
    (query,) = queries
    assert query.startswith('SELECT MAX(HeadAge) FROM SCHEMA("BatchCancel", JobQueueName)')
    assert used | {(SERVICE, "HeadAge", "JobQueueName")} <= written
    (log,) = (widget["properties"]["query"] for widget in body["widgets"] if widget["type"] == "log")
    source, query = log.split(" | ", 1)
    assert source == "SOURCE '<import of batch-cancel-LogGroupName>'"
    assert named(query.replace("'", '"')) <= fields(lines)
