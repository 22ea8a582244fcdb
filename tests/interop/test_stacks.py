"""The resources of the companions in stacks/: each by itself, and what they take from the core."""

import json
import re

import pytest

from cloudformation import (
    COMPANIONS,
    PSEUDO,
    REPOSITORY,
    grants,
    of_type,
    outputs,
    stack,
    statements,
    statements_of_role,
    transformed,
)

SWEEP, LISTS, DASHBOARD = COMPANIONS
KEY = "arn:aws:kms:eu-west-1:123456789012:key/9e2f"
BUCKET_KEY = "arn:aws:kms:eu-west-1:123456789012:key/b0c4"
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:people"
REQUEST = '{"select":{"jobQueue":"low","olderThan":"2h"},"failOnIncomplete":true}'
FUNCTION = "<import of batch-cancel-FunctionArn>"
FAILED_EVENTS = "<import of batch-cancel-FailedEventQueueArn>"

company = {"KmsKeyArn": KEY, "PermissionsBoundaryArn": BOUNDARY, "AlarmTopicArn": TOPIC}
sweep = {"Schedule": "cron(0 3 * * ? *)", "Request": REQUEST}
lists = {"Bucket": "lists"}
dashboard = {"JobQueue": "low"}
# Each with its required parameters, and with all.
PLAIN = {SWEEP: sweep, LISTS: lists, DASHBOARD: dashboard}
FULL = {
    SWEEP: sweep | company,
    LISTS: lists | company | {"BucketKeyArn": BUCKET_KEY},
    DASHBOARD: dashboard | {"MetricsNamespace": "Mine"},
}
STACKS = {f"{file} {kind}": (file, some[file]) for file in COMPANIONS for kind, some in (("plain", PLAIN), ("full", FULL))}
every_stack = pytest.mark.parametrize(("file", "parameters"), STACKS.values(), ids=STACKS)
every_file = pytest.mark.parametrize("file", COMPANIONS)
both_sweeps = pytest.mark.parametrize("parameters", [PLAIN[SWEEP], FULL[SWEEP]], ids=["plain", "full"])
both_lists = pytest.mark.parametrize("parameters", [PLAIN[LISTS], FULL[LISTS]], ids=["plain", "full"])


def role(file, parameters):
    """What the role of a companion is allowed: action → resource. Nothing is denied."""
    found = stack(file, **parameters)["Role"]
    assert not statements_of_role(found, "Deny")
    return grants(statements_of_role(found, "Allow"))


def trust(file, parameters):
    (found,) = statements(stack(file, **parameters)["Role"]["Properties"]["AssumeRolePolicyDocument"])
    assert (found["Effect"], found["Action"]) == ("Allow", "sts:AssumeRole")
    return found["Principal"], found["Condition"]


# --- What holds for each ---


@every_file
def test_it_is_plain_cloudformation_of_few_lines_and_parameters(file):
    text = (REPOSITORY / file).read_text()
    assert len(text.splitlines()) <= (400 if file == LISTS else 300)
    assert len(transformed(file)["Parameters"]) <= 8
    assert "Transform" not in text and "AWS::Serverless" not in text
    # What it makes, what it costs, what it may do.
    header = [line for line in text.splitlines() if line.startswith("# ")]
    assert header[0].startswith("# Makes ") and header[1].startswith("# It costs ") and header[2].startswith("# It may ")


@every_file
def test_each_parameter_is_described_and_a_wrong_default_is_refused(file):
    for name, parameter in transformed(file)["Parameters"].items():
        assert len(parameter["Description"]) >= 30, name
        if "AllowedPattern" in parameter:
            assert "ConstraintDescription" in parameter, name
            assert re.fullmatch(parameter["AllowedPattern"], str(parameter.get("Default", PLAIN[file].get(name)))), name


@every_file
def test_every_parameter_and_alarm_is_in_the_docs(file):
    deploy, operations = ((REPOSITORY / "docs" / f"{page}.md").read_text() for page in ("configuration", "operations"))
    assert not [name for name in transformed(file)["Parameters"] if f"`{name}`" not in deploy]
    assert not [name for name in of_type(stack(file, **FULL[file]), "AWS::CloudWatch::Alarm") if f"| `{name}` |" not in operations]


@every_file
def test_only_the_required_parameters_have_no_default(file):
    parameters = transformed(file)["Parameters"]
    assert {name for name, parameter in parameters.items() if "Default" not in parameter} == PLAIN[file].keys()
    assert parameters["Core"]["Default"] == "batch-cancel", "as in samconfig.toml"


RESOURCES = {
    SWEEP: {"Timer", "ScheduleGroup", "Role", "SweepsLostAlarm"},
    LISTS: {"StateMachine", "LogGroup", "Role", "MapPolicy", "ListsFailedAlarm"},
    DASHBOARD: {"Dashboard"},
}


@every_stack
def test_what_it_makes(file, parameters):
    assert stack(file, **parameters).keys() == RESOURCES[file]


@every_file
def test_it_takes_what_it_needs_of_the_stack_that_core_names(file):
    text = json.dumps(stack(file, **PLAIN[file], Core="other"))
    assert "<import of other-FunctionArn>" in text
    assert "import of batch-cancel" not in text


@every_stack
def test_no_physical_name_is_fixed(file, parameters):
    """So that there can be several of each beside each other."""
    fixed = re.compile(r"(?:Dashboard|Function|Queue|Role|Rule|Alarm|Schedule|StateMachine)?Name")
    names = {
        (name, key)
        for name, resource in stack(file, **parameters).items()
        for key in resource.get("Properties", {})
        if fixed.fullmatch(key)
    }
    assert not names


@every_stack
def test_every_role_and_log_has_what_the_company_wants(file, parameters):
    resources = stack(file, **parameters)
    for role in of_type(resources, "AWS::IAM::Role").values():
        assert role["Properties"].get("PermissionsBoundary") == parameters.get("PermissionsBoundaryArn")
    for group in of_type(resources, "AWS::Logs::LogGroup").values():
        assert group["Properties"].get("KmsKeyId") == parameters.get("KmsKeyArn")


# file → the alarm, its namespace, metric and dimensions.
ALARMS = {
    SWEEP: (
        "SweepsLostAlarm",
        "AWS/Scheduler",
        "InvocationsFailedToBeSentToDeadLetterCount",
        {"ScheduleGroup": "<ScheduleGroup>"},
    ),
    LISTS: ("ListsFailedAlarm", "AWS/States", "ExecutionsFailed", {"StateMachineArn": "<StateMachine>"}),
}


@every_stack
def test_the_alarm_tells_people_if_there_is_a_topic(file, parameters):
    found = {}
    for name, alarm in of_type(stack(file, **parameters), "AWS::CloudWatch::Alarm").items():
        properties = alarm["Properties"]
        expected = [TOPIC] if "AlarmTopicArn" in parameters else None
        assert properties.get("AlarmActions") == properties.get("OKActions") == expected
        assert properties["TreatMissingData"] == "notBreaching"
        assert len(properties["AlarmDescription"]) > 80
        assert (properties["ComparisonOperator"], properties["Threshold"]) == ("GreaterThanOrEqualToThreshold", 1)
        assert (properties["Statistic"], properties["Period"], properties["EvaluationPeriods"]) == ("Sum", 300, 1)
        dimensions = {dimension["Name"]: dimension["Value"] for dimension in properties["Dimensions"]}
        found[file] = (name, properties["Namespace"], properties["MetricName"], dimensions)
    assert found == {name: alarm for name, alarm in ALARMS.items() if name == file}


# --- The sweep ---


@both_sweeps
def test_the_timer_sends_the_request_and_loses_nothing(parameters):
    properties = stack(SWEEP, **parameters)["Timer"]["Properties"]
    assert properties["ScheduleExpression"] == "cron(0 3 * * ? *)"
    assert properties["ScheduleExpressionTimezone"] == "UTC"
    assert (properties["State"], properties["GroupName"]) == ("ENABLED", "<ScheduleGroup>")
    assert properties["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert properties["Target"] == {
        "Arn": FUNCTION,
        "RoleArn": "<Role.Arn>",
        "Input": REQUEST,
        "RetryPolicy": {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 20},
        "DeadLetterConfig": {"Arn": FAILED_EVENTS},
    }


def test_a_timer_has_a_time_zone_and_can_be_switched_off():
    properties = stack(SWEEP, **sweep, TimeZone="Europe/Madrid", Enabled="false")["Timer"]["Properties"]
    assert (properties["ScheduleExpressionTimezone"], properties["State"]) == ("Europe/Madrid", "DISABLED")


@both_sweeps
def test_the_role_of_a_sweep_may_invoke_the_function_and_keep_what_fails(parameters):
    of_the_key = {"kms:Decrypt": KEY, "kms:GenerateDataKey": KEY} if "KmsKeyArn" in parameters else {}
    assert role(SWEEP, parameters) == of_the_key | {"lambda:InvokeFunction": FUNCTION, "sqs:SendMessage": FAILED_EVENTS}
    assert trust(SWEEP, parameters) == (
        {"Service": "scheduler.amazonaws.com"},
        {
            "StringEquals": {"aws:SourceAccount": PSEUDO["AWS::AccountId"]},
            "ArnEquals": {"aws:SourceArn": "<ScheduleGroup.Arn>"},
        },
    )


# --- Lists of jobs in S3 ---


def state_machine(parameters):
    return stack(LISTS, **parameters)["StateMachine"]["Properties"]


def test_both_formats_of_lists_are_worked_on_alike():
    states = state_machine(lists)["Definition"]["States"]
    csv, of_json = states["CancelCsv"], states["CancelJson"]
    assert csv["ItemReader"]["ReaderConfig"] == {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}
    assert of_json["ItemReader"]["ReaderConfig"] == {"InputType": "JSON"}
    assert csv.pop("ItemSelector") == {"jobId.$": "$$.Map.Item.Value.jobId"}
    del csv["ItemReader"]["ReaderConfig"], of_json["ItemReader"]["ReaderConfig"]
    assert csv == of_json
    assert csv["MaxConcurrency"] == 2
    (task,) = csv["ItemProcessor"]["States"].values()
    assert task["Retry"][0]["ErrorEquals"] == ["Incomplete"]
    assert csv["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}


def test_a_batch_is_bounded_by_jobs_and_by_bytes():
    """A payload of Step Functions has 262,144 bytes; the request stands in each batch beside its jobs."""
    batcher = state_machine(lists)["Definition"]["States"]["CancelCsv"]["ItemBatcher"]
    assert batcher["MaxItemsPerBatch"] <= 1000
    assert 100_000 <= batcher["MaxInputBytesPerBatch"] <= 262_144 - 32_768


def test_a_batch_that_was_given_up_fails_the_execution():
    states = state_machine(lists)["Definition"]["States"]
    assert states["CancelCsv"]["ToleratedFailurePercentage"] == 100, "the other batches go on"
    assert states["CancelCsv"]["Next"] == states["CancelJson"]["Next"] == "CountFailures"
    assert states["CountFailures"]["Parameters"] == {"MapRunArn.$": "$.MapRunArn"}
    choice = states[states["CountFailures"]["Next"]]
    (all_succeeded,) = choice["Choices"]
    assert all_succeeded == {
        "Variable": "$.ExecutionCounts.Succeeded",
        "NumericEqualsPath": "$.ExecutionCounts.Total",
        "Next": "Done",
    }
    assert states[choice["Default"]]["Type"] == "Fail"


# These actions of CloudWatch Logs' deliveries and X-Ray support no resource-level permissions (Service Authorization Reference).
ON_EVERYTHING = {
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}


def test_what_the_state_machine_may_do():
    assert role(LISTS, lists) == dict.fromkeys(ON_EVERYTHING, "*") | {
        "lambda:InvokeFunction": FUNCTION,
        "s3:GetObject": "arn:aws:s3:::lists/*",
        "s3:AbortMultipartUpload": "arn:aws:s3:::lists/batch-cancel/*",
        "s3:ListMultipartUploadParts": "arn:aws:s3:::lists/batch-cancel/*",
        "s3:PutObject": "arn:aws:s3:::lists/batch-cancel/*",
    }
    assert trust(LISTS, lists) == (
        {"Service": "states.amazonaws.com"},
        {"StringEquals": {"aws:SourceAccount": PSEUDO["AWS::AccountId"]}},
    )


@both_lists
def test_it_may_start_follow_and_redrive_its_own_batches(parameters):
    policy = stack(LISTS, **parameters)["MapPolicy"]["Properties"]
    assert policy["Roles"] == ["<Role>"]
    executions = [f"arn:aws:states:eu-west-1:123456789012:execution:<StateMachine.Name>{sign}*" for sign in ":/"]
    assert grants(statements(policy["PolicyDocument"])) == {
        "states:StartExecution": "<StateMachine>",
        "states:DescribeExecution": executions,
        "states:RedriveExecution": executions,
        "states:DescribeMapRun": "arn:aws:states:eu-west-1:123456789012:mapRun:<StateMachine.Name>/*",
    }


@pytest.mark.parametrize(
    ("parameters", "key", "condition"),
    [
        ({"BucketKeyArn": BUCKET_KEY}, BUCKET_KEY, {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}}),
        ({"KmsKeyArn": KEY}, KEY, None),
    ],
    ids=["of the bucket", "of the executions"],
)
def test_it_may_use_its_keys(parameters, key, condition):
    found = statements_of_role(stack(LISTS, **lists, **parameters)["Role"], "Allow")
    (of_the_key,) = [statement for statement in found if statement["Resource"] == key]
    assert of_the_key["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    assert of_the_key.get("Condition") == condition
    assert role(LISTS, lists | parameters).keys() - role(LISTS, lists).keys() == set(of_the_key["Action"])


@both_lists
def test_executions_are_logged_without_their_data_traced_and_encrypted(parameters):
    properties = state_machine(parameters)
    assert properties["RoleArn"] == "<Role.Arn>"
    assert properties["LoggingConfiguration"] == {
        "Level": "ALL",
        "IncludeExecutionData": False,
        "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": "<LogGroup.Arn>"}}],
    }
    assert properties["TracingConfiguration"] == {"Enabled": True}
    by_key = {"Type": "CUSTOMER_MANAGED_KMS_KEY", "KmsKeyId": KEY, "KmsDataKeyReusePeriodSeconds": 300}
    assert properties.get("EncryptionConfiguration") == (by_key if "KmsKeyArn" in parameters else None)


def test_the_log_of_lists_outlives_the_stack():
    group = stack(LISTS, **lists, LogRetentionDays=30)["LogGroup"]
    assert (group["DeletionPolicy"], group["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    unique = PSEUDO["AWS::StackId"].rsplit("/", 1)[1]
    assert group["Properties"] == {"LogGroupName": f"/aws/vendedlogs/states/batch-cancel-{unique}", "RetentionInDays": 30}


# --- The dashboard ---


def widgets(**parameters):
    return json.loads(stack(DASHBOARD, **parameters)["Dashboard"]["Properties"]["DashboardBody"])["widgets"]


def test_the_dashboard_has_the_panel_of_its_queue():
    (panel,) = (widget["properties"] for widget in widgets(**dashboard) if widget["type"] == "custom")
    assert panel["endpoint"] == FUNCTION
    assert panel["params"] == {"panel": {"jobQueue": "low"}}
    # Nothing of a request: showing a dashboard never acts.
    assert panel["updateOn"] == {"refresh": True, "resize": False, "timeRange": False}
    places = [(widget["x"], widget["y"]) for widget in widgets(**dashboard)]
    assert len(set(places)) == len(places)


def test_the_dashboard_shows_what_the_core_has():
    body = json.dumps(widgets(**dashboard))
    for name in ("FunctionName", "LogGroupName"):
        assert f"<import of batch-cancel-{name}>" in body
    for queue in ("Request", "RequestDeadLetter", "Event", "EventDeadLetter", "FailedEvent"):
        assert f'"<part 4 of import of batch-cancel-{queue}QueueUrl>"' in body


@pytest.mark.parametrize(
    ("parameters", "namespace"),
    [({}, "BatchCancel/batch-cancel"), ({"Core": "other"}, "BatchCancel/other"), ({"MetricsNamespace": "Mine"}, "Mine")],
)
def test_the_dashboard_finds_the_metrics_of_the_core(parameters, namespace):
    body = json.dumps(widgets(**dashboard, **parameters))
    assert set(re.findall(r'\[\["([^"]+)", "(?:JobsCancelled|Calls)"', body)) == {namespace}
    assert f'SCHEMA(\\"{namespace}\\", JobQueueName)' in body.replace('\\\\\\"', '\\"')


@pytest.mark.parametrize(
    ("partition", "console"),
    [("aws", "aws.amazon.com"), ("aws-cn", "amazonaws.cn"), ("aws-us-gov", "amazonaws-us-gov.com")],
)
def test_the_address_of_the_dashboard_is_that_of_the_partition(monkeypatch, partition, console):
    monkeypatch.setitem(PSEUDO, "AWS::Partition", partition)
    assert outputs(DASHBOARD, **dashboard)["DashboardUrl"]["Value"] == (
        f"https://eu-west-1.console.{console}/cloudwatch/home?region=eu-west-1#dashboards:name=<Dashboard>"
    )


def test_outputs_of_the_other_companions():
    assert outputs(SWEEP, **sweep)["ScheduleArn"]["Value"] == "<Timer.Arn>"
    assert outputs(LISTS, **lists)["ListStateMachineArn"]["Value"] == "<StateMachine>"


# --- Values ---

REFUSED = {
    SWEEP: {
        "Core": ["", "my core", "1st"],
        "Schedule": ["", "at(2030-01-01T00:00:00)", "rate(0 days)", "rate(1 week)", "daily"],
        "TimeZone": ["", "Europe Madrid"],
        "Request": ["", "[]", "job-1"],
        "AlarmTopicArn": ["people", "arn:aws:sns:eu-west-1:123456789012:a.fifo"],
        "KmsKeyArn": ["alias/mine"],
        "PermissionsBoundaryArn": ["boundary"],
    },
    LISTS: {"Bucket": ["", "Lists", "s3://lists", "lists/"], "BucketKeyArn": ["alias/mine"]},
    DASHBOARD: {
        "JobQueue": ["", "a queue", 'a"b', "arn:aws:batch:eu-west-1:123456789012:job-queue/low"],
        "MetricsNamespace": ["AWS/Batch", 'a"b', "n" * 256],
    },
}
ACCEPTED = {
    SWEEP: {
        "Core": ["batch-cancel", "Other1"],
        "Schedule": ["rate(1 day)", "rate(12 hours)", "cron(0 3 * * ? *)"],
        "TimeZone": ["UTC", "Europe/Madrid", "America/Argentina/Buenos_Aires", "Etc/GMT+3"],
        "Request": [REQUEST],
        "AlarmTopicArn": ["", TOPIC],
        "KmsKeyArn": ["", KEY],
        "PermissionsBoundaryArn": ["", BOUNDARY],
    },
    LISTS: {"Bucket": ["lists.example-1"], "BucketKeyArn": ["", KEY]},
    DASHBOARD: {"JobQueue": ["low_priority-1"], "MetricsNamespace": ["", "BatchCancel", "BatchCancel/a"]},
}


@pytest.mark.parametrize(
    ("file", "name", "value", "accepted"),
    [
        (file, name, value, accepted)
        for values, accepted in ((REFUSED, False), (ACCEPTED, True))
        for file, names in values.items()
        for name, texts in names.items()
        for value in texts
    ],
)
def test_a_value_that_cannot_work_is_refused_before_deployment(file, name, value, accepted):
    pattern = transformed(file)["Parameters"][name]["AllowedPattern"]
    assert (re.fullmatch(pattern, value) is not None) is accepted
