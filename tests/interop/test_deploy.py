"""Deploys what `sam build` made, as a user does, to a local AWS (ministack), and cancels jobs through the stack."""

import json
import re
import shutil
import time
import tomllib
import uuid

import pytest

from cloudformation import REPOSITORY, transformed
from deployment import ACCOUNT, USUAL, Deployment, deployed, eventually
from servers import REGION, http

FIRST, SECOND, THIRD, NOT_ALLOWED, BLOCKING, COMING_SOON, ALARMED = (str(uuid.UUID(int=number)) for number in range(1, 8))
BLOCKED = "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - the job asks for more than any instance has"
# Seconds, so that the tests wait for seconds where a deployment waits for minutes.
BLOCKED_FOR = 2
LONG_AGO = {"createdAt": 1, "positionTime": {"at": 2}}


def blocked_job(job, queue):
    """The first job of `queue` since long ago, as the emulator's seed says it."""
    return {"jobId": job, "jobQueue": queue, "status": "RUNNABLE", "statusReason": BLOCKED} | LONG_AGO


SEED = {
    "queues": [{"name": name} for name in ("render", "payments", "stuck-now", "stuck-soon", "stuck-alarm")],
    "jobs": [
        {"jobId": FIRST, "jobQueue": "render", "status": "RUNNABLE"},
        {"jobId": SECOND, "jobQueue": "render", "status": "RUNNABLE"},
        {"jobId": THIRD, "jobQueue": "render", "status": "RUNNABLE"},
        {"jobId": NOT_ALLOWED, "jobQueue": "payments", "status": "RUNNABLE"},
        blocked_job(BLOCKING, "stuck-now"),
        blocked_job(ALARMED, "stuck-alarm"),
    ]
}
# What the user answers beside the usual.
ANSWERS = {
    "BlockedFor": str(BLOCKED_FOR),
    "WatchSchedule": "rate(1 minute)",
    "StuckAfter": "10",
}


class Guided(Deployment):
    """The stack, deployed by `sam deploy --guided` with answers to some questions, and Enter at the others. The answers are
    saved in a configuration file of the user's own."""

    def sam_deploy(self, *options, answers=""):
        return super().sam_deploy("--config-file", "my-config.toml", *options, answers=answers)

    def deploy_first(self):
        shutil.copy(self.folder / "samconfig.toml", self.folder / "my-config.toml")
        parameters = [self.given.get(name, "") for name in self.parameters]
        stack_name, region, confirm_changes = "", REGION, "n"
        create_roles = disable_rollback = save = config_file = config_environment = ""
        answers = [stack_name, region, *parameters, confirm_changes, create_roles]
        answers += [disable_rollback, save, config_file, config_environment, ""]
        return self.sam_deploy("--guided", answers="\n".join(answers))


@pytest.fixture(scope="module")
def deployment(tmp_path_factory):
    with deployed(tmp_path_factory.mktemp("user"), SEED, kind=Guided, **ANSWERS) as deployment:
        deployment.watch = deployment.start_timer_now()
        yield deployment


def test_guided_deployment_asks_for_parameters_only(deployment):
    assert "Successfully created/updated stack - batch-cancel" in deployment.output
    assert "has no authentication" not in deployment.output
    requested = re.findall(r"Parameter (\w+) \[", deployment.output)
    assert requested[0] == "AllowedJobQueues"
    assert requested == deployment.parameters


def label(parameter):
    """The group of a parameter."""
    groups = transformed()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    return next(group["Label"]["default"] for group in groups if parameter in group["Parameters"])


def test_the_docs_show_the_dialogue_as_it_is_printed(deployment):
    page = (REPOSITORY / "docs" / "deploy.md").read_text()
    (block,) = (text for text in re.findall(r"```console\n(.*?)```", page, re.DOTALL) if "Parameter " in text)
    shown = [line.partition("]:")[0] + "]:" for line in block.splitlines() if line.endswith(":") or "]: " in line]
    # Terminals echo answers, a pipe does not: so all questions of a block stand on one line.
    output = " ".join(deployment.output.split())
    places = [output.find(question) for question in shown]
    assert all(place >= 0 for place in places), [q for q, place in zip(shown, places) if place < 0]
    assert places == sorted(places)
    assert "…" in block.splitlines(), "the other parameters"
    first = [name for name in deployment.parameters if "first deployment" in label(name)]
    defaults = {name: body.get("Default", "") for name, body in transformed()["Parameters"].items()}
    assert [question for question in shown if question.startswith("Parameter")] == [
        f"Parameter {name} [{defaults[name]}]:" for name in first
    ]


def test_answers_are_saved_in_the_configuration_file(deployment):
    """One default is JSON, which is hard to quote."""
    saved = tomllib.loads((deployment.folder / "my-config.toml").read_text())["default"]["deploy"]["parameters"]
    assert saved["capabilities"] == "CAPABILITY_IAM"
    for name, answer in (USUAL | ANSWERS).items():
        assert f'{name}="{answer}"' in saved["parameter_overrides"]

    again = deployment.sam_deploy("--no-fail-on-empty-changeset")

    assert "No changes to deploy" in again


def test_function_gets_its_settings(deployment):
    assert (deployment.function["Runtime"], deployment.function["MemorySize"]) == ("provided.al2023", 128)
    variables = deployment.function["Environment"]["Variables"]
    assert (variables["ALLOWED_QUEUES"], variables["BLOCKED_FOR"]) == ("render,stuck-*", str(BLOCKED_FOR))
    assert json.loads(variables["ALARM_REQUEST"]) == {"select": {"head": True}}


def test_direct_request_returns_a_report_which_the_report_queue_keeps(deployment):
    report = deployment.invoke({"jobIds": [FIRST, NOT_ALLOWED]})

    assert [job["outcome"] for job in report["jobs"]] == ["cancelled", "queueNotAllowed"]
    assert [deployment.status(job) for job in (FIRST, NOT_ALLOWED)] == ["FAILED", "RUNNABLE"]

    (event,) = eventually(
        lambda: [event for event in deployment.reports() if event["detail"]["requestId"] == report["requestId"]]
    )
    assert (event["source"], event["detail-type"]) == ("batch-cancel", "Batch Cancellation Report")
    assert event["detail"]["summary"] == report["summary"]


def test_message_in_the_request_queue_cancels_and_is_deleted(deployment):
    deployment.send(json.dumps({"jobIds": [SECOND]}))

    assert eventually(lambda: deployment.status(SECOND) == "FAILED" and not deployment.left("RequestQueueUrl"))
    report = deployment.report_of(SECOND)
    assert (report["source"], report["summary"]) == ("sqs", {"jobs": 1, "cancelled": 1})


def test_signed_http_request_cancels_and_its_report_names_the_caller(deployment):
    deployment.make_routes()

    status, report = deployment.request("POST", "/cancellations", {"jobIds": [THIRD]})

    assert (status, report["summary"]) == (200, {"jobs": 1, "cancelled": 1})
    assert deployment.status(THIRD) == "FAILED"
    kept = deployment.report_of(THIRD)
    assert (kept["source"], kept["requestId"]) == ("http", report["requestId"])
    assert kept["requestedBy"].startswith(f"arn:aws:iam::{ACCOUNT}:")
    assert deployment.request("GET", f"/jobs/{THIRD}")[1]["status"] == "FAILED"


def blocked_event(job, queue):
    """EventBridge's event of a job that blocks its queue."""
    batch = f"arn:aws:batch:{REGION}:{ACCOUNT}"
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Batch Job Queue Blocked",
        "source": "aws.batch",
        "account": ACCOUNT,
        "time": "2026-11-22T10:00:00Z",
        "region": REGION,
        "resources": [f"{batch}:job/{job}", f"{batch}:job-queue/{queue}"],
        "detail": {
            "jobArn": f"{batch}:job/{job}",
            "jobId": job,
            "jobName": "frame",
            "jobQueue": f"{batch}:job-queue/{queue}",
            "status": "RUNNABLE",
            "statusReason": BLOCKED,
        },
    }


def contributor_event(alarm, queue):
    """EventBridge's event of a job queue that makes the alarm on all of them go off."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "CloudWatch Alarm Contributor State Change",
        "source": "aws.cloudwatch",
        "account": ACCOUNT,
        "time": "2026-11-22T10:00:00Z",
        "region": REGION,
        "resources": [f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{alarm}"],
        "detail": {
            "alarmName": alarm,
            "alarmContributor": {"id": "6d442278dba546f6", "attributes": {"JobQueueName": queue}},
            "state": {"value": "ALARM", "timestamp": "2026-11-22T10:00:00.919+0000"},
            "configuration": {"metrics": [{"id": "blocked", "expression": "SELECT …", "returnData": True}]},
        },
    }


def test_rules_match_the_events_they_are_for_and_no_others(deployment):
    events = deployment.client("events")
    patterns = {rule["Name"]: rule["EventPattern"] for rule in events.list_rules()["Rules"]}
    blocked = contributor_event(deployment.outputs["StuckAlarmName"], "stuck-alarm")
    calm = blocked | {"detail": blocked["detail"] | {"state": {"value": "OK"}}}

    def matching(event):
        answers = {
            name: events.test_event_pattern(EventPattern=pattern, Event=json.dumps(event))["Result"]
            for name, pattern in patterns.items()
        }
        return [re.search("BlockedQueueRule|AlarmRule", name)[0] for name, matches in answers.items() if matches]

    of_batch = blocked_event(BLOCKING, "stuck-now")
    assert matching(of_batch) == ["BlockedQueueRule"]
    assert matching(of_batch | {"detail-type": "Batch Job State Change"}) == []
    assert matching(blocked) == ["AlarmRule"]
    assert matching(blocked | {"detail-type": "CloudWatch Alarm State Change"}) == ["AlarmRule"]
    assert matching(calm) == []
    assert matching(contributor_event("another", "stuck-alarm")) == []


def test_event_of_a_blocked_queue_waits_and_cancels_the_blocking_job_once(deployment):
    sent = time.monotonic()
    deployment.publish(blocked_event(BLOCKING, "stuck-now"))

    assert eventually(lambda: deployment.status(BLOCKING) == "FAILED")
    assert time.monotonic() - sent >= BLOCKED_FOR, "the queue does not delay"
    assert eventually(lambda: not deployment.left("EventQueueUrl"))
    assert deployment.cancels(BLOCKING) == 1
    assert deployment.job(BLOCKING)["statusReason"].startswith(BLOCKED)
    assert deployment.left("EventDeadLetterQueueUrl") == 0
    assert deployment.report_of(BLOCKING)["summary"] == {"jobs": 1, "cancelled": 1}


def test_event_that_comes_too_soon_comes_back_and_acts_then(deployment):
    """The job gets to the first place when its event is on its way, so its time has not come when the event arrives."""
    sqs, queue = deployment.client("sqs"), deployment.outputs["EventQueueUrl"]
    deployed = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["VisibilityTimeout"])["Attributes"]
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "2"})
    first_since = {"at": int((time.time() + BLOCKED_FOR - 0.5) * 1000)}
    job = blocked_job(COMING_SOON, "stuck-soon") | {"positionTime": first_since}
    status, added = http(f"{deployment.batch}/_emulator/jobs", "POST", job)
    assert status < 300, added

    deployment.publish(blocked_event(COMING_SOON, "stuck-soon"))

    assert eventually(lambda: deployment.status(COMING_SOON) == "FAILED")
    assert eventually(lambda: not deployment.left("EventQueueUrl"))
    assert sum(line.get("JobsTooSoon", 0) for line in deployment.metrics()) == 1
    assert deployment.cancels(COMING_SOON) == 1
    assert deployment.left("EventDeadLetterQueueUrl") == 0
    sqs.set_queue_attributes(QueueUrl=queue, Attributes=deployed)


def test_event_of_a_stuck_queue_of_the_alarm_cancels_its_first_job(deployment):
    deployment.publish(contributor_event(deployment.outputs["StuckAlarmName"], "stuck-alarm"))

    assert eventually(lambda: deployment.status(ALARMED) == "FAILED")
    assert eventually(lambda: not deployment.left("EventQueueUrl"))
    assert deployment.cancels(ALARMED) == 1
    assert deployment.left("EventDeadLetterQueueUrl") == 0


def test_the_timer_of_the_watch_invokes_the_function(deployment):
    assert deployment.watch["ScheduleExpression"] == ANSWERS["WatchSchedule"]

    def looks():
        """The metrics that the function wrote of job queues: all by the timer, since no test asks for any."""
        return [line for line in deployment.metrics() if "HeadBlocked" in line]

    lines = eventually(looks)
    assert lines, "the timer did not come, or the function knows no such event"
    by_queue = {line["JobQueueName"]: line for line in lines}
    assert by_queue.keys() == {"render", "stuck-now", "stuck-soon", "stuck-alarm"}
    for line in lines:
        (metrics,) = line["_aws"]["CloudWatchMetrics"]
        assert metrics["Namespace"] == deployment.function["Environment"]["Variables"]["METRICS_NAMESPACE"]
        assert metrics["Dimensions"] == [["JobQueueName"]]
        assert {metric["Name"] for metric in metrics["Metrics"]} == {"HeadAge", "HeadBlocked"}


def invoke_asynchronously(deployment, event):
    """As EventBridge does."""
    deployment.client("lambda").invoke(
        FunctionName=deployment.name, InvocationType="Event", Payload=json.dumps(event)
    )


def test_event_that_fails_is_kept(deployment):
    event = {"Records": [{"eventSource": "aws:s3", "s3": {"bucket": {"name": "bucket"}}}]}
    invoke_asynchronously(deployment, event)

    kept = eventually(
        lambda: deployment.client("sqs")
        .receive_message(QueueUrl=deployment.outputs["FailedEventQueueUrl"])
        .get("Messages")
    )
    record = json.loads(kept[0]["Body"])
    assert record["requestPayload"] == event
    assert record["responsePayload"]["errorType"] == "UnsupportedEvent"
