"""The upgrade from 0.2: what becomes of the resources of its template, and of a deployment under traffic in a local AWS
(ministack). To be removed with the parameters that moved, and with template-0.2.0.yaml."""

import json
import re
import threading
import uuid

import pytest
import yaml

from cloudformation import CORE, Stack, parsed, transform, transformed
from deployment import PEOPLE, Deployment, deployed, eventually, for_ministack, overrides
from servers import HERE, REGION, http

BEFORE = HERE / "template-0.2.0.yaml"
MOVED = {"SweepTimer", "SweepRole", "Dashboard", "ListStateMachine", "ListRole", "ListPolicy", "ListsFailedAlarm"}
SWEEP = {"select": {"jobQueue": "stuck-old", "olderThan": "2h"}, "reason": "Old", "failOnIncomplete": True}
USED = {
    "SweepSchedule": "cron(0 3 * * ? *)",
    "SweepRequest": json.dumps(SWEEP),
    "DashboardQueue": "render",
    "ListBucket": "lists",
}
OLD = str(uuid.UUID(int=1))
SEED = {
    "queues": [{"name": "render"}, {"name": "stuck-old"}],
    "jobs": [{"jobId": OLD, "jobQueue": "stuck-old", "status": "RUNNABLE", "age": "3h"}],
}
# What cannot be given up: its messages, its lines, its address, and what callers name.
KEPT = {
    "AWS::SQS::Queue",
    "AWS::Logs::LogGroup",
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Stage",
    "AWS::Lambda::Function",
    "AWS::Lambda::EventSourceMapping",
}
# Of the types above, the properties whose change replaces the resource (CloudFormation's reference).
REPLACES = {"QueueName", "FifoQueue", "LogGroupName", "FunctionName", "PackageType", "ProtocolType", "ApiId", "StageName"} | {
    "EventSourceArn"
}


# --- The templates ---


def resources(template, **parameters):
    return Stack(template, {"AllowedJobQueues": "render", "WatchSchedule": "rate(5 minutes)", "StuckAfter": "10"} | parameters).resources()


@pytest.fixture(scope="module")
def before():
    return resources(transform(BEFORE), **USED)


@pytest.fixture(scope="module")
def after():
    """With the namespace that CloudFormation keeps for a stack that is there."""
    return resources(transformed(CORE), MetricsNamespace="BatchCancel")


def test_nothing_is_removed_but_what_moved(before, after):
    assert before.keys() - after.keys() == MOVED
    # A resource of another type under the same name would be replaced.
    assert {name for name in before.keys() & after.keys() if before[name]["Type"] != after[name]["Type"]} == set()


def test_without_a_watch_the_group_of_the_sweep_goes_as_well():
    old = resources(transform(BEFORE), **USED | {"WatchSchedule": "", "StuckAfter": ""})
    new = resources(transformed(CORE), WatchSchedule="", StuckAfter="")
    assert old.keys() - new.keys() == MOVED | {"ScheduleGroup"}


def test_no_queue_log_api_or_function_is_replaced(before, after):
    kept = {name for name, resource in before.items() if resource["Type"] in KEPT}
    assert len(kept) >= 12
    for name in kept:
        old, new = before[name]["Properties"], after[name]["Properties"]
        assert {key: old.get(key) for key in REPLACES} == {key: new.get(key) for key in REPLACES}, name


def test_what_changes_of_queues_logs_api_and_function(before, after):
    """Each is changed in place; a change that is not here was not meant."""
    changed = {
        (name, key)
        for name, resource in before.items()
        if resource["Type"] in KEPT
        for key in resource["Properties"].keys() | after[name]["Properties"].keys()
        if resource["Properties"].get(key) != after[name]["Properties"].get(key)
    }
    # BatchSize 10 is what Lambda takes without it.
    assert changed == {
        ("EventQueue", "VisibilityTimeout"),
        ("FunctionRequests", "BatchSize"),
        ("FunctionBlockedQueues", "BatchSize"),
    }


def test_every_output_but_those_that_moved_keeps_its_value():
    old = Stack(transform(BEFORE), {"AllowedJobQueues": "render"} | USED).outputs()
    new = Stack(transformed(CORE), {"AllowedJobQueues": "render"}).outputs()
    assert old.keys() - new.keys() == {"ListStateMachineArn", "DashboardUrl"}
    assert {name: old[name]["Value"] for name in old.keys() & new.keys()} == {
        name: new[name]["Value"] for name in old.keys() & new.keys()
    }


def test_what_an_unused_default_of_0_2_says_is_accepted():
    """SAM sends the values that a stack has; of a stack that used none of the four they are these."""
    old, new = (template["Parameters"] for template in (transform(BEFORE), transformed(CORE)))
    for name in USED:
        pattern = new[name]["AllowedPattern"]
        assert re.fullmatch(pattern, old[name]["Default"]), name


# --- A deployment ---


class Upgraded(Deployment):
    """0.2.0, to be upgraded."""

    def place_files(self):
        file, self.new = super().place_files()
        self.file = file
        template = parsed(BEFORE)
        template["Resources"]["Function"]["Properties"]["CodeUri"] = "Function"
        template["Metadata"] = self.new["Metadata"]  # with the paths that a build has
        return file, template

    def upgrade(self, **parameters):
        """Returns what SAM printed."""
        self.file.write_text(yaml.safe_dump(for_ministack(self.new), sort_keys=False))
        printed = self.sam_deploy("--no-confirm-changeset", *overrides(parameters))
        self.read_stack()
        return printed


class Traffic:
    """Sends requests for new jobs, one after another, until it is told to stop."""

    def __init__(self, deployment):
        self.deployment, self.jobs, self.is_over = deployment, [], threading.Event()
        self.thread = threading.Thread(target=self.send)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join()

    def send(self):
        while not self.is_over.wait(0.2):
            added = {"jobQueue": "render", "status": "RUNNABLE", "count": 5}
            _, answer = http(f"{self.deployment.batch}/_emulator/jobs", "POST", added)
            self.deployment.send(json.dumps({"jobIds": answer["jobIds"]}))
            self.jobs += answer["jobIds"]


@pytest.fixture(scope="module")
def deployment(tmp_path_factory):
    with deployed(tmp_path_factory.mktemp("user"), SEED, kind=Upgraded, **USED) as deployment:
        yield deployment


def test_an_upgrade_that_would_remove_a_part_is_refused_with_the_stack_that_takes_its_place(deployment):
    before = deployment.outputs
    with pytest.raises(AssertionError, match=r"stacks/(sweep|dashboard|lists)\.yaml"):
        deployment.upgrade()
    deployment.read_stack()
    assert deployment.outputs == before
    assert deployment.timers("batch-cancel")


def bring_back_soon(deployment):
    """A message whose invocation the deployment cuts off comes back after seconds, not after six minutes."""
    queue = deployment.outputs["RequestQueueUrl"]
    deployment.client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "5"})


def test_an_upgrade_under_traffic_loses_no_request_and_moves_its_parts(deployment):
    before, arn = deployment.outputs, deployment.function["FunctionArn"]
    deployment.client("s3").create_bucket(Bucket="lists", CreateBucketConfiguration={"LocationConstraint": REGION})
    bring_back_soon(deployment)
    with Traffic(deployment) as traffic:
        assert eventually(lambda: len(traffic.jobs) > 20)
        sent_before = len(traffic.jobs)

        deployment.upgrade(**dict.fromkeys(USED, ""))
        bring_back_soon(deployment)
        deployment.companion("sweep", Schedule=USED["SweepSchedule"], Request=USED["SweepRequest"], AlarmTopicArn=PEOPLE)
        dashboard = deployment.companion("dashboard", JobQueue="render", MetricsNamespace="BatchCancel")
        deployment.companion("lists", Bucket="lists")

        sent_after = len(traffic.jobs)
        assert eventually(lambda: len(traffic.jobs) > sent_after + 20)

    assert sent_after > sent_before
    sent = set(traffic.jobs)
    statuses = lambda: {job["status"] for job in http(f"{deployment.batch}/_emulator/jobs")[1] if job["jobId"] in sent}
    assert eventually(lambda: statuses() == {"FAILED"})
    assert eventually(lambda: not deployment.left("RequestQueueUrl"))
    assert deployment.left("RequestDeadLetterQueueUrl") == deployment.left("FailedEventQueueUrl") == 0

    # Nobody has to be told new names.
    assert deployment.function["FunctionArn"] == arn
    same = before.keys() - {"ListStateMachineArn", "DashboardUrl"}
    assert {name: before[name] for name in same} == {name: deployment.outputs[name] for name in same}
    assert deployment.function["Environment"]["Variables"]["METRICS_NAMESPACE"] == "BatchCancel"

    assert deployment.timers("batch-cancel") == []
    deployment.start_timer_now("batch-cancel-sweep")
    assert eventually(lambda: deployment.status(OLD) == "FAILED")
    name = dashboard["DashboardUrl"].rpartition("name=")[2]
    body = deployment.client("cloudwatch").get_dashboard(DashboardName=name)["DashboardBody"]
    assert '["BatchCancel", "JobsCancelled"' in body
