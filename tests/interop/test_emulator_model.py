"""All that the emulator can say, held against the service model that botocore has of AWS Batch.

A field that is not in the model, one of another type, and one that nothing here makes the emulator send: each fails.
"""

import json
import re

import pytest
from botocore.session import get_session

from test_emulator import ROOT, UNKNOWN, Emulator, assert_fits, start

BATCH = get_session().get_service_model("batch")
SOURCES = ROOT / "tests/emulator/src"

# Forms of a seed that are sent as they stand, beside those of src/operations.
ALSO_SENT = {"spec.rs": {"Dependency"}, "queue.rs": {"TimeLimitAction", "CapacityUsage"}}

LIMIT = {"reason": "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY", "maxTimeSeconds": 600}
ARRAY, NODES, DONE, TRAINING = (f"0a1b2c3d-0000-4000-8000-00000000000{number}" for number in range(1, 5))
STATUSES = ["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED"]
ATTEMPT = {"startedAt": 1000, "stoppedAt": 2000, "exitCode": 1, "reason": "OutOfMemoryError", "statusReason": "Essential"}
SEED = {
    "queues": [
        {
            "name": "full",
            "status": "INVALID",
            "statusReason": "no compute environment",
            "jobStateTimeLimitActions": [LIMIT, {**LIMIT, "action": "TERMINATE"}],
            "totalCapacityUsage": [{"capacityUnit": "VCPU", "quantity": 4}, {"capacityUnit": "cpu", "quantity": 0.5}],
        },
        {"name": "pods", "type": "EKS", "state": "DISABLED", "status": "UPDATING"},
        {"name": "training", "type": "SAGEMAKER_TRAINING"},
    ],
    "jobs": [
        *({"jobQueue": "full", "status": status, "statusReason": "why", "shareIdentifier": "s"} for status in STATUSES),
        {"jobQueue": "full", "status": "RUNNABLE", "isCancelled": True, "schedulingPriority": 3, "tags": {"a": "b"}},
        {"jobQueue": "full", "status": "RUNNING", "isTerminated": True},
        {"jobQueue": "full", "jobId": DONE, "status": "FAILED", "attempts": [ATTEMPT]},
        {"jobQueue": "full", "status": "PENDING", "dependsOn": [{"jobId": DONE}, {"jobId": UNKNOWN, "type": "N_TO_N"}]},
        {"jobQueue": "full", "jobId": ARRAY, "arraySize": 7, "children": STATUSES},
        {"jobQueue": "full", "jobId": NODES, "nodes": 2, "status": "RUNNING"},
        {"jobQueue": "pods", "status": "FAILED", "attempts": [ATTEMPT]},
        {"jobQueue": "training", "jobId": TRAINING, "status": "RUNNING", "isTerminated": True, "statusReason": "why"},
        {"jobQueue": "training", "status": "SUCCEEDED", "count": 2},
    ],
}


def names(value):
    """Every key of a JSON value, however deep."""
    if isinstance(value, dict):
        return set(value).union(*map(names, value.values()))
    return set().union(*map(names, value)) if isinstance(value, list) else set()


def fields_of_answers():
    """The fields of each form that an answer is made of, by its name in the emulator's source."""
    form = re.compile(r"#\[derive\([^)]*\bSerialize\b[^)]*\)\]\n(?:#\[[^;{]*?\]\n)*\S*? ?struct (\w+)[^{;]*\{\n(.*?)\n\}", re.S)
    field = re.compile(r"((?:^ {4}#\[[^\n]*\n)*)^ {4}(?:pub(?:\(\w+\))? )?(\w+): ", re.M)
    found = {}
    for path in [*sorted((SOURCES / "operations").glob("*.rs")), *(SOURCES / name for name in ALSO_SENT)]:
        for name, body in form.findall(path.read_text()):
            if name not in ALSO_SENT.get(path.name, {name}):
                continue
            for attributes, rust in field.findall(body):
                renamed = re.search(r'rename = "(\w+)"', attributes)
                camel = re.sub(r"_(\w)", lambda part: part[1].upper(), rust)
                if "flatten" not in attributes:
                    found.setdefault(f"{path.name}: {name}", set()).add(renamed[1] if renamed else camel)
    return found


@pytest.fixture
def emulator(tmp_path):
    seed = tmp_path / "seed.json"
    seed.write_text(json.dumps(SEED))
    process, url = start("--seed", str(seed))
    try:
        yield Emulator(url)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def say_all(emulator):
    """Lets the emulator say all that it can say; its client holds each answer against the model."""
    batch = emulator.batch
    batch.describe_job_queues()
    batch.describe_job_queues(maxResults=1)
    for queue in ("full", "pods"):
        batch.get_job_queue_snapshot(jobQueue=queue)
    jobs = [job for job in emulator.control("GET", "jobs") if not job["isServiceJob"]]
    batch.describe_jobs(jobs=[job["jobId"] for job in jobs] + [f"{NODES}#1"])
    for status in STATUSES:
        for place in ({"jobQueue": "full"}, {"jobQueue": "pods"}, {"arrayJobId": ARRAY}, {"multiNodeJobId": NODES}):
            batch.list_jobs(jobStatus=status, maxResults=2, **place)
        batch.list_service_jobs(jobQueue="training", jobStatus=status, maxResults=1)
    batch.describe_service_job(jobId=TRAINING)
    batch.submit_job(jobName="new", jobQueue="full", jobDefinition="d")
    for bulk in (batch.cancel_jobs, batch.terminate_jobs, batch.terminate_service_jobs):
        bulk(jobs=[DONE, "no id"], reason="r")
    batch.describe_service_job(jobId=TRAINING)
    for single in (batch.cancel_job, batch.terminate_job, batch.terminate_service_job):
        single(jobId=DONE, reason="r")


def test_all_that_it_says_is_in_the_model_and_nothing_is_left_unsaid(emulator):
    said = set()
    emulator.batch.meta.events.register(
        "before-parse.batch", lambda response_dict, **_: said.update(names(json.loads(response_dict["body"])))
    )
    say_all(emulator)
    fields = fields_of_answers()
    assert {"queues.rs: QueueDetail", "show.rs: Detail", "shape.rs: ArrayProperties", "queue.rs: CapacityUsage"} <= set(fields)
    unsaid = {form: missing for form, of_form in fields.items() if (missing := of_form - said)}
    assert not unsaid, unsaid


QUEUE = {
    "jobQueueName": "q",
    "jobQueueArn": "a",
    "state": "ENABLED",
    "priority": 1,
    "computeEnvironmentOrder": [],
    "jobStateTimeLimitActions": [{**LIMIT, "state": "RUNNABLE", "action": "CANCEL"}],
}


def test_what_fits_the_model():
    assert_fits(BATCH.operation_model("DescribeJobQueues").output_shape, {"jobQueues": [QUEUE]}, "DescribeJobQueues")


@pytest.mark.parametrize(
    ("operation", "answer", "problem"),
    [
        ("DescribeJobQueues", {"jobQueues": [{**QUEUE, "statusReasn": "x"}]}, "statusReasn"),
        ("DescribeJobQueues", {"jobQueues": [{**QUEUE, "status": "HEALTHY"}]}, "HEALTHY"),
        ("DescribeJobQueues", {"jobQueues": [{**QUEUE, "priority": "1"}]}, "priority"),
        ("DescribeJobQueues", {"jobQueues": [{**QUEUE, "priority": None}]}, "priority"),
        ("DescribeJobQueues", {"jobQueues": [{name: QUEUE[name] for name in QUEUE if name != "priority"}]}, "missing"),
        ("DescribeJobQueues", {"jobQueues": [{**QUEUE, "jobStateTimeLimitActions": [LIMIT]}]}, "missing"),
        ("GetJobQueueSnapshot", {"queueUtilization": {"totalCapacityUsage": [{"quantity": "4"}]}}, "quantity"),
        ("GetJobQueueSnapshot", {"queueUtilization": {"totalCapacityUsage": [{"quantity": True}]}}, "quantity"),
        ("GetJobQueueSnapshot", {"frontOfQueue": {"lastUpdatedAt": "now"}}, "lastUpdatedAt"),
    ],
)
def test_what_does_not_fit_the_model(operation, answer, problem):
    with pytest.raises(AssertionError, match=problem):
        assert_fits(BATCH.operation_model(operation).output_shape, answer, operation)
