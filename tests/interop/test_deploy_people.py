"""Whom the deployed stack tells: the alarms' topic, and the recipes of the docs for e-mail and chat."""

import json
import time
import uuid

import pytest
import yaml

from deployment import PEOPLE, deployed, eventually
from documents import FILES, blocks
from servers import REGION

FIRST = str(uuid.UUID(int=1))
SEED = {"queues": [{"name": "render"}], "jobs": [{"jobId": FIRST, "jobQueue": "render", "status": "RUNNABLE"}]}


@pytest.fixture(scope="module")
def deployment(tmp_path_factory):
    with deployed(tmp_path_factory.mktemp("user"), SEED, WatchSchedule="rate(5 minutes)", StuckAfter="10") as deployment:
        yield deployment


class Inbox:
    """A queue that follows a topic."""

    def __init__(self, deployment, topic):
        self.sqs = deployment.client("sqs")
        self.url = self.sqs.create_queue(QueueName=f"inbox-{uuid.uuid4()}")["QueueUrl"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])["Attributes"]
        deployment.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=attributes["QueueArn"])

    def texts(self, seconds=10):
        messages = eventually(lambda: self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages"), seconds)
        return [json.loads(message["Body"])["Message"] for message in messages or []]


def test_each_alarm_on_a_metric_goes_off_and_tells_people(deployment):
    """PutMetricData stands in for the metrics of AWS. Alarms on a query cannot be tried: see `for_ministack`."""
    cloudwatch = deployment.client("cloudwatch")
    on_query = ("StuckAlarm", "WatchIsDeadAlarm")
    sweep = {"Schedule": "rate(1 day)", "Request": '{"watch": {}}'}
    deployment.companion("sweep", AlarmTopicArn=PEOPLE, **sweep)
    deployment.client("s3").create_bucket(Bucket="lists", CreateBucketConfiguration={"LocationConstraint": REGION})
    deployment.companion("lists", AlarmTopicArn=PEOPLE, Bucket="lists")
    alarms = [
        alarm
        for alarm in cloudwatch.describe_alarms()["MetricAlarms"]
        if not any(name in alarm["AlarmName"] for name in on_query)
    ]
    assert len(alarms) == 18
    inbox = Inbox(deployment, PEOPLE)
    for alarm in alarms:
        value = {"MetricName": alarm["MetricName"], "Dimensions": alarm["Dimensions"], "Value": alarm["Threshold"]}
        # One value in each period that counts.
        for period in range(alarm["EvaluationPeriods"]):
            at = time.time() - period * alarm["Period"]
            cloudwatch.put_metric_data(Namespace=alarm["Namespace"], MetricData=[value | {"Timestamp": at}])
    names = {alarm["AlarmName"] for alarm in alarms}
    told = {}

    def all_told():
        for text in inbox.texts(1):
            message = json.loads(text)
            if message["NewStateValue"] == "ALARM":
                told[message["AlarmName"]] = message["AlarmDescription"]
        return names <= told.keys()

    assert eventually(all_told), names - told.keys()
    assert all(len(description) > 80 for description in told.values())


def test_recipe_of_the_docs_tells_people_what_is_left(deployment):
    template = (FILES / "tell-people.yaml").read_text()
    cloudformation = deployment.client("cloudformation")
    cloudformation.create_stack(
        StackName="tell-people",
        TemplateBody=template,
        Parameters=[
            {"ParameterKey": "FunctionName", "ParameterValue": deployment.name},
            {"ParameterKey": "Address", "ParameterValue": "on-call@example.com"},
        ],
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName="tell-people", WaiterConfig={"Delay": 1})
    found = cloudformation.describe_stack_resource(StackName="tell-people", LogicalResourceId="People")
    inbox = Inbox(deployment, found["StackResourceDetail"]["PhysicalResourceId"])

    complete = deployment.invoke({"jobIds": [FIRST]})
    incomplete = deployment.invoke({"jobIds": [FIRST, "no id"]})

    assert (complete["complete"], incomplete["complete"]) == (True, False)
    (text,) = inbox.texts()
    assert text.strip('"') == (
        f"Of 2 jobs that direct asked {deployment.name} to cancel (by direct), some are left. Look for the request "
        f"{incomplete['requestId']} in its log or in the report queue."
    )


def test_recipe_for_chat_has_the_form_that_chat_applications_ask_for(deployment):
    """The same rule, with the other template."""
    (block,) = (block for block in blocks("yaml") if "client-markdown" in block.text)
    events = deployment.client("events")
    (rule,) = (rule["Name"] for rule in events.list_rules()["Rules"] if "SomethingIsLeft" in rule["Name"])
    (target,) = events.list_targets_by_rule(Rule=rule)["Targets"]
    target["InputTransformer"]["InputTemplate"] = yaml.safe_load(block.text)["InputTemplate"]
    events.put_targets(Rule=rule, Targets=[target])
    inbox = Inbox(deployment, target["Arn"])

    report = deployment.invoke({"jobIds": ["no id"]})

    (text,) = inbox.texts()
    message = json.loads(text)
    assert (message["version"], message["source"]) == ("1.0", "custom")
    assert message["content"]["textType"] == "client-markdown"
    assert f"`{deployment.name}`" in message["content"]["description"]
    assert report["requestId"] in message["content"]["nextSteps"][0]
