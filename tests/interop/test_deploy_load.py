"""The deployed stack under load and in trouble: 10,000 jobs through the request queue and from lists in S3, messages that
fail, and the kill switch."""

import json
import time
import uuid

import pytest

from deployment import deployed, eventually
from servers import REGION, http

JOBS = 10_000
RUNNING, WAITING = (str(uuid.UUID(int=number)) for number in range(1, 3))
SEED = {
    "queues": [{"name": "render"}],
    "jobs": [
        {"jobId": RUNNING, "jobQueue": "render", "status": "RUNNING"},
        {"jobId": WAITING, "jobQueue": "render", "status": "RUNNABLE"},
    ],
}
# Looks at N jobs, calls for 50 each, looks again.
EXACTLY = {"DescribeJobs": 200, "CancelJobs": 200}


@pytest.fixture(scope="module")
def deployment(tmp_path_factory):
    answers = {"ApiCallsPerSecond": "200", "WatchSchedule": "rate(5 minutes)"}
    with deployed(tmp_path_factory.mktemp("user"), SEED, **answers) as deployment:
        deployment.client("s3").create_bucket(Bucket="lists", CreateBucketConfiguration={"LocationConstraint": REGION})
        deployment.lists = deployment.companion("lists", Bucket="lists")["ListStateMachineArn"]
        yield deployment


@pytest.fixture
def jobs(deployment):
    """New jobs that wait, and no calls yet."""
    added = {"jobQueue": "render", "status": "RUNNABLE", "count": JOBS}
    status, answer = http(f"{deployment.batch}/_emulator/jobs", "POST", added)
    assert status == 200, answer
    http(f"{deployment.batch}/_emulator/calls", "DELETE")
    yield answer["jobIds"]
    set_faults(deployment, {})


def set_faults(deployment, faults):
    assert http(f"{deployment.batch}/_emulator/faults", "PUT", faults)[0] == 200


def all_cancelled(deployment, ids):
    ids = set(ids)
    found = [job["status"] for job in http(f"{deployment.batch}/_emulator/jobs")[1] if job["jobId"] in ids]
    return len(found) == len(ids) and set(found) == {"FAILED"}


def test_ten_thousand_jobs_through_the_request_queue_take_exactly_the_calls_there_must_be(deployment, jobs):
    for first in range(0, JOBS, 1000):
        deployment.send(json.dumps({"jobIds": jobs[first : first + 1000]}))

    assert eventually(lambda: not deployment.left("RequestQueueUrl"), 120)
    assert all_cancelled(deployment, jobs)
    assert deployment.calls() == EXACTLY
    assert deployment.left("RequestDeadLetterQueueUrl") == 0


def test_message_that_keeps_failing_stands_unchanged_in_the_dead_letter_queue_and_works_when_sent_again(deployment):
    sqs = deployment.client("sqs")
    queue, dead = (deployment.outputs[name] for name in ("RequestQueueUrl", "RequestDeadLetterQueueUrl"))
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "1"})
    body = f'{{ "jobIds" : ["{RUNNING}"],\n\t"terminate":true, "reason": "Ä quote \\" and a tag <b>" }}'
    deployment.send(body)

    assert eventually(lambda: deployment.left("RequestDeadLetterQueueUrl") == 1)
    assert deployment.status(RUNNING) == "RUNNING", "terminate is not allowed"
    (message,) = sqs.receive_message(QueueUrl=dead)["Messages"]
    assert message["Body"] == body

    deployment.change(AllowTerminate="true")
    sqs.send_message(QueueUrl=queue, MessageBody=message["Body"])
    sqs.delete_message(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"])

    assert eventually(lambda: deployment.status(RUNNING) == "FAILED" and not deployment.left("RequestQueueUrl"))
    assert deployment.left("RequestDeadLetterQueueUrl") == 0


def test_the_kill_switch_stops_the_function_and_loses_nothing(deployment):
    deployment.change(ReservedConcurrency="0")
    deployment.send(json.dumps({"jobIds": [WAITING]}))
    time.sleep(5)  # an enabled mapping takes a message within a second
    assert deployment.left("RequestQueueUrl") == 1
    # ministack leaves the reserved concurrency of a function that is there already; test_template.py holds that to 0.
    mappings = deployment.client("lambda").list_event_source_mappings(FunctionName=deployment.name)
    assert [mapping["State"] for mapping in mappings["EventSourceMappings"]] == ["Disabled"] * 2
    assert [timer["State"] for timer in deployment.timers("batch-cancel")] == ["DISABLED"]
    assert deployment.status(WAITING) == "RUNNABLE"

    deployment.change(ReservedConcurrency="")

    assert eventually(lambda: deployment.status(WAITING) == "FAILED" and not deployment.left("RequestQueueUrl"))


# --- Lists in S3 ---


def start(deployment, key, body, **request):
    """Starts the state machine on a list; the result of the execution is returned by the function that is returned."""
    deployment.client("s3").put_object(Bucket="lists", Key=key, Body=body.encode())
    states = deployment.client("stepfunctions")
    given = {"key": key} | ({"request": request} if request else {})
    execution = states.start_execution(
        stateMachineArn=deployment.lists, input=json.dumps(given)
    )["executionArn"]

    def ended():
        found = states.describe_execution(executionArn=execution)
        return found if found["status"] != "RUNNING" else None

    return lambda: eventually(ended, 120)


def as_csv(ids):
    return "name,jobId\n" + "".join(f"frame,{job}\n" for job in ids)


@pytest.mark.parametrize(("key", "form"), [("jobs.csv", as_csv), ("jobs.json", json.dumps)])
def test_ten_thousand_jobs_of_a_list_are_cancelled_batch_by_batch(deployment, jobs, key, form):
    ended = start(deployment, key, form(jobs), reason="A bad submission")()

    assert ended["status"] == "SUCCEEDED", ended
    assert all_cancelled(deployment, jobs)
    assert deployment.calls() == EXACTLY
    assert deployment.job(jobs[0])["statusReason"].startswith("A bad submission | ")


def test_list_with_a_misspelt_option_cancels_nothing(deployment, jobs):
    ended = start(deployment, "jobs.json", json.dumps(jobs[:10]), dryrun=True)()

    assert ended["status"] == "FAILED"
    assert not deployment.calls()


def test_list_of_an_unknown_format_is_refused(deployment):
    ended = start(deployment, "jobs.txt", "")()

    assert (ended["status"], ended["error"]) == ("FAILED", "UnknownFormat")
    assert ".csv or .json" in ended["cause"]


def invocations(deployment, ids):
    """How many invocations have ended that named one of the jobs."""
    return len(
        [line for line in deployment.lines() if line.get("message") == "jobs" and ids[0] in line.get("results", "")]
    )


def test_throttled_batch_is_tried_again(deployment, jobs):
    deployment.change(Timeout="5")
    ids = jobs[:20]
    set_faults(deployment, {"only": ["CancelJob", "CancelJobs"], "throttleRate": 1})
    ended = start(deployment, "jobs.json", json.dumps(ids))
    assert eventually(lambda: invocations(deployment, ids) == 1)

    set_faults(deployment, {})

    assert ended()["status"] == "SUCCEEDED"
    assert all_cancelled(deployment, ids)
    assert invocations(deployment, ids) == 2


def test_jobs_left_over_make_the_execution_fail(deployment, jobs):
    """The second batch is given up; the first is done."""
    done, stubborn = jobs[:1000], jobs[1000:1001]
    set_faults(deployment, {"ignoreCancels": stubborn})

    ended = start(deployment, "jobs.json", json.dumps(done + stubborn))()

    assert (ended["status"], ended["error"]) == ("FAILED", "JobsAreLeft")
    assert all_cancelled(deployment, done)
    assert invocations(deployment, stubborn) == 6, "one, and five more"
