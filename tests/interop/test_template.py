"""The resources of template.yaml: least privilege, encryption, no public access, settings that the function reads, events
that wait, and alarms that come back to the function. Those of stacks/ are in test_stacks.py."""

import json
import re
import tomllib

import pytest

from cloudformation import (
    COMPANIONS,
    CORE,
    PSEUDO,
    REPOSITORY,
    grants,
    listed,
    of_type,
    outputs,
    refusals,
    stack,
    statements,
    statements_of_role,
    transformed,
)

# These actions of Batch and X-Ray support no resource-level permissions (Service Authorization Reference).
ONLY_ON_EVERYTHING = {
    "batch:DescribeJobQueues",
    "batch:DescribeJobs",
    "batch:DescribeServiceJob",
    "batch:ListJobs",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
ARN = f"arn:aws:batch:{PSEUDO['AWS::Region']}:{PSEUDO['AWS::AccountId']}"
BUS = f"arn:aws:events:{PSEUDO['AWS::Region']}:{PSEUDO['AWS::AccountId']}:event-bus"
CHANGING = {"batch:CancelJob", "batch:TerminateJob", "batch:TerminateServiceJob"}
# Variables that the template leaves at the defaults of the function.
LEFT_AT_DEFAULTS = {"API_CONCURRENCY", "CANCEL_ON_STATUS", "MAX_EVENT_AGE"}
# The same of EC2, by which Lambda puts a function into a VPC.
ONLY_IN_A_VPC = {
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
}
# Variables of the template that the function's libraries read.
READ_BY_LIBRARIES = {"SSL_CERT_FILE", "AWS_ENDPOINT_URL_BATCH"}
KEY = f"arn:aws:kms:{PSEUDO['AWS::Region']}:{PSEUDO['AWS::AccountId']}:key/9e2f"
BOUNDARY = f"arn:aws:iam::{PSEUDO['AWS::AccountId']}:policy/boundary"
TOPIC = f"arn:aws:sns:{PSEUDO['AWS::Region']}:{PSEUDO['AWS::AccountId']}:people"

plain = {"AllowedJobQueues": "high,low"}
# Each optional part alone, and all of them.
watching = plain | {"WatchSchedule": "rate(5 minutes)"}
stuck = watching | {"StuckAfter": "30"}
listening = plain | {"AlarmNamePrefix": "batch-"}
asked_by_others = plain | {"RequestSourceArns": f"{TOPIC},arn:aws:events:eu-west-1:123456789012:rule/nightly"}
private = plain | {
    "PermissionsBoundaryArn": BOUNDARY,
    "KmsKeyArn": KEY,
    "SubnetIds": "subnet-0a,subnet-0b",
    "SecurityGroupIds": "sg-0a",
    "BatchEndpointUrl": "https://vpce-1.batch.eu-west-1.vpce.amazonaws.com",
}
everything = (
    stuck
    | listening
    | asked_by_others
    | private
    | {
        "AllowTerminate": "true",
        "AlarmTopicArn": TOPIC,
        "ReservedConcurrency": "10",
        "FunctionName": "cancel",
    }
)
stopped = everything | {"ReservedConcurrency": "0"}
STACKS = {
    "plain": plain,
    "watching": watching,
    "stuck": stuck,
    "listening": listening,
    "asked by others": asked_by_others,
    "private": private,
    "everything": everything,
    "stopped": stopped,
}
every_stack = pytest.mark.parametrize("parameters", STACKS.values(), ids=STACKS)


def role_statements(parameters, effect, name="Role"):
    return statements_of_role(stack(**parameters)[name], effect)


def allowed(parameters):
    """action → resources, of all statements of the role that allow."""
    found = {}
    for statement in role_statements(parameters, "Allow"):
        assert not statement.keys() & {"NotAction", "NotResource"}
        for action in listed(statement["Action"]):
            found.setdefault(action, set()).update(listed(statement["Resource"]))
    return found


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
def test_the_function_has_one_role_without_wildcard_actions(parameters):
    assert not of_type(stack(**parameters), "AWS::IAM::Policy")
    assert function(parameters)["Role"] == "<Role.Arn>"
    assert not [action for action in allowed(parameters) if "*" in action]


@every_stack
def test_only_lambda_may_take_on_the_role(parameters):
    (trust,) = statements(stack(**parameters)["Role"]["Properties"]["AssumeRolePolicyDocument"])
    assert trust == {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}


@every_stack
def test_only_actions_without_resource_level_permissions_are_allowed_on_all_resources(parameters):
    expected = ONLY_ON_EVERYTHING | (ONLY_IN_A_VPC if "SubnetIds" in parameters else set())
    assert {action for action, resources in allowed(parameters).items() if "*" in resources} == expected


def test_every_call_to_batch_is_allowed_and_every_allowed_action_is_called():
    sources = [*(REPOSITORY / "src" / "batch").glob("*.rs"), REPOSITORY / "src" / "batch.rs"]
    bodies = re.compile(r"impl Operation for .*?fn name\(&self\)(.*?)\n    }\n", re.DOTALL)
    names = [body for source in sources for body in bodies.findall(source.read_text())]
    called = {name for body in names for name in re.findall(r'"(\w+)"', body)}
    assert len(called) >= 11, "the operations of src/batch are named in another way now"
    # The bulk calls go by the permission of the call for one job.
    actions = {re.sub(r"^((?:Cancel|Terminate)\w*Job)s$", r"\1", name) for name in called}
    on_batch = {action.removeprefix("batch:") for action in allowed(everything) if action.startswith("batch:")}
    assert on_batch == actions


def test_batch_actions_of_the_role():
    on_batch = {action: resources for action, resources in allowed(plain).items() if action.startswith("batch:")}
    assert {action: on_batch[action] for action in on_batch.keys() - ONLY_ON_EVERYTHING} == {
        "batch:CancelJob": {f"{ARN}:job/*"},
        "batch:GetJobQueueSnapshot": {f"{ARN}:job-queue/*"},
    }


def test_role_may_terminate_only_if_enabled():
    may = allowed(plain | {"AllowTerminate": "true"})
    assert may["batch:TerminateJob"] == {f"{ARN}:job/*"}
    assert may["batch:TerminateServiceJob"] == {f"{ARN}:service-job/*"}
    assert {action for action in may if action not in allowed(plain)} == {
        "batch:TerminateJob",
        "batch:TerminateServiceJob",
    }


@every_stack
def test_other_permissions_are_limited_to_resources_of_the_stack(parameters):
    rest = {action: resources for action, resources in allowed(parameters).items() if not action.startswith("batch:")}
    of_the_key = {"kms:Decrypt": {KEY}, "kms:GenerateDataKey": {KEY}} if "KmsKeyArn" in parameters else {}
    assert {action: rest[action] for action in rest.keys() - ONLY_ON_EVERYTHING - ONLY_IN_A_VPC} == of_the_key | {
        "logs:CreateLogStream": {"<LogGroup.Arn>"},
        "logs:PutLogEvents": {"<LogGroup.Arn>"},
        "sqs:DeleteMessage": {"<RequestQueue.Arn>", "<EventQueue.Arn>"},
        "sqs:GetQueueAttributes": {"<RequestQueue.Arn>", "<EventQueue.Arn>"},
        "sqs:ReceiveMessage": {"<RequestQueue.Arn>", "<EventQueue.Arn>"},
        "sqs:SendMessage": {"<FailedEventQueue.Arn>"},
        "events:PutEvents": {f"{BUS}/default"},
    }


@pytest.mark.parametrize(
    ("tag", "condition"),
    [
        ("batch-cancel:protect", {"aws:ResourceTag/batch-cancel:protect": "*"}),
        ("stage=production", {"aws:ResourceTag/stage": "production"}),
    ],
)
def test_role_denies_changing_protected_jobs(tag, condition):
    (deny,) = role_statements(plain | {"ProtectTag": tag}, "Deny")
    assert set(deny["Action"]) == CHANGING
    assert set(deny["Resource"]) == {f"{ARN}:job/*", f"{ARN}:service-job/*"}
    assert deny["Condition"] == {"StringLike": condition}


@every_stack
def test_the_code_of_the_function_may_not_use_what_lambda_needs_for_the_vpc(parameters):
    """AWS documents the key lambda:SourceFunctionArn for this: calls that Lambda makes itself do not carry it."""
    denied = [found for found in role_statements(parameters, "Deny") if found["Action"] == "ec2:*"]
    of_a_function = {
        "Resource": "*",
        "Condition": {"ArnLike": {"lambda:SourceFunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:*"}},
    }
    found = [{key: deny[key] for key in ("Resource", "Condition")} for deny in denied]
    assert found == ([of_a_function] if "SubnetIds" in parameters else [])


@every_stack
def test_only_named_services_may_invoke_the_function_and_only_for_this_stack(parameters):
    permissions = [found["Properties"] for found in of_type(stack(**parameters), "AWS::Lambda::Permission").values()]
    assert all(permission["Action"] == "lambda:InvokeFunction" for permission in permissions)
    sources = {(permission["Principal"], permission["SourceArn"]) for permission in permissions}
    # Rules reach it through the event queue, and Scheduler has roles.
    assert {principal for principal, _ in sources} == {
        "apigateway.amazonaws.com",
        "lambda.alarms.cloudwatch.amazonaws.com",
    }
    assert all(f":{PSEUDO['AWS::AccountId']}:" in source for _, source in sources)
    (alarms,) = (found for found in permissions if found["Principal"].startswith("lambda.alarms."))
    assert alarms["SourceAccount"] == PSEUDO["AWS::AccountId"]


# --- Queues ---


@every_stack
def test_every_queue_is_encrypted_and_tls_only(parameters):
    queues = of_type(stack(**parameters), "AWS::SQS::Queue")
    policies = queue_policies(parameters)
    assert queues.keys() == policies.keys()
    for name, queue in queues.items():
        by_key = {"KmsMasterKeyId": KEY} if "KmsKeyArn" in parameters else {"SqsManagedSseEnabled": True}
        encryption = {"KmsMasterKeyId", "SqsManagedSseEnabled"} & queue["Properties"].keys()
        assert {name: queue["Properties"][name] for name in encryption} == by_key
        (deny,) = (statement for statement in policies[name] if statement["Effect"] == "Deny")
        assert deny["Principal"] == "*"
        assert deny["Action"] == "sqs:*"
        assert deny["Resource"] == f"<{name}.Arn>"
        assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize("queue", ["EventQueue", "FailedEventQueue"])
@every_stack
def test_only_the_rules_may_send_events(parameters, queue):
    rules = of_type(stack(**parameters), "AWS::Events::Rule")
    (grant,) = (statement for statement in queue_policies(parameters)[queue] if statement["Effect"] == "Allow")
    assert grant["Principal"] == {"Service": "events.amazonaws.com"}
    assert grant["Action"] == "sqs:SendMessage"
    assert grant["Resource"] == f"<{queue}.Arn>"
    allowed_rules = [rule for rule in rules if queue == "FailedEventQueue" or rule != "ReportRule"]
    sources = grant["Condition"].pop("ArnEquals").pop("aws:SourceArn")
    assert sorted(sources) == sorted(f"<{rule}.Arn>" for rule in allowed_rules)
    assert not grant["Condition"].pop("ArnEquals", None)


@every_stack
def test_no_other_queue_policy_lets_anybody_in(parameters):
    open_queues = {
        queue
        for queue, found in queue_policies(parameters).items()
        if any(statement["Effect"] == "Allow" for statement in found)
    }
    by_others = {"RequestQueue"} if "RequestSourceArns" in parameters else set()
    assert open_queues == {"EventQueue", "FailedEventQueue", "ReportQueue"} | by_others
    (grant,) = (found for found in queue_policies(parameters)["ReportQueue"] if found["Effect"] == "Allow")
    assert grant["Condition"] == {"ArnEquals": {"aws:SourceArn": "<ReportRule.Arn>"}}


def test_topics_and_rules_of_the_deployer_may_send_requests():
    (grant,) = (found for found in queue_policies(asked_by_others)["RequestQueue"] if found["Effect"] == "Allow")
    assert grant["Principal"] == {"Service": ["events.amazonaws.com", "sns.amazonaws.com"]}
    assert (grant["Action"], grant["Resource"]) == ("sqs:SendMessage", "<RequestQueue.Arn>")
    assert grant["Condition"] == {"ArnLike": {"aws:SourceArn": asked_by_others["RequestSourceArns"].split(",")}}


@pytest.mark.parametrize(("timeout", "event_hidden"), [(5, 300), (60, 300), (300, 360), (900, 960)])
def test_a_request_stays_hidden_for_six_timeouts_an_event_for_longer_than_one(timeout, event_hidden):
    parameters = plain | {"Timeout": timeout}
    assert function(parameters)["Timeout"] == timeout
    assert stack(**parameters)["RequestQueue"]["Properties"]["VisibilityTimeout"] == 6 * timeout
    assert stack(**parameters)["EventQueue"]["Properties"]["VisibilityTimeout"] == event_hidden > timeout


def test_allowed_timeouts():
    assert transformed()["Parameters"]["Timeout"]["AllowedValues"] == [5, 60, 300, 900]


@pytest.mark.parametrize(("queue", "receives"), [("Request", 5), ("Event", 10)])
def test_messages_that_keep_failing_go_to_the_dead_letter_queue(queue, receives):
    resources = stack(**plain)
    source = resources[f"{queue}Queue"]["Properties"]
    dead = resources[f"{queue}DeadLetterQueue"]["Properties"]
    assert source["RedrivePolicy"] == {
        "deadLetterTargetArn": f"<{queue}DeadLetterQueue.Arn>",
        "maxReceiveCount": receives,
    }
    assert dead["MessageRetentionPeriod"] > source["MessageRetentionPeriod"]


@every_stack
def test_both_queues_feed_the_function_unless_it_is_stopped(parameters):
    mappings = of_type(stack(**parameters), "AWS::Lambda::EventSourceMapping").values()
    assert sorted(mapping["Properties"]["EventSourceArn"] for mapping in mappings) == [
        "<EventQueue.Arn>",
        "<RequestQueue.Arn>",
    ]
    for mapping in mappings:
        properties = mapping["Properties"]
        assert properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert properties["ScalingConfig"] == {"MaximumConcurrency": 2}
        assert properties["Enabled"] is (parameters is not stopped)


def test_nobody_takes_the_queues_of_failed_events_and_reports_for_their_own_dead_letter_queue():
    for queue in ("FailedEventQueue", "ReportQueue"):
        assert stack(**plain)[queue]["Properties"]["RedriveAllowPolicy"] == {"redrivePermission": "denyAll"}


# --- HTTP ---


@every_stack
def test_the_api_may_invoke_the_function_for_each_route_and_for_no_other(parameters):
    resources = stack(**parameters)
    sources = {
        permission["Properties"]["SourceArn"].rpartition("<HttpApi>/*")[2]
        for permission in of_type(resources, "AWS::Lambda::Permission").values()
        if permission["Properties"]["Principal"] == "apigateway.amazonaws.com"
    }
    routes = {
        f"/{method.upper()}{re.sub('{[^}]+}', '*', path)}"
        for path, methods in resources["HttpApi"]["Properties"]["Body"]["paths"].items()
        for method in methods
    }
    assert sources == routes


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
        "GET /queues/{queue}",
        "GET /queues/{queue}/jobs",
        "GET /openapi.json",
    }
    for route in routes.values():
        assert route["security"] == [{"AWS_IAM": []}]
        assert route["x-amazon-apigateway-integration"]["payloadFormatVersion"] == "2.0"


def test_the_logs_outlive_the_stack():
    groups = of_type(stack(**plain), "AWS::Logs::LogGroup")
    assert len(groups) == 2
    kept = of_type(stack(**plain, LogRetentionDays=30), "AWS::Logs::LogGroup")
    assert {group["Properties"]["RetentionInDays"] for group in kept.values()} == {30}
    for group in groups.values():
        assert group["Properties"]["RetentionInDays"] == 90
        assert (group["DeletionPolicy"], group["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


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


@pytest.mark.parametrize(
    ("parameters", "names"),
    [
        (plain, None),
        (watching, None),
        (listening, [{"prefix": "batch-"}]),
        (stuck, ["<StuckAlarm>"]),
        (everything, [{"prefix": "batch-"}, "<StuckAlarm>"]),
    ],
    ids=["plain", "watching", "listening", "stuck", "everything"],
)
def test_the_rule_for_alarms(parameters, names):
    """`Ref` of an alarm is its name, so the application's own alarm comes back whatever it is called."""
    resources = stack(**parameters)
    if names is None:
        assert "AlarmRule" not in resources
        return
    assert resources["AlarmRule"]["Properties"]["EventPattern"] == {
        "source": ["aws.cloudwatch"],
        "detail-type": ["CloudWatch Alarm State Change", "CloudWatch Alarm Contributor State Change"],
        "detail": {"alarmName": names, "state": {"value": ["ALARM"]}},
    }


@every_stack
def test_events_of_rules_wait_in_the_event_queue_and_are_never_lost(parameters):
    rules = of_type(stack(**parameters), "AWS::Events::Rule")
    assert rules
    for name, rule in rules.items():
        if name == "ReportRule":
            continue
        (target,) = rule["Properties"]["Targets"]
        assert target["Arn"] == "<EventQueue.Arn>"
        assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 900, "MaximumRetryAttempts": 20}
        assert target["DeadLetterConfig"] == {"Arn": "<FailedEventQueue.Arn>"}


@every_stack
def test_asynchronous_events_are_retried_for_a_quarter_of_an_hour_and_never_lost(parameters):
    (config,) = of_type(stack(**parameters), "AWS::Lambda::EventInvokeConfig").values()
    assert config["Properties"]["MaximumEventAgeInSeconds"] == 900
    assert config["Properties"]["DestinationConfig"] == {
        "OnFailure": {"Destination": "<FailedEventQueue.Arn>"},
    }


def test_reports_are_published_on_one_bus_and_a_copy_is_kept():
    resources = stack(**plain, ResultBus="results")
    (statement,) = (found for found in role_statements(plain | {"ResultBus": "results"}, "Allow") if found["Action"] == "events:PutEvents")
    assert statement["Resource"] == f"{BUS}/results"
    assert statement["Condition"] == {"StringEquals": {"events:source": "batch-cancel"}}
    rule = resources["ReportRule"]["Properties"]
    assert rule["EventBusName"] == "results"
    assert rule["EventPattern"]["source"] == ["batch-cancel"]
    (target,) = rule["Targets"]
    assert target["Arn"] == "<ReportQueue.Arn>"
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 900, "MaximumRetryAttempts": 20}
    assert target["DeadLetterConfig"] == {"Arn": "<FailedEventQueue.Arn>"}
    assert function(plain | {"ResultBus": "results"})["Environment"]["Variables"]["RESULT_BUS"] == "results"


def test_nothing_is_published_without_a_bus():
    parameters = plain | {"ResultBus": ""}
    resources = stack(**parameters)
    of_reports = {"ReportRule", "ReportQueue", "ReportQueuePolicy", "ReportsNotPublishedAlarm", "ReportsLostAlarm"}
    assert not of_reports & resources.keys()
    assert of_reports <= stack(**plain).keys()
    assert "events:PutEvents" not in allowed(parameters)


@pytest.mark.parametrize("seconds", [0, 600, 900])
def test_the_event_queue_delays_by_as_long_as_the_function_wants_a_job_to_block(seconds):
    parameters = plain | {"BlockedFor": seconds}
    assert stack(**parameters)["EventQueue"]["Properties"]["DelaySeconds"] == seconds
    assert function(parameters)["Environment"]["Variables"]["BLOCKED_FOR"] == seconds
    parameter = transformed()["Parameters"]["BlockedFor"]
    assert (parameter["Default"], parameter["MinValue"], parameter["MaxValue"]) == (600, 0, 900)


@pytest.mark.parametrize("timeout", transformed()["Parameters"]["Timeout"]["AllowedValues"])
@pytest.mark.parametrize("blocked_for", [0, 600, 900])
def test_an_event_is_given_up_before_waiting_has_used_up_its_receives(timeout, blocked_for):
    """The function ignores an event that is older than 3 x BLOCKED_FOR, and 30 minutes at least."""
    queue = stack(**plain, Timeout=timeout, BlockedFor=blocked_for)["EventQueue"]["Properties"]
    last = queue["DelaySeconds"] + (queue["RedrivePolicy"]["maxReceiveCount"] - 1) * queue["VisibilityTimeout"]
    assert last > max(3 * blocked_for, 1800)


# --- The watch ---


@every_stack
def test_optional_parts_are_there_only_if_their_parameter_is_given(parameters):
    resources = stack(**parameters)
    parts = {
        "WatchSchedule": {"WatchTimer", "WatchRole", "ScheduleGroup", "WatchIsDeadAlarm", "WatchesLostAlarm"},
        "StuckAfter": {"StuckAlarm"},
    }
    for parameter, part in parts.items():
        assert (part & resources.keys()) == (part if parameter in parameters else set())
    listens = bool(parameters.keys() & {"StuckAfter", "AlarmNamePrefix"})
    assert ({"AlarmRule", "AlarmEventsLostAlarm"} & resources.keys()) == (
        {"AlarmRule", "AlarmEventsLostAlarm"} if listens else set()
    )


@pytest.mark.parametrize("parameters", [watching, everything])
def test_the_timer_of_the_watch_invokes_the_function_and_loses_nothing(parameters):
    properties = stack(**parameters)["WatchTimer"]["Properties"]
    target = properties["Target"]
    assert properties["State"] == "ENABLED"
    assert properties["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert properties["GroupName"] == "<ScheduleGroup>"
    assert (target["Arn"], target["RoleArn"]) == ("<Function.Arn>", "<WatchRole.Arn>")
    assert target["DeadLetterConfig"] == {"Arn": "<FailedEventQueue.Arn>"}
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 300, "MaximumRetryAttempts": 3}


@pytest.mark.parametrize("parameters", [watching, everything])
def test_the_role_of_the_timer_may_invoke_this_function_and_keep_what_fails_and_nothing_else(parameters):
    of_the_key = {"kms:Decrypt": KEY, "kms:GenerateDataKey": KEY} if "KmsKeyArn" in parameters else {}
    assert grants(role_statements(parameters, "Allow", "WatchRole")) == of_the_key | {
        "lambda:InvokeFunction": "<Function.Arn>",
        "sqs:SendMessage": "<FailedEventQueue.Arn>",
    }
    (trust,) = statements(stack(**parameters)["WatchRole"]["Properties"]["AssumeRolePolicyDocument"])
    assert (trust["Effect"], trust["Action"]) == ("Allow", "sts:AssumeRole")
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"] == {
        "StringEquals": {"aws:SourceAccount": PSEUDO["AWS::AccountId"]},
        "ArnEquals": {"aws:SourceArn": "<ScheduleGroup.Arn>"},
    }


def test_the_kill_switch_stops_the_timer():
    assert stack(**stopped)["WatchTimer"]["Properties"]["State"] == "DISABLED"


def test_the_watch_asks_for_all_allowed_queues():
    properties = stack(**watching)["WatchTimer"]["Properties"]
    assert properties["ScheduleExpression"] == "rate(5 minutes)"
    assert json.loads(properties["Target"]["Input"]) == {"watch": {}}


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        (everything, []),
        (plain, []),
        (plain | {"StuckAfter": "30"}, ["StuckAfter needs WatchSchedule"]),
        (plain | {"SubnetIds": "subnet-0a"}, ["SubnetIds needs SecurityGroupIds"]),
        (plain | {"SecurityGroupIds": "sg-0a"}, ["SecurityGroupIds needs SubnetIds"]),
    ],
    ids=["everything", "plain", "no watch", "no security group", "no subnet"],
)
def test_parts_that_cannot_work_are_refused(parameters, expected):
    # What CloudFormation knows in Rules.
    known = {"Ref", "Fn::And", "Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn", "Fn::Equals", "Fn::Not", "Fn::Or"}
    used = set(re.findall(r'"((?:Fn::\w+|Ref|Condition))":', json.dumps(transformed()["Rules"])))
    assert used <= known
    found = refusals(**parameters)
    assert len(found) == len(expected)
    assert all(text.startswith(start) for text, start in zip(found, expected))


# --- Rules of the deployer's company ---


@every_stack
def test_every_role_has_the_permissions_boundary(parameters):
    for name, role in of_type(stack(**parameters), "AWS::IAM::Role").items():
        expected = BOUNDARY if "PermissionsBoundaryArn" in parameters else None
        assert role["Properties"].get("PermissionsBoundary") == expected, name


@every_stack
def test_everything_that_is_kept_is_encrypted_with_the_key(parameters):
    resources = stack(**parameters)
    expected = KEY if "KmsKeyArn" in parameters else None
    assert [log["Properties"].get("KmsKeyId") for log in of_type(resources, "AWS::Logs::LogGroup").values()] == [expected] * 2
    assert function(parameters).get("KmsKeyArn") == expected


def test_whoever_sends_to_an_encrypted_queue_may_use_the_key():
    for role in ("Role", "WatchRole"):
        found = grants(role_statements(everything, "Allow", role))
        assert found["kms:Decrypt"] == found["kms:GenerateDataKey"] == KEY, role


def test_the_function_runs_in_the_vpc_and_reaches_batch_there():
    assert function(private)["VpcConfig"] == {"SubnetIds": ["subnet-0a", "subnet-0b"], "SecurityGroupIds": ["sg-0a"]}
    assert function(private)["Environment"]["Variables"]["AWS_ENDPOINT_URL_BATCH"] == private["BatchEndpointUrl"]
    assert "VpcConfig" not in function(plain)
    assert "AWS_ENDPOINT_URL_BATCH" not in function(plain)["Environment"]["Variables"]


# --- Linters ---


def test_every_suppressed_check_has_its_reason():
    """cfn-lint and checkov read suppressions from here and nowhere else."""
    text = "".join((REPOSITORY / file).read_text() for file in (CORE, *COMPANIONS))
    assert "cfn-lint" not in text, "no check of cfn-lint is suppressed"
    assert not re.search(r"#\s*checkov:skip", text), "in Metadata, with a comment"
    skips = [
        skip
        for file in (CORE, *COMPANIONS)
        for resource in transformed(file)["Resources"].values()
        for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", [])
    ]
    assert text.count("CKV") == len({skip["id"] for skip in skips})
    assert all(len(skip["comment"]) > 40 for skip in skips), skips


# --- Alarms ---


def query(parameters, alarm):
    """The properties of an alarm, and its only metric."""
    properties = stack(**parameters)[alarm]["Properties"]
    (metric,) = properties["Metrics"]
    assert metric["ReturnData"] is True
    return properties, metric


def test_each_stuck_queue_is_a_contributor_of_one_alarm():
    properties, metric = query(stuck | {"MetricsNamespace": "Mine"}, "StuckAlarm")
    assert metric["Expression"] == (
        'SELECT MIN(HeadBlocked) FROM SCHEMA("Mine", JobQueueName) GROUP BY JobQueueName ORDER BY MIN() DESC'
    )
    assert (properties["ComparisonOperator"], properties["Threshold"]) == ("GreaterThanOrEqualToThreshold", 1)
    assert "DatapointsToAlarm" not in properties, "every period has to breach"
    assert properties["TreatMissingData"] == "notBreaching"
    assert "JobQueueName" in function(stuck)["Environment"]["Variables"]["QUEUE_DIMENSIONS"].split(",")


@pytest.mark.parametrize("minutes", transformed()["Parameters"]["StuckAfter"]["AllowedValues"][1:])
def test_the_alarm_looks_back_for_as_long_as_stuck_after(minutes):
    properties, metric = query(stuck | {"StuckAfter": minutes}, "StuckAlarm")
    assert metric["Period"] * int(properties["EvaluationPeriods"]) == 60 * int(minutes)
    assert 0 < int(minutes) <= 180, "CloudWatch evaluates the latest three hours of a query"


def test_every_period_of_the_alarms_holds_two_looks():
    pattern = transformed()["Parameters"]["WatchSchedule"]["AllowedPattern"]
    slowest = max(minutes for minutes in range(1, 100) if re.fullmatch(pattern, f"rate({minutes} minutes)"))
    for alarm in ("StuckAlarm", "WatchIsDeadAlarm"):
        assert query(stuck, alarm)[1]["Period"] >= 2 * 60 * slowest


def test_an_alarm_tells_that_nothing_was_measured():
    properties, metric = query(watching | {"MetricsNamespace": "Mine"}, "WatchIsDeadAlarm")
    assert metric["Expression"] == 'SELECT COUNT(HeadBlocked) FROM SCHEMA("Mine", JobQueueName)'
    assert (properties["ComparisonOperator"], properties["Threshold"]) == ("LessThanThreshold", 1)
    assert properties["TreatMissingData"] == "breaching"
    assert properties["EvaluationPeriods"] * metric["Period"] == 20 * 60, "as its description says"
    assert "20 minutes" in properties["AlarmDescription"]
    # A new deployment has measured nothing yet.
    assert properties["WarmUpConfiguration"] == {"WarmUpPeriodDurationInMinutes": 20}


@every_stack
def test_every_alarm_tells_people_if_there_is_a_topic(parameters):
    alarms = of_type(stack(**parameters), "AWS::CloudWatch::Alarm")
    assert len(alarms) >= 13
    for name, alarm in alarms.items():
        properties = alarm["Properties"]
        if "AlarmTopicArn" in parameters:
            assert properties["AlarmActions"] == properties["OKActions"] == [TOPIC], name
        else:
            assert not properties.keys() & {"AlarmActions", "OKActions", "InsufficientDataActions"}, name
        # The function sends no zeros, so missing data is good news; but not of the watch.
        missing = "breaching" if name == "WatchIsDeadAlarm" else "notBreaching"
        assert properties["TreatMissingData"] == missing, name
        assert len(properties["AlarmDescription"]) > 80, f"{name} does not say what it means and what to do"


# alarm → namespace, metric, dimensions, statistic, threshold, and the seconds after which it goes off.
OF_THE_FUNCTION = {"FunctionName": "<Function>"}
NAMESPACE = "BatchCancel/batch-cancel"
LOST = "InvocationsFailedToBeSentToDlq"
ALARMS = {
    "ErrorsAlarm": ("AWS/Lambda", "Errors", OF_THE_FUNCTION, "Sum", 1, 300),
    "ThrottlesAlarm": ("AWS/Lambda", "Throttles", OF_THE_FUNCTION, "Sum", 1, 900),
    "NearTimeoutAlarm": ("AWS/Lambda", "Duration", OF_THE_FUNCTION, "p99", 54_000, 900),
    "DestinationAlarm": ("AWS/Lambda", "DestinationDeliveryFailures", OF_THE_FUNCTION, "Sum", 1, 300),
    "RequestsFailedAlarm": (
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
        {"QueueName": "<RequestDeadLetterQueue.QueueName>"},
        "Maximum",
        1,
        300,
    ),
    "EventsDeadAlarm": (
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
        {"QueueName": "<EventDeadLetterQueue.QueueName>"},
        "Maximum",
        1,
        300,
    ),
    "EventsFailedAlarm": (
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
        {"QueueName": "<FailedEventQueue.QueueName>"},
        "Maximum",
        1,
        300,
    ),
    "RequestsWaitAlarm": (
        "AWS/SQS",
        "ApproximateAgeOfOldestMessage",
        {"QueueName": "<RequestQueue.QueueName>"},
        "Maximum",
        1080,
        900,
    ),
    "JobsDeniedAlarm": (NAMESPACE, "JobsDenied", OF_THE_FUNCTION, "Sum", 1, 300),
    "JobsLeftOverAlarm": (NAMESPACE, "JobsLeftOver", OF_THE_FUNCTION, "Sum", 1, 900),
    "RequestsRefusedAlarm": (NAMESPACE, "RequestsRefused", OF_THE_FUNCTION, "Sum", 10, 300),
    "ReportsNotPublishedAlarm": (NAMESPACE, "ReportsNotPublished", OF_THE_FUNCTION, "Sum", 1, 300),
    "BlockedEventsLostAlarm": ("AWS/Events", LOST, {"RuleName": "<BlockedQueueRule>"}, "Sum", 1, 300),
    "AlarmEventsLostAlarm": ("AWS/Events", LOST, {"RuleName": "<AlarmRule>"}, "Sum", 1, 300),
    "ReportsLostAlarm": ("AWS/Events", LOST, {"RuleName": "<ReportRule>"}, "Sum", 1, 300),
    "WatchesLostAlarm": (
        "AWS/Scheduler",
        "InvocationsFailedToBeSentToDeadLetterCount",
        {"ScheduleGroup": "<ScheduleGroup>"},
        "Sum",
        1,
        300,
    ),
}


def test_the_alarms_on_metrics():
    found = {}
    for name, alarm in of_type(stack(**everything), "AWS::CloudWatch::Alarm").items():
        properties = alarm["Properties"]
        if "Metrics" in properties:
            continue
        assert properties["ComparisonOperator"] == "GreaterThanOrEqualToThreshold", name
        found[name] = (
            properties["Namespace"],
            properties["MetricName"],
            {dimension["Name"]: dimension["Value"] for dimension in properties["Dimensions"]},
            properties.get("Statistic", properties.get("ExtendedStatistic")),
            properties["Threshold"],
            properties["Period"] * properties["EvaluationPeriods"],
        )
    assert found == ALARMS


def test_the_rule_of_a_bus_of_your_own_is_found_by_bus_and_name():
    """EventBridge gives its metrics two dimensions then. Its ARN is arn:aws:events:REGION:ACCOUNT:rule/BUS/NAME."""
    resources = stack(**plain, ResultBus="results")
    assert resources["ReportsLostAlarm"]["Properties"]["Dimensions"] == [
        {"Name": "EventBusName", "Value": "results"},
        {"Name": "RuleName", "Value": "<part 2 of ReportRule.Arn>"},
    ]


@every_stack
def test_each_rule_and_the_timer_have_an_alarm_on_events_that_are_lost(parameters):
    resources = stack(**parameters)
    watched = {
        dimension["Value"].strip("<>")
        for alarm in of_type(resources, "AWS::CloudWatch::Alarm").values()
        for dimension in alarm["Properties"].get("Dimensions", [])
        if dimension["Name"] in ("RuleName", "ScheduleGroup")
    }
    senders = ("AWS::Events::Rule", "AWS::Scheduler::ScheduleGroup")
    assert watched == {name for kind in senders for name in of_type(resources, kind)}


@pytest.mark.parametrize("timeout", transformed()["Parameters"]["Timeout"]["AllowedValues"])
def test_thresholds_that_follow_the_timeout(timeout):
    resources = stack(**plain, Timeout=timeout)
    assert resources["NearTimeoutAlarm"]["Properties"]["Threshold"] == timeout * 1000 * 9 // 10
    visible = resources["RequestQueue"]["Properties"]["VisibilityTimeout"]
    assert resources["RequestsWaitAlarm"]["Properties"]["Threshold"] == max(3 * visible, 900)


def test_the_function_and_the_alarms_agree_on_the_namespace():
    parameters = stuck | {"MetricsNamespace": "Mine"}
    assert function(parameters)["Environment"]["Variables"]["METRICS_NAMESPACE"] == "Mine"
    assert all('"Mine"' in query(parameters, alarm)[1]["Expression"] for alarm in ("StuckAlarm", "WatchIsDeadAlarm"))
    alarms = of_type(stack(**parameters), "AWS::CloudWatch::Alarm").values()
    own = {namespace for alarm in alarms if not (namespace := alarm["Properties"].get("Namespace", "AWS/")).startswith("AWS/")}
    assert own == {"Mine"}


def test_the_namespace_follows_from_the_name_of_the_stack():
    """So that two deployments never see each other's metrics. It may be 255 letters long, and a stack's name 128."""
    variables = function(stuck)["Environment"]["Variables"]
    assert variables["METRICS_NAMESPACE"] == NAMESPACE
    assert all(f'"{NAMESPACE}"' in query(stuck, alarm)[1]["Expression"] for alarm in ("StuckAlarm", "WatchIsDeadAlarm"))


# --- The function ---


def test_the_function():
    properties = function(plain)
    assert properties["Runtime"] == "provided.al2023"
    assert properties["Architectures"] == ["x86_64"]
    assert properties["MemorySize"] == 128
    assert properties["TracingConfig"] == {"Mode": "Active"}
    assert properties["LoggingConfig"] == {"LogFormat": "JSON", "LogGroup": "<LogGroup>"}
    assert "ReservedConcurrentExecutions" not in properties
    # One file of root certificates, where Amazon Linux 2023 has it.
    assert properties["Environment"]["Variables"]["SSL_CERT_FILE"] == "/etc/pki/tls/certs/ca-bundle.crt"


def test_calls_leave_room_for_others():
    """Two queues, each with two instances, and SubmitJob share about 50 calls a second."""
    calls = function(plain)["Environment"]["Variables"]["API_CALLS_PER_SECOND"]
    assert 4 * int(calls) < 50


@pytest.mark.parametrize(("parameters", "reserved"), [(everything, 10), (stopped, 0)])
def test_reserved_concurrency_can_be_set_and_zero_stops_the_function(parameters, reserved):
    assert int(function(parameters)["ReservedConcurrentExecutions"]) == reserved


@every_stack
def test_no_physical_name_is_fixed_but_the_functions(parameters):
    """So that nested stacks, StackSets and long stack names work, and a second stack never meets the first one's names."""
    names = {
        (name, key): value
        for name, resource in stack(**parameters).items()
        for key, value in resource.get("Properties", {}).items()
        if re.fullmatch(r"(?:Dashboard|Function|Queue|Role|Rule|Alarm|Group|LogGroup|StateMachine)?Name", key)
        and resource["Type"] not in {"AWS::Lambda::Permission", "AWS::Lambda::EventSourceMapping"}
        and resource["Type"] != "AWS::Lambda::EventInvokeConfig"
    }
    unique = PSEUDO["AWS::StackId"].rsplit("/", 1)[1]
    queries = {key for key in names if key[1] == "Name"}
    # Their name is required; that of the stack is unique in an account and region.
    assert {name for name, _ in queries} == set(of_type(stack(**parameters), "AWS::Logs::QueryDefinition"))
    assert all(names.pop(query).startswith(f"{PSEUDO['AWS::StackName']}/") for query in queries)
    given = {("Function", "FunctionName"): "cancel"} if "FunctionName" in parameters else {}
    timers = {("WatchTimer", "GroupName"): "<ScheduleGroup>"} if "WatchSchedule" in parameters else {}
    assert names == given | timers | {
        ("LogGroup", "LogGroupName"): f"/aws/lambda/batch-cancel-{unique}",
        ("HttpLogGroup", "LogGroupName"): f"/aws/vendedlogs/apis/batch-cancel-{unique}",
    }


# --- Parameters ---


# parameter → the stack it moved to, and the values that are accepted: its default, and that of 0.2 if it was another.
SWEEP_OF_0_2 = (
    '{"select":{"jobQueue":"JOB_QUEUE","statuses":["RUNNABLE"],"olderThan":"24h"},"reason":"Older than 24 hours, found by '
    '<aws.scheduler.schedule-arn>","failOnIncomplete":true}'
)
MOVED = {
    "SweepSchedule": ("stacks/sweep.yaml", [""]),
    "SweepRequest": ("stacks/sweep.yaml", ["", SWEEP_OF_0_2]),
    "DashboardQueue": ("stacks/dashboard.yaml", [""]),
    "ListBucket": ("stacks/lists.yaml", [""]),
}


def test_job_queues_are_the_only_required_parameter():
    parameters = transformed()["Parameters"]
    assert [name for name, parameter in parameters.items() if "Default" not in parameter] == ["AllowedJobQueues"]


def test_a_person_can_review_it_in_one_sitting():
    assert len((REPOSITORY / CORE).read_text().splitlines()) <= 1550
    assert len(transformed()["Parameters"].keys() - MOVED.keys()) <= 34


def test_the_three_parameters_of_a_first_deployment_are_the_first():
    """SAM asks in the order of the file, which is that of the groups."""
    groups = transformed()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert groups[0]["Parameters"] == ["AllowedJobQueues", "DryRun", "AlarmTopicArn"]


@pytest.mark.parametrize("name", MOVED)
def test_a_parameter_that_moved_accepts_its_default_only_and_says_where_it_is(name):
    companion, accepted = MOVED[name]
    parameter = transformed()["Parameters"][name]
    assert companion in parameter["ConstraintDescription"] and companion in parameter["Description"]
    assert all(re.fullmatch(parameter["AllowedPattern"], value) for value in accepted)
    used = json.dumps({key: part for key, part in transformed().items() if key not in ("Parameters", "Metadata")})
    assert f'"{name}"' not in used


def test_the_licence_is_that_of_the_repository():
    metadata = transformed()["Metadata"]["AWS::ServerlessRepo::Application"]
    cargo = tomllib.loads((REPOSITORY / "Cargo.toml").read_text())
    assert metadata["SpdxLicenseId"] == cargo["workspace"]["package"]["license"]


def test_the_outputs():
    """`ReportQueueUrl` and `StuckAlarmName` are there with their parts only."""
    found = {name: output["Value"] for name, output in outputs(**stuck).items()}
    assert found == {
        "FunctionName": "<Function>",
        "FunctionArn": "<Function.Arn>",
        "RequestQueueUrl": "<RequestQueue>",
        "RequestQueueArn": "<RequestQueue.Arn>",
        "RequestDeadLetterQueueUrl": "<RequestDeadLetterQueue>",
        "EventQueueUrl": "<EventQueue>",
        "EventDeadLetterQueueUrl": "<EventDeadLetterQueue>",
        "StuckAlarmName": "<StuckAlarm>",
        "ReportQueueUrl": "<ReportQueue>",
        "FailedEventQueueUrl": "<FailedEventQueue>",
        "FailedEventQueueArn": "<FailedEventQueue.Arn>",
        "HttpApiUrl": "https://<HttpApi>.execute-api.eu-west-1.amazonaws.com",
        "LogGroupName": "<LogGroup>",
    }
    assert found.keys() - outputs(**plain, ResultBus="").keys() == {"StuckAlarmName", "ReportQueueUrl"}


def test_the_saved_queries_read_the_log_of_the_function():
    saved = {
        query["Properties"]["Name"].split("/")[1]: query["Properties"]["QueryString"].splitlines()[0]
        for query in of_type(stack(**plain), "AWS::Logs::QueryDefinition").values()
        if query["Properties"]["LogGroupNames"] == ["<LogGroup>"]
    }
    assert saved == {
        "Who cancelled what": 'filter message = "done" and ispresent(action)',
        "What was refused": 'filter message = "done" and (refused > 0 or ispresent(errorType) or httpStatus >= 400)',
        "What is left": 'filter message = "done" and complete = 0',
        "Outcome of each job": 'filter message = "jobs"',
    }


# --- What stacks/ use ---


def test_what_is_exported_is_what_companions_import():
    exported = {output["Export"]["Name"] for output in outputs(**plain).values() if "Export" in output}
    imported = {
        name.replace("${Core}", PSEUDO["AWS::StackName"])
        for file in COMPANIONS
        for name in re.findall(r'"Fn::ImportValue": \{"Fn::Sub": "([^"]+)"\}', json.dumps(transformed(file)))
    }
    assert len(exported) > 5
    assert exported == imported


def test_no_parameter_but_the_name_of_the_function_changes_an_export():
    """An export that is imported cannot change, so a parameter that changed one could not be deployed under companions."""
    exports = {name: output["Value"] for name, output in outputs(**plain).items() if "Export" in output}
    for parameters in STACKS.values():
        found = outputs(**parameters)
        assert {name: found[name]["Value"] for name in exports} == exports
    # References to resources: none of these has a physical name that a parameter makes, but for the function's.
    named = {value.strip("<>").split(".")[0] for value in exports.values()}
    assert named == {"Function", "LogGroup", "RequestQueue", "RequestDeadLetterQueue"} | {
        f"{kind}Queue" for kind in ("Event", "EventDeadLetter", "FailedEvent")
    }


def test_every_parameter_is_described_and_grouped():
    parameters = transformed()["Parameters"]
    groups = transformed()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in groups for name in group["Parameters"]]
    assert sorted(grouped) == sorted(parameters)
    text = (REPOSITORY / "template.yaml").read_text()
    assert grouped == sorted(grouped, key=lambda name: text.index(f"\n  {name}:\n    Type:")), "SAM asks in another order"
    assert not [name for name, parameter in parameters.items() if len(parameter["Description"]) < 30]


def test_every_parameter_alarm_and_query_is_in_the_docs():
    configuration, operations = ((REPOSITORY / "docs" / f"{page}.md").read_text() for page in ("configuration", "operations"))
    assert not [name for name in transformed()["Parameters"].keys() - MOVED.keys() if f"`{name}`" not in configuration]
    resources = stack(**everything)
    assert not [name for name in of_type(resources, "AWS::CloudWatch::Alarm") if f"| `{name}` |" not in operations]
    queries = of_type(resources, "AWS::Logs::QueryDefinition").values()
    titles = [query["Properties"]["Name"].split("/")[1] for query in queries]
    text = " ".join(operations.split())
    assert not [title for title in titles if f"*{title}*" not in text]


def test_defaults_fit_their_patterns():
    for name, parameter in transformed()["Parameters"].items():
        if "Default" in parameter and "AllowedPattern" in parameter:
            assert re.fullmatch(parameter["AllowedPattern"], str(parameter["Default"])), name
            assert "ConstraintDescription" in parameter, name


REFUSED = {
    "SweepSchedule": ["rate(1 day)"],
    "SweepRequest": ["{}", SWEEP_OF_0_2.replace("JOB_QUEUE", "render")],
    "DashboardQueue": ["render"],
    "ListBucket": ["lists"],
    "AllowedJobQueues": ["", "high,,low", 'high"'],
    "OwnerRoles": ["oncall", "arn:aws:iam::123456789012:role/oncall"],
    "AdminCallers": [" , ", ",,"],
    "BlockedReasons": [" , ", ",,"],
    "WatchSchedule": ["rate(5 minute)", "rate(1 minutes)", "rate(6 minutes)", "rate(1 hour)", "cron(0 3 * * ? *)", "5"],
    "AlarmTopicArn": ["people", "arn:aws:sqs:eu-west-1:123456789012:people", "arn:aws:sns:eu-west-1:123456789012:a.fifo"],
    "AlarmRequest": ["", "[]", "head"],
    "QueueDimensions": ["", "JobQueueName,", "JobQueueName, "],
    "FunctionName": ["my function", "a" * 65],
    "ReservedConcurrency": ["00", "1", "2", "3", "4", "05", "-1", "many"],
    "MetricsNamespace": ["AWS/Batch", 'a"b', "a b", "n" * 256],
    "RequestSourceArns": ["people", "arn:aws:sqs:eu-west-1:123456789012:people"],
    "PermissionsBoundaryArn": ["boundary", "arn:aws:iam::123456789012:role/boundary"],
    "KmsKeyArn": ["alias/mine", "arn:aws:kms:eu-west-1:123456789012:alias/mine"],
    "SubnetIds": ["vpc-0a"],
    "SecurityGroupIds": ["subnet-0a"],
    "BatchEndpointUrl": ["batch.eu-west-1.amazonaws.com", "https://a b"],
}
ACCEPTED = {
    "AllowedJobQueues": ["high", "high, low-*", "arn:aws:batch:eu-west-1:123456789012:job-queue/*", "*"],
    "OwnerRoles": ["", "arn:aws:sts::123456789012:assumed-role/oncall, arn:aws:sts::*:assumed-role/ops-*"],
    "AdminCallers": ["", "arn:aws:iam::123456789012:user/boss, ops-*", "Ann B"],
    "BlockedReasons": ["", "MISCONFIGURATION:*, CAPACITY:*", "none"],
    "WatchSchedule": ["", "rate(1 minute)", "rate(2 minutes)", "rate(5 minutes)"],
    "AlarmTopicArn": ["", "arn:aws-us-gov:sns:us-gov-west-1:123456789012:my_topic-1"],
    "AlarmRequest": ['{"select":{"head":true}}'],
    "QueueDimensions": ["JobQueueName", "JobQueueName, Job Queue"],
    "FunctionName": ["", "batch-cancel_2"],
    "ReservedConcurrency": ["", "0", "5", "10", "999"],
    "MetricsNamespace": ["", "BatchCancel", "team-a/Batch.Cancel"],
    "RequestSourceArns": ["", TOPIC, "arn:aws:events:eu-west-1:123456789012:rule/bus/nightly-*"],
    "PermissionsBoundaryArn": ["", BOUNDARY, "arn:aws:iam::aws:policy/PowerUserAccess"],
    "KmsKeyArn": ["", KEY, "arn:aws:kms:eu-west-1:123456789012:key/mrk-0a"],
    "SubnetIds": ["", "subnet-0a1b"],
    "SecurityGroupIds": ["", "sg-0a1b"],
    "BatchEndpointUrl": ["", "http://host.docker.internal:4000"],
}


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        (name, value, accepted)
        for values, accepted in ((REFUSED, False), (ACCEPTED, True))
        for name, texts in values.items()
        for value in texts
    ],
)
def test_a_value_that_cannot_work_is_refused_before_deployment(name, value, accepted):
    pattern = transformed()["Parameters"][name]["AllowedPattern"]
    assert (re.fullmatch(pattern, value) is not None) is accepted


def config_source():
    """The code that reads the variables."""
    return (REPOSITORY / "src" / "config.rs").read_text().split("#[cfg(test)]")[0]


def test_no_list_is_deployed_that_stops_the_function_at_start():
    variables = transformed()["Resources"]["Function"]["Properties"]["Environment"]["Variables"]
    lists = set(re.findall(r'env\.list\(\s*"(\w+)"', config_source())) - LEFT_AT_DEFAULTS
    assert len(lists) >= 5
    for name in lists:
        pattern = transformed()["Parameters"][variables[name]["Ref"]]["AllowedPattern"]
        assert not re.fullmatch(pattern, ","), name


def test_variables_of_the_template_are_those_of_the_function():
    source = config_source()
    read = set(re.findall(r'"([A-Z]+(?:_[A-Z]+)+)"', source))
    given = set(function(plain)["Environment"]["Variables"]) - READ_BY_LIBRARIES
    assert given <= read, "the function does not read these"
    settings = {name for name in read if not name.startswith("AWS_")}
    assert settings - LEFT_AT_DEFAULTS == given, "the template does not set these"
