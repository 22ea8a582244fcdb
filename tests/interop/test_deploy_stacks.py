"""The companions of stacks/, several of each beside each other, deployed to a local AWS (ministack) over one core."""

import json
import uuid

import pytest
from botocore.exceptions import ClientError

from deployment import PEOPLE, deployed, eventually
from servers import REGION

RENDER, LOW, LISTED, LATER = (str(uuid.UUID(int=number)) for number in range(1, 5))
SEED = {
    "queues": [{"name": name} for name in ("render", "stuck-low")],
    "jobs": [
        {"jobId": RENDER, "jobQueue": "render", "status": "RUNNABLE", "age": "3h"},
        {"jobId": LOW, "jobQueue": "stuck-low", "status": "RUNNABLE", "age": "30h"},
        {"jobId": LISTED, "jobQueue": "render", "status": "RUNNABLE"},
        {"jobId": LATER, "jobQueue": "render", "status": "RUNNABLE"},
    ],
}


def sweep_of(queue, age):
    """A request that names its schedule."""
    reason = "Old, found by <aws.scheduler.schedule-arn>"
    return json.dumps({"select": {"jobQueue": queue, "olderThan": age}, "reason": reason, "failOnIncomplete": True})


@pytest.fixture(scope="module")
def deployment(tmp_path_factory):
    with deployed(tmp_path_factory.mktemp("user"), SEED) as deployment:
        deployment.client("s3").create_bucket(Bucket="lists", CreateBucketConfiguration={"LocationConstraint": REGION})
        yield deployment


def test_two_sweeps_each_send_their_own_request(deployment):
    """AWS puts the schedule's ARN into the reason; ministack leaves the placeholder. And its timers know UTC only: the time
    zone is in test_stacks.py."""
    nightly = {"Schedule": "cron(0 3 * * ? *)", "TimeZone": "Europe/Madrid", "AlarmTopicArn": PEOPLE}
    arns = {
        RENDER: deployment.companion("sweep", Request=sweep_of("render", "2h"), **nightly)["ScheduleArn"],
        LOW: deployment.companion("sweep", "low", Request=sweep_of("stuck-low", "1d"), Schedule="rate(1 day)")["ScheduleArn"],
    }
    assert len(set(arns.values())) == 2
    for stack, job, others in (("batch-cancel-sweep", RENDER, (LOW,)), ("low", LOW, ())):
        timer = deployment.start_timer_now(stack)
        assert timer["Target"]["DeadLetterConfig"]["Arn"] == deployment.outputs["FailedEventQueueArn"]

        assert eventually(lambda: deployment.status(job) == "FAILED")
        assert deployment.job(job)["statusReason"].startswith("Old, found by ")
        assert [deployment.status(other) for other in others] == ["RUNNABLE"] * len(others)
    (timer,) = deployment.timers("batch-cancel-sweep")
    assert timer["ScheduleExpression"] == nightly["Schedule"]


def test_two_dashboards_have_the_panels_of_their_queues(deployment):
    for stack, queue in (("", "render"), ("dashboard-low", "stuck-low")):
        outputs = deployment.companion("dashboard", stack, JobQueue=queue)
        name = outputs["DashboardUrl"].rpartition("name=")[2]
        body = deployment.client("cloudwatch").get_dashboard(DashboardName=name)["DashboardBody"]
        widgets = json.loads(body)["widgets"]
        (panel,) = (widget["properties"] for widget in widgets if widget["type"] == "custom")
        assert (panel["endpoint"], panel["params"]) == (deployment.outputs["FunctionArn"], {"panel": {"jobQueue": queue}})
        # As the console calls the function for the widget.
        shown = deployment.invoke(panel["params"] | {"widgetContext": {"params": panel["params"]}})
        assert queue in shown
        names = {url.rsplit("/", 1)[1] for key, url in deployment.outputs.items() if key.endswith("QueueUrl")}
        named = {metric[1] if metric[0] == "..." else metric[3] for metric in queue_metrics(widgets)}
        assert named == names - {deployment.outputs["ReportQueueUrl"].rsplit("/", 1)[1]}
        namespaces = {metric[0] for widget in widgets for metric in widget["properties"].get("metrics", []) if len(metric) == 4}
        assert deployment.function["Environment"]["Variables"]["METRICS_NAMESPACE"] in namespaces
        assert f"SOURCE '{deployment.outputs['LogGroupName']}'" in body


def queue_metrics(widgets):
    (found,) = (widget["properties"]["metrics"] for widget in widgets if widget["properties"]["title"] == "Messages that wait")
    return [metric if metric[0] != "..." else ["...", metric[1]] for metric in found]


def test_a_list_of_jobs_is_cancelled(deployment):
    machine = deployment.companion("lists", Bucket="lists", AlarmTopicArn=PEOPLE)["ListStateMachineArn"]
    deployment.client("s3").put_object(Bucket="lists", Key="jobs.csv", Body=f"jobId\n{LISTED}\n".encode())
    states = deployment.client("stepfunctions")
    execution = states.start_execution(stateMachineArn=machine, input=json.dumps({"key": "jobs.csv"}))["executionArn"]

    assert eventually(lambda: states.describe_execution(executionArn=execution)["status"] == "SUCCEEDED")
    assert deployment.status(LISTED) == "FAILED"


def test_the_kill_switch_and_a_new_key_deploy_under_companions(deployment):
    """After the tests above, which deployed all of them."""
    key = deployment.client("kms").create_key()["KeyMetadata"]["Arn"]
    before = deployment.outputs

    deployment.change(ReservedConcurrency="0", KmsKeyArn=key)
    deployment.companion("sweep", Enabled="false", KmsKeyArn=key)

    assert deployment.outputs == before
    assert [timer["State"] for timer in deployment.timers("batch-cancel-sweep")] == ["DISABLED"]
    mappings = deployment.client("lambda").list_event_source_mappings(FunctionName=deployment.name)
    assert [mapping["State"] for mapping in mappings["EventSourceMappings"]] == ["Disabled"] * 2

    deployment.change(ReservedConcurrency="")
    deployment.companion("sweep", Enabled="true")

    deployment.send(json.dumps({"jobIds": [LATER]}))
    assert eventually(lambda: deployment.status(LATER) == "FAILED")
    assert [timer["State"] for timer in deployment.timers("batch-cancel-sweep")] == ["ENABLED"]


def test_the_core_cannot_be_removed_under_companions(deployment):
    """AWS also refuses to change an export that is imported, such as by another FunctionName. ministack lacks that."""
    cloudformation = deployment.client("cloudformation")
    with pytest.raises(ClientError, match="is imported by"):
        cloudformation.delete_stack(StackName="batch-cancel")
    assert deployment.invoke({"jobIds": []})["complete"]

    for stack in ("batch-cancel-sweep", "low", "batch-cancel-dashboard", "dashboard-low", "batch-cancel-lists"):
        cloudformation.delete_stack(StackName=stack)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    cloudformation.delete_stack(StackName="batch-cancel")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName="batch-cancel", WaiterConfig={"Delay": 1})
