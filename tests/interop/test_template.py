"""The resources of template.yaml: least privilege, encryption, no public access, settings that the function reads."""

import json
import re

import pytest

from cloudformation import PSEUDO, REPOSITORY, of_type, stack, transformed

# These actions of Batch and X-Ray support no resource-level permissions (Service Authorization Reference).
ONLY_ON_EVERYTHING = {
    "batch:DescribeJobQueues",
    "batch:DescribeJobs",
    "batch:DescribeServiceJob",
    "batch:ListJobs",
    "batch:ListServiceJobs",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
ARN = f"arn:aws:batch:{PSEUDO['AWS::Region']}:{PSEUDO['AWS::AccountId']}"
CHANGING = {"batch:CancelJob", "batch:TerminateJob", "batch:TerminateServiceJob"}
# Variables that the template leaves at the defaults of the function.
LEFT_AT_DEFAULTS = {"API_CONCURRENCY", "CANCEL_ON_STATUS", "MAX_EVENT_AGE", "METRICS_NAMESPACE", "REQUIRE_CALLER"}
# Variables of the template that the function's libraries read.
READ_BY_LIBRARIES = {"SSL_CERT_FILE"}

plain = {"AllowedJobQueues": "high,low"}
everything = plain | {"AllowTerminate": "true", "AlarmNamePrefix": "batch-", "ReservedConcurrency": "10"}
stopped = plain | {"ReservedConcurrency": "0"}
every_stack = pytest.mark.parametrize("parameters", [plain, everything, stopped], ids=["plain", "everything", "stopped"])


def listed(value):
    return value if isinstance(value, list) else [value]


def statements(document):
    document = json.loads(document) if isinstance(document, str) else document
    assert document["Version"] == "2012-10-17"
    return document["Statement"]


def role_statements(parameters, effect):
    (role,) = of_type(stack(**parameters), "AWS::IAM::Role").values()
    assert "ManagedPolicyArns" not in role["Properties"]
    policies = role["Properties"]["Policies"]
    found = [statement for policy in policies for statement in statements(policy["PolicyDocument"])]
    return [statement for statement in found if statement["Effect"] == effect]


def allowed(parameters):
    """action → resources, of all statements of the role that allow."""
    grants = {}
    for statement in role_statements(parameters, "Allow"):
        assert not statement.keys() & {"NotAction", "NotResource"}
        for action in listed(statement["Action"]):
            grants.setdefault(action, set()).update(listed(statement["Resource"]))
    return grants


def function(parameters):
    (found,) = of_type(stack(**parameters), "AWS::Lambda::Function").values()
    return found["Properties"]


def queue_policies(parameters):
    """queue → statements of its policy."""
    policies = of_type(stack(**parameters), "AWS::SQS::QueuePolicy").values()
    return {
        queue.strip("<>"): statements(policy["Properties"]["PolicyDocument"])
        for policy in policies
        for queue in policy["Properties"]["Queues"]
    }


# --- The role ---


@every_stack
def test_one_role_without_wildcard_actions(parameters):
    assert list(of_type(stack(**parameters), "AWS::IAM::Role")) == ["Role"]
    assert not of_type(stack(**parameters), "AWS::IAM::Policy")
    assert function(parameters)["Role"] == "<Role.Arn>"
    assert not [action for action in allowed(parameters) if "*" in action]


@every_stack
def test_only_actions_without_resource_level_permissions_are_allowed_on_all_resources(parameters):
    assert {action for action, resources in allowed(parameters).items() if "*" in resources} == ONLY_ON_EVERYTHING


def test_batch_actions_of_the_role():
    on_batch = {action: resources for action, resources in allowed(plain).items() if action.startswith("batch:")}
    assert {action: on_batch[action] for action in on_batch.keys() - ONLY_ON_EVERYTHING} == {
        "batch:CancelJob": {f"{ARN}:job/*"},
        "batch:GetJobQueueSnapshot": {f"{ARN}:job-queue/*"},
    }


def test_role_may_terminate_only_if_enabled():
    may = allowed(everything)
    assert may["batch:TerminateJob"] == {f"{ARN}:job/*"}
    assert may["batch:TerminateServiceJob"] == {f"{ARN}:service-job/*"}
    assert {action for action in may if action not in allowed(plain)} == {
        "batch:TerminateJob",
        "batch:TerminateServiceJob",
    }


@every_stack
def test_other_permissions_are_limited_to_resources_of_the_stack(parameters):
    rest = {action: resources for action, resources in allowed(parameters).items() if not action.startswith("batch:")}
    assert {action: rest[action] for action in rest.keys() - ONLY_ON_EVERYTHING} == {
        "logs:CreateLogStream": {"<LogGroup.Arn>"},
        "logs:PutLogEvents": {"<LogGroup.Arn>"},
        "sqs:DeleteMessage": {"<RequestQueue.Arn>"},
        "sqs:GetQueueAttributes": {"<RequestQueue.Arn>"},
        "sqs:ReceiveMessage": {"<RequestQueue.Arn>"},
        "sqs:SendMessage": {"<ReportQueue.Arn>", "<FailedEventQueue.Arn>"},
    }


@pytest.mark.parametrize(
    ("tag", "condition"),
    [
        ("batch-cancel:protect", {"aws:ResourceTag/batch-cancel:protect": "*"}),
        ("stage=production", {"aws:ResourceTag/stage": "production"}),
    ],
)
def test_role_denies_changing_protected_jobs(tag, condition):
    (deny,) = role_statements(everything | {"ProtectTag": tag}, "Deny")
    assert set(deny["Action"]) == CHANGING
    assert set(deny["Resource"]) == {f"{ARN}:job/*", f"{ARN}:service-job/*"}
    assert deny["Condition"] == {"StringLike": condition}


@every_stack
def test_only_named_services_may_invoke_the_function_and_only_for_this_stack(parameters):
    permissions = [found["Properties"] for found in of_type(stack(**parameters), "AWS::Lambda::Permission").values()]
    assert all(permission["Action"] == "lambda:InvokeFunction" for permission in permissions)
    sources = {(permission["Principal"], permission["SourceArn"]) for permission in permissions}
    assert {principal for principal, _ in sources} == {
        "apigateway.amazonaws.com",
        "events.amazonaws.com",
        "lambda.alarms.cloudwatch.amazonaws.com",
    }
    for principal, source in sources:
        if principal == "events.amazonaws.com":
            assert source in {"<BlockedQueueRule.Arn>", "<AlarmRule.Arn>"}
        else:
            assert f":{PSEUDO['AWS::AccountId']}:" in source
    (alarms,) = (found for found in permissions if found["Principal"].startswith("lambda.alarms."))
    assert alarms["SourceAccount"] == PSEUDO["AWS::AccountId"]


# --- Queues ---


@every_stack
def test_every_queue_is_encrypted_and_tls_only(parameters):
    queues = of_type(stack(**parameters), "AWS::SQS::Queue")
    policies = queue_policies(parameters)
    assert queues.keys() == policies.keys()
    for name, queue in queues.items():
        assert queue["Properties"]["SqsManagedSseEnabled"] is True
        (deny,) = (statement for statement in policies[name] if statement["Effect"] == "Deny")
        assert deny["Principal"] == "*"
        assert deny["Action"] == "sqs:*"
        assert deny["Resource"] == f"<{name}.Arn>"
        assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize(
    ("parameters", "rules"), [(plain, ["BlockedQueueRule"]), (everything, ["BlockedQueueRule", "AlarmRule"])]
)
def test_only_the_rules_may_send_to_a_queue(parameters, rules):
    grants = [
        (queue, statement)
        for queue, found in queue_policies(parameters).items()
        for statement in found
        if statement["Effect"] == "Allow"
    ]
    ((queue, grant),) = grants
    assert queue == "FailedEventQueue"
    assert grant["Principal"] == {"Service": "events.amazonaws.com"}
    assert grant["Action"] == "sqs:SendMessage"
    assert grant["Resource"] == "<FailedEventQueue.Arn>"
    assert grant["Condition"] == {"ArnEquals": {"aws:SourceArn": [f"<{rule}.Arn>" for rule in rules]}}


@pytest.mark.parametrize("timeout", transformed()["Parameters"]["Timeout"]["AllowedValues"])
def test_a_message_stays_hidden_for_six_timeouts(timeout):
    parameters = plain | {"Timeout": timeout}
    assert function(parameters)["Timeout"] == timeout
    assert stack(**parameters)["RequestQueue"]["Properties"]["VisibilityTimeout"] == 6 * timeout


def test_allowed_timeouts():
    assert transformed()["Parameters"]["Timeout"]["AllowedValues"] == [5, 60, 300, 900]


def test_requests_that_keep_failing_go_to_the_dead_letter_queue():
    resources = stack(**plain)
    requests = resources["RequestQueue"]["Properties"]
    dead = resources["RequestDeadLetterQueue"]["Properties"]
    assert requests["RedrivePolicy"] == {"deadLetterTargetArn": "<RequestDeadLetterQueue.Arn>", "maxReceiveCount": 5}
    assert dead["RedriveAllowPolicy"] == {
        "redrivePermission": "byQueue",
        "sourceQueueArns": [f"arn:aws:sqs:eu-west-1:123456789012:{requests['QueueName']}"],
    }
    assert dead["MessageRetentionPeriod"] > requests["MessageRetentionPeriod"]


@pytest.mark.parametrize(("parameters", "enabled"), [(plain, True), (everything, True), (stopped, False)])
def test_the_request_queue_feeds_the_function(parameters, enabled):
    (mapping,) = of_type(stack(**parameters), "AWS::Lambda::EventSourceMapping").values()
    properties = mapping["Properties"]
    assert properties["EventSourceArn"] == "<RequestQueue.Arn>"
    assert properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert properties["ScalingConfig"] == {"MaximumConcurrency": 2}
    assert properties["Enabled"] is enabled


# --- HTTP ---


@every_stack
def test_every_route_requires_a_signed_request(parameters):
    (api,) = of_type(stack(**parameters), "AWS::ApiGatewayV2::Api").values()
    assert not of_type(stack(**parameters), "AWS::Lambda::Url")
    routes = {
        f"{method.upper()} {path}": route
        for path, methods in api["Properties"]["Body"]["paths"].items()
        for method, route in methods.items()
    }
    assert routes.keys() == {
        "POST /cancellations",
        "GET /jobs/{jobId}",
        "DELETE /jobs/{jobId}",
        "GET /openapi.json",
    }
    for route in routes.values():
        assert route["security"] == [{"AWS_IAM": []}]
        assert route["x-amazon-apigateway-integration"]["payloadFormatVersion"] == "2.0"


def test_the_http_api_is_throttled_and_logged():
    (stage,) = of_type(stack(**plain), "AWS::ApiGatewayV2::Stage").values()
    properties = stage["Properties"]
    assert properties["DefaultRouteSettings"] == {"ThrottlingRateLimit": 10, "ThrottlingBurstLimit": 20}
    assert properties["AccessLogSettings"]["DestinationArn"] == "<HttpLogGroup.Arn>"
    json.loads(properties["AccessLogSettings"]["Format"])


# --- Events ---


@pytest.mark.parametrize(
    ("parameters", "detail_types"),
    [
        (plain, {"Batch Job Queue Blocked"}),
        (everything, {"Batch Job Queue Blocked", "Batch Service Job Queue Blocked"}),
    ],
)
def test_the_rule_for_blocked_queues(parameters, detail_types):
    pattern = stack(**parameters)["BlockedQueueRule"]["Properties"]["EventPattern"]
    assert pattern["source"] == ["aws.batch"]
    assert set(pattern["detail-type"]) == detail_types


def test_rule_for_alarms_exists_if_a_prefix_is_given():
    assert "AlarmRule" not in stack(**plain)
    pattern = stack(**everything)["AlarmRule"]["Properties"]["EventPattern"]
    assert pattern["source"] == ["aws.cloudwatch"]
    assert pattern["detail"] == {"alarmName": [{"prefix": "batch-"}], "state": {"value": ["ALARM"]}}


@every_stack
def test_events_are_retried_for_a_quarter_of_an_hour_and_never_lost(parameters):
    for rule in of_type(stack(**parameters), "AWS::Events::Rule").values():
        (target,) = rule["Properties"]["Targets"]
        assert target["Arn"] == "<Function.Arn>"
        assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] == 900
        assert target["DeadLetterConfig"] == {"Arn": "<FailedEventQueue.Arn>"}
    (config,) = of_type(stack(**parameters), "AWS::Lambda::EventInvokeConfig").values()
    assert config["Properties"]["MaximumEventAgeInSeconds"] == 900
    assert config["Properties"]["DestinationConfig"] == {
        "OnSuccess": {"Destination": "<ReportQueue.Arn>"},
        "OnFailure": {"Destination": "<FailedEventQueue.Arn>"},
    }


# --- The function ---


def test_the_function():
    properties = function(plain)
    assert properties["Runtime"] == "provided.al2023"
    assert properties["Architectures"] == ["x86_64"]
    assert properties["MemorySize"] == 128
    assert properties["TracingConfig"] == {"Mode": "Active"}
    assert properties["LoggingConfig"] == {"LogFormat": "JSON", "LogGroup": "<LogGroup>"}
    assert "ReservedConcurrentExecutions" not in properties


@pytest.mark.parametrize(("parameters", "reserved"), [(everything, 10), (stopped, 0)])
def test_reserved_concurrency_can_be_set_and_zero_stops_the_function(parameters, reserved):
    assert int(function(parameters)["ReservedConcurrentExecutions"]) == reserved


def test_job_queues_are_the_only_required_parameter():
    parameters = transformed()["Parameters"]
    assert [name for name, parameter in parameters.items() if "Default" not in parameter] == ["AllowedJobQueues"]


@pytest.mark.parametrize(
    ("value", "accepted"),
    [
        ("high", True),
        ("high, low-*", True),
        ("arn:aws:batch:eu-west-1:123456789012:job-queue/*", True),
        ("*", True),
        ("", False),
        ("high,,low", False),
        ('high"', False),
    ],
)
def test_allowed_job_queues_are_validated_before_deployment(value, accepted):
    pattern = transformed()["Parameters"]["AllowedJobQueues"]["AllowedPattern"]
    assert (re.fullmatch(pattern, value) is not None) is accepted


def test_variables_of_the_template_are_those_of_the_function():
    source = (REPOSITORY / "src" / "config.rs").read_text().split("#[cfg(test)]")[0]
    read = set(re.findall(r'"([A-Z]+(?:_[A-Z]+)+)"', source))
    given = set(function(plain)["Environment"]["Variables"]) - READ_BY_LIBRARIES
    assert given <= read, "the function does not read these"
    settings = {name for name in read if not name.startswith("AWS_")}
    assert settings - LEFT_AT_DEFAULTS == given, "the template does not set these"
