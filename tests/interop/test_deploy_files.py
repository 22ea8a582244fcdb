"""The stacks of docs/files and the task of docs/recipes.md, beside a deployed stack: what they send, and what becomes of it."""

import json
import uuid

import pytest

from deployment import ACCOUNT, deployed, eventually
from documents import FILES, blocks
from servers import REGION

WAITING, OF_ANOTHER_RUN, HEAD = (str(uuid.UUID(int=number)) for number in range(1, 4))
OF_THE_RUN = {"jobQueue": "render", "status": "RUNNABLE", "tags": {"run": "7"}}
SEED = {
    "queues": [{"name": "render"}],
    "jobs": [OF_THE_RUN | {"jobId": WAITING}, OF_THE_RUN | {"jobId": OF_ANOTHER_RUN, "tags": {"run": "8"}}],
}


@pytest.fixture(scope="module")
def deployment(tmp_path_factory):
    with deployed(tmp_path_factory.mktemp("user"), SEED, AllowTerminate="true") as deployment:
        yield deployment


def create(deployment, name, **parameters):
    """A stack of docs/files."""
    cloudformation = deployment.client("cloudformation")
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=(FILES / f"{name}.yaml").read_text(),
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})


def put(deployment, name, tags):
    """The event of a job that failed."""
    detail = {"jobId": HEAD, "jobName": name, "status": "FAILED", "tags": tags}
    entry = {"Source": "aws.batch", "DetailType": "Batch Job State Change", "Detail": json.dumps(detail)}
    deployment.client("events").put_events(Entries=[entry])


def test_children_of_a_head_job_that_died_end(deployment):
    create(
        deployment,
        "end-children",
        RequestQueueArn=deployment.outputs["RequestQueueArn"],
        JobQueue="render",
        HeadJobName="pipeline-head",
    )
    put(deployment, "another-job", {"run": "8"})
    put(deployment, "pipeline-head", {})
    put(deployment, "pipeline-head", {"run": "7"})

    assert eventually(lambda: deployment.status(WAITING) == "FAILED")
    assert deployment.status(OF_ANOTHER_RUN) == "RUNNABLE"
    (report,) = eventually(deployment.reports)
    (request,) = report["detail"]["requests"]
    assert (request["action"], request["reason"]) == ("terminate", f"The head job {HEAD} died")


def test_reports_arrive_on_the_bus_that_collects(deployment):
    """The bus is of the same account here."""
    events, sqs = deployment.client("events"), deployment.client("sqs")
    events.create_event_bus(Name="collector")
    url = sqs.create_queue(QueueName="collected")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="collected", EventBusName="collector", EventPattern='{"source": ["batch-cancel"]}')
    events.put_targets(Rule="collected", EventBusName="collector", Targets=[{"Id": "queue", "Arn": arn}])
    create(deployment, "send-reports", Collector=f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/collector")

    report = deployment.invoke({"jobIds": [OF_ANOTHER_RUN], "dryRun": True})

    (message,) = eventually(lambda: sqs.receive_message(QueueUrl=url).get("Messages"))
    event = json.loads(message["Body"])
    assert (event["source"], event["account"], event["region"]) == ("batch-cancel", ACCOUNT, REGION)
    assert event["detail"]["requestId"] == report["requestId"]


def test_a_task_picks_what_the_next_state_needs(deployment):
    (block,) = (block for block in blocks("jsonc") if "lambda:invoke" in block.text)
    states = json.loads(f"{{{block.text}}}".replace("FUNCTION_ARN", deployment.outputs["FunctionArn"]))
    machine = deployment.client("stepfunctions").create_state_machine(
        name="task",
        definition=json.dumps({"StartAt": next(iter(states)), "States": states}),
        roleArn=f"arn:aws:iam::{ACCOUNT}:role/task",
    )["stateMachineArn"]

    def run(*jobs):
        client = deployment.client("stepfunctions")
        execution = client.start_execution(stateMachineArn=machine, input=json.dumps({"jobIds": jobs}))["executionArn"]
        return eventually(lambda: (found := client.describe_execution(executionArn=execution))["status"] != "RUNNING" and found)

    ended = run(OF_ANOTHER_RUN)
    assert ended["status"] == "SUCCEEDED", ended
    assert json.loads(ended["output"])["cancelled"] == {"complete": True, "summary": {"jobs": 1, "cancelled": 1}}
    refused = run("no id")
    assert (refused["status"], refused["error"]) == ("FAILED", "Rejected"), refused
