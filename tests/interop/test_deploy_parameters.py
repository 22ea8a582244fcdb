"""Each parameter that the function reads, changed by a deployment, changes what the next invocation does.

The same questions are asked three times: as deployed, after a change of all parameters but `DryRun` and
`BatchEndpointUrl`, and after a change of these two. Parameters that shape other resources are in test_template.py."""

import json
import time
import uuid

import pytest

from cloudformation import transformed
from deployment import ACCOUNT, deployed, eventually
from servers import REGION, emulator, http

OWN = "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - the job asks for more than any instance has"
QUOTA = "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - no capacity"
IDS = {
    name: str(uuid.UUID(int=number))
    for number, name in enumerate(
        [
            "plain",
            "of payments",
            "kept",
            "running",
            "second",
            "own fault",
            "nobody's fault",
            "new own fault",
            "new nobody's fault",
            "alarmed",
            "alarmed later",
            "owned",
            "owned by bob",
            "owned by dan",
            "owned by eve",
            "dependent",
            "elsewhere",
        ],
        1,
    )
}
# The parameters as they are changed; `deployed` has the values before.
BEFORE = {"OwnerTag": "owner", "BlockedFor": "600"}
AFTER = {
    "AllowedJobQueues": "render,stuck-*,payments",
    "ProtectTag": "keep=yes",
    "AllowTerminate": "true",
    "MaxSelected": "1",
    "OwnerTag": "team",
    "OwnerClaim": "nick",
    "OwnerRoles": f"arn:aws:sts::{ACCOUNT}:assumed-role/oncall/*",
    "AdminCallers": f"arn:aws:iam::{ACCOUNT}:user/boss",
    "BlockedReasons": "CAPACITY:*",
    "BlockedFor": "900",
    "AlarmRequest": '{"select":{"head":true},"reason":"By","dryRun":true}',
    "AlarmDescriptions": "true",
    "QueueDimensions": "Room",
    "ResultBus": "",
    "RequireCaller": "false",
    "Timeout": "5",
    "ApiCallsPerSecond": "2",
    "LogLevel": "debug",
    "MetricsNamespace": "Mine",
}


def job(name, **fields):
    return {"jobId": IDS[name], "jobQueue": "render", "status": "RUNNABLE"} | fields


def first_of(queue, name, reason, seconds):
    since = {"at": int((time.time() - seconds) * 1000)}
    return job(name, jobQueue=queue, age="48h", statusReason=reason, positionTime=since)


def seed():
    return {
        "queues": [{"name": name} for name in ("render", "payments", *(f"stuck-{n}" for n in "abcdef"))],
        "jobs": [
            job("plain", tags={"owner": "nobody"}),
            job("of payments", jobQueue="payments"),
            job("kept", tags={"keep": "yes"}),
            job("running", status="RUNNING"),
            job("second"),
            job("dependent", status="PENDING", dependsOn=[{"jobId": IDS["running"]}]),
            job("owned", tags={"owner": "ann"}),
            job("owned by bob", tags={"owner": "bob", "team": "bob"}),
            job("owned by dan", tags={"owner": "dan", "team": "dan"}),
            job("owned by eve", tags={"owner": "eve", "team": "eve"}),
            first_of("stuck-a", "own fault", OWN, 86_400),
            first_of("stuck-b", "nobody's fault", QUOTA, 86_400),
            first_of("stuck-e", "alarmed", OWN, 86_400),
            first_of("stuck-f", "alarmed later", QUOTA, 86_400),
            # For longer than 600 seconds, and not for 900.
            first_of("stuck-c", "new own fault", OWN, 720),
            first_of("stuck-d", "new nobody's fault", QUOTA, 720),
        ],
    }


def outcome(answer):
    """The outcome of the only job, or what else the answer says."""
    if "errorType" in answer:
        return answer["errorType"]
    if "statusCode" in answer:
        return answer["statusCode"]
    if "ignored" in answer:
        return "ignored"
    (found,) = answer["jobs"]
    return found["outcome"]


def request(name, **fields):
    return lambda deployment: outcome(deployment.invoke({"jobIds": [IDS[name]], "dryRun": True} | fields))


def select(queue, **fields):
    chosen = {"select": {"jobQueue": queue} | fields, "dryRun": True}
    return lambda deployment: outcome(deployment.invoke(chosen))


def by_http(method, path, authorizer=None):
    context = {"http": {"method": method, "path": path}, "accountId": ACCOUNT}
    event = {"version": "2.0", "rawPath": path, "headers": {}, "requestContext": context}
    if method == "DELETE":
        event |= {"rawQueryString": "dryRun=true", "queryStringParameters": {"dryRun": "true"}}
    context |= {"authorizer": authorizer} if authorizer else {}
    return lambda deployment: outcome(deployment.invoke(event))


def arn_of(kind, name):
    service = "sts" if kind == "assumed-role" else "iam"
    return {"iam": {"userArn": f"arn:aws:{service}::{ACCOUNT}:{kind}/{name}"}}


def delete(name, authorizer):
    return by_http("DELETE", f"/jobs/{IDS[name]}", authorizer)


def alarm(dimensions, queue, description=""):
    """An alarm that calls the function: the jobs and their outcomes, or why it is ignored."""
    metric = {"namespace": "Mine", "name": "Depth", "dimensions": dict.fromkeys(dimensions, queue)}
    configuration = {"description": description, "metrics": [{"id": "m", "metricStat": {"metric": metric}}]}
    event = {
        "source": "aws.cloudwatch",
        "alarmArn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:deep",
        "accountId": ACCOUNT,
        "region": REGION,
        "time": "2026-11-22T10:00:00.000+0000",
        "alarmData": {"alarmName": "deep", "state": {"value": "ALARM"}, "configuration": configuration},
    }

    def ask(deployment):
        answer = deployment.invoke(event)
        if "jobs" not in answer or "ignored" in answer:
            return answer.get("ignored") or answer["errorMessage"]
        return [(found["jobId"], found["outcome"]) for found in answer["jobs"] if found["outcome"] != "overLimit"]

    return ask


def seconds(event):
    def measure(deployment):
        began = time.monotonic()
        deployment.invoke(event)
        return time.monotonic() - began

    return measure


def of_the_next_invocation(look):
    """What `look` says of the log lines of an invocation."""

    def ask(deployment):
        request_id = deployment.invoke({"jobIds": [IDS["plain"]], "dryRun": True})["requestId"]
        return look([line for line in deployment.lines() if line.get("requestId") == request_id])

    return ask


def namespaces(lines):
    return {line["_aws"]["CloudWatchMetrics"][0]["Namespace"] for line in lines if "_aws" in line}


def is_published(deployment):
    """Whether the report of an invocation gets to the report queue. Without a bus there is no such queue."""
    request_id = deployment.invoke({"jobIds": [IDS["plain"]], "dryRun": True})["requestId"]
    found = lambda: any(event["detail"]["requestId"] == request_id for event in deployment.reports())
    return "ReportQueueUrl" in deployment.outputs and eventually(found)


HEALTHY = f"job {IDS['plain']} shows no reason for blocking its queue now"
description = json.dumps({"batchCancel": {"select": {"statuses": ["RUNNABLE"]}, "maxJobs": 1, "dryRun": True}})
waits = {"jobIds": [IDS["dependent"]], "waitSeconds": 9}
lists = {"select": {"jobQueue": "render", "jobName": "no-such-name"}, "dryRun": True}

# parameter → the question, the answer before and the answer after.
QUESTIONS = {
    "AllowedJobQueues": (request("of payments"), "queueNotAllowed", "wouldCancel"),
    "ProtectTag": (request("kept"), "wouldCancel", "protected"),
    "AllowTerminate": (request("running", terminate=True), "Refused", "wouldTerminate"),
    "OwnerTag": (delete("owned", arn_of("user", "ann")), 200, 403),
    "OwnerClaim": (delete("owned by bob", {"jwt": {"claims": {"sub": "bob", "nick": "cat"}}}), 200, 403),
    "OwnerRoles": (delete("owned by dan", arn_of("assumed-role", "oncall/dan")), 403, 200),
    "AdminCallers": (delete("owned by eve", arn_of("user", "boss")), 403, 200),
    "BlockedReasons": (select("stuck-a", head=True), "wouldCancel", "ignored"),
    "BlockedReasons, the other way": (select("stuck-b", head=True), "ignored", "wouldCancel"),
    "AlarmDescriptions": (
        alarm(["JobQueueName", "Room"], "render", description),
        HEALTHY,
        [(IDS["plain"], "wouldCancel"), (IDS["kept"], "protected")],
    ),
    "RequireCaller": (by_http("GET", "/openapi.json"), 401, 200),
    "LogLevel": (of_the_next_invocation(lambda lines: any(line["level"] == "DEBUG" for line in lines)), False, True),
    "MetricsNamespace": (of_the_next_invocation(namespaces), {"BatchCancel/batch-cancel"}, {"Mine"}),
    "ResultBus": (is_published, True, False),
}


@pytest.fixture(scope="module")
def deployment(tmp_path_factory):
    with deployed(tmp_path_factory.mktemp("user"), seed(), **BEFORE) as deployment:
        yield deployment


@pytest.fixture(scope="module")
def answers(deployment):
    """What each question is answered before and after the change, and how long some invocations take."""

    def ask():
        return {name: question(deployment) for name, (question, *_) in QUESTIONS.items()} | {
            "MaxSelected": outcome_of_selection(deployment),
            "BlockedFor": [select(queue, head=True)(deployment) for queue in ("stuck-c", "stuck-d")],
            "QueueDimensions": [alarm([dimension], "render")(deployment) for dimension in ("JobQueueName", "Room")],
            "AlarmRequest": [
                alarm([dimension], queue)(deployment)
                for dimension, queue in (("JobQueueName", "stuck-e"), ("Room", "stuck-f"))
            ],
            "ApiCallsPerSecond": seconds(lists)(deployment),
            "Timeout": seconds(waits)(deployment),
        }

    before = ask()
    deployment.change(**AFTER)
    return before, ask()


def outcome_of_selection(deployment):
    answer = deployment.invoke({"select": {"jobQueue": "render", "statuses": ["RUNNABLE"]}, "dryRun": True})
    return answer.get("errorType") or answer["summary"]


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_changed_parameter_changes_the_next_invocation(answers, name):
    _, before, after = QUESTIONS[name]
    assert (answers[0][name], answers[1][name]) == (before, after)


def test_a_selection_over_the_new_limit_is_refused(answers):
    before, after = (found["MaxSelected"] for found in answers)
    assert before["wouldCancel"] > 1
    assert after == "Refused"


def test_a_job_has_to_block_for_longer(answers):
    """Each queue's reason is acted on in one of the two deployments only."""
    assert (answers[0]["BlockedFor"][0], answers[1]["BlockedFor"][1]) == ("wouldCancel", "tooSoon")


def test_the_queue_is_in_the_new_dimension(answers):
    (before, other_before), (other_after, after) = (found["QueueDimensions"] for found in answers)
    assert before == after == HEALTHY
    assert "looked for: JobQueueName, JobQueue" in other_before
    assert "looked for: Room" in other_after


def test_calls_are_slower(answers):
    """Three statuses, swept twice."""
    before, after = (found["ApiCallsPerSecond"] for found in answers)
    assert after > before + 0.5, (before, after)


def test_work_ends_before_the_new_timeout(answers):
    before, after = (found["Timeout"] for found in answers)
    assert before >= 9 > 5 > after, (before, after)


def test_a_dry_run_at_the_new_endpoint(deployment, answers):
    """After the other changes."""
    elsewhere = {"queues": [{"name": "render"}], "jobs": [job("elsewhere")]}
    question = {"jobIds": [IDS["elsewhere"]]}
    assert outcome(deployment.invoke(question)) == "notFound"
    with emulator(elsewhere) as batch:
        deployment.change(DryRun="true", BatchEndpointUrl=batch)
        assert outcome(deployment.invoke(question)) == "wouldCancel"
        (left,) = http(f"{batch}/_emulator/jobs")[1]
        assert left["status"] == "RUNNABLE"


def test_an_alarm_asks_for_a_dry_run_now(answers):
    """Each alarm names its queue in a dimension that counts in one of the two deployments only."""
    (before, _), (_, after) = (found["AlarmRequest"] for found in answers)
    assert before == [(IDS["alarmed"], "cancelled")]
    assert after == [(IDS["alarmed later"], "wouldCancel")]


def test_no_parameter_of_the_function_is_left_out(answers):
    asked = {name.split(",")[0] for name in QUESTIONS} | set(answers[0])
    asked |= {"DryRun", "BatchEndpointUrl"}
    variables = transformed()["Resources"]["Function"]["Properties"]["Environment"]["Variables"]
    read = {name for name in transformed()["Parameters"] if f'"{name}"' in json.dumps(variables)}
    assert len(read) >= 20
    assert read <= asked
