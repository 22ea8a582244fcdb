"""Deploys what `sam build` made, as a user does, to a local AWS (ministack), and cancels jobs through the stack."""

import json
import re
import shutil
import subprocess
import time
import tomllib
import uuid
from pathlib import Path

import boto3
import pytest
import yaml
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from cloudformation import REPOSITORY, transformed
from servers import CREDENTIALS, REGION, binary, emulator, http, ministack, plain_environment

FIRST, SECOND, THIRD, NOT_ALLOWED, BLOCKING, COMING_SOON, ALARMED = (str(uuid.UUID(int=number)) for number in range(1, 8))
BLOCKED = "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - the job asks for more than any instance has"
# Seconds, so that the tests wait for seconds where a deployment waits for minutes.
BLOCKED_FOR = 2
LONG_AGO = {"at": 1}


def blocked_job(job, queue):
    """The first job of `queue` since long ago, as the emulator's seed says it."""
    return {"jobId": job, "jobQueue": queue, "status": "RUNNABLE", "statusReason": BLOCKED, "positionTime": LONG_AGO}


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
# What the user answers; all else is Enter.
ACCOUNT = "000000000000"  # ministack's, and so the function's
PEOPLE = f"arn:aws:sns:{REGION}:{ACCOUNT}:people"
REQUESTS = f"arn:aws:sns:{REGION}:{ACCOUNT}:requests"
ANSWERS = {
    "AllowedJobQueues": "render,stuck-*",
    "BlockedFor": str(BLOCKED_FOR),
    "WatchSchedule": "rate(1 minute)",
    "StuckAfter": "10",
    "AlarmTopicArn": PEOPLE,
    "DashboardQueue": "render",
    "RequestSourceArns": REQUESTS,
    "ListBucket": "lists",
}


def for_ministack(template):
    """`template` without what ministack refuses: saved queries, and alarms on a query, for which there is a plain one."""
    resources = template["Resources"]
    for name in [name for name, found in resources.items() if found["Type"] == "AWS::Logs::QueryDefinition"]:
        del resources[name]
    for resource in resources.values():
        if resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in resource["Properties"]:
            (metric,) = resource["Properties"].pop("Metrics")
            resource["Properties"] |= {
                "Namespace": {"Ref": "MetricsNamespace"},
                "MetricName": "HeadBlocked",
                "Statistic": "Minimum",
                "Period": metric["Period"],
            }
    return template


class Deployment:
    """The stack, deployed by `sam deploy --guided` in `folder`, and the Batch that its function works on."""

    def __init__(self, aws, batch, folder):
        self.aws, self.batch, self.folder, self.kept = aws, batch, folder, []
        self.client("s3").create_bucket(Bucket="lists", CreateBucketConfiguration={"LocationConstraint": REGION})
        for topic in (PEOPLE, REQUESTS):
            self.client("sns").create_topic(Name=topic.rsplit(":", 1)[1])
        shutil.copy(REPOSITORY / "samconfig.toml", folder)
        build = folder / ".aws-sam" / "build"
        shutil.copytree(Path(binary("SAM_TEMPLATE")).parent, build)
        template = for_ministack(yaml.safe_load((build / "template.yaml").read_text()))
        (build / "template.yaml").write_text(yaml.safe_dump(template, sort_keys=False))
        self.parameters = list(template["Parameters"])
        self.output = self.sam_deploy("--guided", answers=self.answers())
        described = self.client("cloudformation").describe_stacks(StackName="batch-cancel")["Stacks"][0]
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
        self.name = self.outputs["FunctionName"]
        self.function = self.client("lambda").get_function(FunctionName=self.name)["Configuration"]
        self.point_the_function_at_this_machine()
        self.start_the_watch_once_more()

    def answers(self):
        """The input of a user who answers some questions and presses Enter at the others."""
        parameters = [ANSWERS.get(name, "") for name in self.parameters]
        stack_name, region, confirm_changes = "", REGION, "n"
        create_roles = disable_rollback = save = config_file = config_environment = ""
        return "\n".join(
            [stack_name, region, *parameters, confirm_changes, create_roles]
            + [disable_rollback, save, config_file, config_environment, ""]
        )

    def sam_deploy(self, *options, answers=""):
        variables = {"AWS_ENDPOINT_URL": self.aws, "SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": REGION}
        done = subprocess.run(
            [binary("SAM"), "deploy", *options],
            cwd=self.folder,
            env=plain_environment(**variables),
            input=answers,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def client(self, service):
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.aws,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            config=Config(proxies={}, read_timeout=120),
        )

    def point_the_function_at_this_machine(self):
        """Also without the certificates of Amazon Linux, which this machine may not have."""
        endpoints = {"AWS_ENDPOINT_URL_BATCH": self.batch, "AWS_ENDPOINT_URL_EVENTBRIDGE": self.aws}
        variables = self.function["Environment"]["Variables"] | endpoints
        del variables["SSL_CERT_FILE"]
        self.client("lambda").update_function_configuration(
            FunctionName=self.name, Environment={"Variables": variables}
        )

    def start_the_watch_once_more(self):
        """By a copy of its timer for a time in the past, since the shortest rate is a minute. ministack looks at its
        schedules every ten seconds."""
        scheduler = self.client("scheduler")
        (timer,) = scheduler.list_schedules()["Schedules"]
        self.watch = scheduler.get_schedule(Name=timer["Name"], GroupName=timer["GroupName"])
        same = {field: self.watch[field] for field in ("GroupName", "Target", "FlexibleTimeWindow", "State")}
        scheduler.create_schedule(Name="now", ScheduleExpression="at(2026-01-01T00:00:00)", **same)

    def invoke(self, event):
        answer = self.client("lambda").invoke(FunctionName=self.name, Payload=json.dumps(event))
        return json.loads(answer["Payload"].read())

    def reports(self):
        """The events in the report queue, those that were taken from it before too."""
        queue = {"QueueUrl": self.outputs["ReportQueueUrl"]}
        while messages := self.client("sqs").receive_message(**queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                self.kept.append(json.loads(message["Body"]))
                self.client("sqs").delete_message(**queue, ReceiptHandle=message["ReceiptHandle"])
        return self.kept

    def report_of(self, job):
        """The first report that names a job, as soon as it is in the report queue."""
        found = lambda: [event for event in self.reports() if job in json.dumps(event["detail"].get("jobs", []))]
        return eventually(found)[0]["detail"]

    def request(self, method, path, body=None):
        """A signed request by HTTP."""
        url = f"{self.aws}/_aws/execute-api/{self.api}/$default{path}"
        request = AWSRequest(method, url, data=json.dumps(body), headers={"content-type": "application/json"})
        keys = Credentials(CREDENTIALS["AWS_ACCESS_KEY_ID"], CREDENTIALS["AWS_SECRET_ACCESS_KEY"])
        SigV4Auth(keys, "execute-api", REGION).add_auth(request)
        return http(url, method, body, dict(request.headers.items()))

    def make_routes(self):
        """The routes of the template's HTTP API, one by one: ministack does not read them from the API's body."""
        gateway = self.client("apigatewayv2")
        self.api = self.outputs["HttpApiUrl"].split("//")[1].split(".")[0]
        integration = gateway.create_integration(
            ApiId=self.api,
            IntegrationType="AWS_PROXY",
            IntegrationUri=self.outputs["FunctionArn"],
            PayloadFormatVersion="2.0",
        )["IntegrationId"]
        for path, methods in transformed()["Resources"]["HttpApi"]["Properties"]["Body"]["paths"].items():
            for method, route in methods.items():
                assert route["security"] == [{"AWS_IAM": []}]
                gateway.create_route(
                    ApiId=self.api,
                    RouteKey=f"{method.upper()} {path}",
                    AuthorizationType="AWS_IAM",
                    Target=f"integrations/{integration}",
                )

    def job(self, job):
        return next(found for found in http(f"{self.batch}/_emulator/jobs")[1] if found["jobId"] == job)

    def status(self, job):
        return self.job(job)["status"]

    def publish(self, event):
        """Puts an event of AWS on the bus, with the time of now."""
        entry = {"Source": event["source"], "DetailType": event["detail-type"], "Resources": event["resources"]}
        answer = self.client("events").put_events(Entries=[entry | {"Detail": json.dumps(event["detail"])}])
        assert answer["FailedEntryCount"] == 0, answer

    def left(self, queue):
        """The messages of a queue: those that can be received, those that wait for their time, those that are hidden."""
        names = ["", "Delayed", "NotVisible"]
        names = [f"ApproximateNumberOfMessages{name}" for name in names]
        counts = self.client("sqs").get_queue_attributes(QueueUrl=self.outputs[queue], AttributeNames=names)
        return sum(int(counts["Attributes"][name]) for name in names)

    def metrics(self):
        """The lines that the function wrote in CloudWatch's embedded metric format."""
        events = self.client("logs").filter_log_events(logGroupName=self.outputs["LogGroupName"])["events"]
        lines = (json.loads(event["message"]) for event in events if event["message"].startswith("{"))
        return [line for line in lines if "_aws" in line]

    def cancels(self, job):
        """How often a cancel of `job` was sent to Batch."""
        calls = http(f"{self.batch}/_emulator/calls")[1]
        return sum(call["operation"].startswith("Cancel") and job in json.dumps(call) for call in calls)


def eventually(look, seconds=60):
    """The first true value that `look` returns, or None after a timeout."""
    end = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < end:
        time.sleep(0.2)
    return found


@pytest.fixture(scope="module")
def deployment(tmp_path_factory):
    with ministack() as aws, emulator(SEED) as batch:
        yield Deployment(aws, batch, tmp_path_factory.mktemp("user"))


def test_guided_deployment_asks_for_parameters_only(deployment):
    assert "Successfully created/updated stack - batch-cancel" in deployment.output
    assert "has no authentication" not in deployment.output
    requested = re.findall(r"Parameter (\w+) \[", deployment.output)
    assert requested[0] == "AllowedJobQueues"
    assert requested == deployment.parameters


def test_answers_are_saved_in_the_configuration_file(deployment):
    """One default is JSON, which is hard to quote."""
    saved = tomllib.loads((deployment.folder / "samconfig.toml").read_text())["default"]["deploy"]["parameters"]
    assert saved["capabilities"] == "CAPABILITY_IAM"
    for name, answer in ANSWERS.items():
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
    deployment.client("sqs").send_message(
        QueueUrl=deployment.outputs["RequestQueueUrl"], MessageBody=json.dumps({"jobIds": [SECOND]})
    )

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


# --- People are told ---


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
    alarms = [
        alarm
        for alarm in cloudwatch.describe_alarms()["MetricAlarms"]
        if not any(name in alarm["AlarmName"] for name in on_query)
    ]
    assert len(alarms) == 13
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


def recipe(kind, containing):
    """The block of the docs that holds a text."""
    blocks = re.findall(rf"```{kind}\n(.*?)```", (REPOSITORY / "docs" / "recipes.md").read_text(), re.DOTALL)
    (block,) = (block for block in blocks if containing in block)
    return block


def test_recipe_of_the_docs_tells_people_what_is_left(deployment):
    template = recipe("yaml", "SomethingIsLeft")
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
    events = deployment.client("events")
    (rule,) = (rule["Name"] for rule in events.list_rules()["Rules"] if "SomethingIsLeft" in rule["Name"])
    (target,) = events.list_targets_by_rule(Rule=rule)["Targets"]
    target["InputTransformer"]["InputTemplate"] = yaml.safe_load(recipe("yaml", "client-markdown"))["InputTemplate"]
    events.put_targets(Rule=rule, Targets=[target])
    inbox = Inbox(deployment, target["Arn"])

    report = deployment.invoke({"jobIds": ["no id"]})

    (text,) = inbox.texts()
    message = json.loads(text)
    assert (message["version"], message["source"]) == ("1.0", "custom")
    assert message["content"]["textType"] == "client-markdown"
    assert f"`{deployment.name}`" in message["content"]["description"]
    assert report["requestId"] in message["content"]["nextSteps"][0]
