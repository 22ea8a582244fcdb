"""What `sam build` made, deployed as a user does to a local AWS (ministack), and the AWS Batch that its function works on."""

import json
import shutil
import subprocess
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import boto3
import yaml
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from cloudformation import REPOSITORY, transformed
from servers import CREDENTIALS, REGION, binary, emulator, http, ministack, plain_environment

ACCOUNT = "000000000000"  # ministack's, and so the function's
PEOPLE = f"arn:aws:sns:{REGION}:{ACCOUNT}:people"
REQUESTS = f"arn:aws:sns:{REGION}:{ACCOUNT}:requests"
# Answers that every deployment gives.
USUAL = {
    "AllowedJobQueues": "render,stuck-*",
    "AlarmTopicArn": PEOPLE,
    "RequestSourceArns": REQUESTS,
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
                "Namespace": "BatchCancel",
                "MetricName": "HeadBlocked",
                "Statistic": "Minimum",
                "Period": metric["Period"],
            }
    return template


def overrides(parameters):
    """`parameters` as arguments of --parameter-overrides."""
    given = [f"{name}={quoted(value)}" for name, value in parameters.items()]
    return ["--parameter-overrides", *given] if given else []


def quoted(value):
    """As SAM wants a value that is empty, or has quotes or spaces in it."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


class Deployment:
    """The stack, deployed in `folder` with `sam deploy --parameter-overrides` and one `y`."""

    variables = {"SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": REGION}

    def __init__(self, aws, batch, folder, answers):
        self.aws, self.batch, self.folder, self.kept = aws, batch, folder, []
        self.given = USUAL | {"BatchEndpointUrl": batch} | answers
        for topic in (PEOPLE, REQUESTS):
            self.client("sns").create_topic(Name=topic.rsplit(":", 1)[1])
        file, template = self.place_files()
        file.write_text(yaml.safe_dump(for_ministack(template), sort_keys=False))
        self.parameters = list(template["Parameters"])
        self.output = self.deploy_first()
        self.read_stack()

    def deploy_first(self):
        return self.sam_deploy(*overrides(self.given), answers="y\n")

    def place_files(self):
        """Puts what is deployed into the folder. Returns the file of the template and what is in it."""
        for name in ("samconfig.toml", "LICENSE", "README.md"):
            shutil.copy(REPOSITORY / name, self.folder)
        shutil.copytree(REPOSITORY / "stacks", self.folder / "stacks")
        build = self.folder / ".aws-sam" / "build"
        shutil.copytree(Path(binary("SAM_TEMPLATE")).parent, build)
        file = build / "template.yaml"
        return file, yaml.safe_load(file.read_text())

    def outputs_of(self, stack):
        described = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}

    def read_stack(self):
        self.outputs = self.outputs_of("batch-cancel")
        self.name = self.outputs["FunctionName"]
        self.function = self.client("lambda").get_function(FunctionName=self.name)["Configuration"]
        self.point_the_function_at_this_machine()

    def change(self, **parameters):
        """Deploys the stack again with these parameters. The others keep their values."""
        self.sam_deploy("--no-confirm-changeset", *overrides(parameters))
        self.read_stack()

    def companion(self, kind, stack="", **parameters):
        """Deploys a stack of stacks/, under the name that its samconfig.toml gives it or another one. Returns its outputs."""
        named = ["--stack-name", stack] if stack else ["--config-env", kind]
        run = Deployment.sam_deploy  # not that of a release, which has a template of its own
        run(self, "--template-file", f"stacks/{kind}.yaml", *named, *overrides(parameters), answers="y\n")
        return self.outputs_of(stack or f"batch-cancel-{kind}")

    def sam_deploy(self, *options, answers=""):
        done = subprocess.run(
            [binary("SAM"), "deploy", *options],
            cwd=self.folder,
            env=plain_environment(**self.variables, AWS_ENDPOINT_URL=self.aws),
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
        """For events, which have no parameter; and without the certificates of Amazon Linux, which may not be here."""
        variables = self.function["Environment"]["Variables"] | {"AWS_ENDPOINT_URL_EVENTBRIDGE": self.aws}
        variables.pop("SSL_CERT_FILE", None)
        self.client("lambda").update_function_configuration(
            FunctionName=self.name, Environment={"Variables": variables}
        )

    def timers(self, stack):
        """The timers of a stack."""
        scheduler, cloudformation = self.client("scheduler"), self.client("cloudformation")
        resources = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
        names = {found["PhysicalResourceId"] for found in resources if found["ResourceType"] == "AWS::Scheduler::Schedule"}
        found = [timer for timer in scheduler.list_schedules()["Schedules"] if timer["Name"] in names or timer["Arn"] in names]
        return [scheduler.get_schedule(Name=timer["Name"], GroupName=timer["GroupName"]) for timer in found]

    def start_timer_now(self, stack="batch-cancel"):
        """Starts the timer of a stack once more, by a copy of it for a time in the past, since the shortest rate is a minute.
        ministack looks at its schedules every ten seconds. The timer is returned."""
        (timer,) = self.timers(stack)
        same = {field: timer[field] for field in ("GroupName", "Target", "FlexibleTimeWindow", "State")}
        self.client("scheduler").create_schedule(
            Name=f"now-{stack}", ScheduleExpression="at(2026-01-01T00:00:00)", **same
        )
        return timer

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

    def lines(self):
        """The lines that the function wrote in its log."""
        events = self.client("logs").filter_log_events(logGroupName=self.outputs["LogGroupName"])["events"]
        return [json.loads(event["message"]) for event in events if event["message"].startswith("{")]

    def metrics(self):
        """Those in CloudWatch's embedded metric format."""
        return [line for line in self.lines() if "_aws" in line]

    def send(self, body):
        """Puts a message in the request queue."""
        self.client("sqs").send_message(QueueUrl=self.outputs["RequestQueueUrl"], MessageBody=body)

    def calls(self):
        """How often each operation of Batch was called."""
        return Counter(call["operation"] for call in http(f"{self.batch}/_emulator/calls")[1])

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


@contextmanager
def deployed(folder, seed, kind=Deployment, **answers):
    with ministack() as aws, emulator(seed) as batch:
        yield kind(aws, batch, folder, answers)
