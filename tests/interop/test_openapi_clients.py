"""Clients that other people's generators make from the OpenAPI document: what arrives at the function is what was written,
and what the client reads is what the function answered."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from urllib.parse import parse_qsl, unquote

import pytest

from http_front import Gateway
from lambda_host import LambdaHost
from servers import HERE, REPOSITORY, binary, emulator, plain_environment

DOCUMENT = REPOSITORY / "src/respond/openapi.json"
SCHEMAS = json.loads(DOCUMENT.read_text())["components"]["schemas"]
NAME = "batch_cancel_client"

STUCK, ARRAY, *FRAMES = (f"0a1b2c3d-0000-4000-8000-00000000000{number}" for number in range(5))
UNKNOWN = "0a1b2c3d-0000-4000-8000-00000000dead"
CODE = "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT"
TAGS = {"run": "Ü 7", "by": "ann"}
FRAME = {"jobQueue": "render", "jobName": "frame-1", "jobDefinition": "frame:3", "shareIdentifier": "film", "tags": TAGS}
ACCOUNT = {
    # All of it became so an hour ago.
    "now": int((time.time() - 3600) * 1000),
    "queues": [{"name": "render"}],
    "jobs": [
        {"jobQueue": "render", "jobId": STUCK, "age": "9h", "statusReason": f"{CODE} - why"},
        *({**FRAME, "jobId": frame, "age": f"{8 - place}h"} for place, frame in enumerate(FRAMES)),
        {"jobQueue": "render", "jobId": ARRAY, "arraySize": 2, "children": ["RUNNING", "RUNNABLE"]},
    ],
}
SETTINGS = {"ALLOWED_QUEUES": "render", "ALLOW_TERMINATE": "true", "API_CALLS_PER_SECOND": "0"}

# Between them they have every field of a request and of a selection.
REQUESTS = [
    {"jobIds": [STUCK, UNKNOWN], "reason": "wrong “branch” é", "dryRun": True, "waitSeconds": 1, "failOnIncomplete": True},
    {"jobId": STUCK, "dryRun": True},
    {
        "select": {
            "jobQueue": "render",
            "statuses": ["RUNNABLE"],
            "jobName": "frame-*",
            "jobDefinition": "frame:3",
            "shareIdentifier": "film",
            "olderThan": "1h 30m",
            "tags": TAGS,
        },
        "maxJobs": 2,
        "reason": "superseded",
    },
    {"select": {"jobQueue": "render", "head": True}, "dryRun": True},
    {"select": {"jobQueues": ["rend*", "render"], "jobName": "none"}},
    {"select": {"arrayJobId": ARRAY, "statuses": ["RUNNING"], "runningFor": "1s"}, "terminate": True},
    {"jobIds": []},
]
OUTCOMES = [
    {STUCK: "wouldCancel", UNKNOWN: "notFound"},
    {STUCK: "wouldCancel"},
    {FRAMES[0]: "cancelled", FRAMES[1]: "cancelled", FRAMES[2]: "overLimit"},
    {STUCK: "wouldCancel"},
    {},
    {f"{ARRAY}:0": "terminated"},
    {},
]
PAGE = {"status": "RUNNABLE", "jobName": "frame-*", "limit": 2}
DELETE = (f"{ARRAY}:1", {"reason": "a&b=c +é", "terminate": False, "dryRun": True})


def test_the_requests_have_every_field_there_is():
    assert set().union(*REQUESTS) == set(SCHEMAS["Request"]["properties"])
    selections = [request["select"] for request in REQUESTS if "select" in request]
    assert set().union(*selections) == set(SCHEMAS["Select"]["properties"])


class Function(LambdaHost):
    """Keeps the events that it gets."""

    def __init__(self, *arguments, **environment):
        super().__init__(*arguments, **environment)
        self.events = []

    def invoke(self, event):
        self.events.append(event)
        return super().invoke(event)


class Front(Gateway):
    """Without jobs made up for the ids in a request."""

    def _seed(self, text):
        pass


def run(*command, cwd):
    """The output of a program, which must not fail."""
    tools = f"{Path(binary('CLIENTS_PYTHON')).parent}:{HERE / 'node_modules/.bin'}"
    ended = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=plain_environment(PATH=f"{tools}:{os.environ['PATH']}", PYTHONDONTWRITEBYTECODE="1"),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, f"{command}: {ended.stdout}{ended.stderr}"
    return ended.stdout


def openapi_python_client(folder, told):
    options = ["--meta", "none", "--fail-on-warning"]
    run("openapi-python-client", "generate", "--path", DOCUMENT, "--output-path", folder / NAME, *options, cwd=folder)
    return run("python", HERE / "clients/with_openapi_python_client.py", told, cwd=folder)


def openapi_generator(folder, told):
    options = ["--package-name", NAME]
    run("openapi-generator-cli", "generate", "-g", "python", "-i", DOCUMENT, "-o", folder, *options, cwd=folder)
    return run("python", HERE / "clients/with_openapi_generator.py", told, cwd=folder)


# What a client is told to send, as TypeScript: the compiler holds it against the client's own types.
TOLD = """import type { Request, cancelJob, listJobs } from "./%s.js";
export const told: {
    url: string;
    folder: string;
    requests: Request[];
    page: Parameters<typeof listJobs>[1];
    delete: Parameters<typeof cancelJob>;
} = %s;
"""


def oazapfts(folder, told):
    (folder / "node_modules").symlink_to(HERE / "node_modules")
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "told.ts").write_text(TOLD % (NAME, told.read_text()))
    shutil.copy(HERE / "clients/with_oazapfts.ts", folder)
    run("oazapfts", DOCUMENT, f"{NAME}.ts", "--optimistic", cwd=folder)
    options = ["--strict", "--module", "nodenext", "--target", "es2022", "--lib", "es2023,dom", "--skipLibCheck"]
    run("tsc", *options, "with_oazapfts.ts", cwd=folder)
    return run("node", "with_oazapfts.js", cwd=folder)


def without_defaults(given, written, schema):
    """What arrived, without defaults of the document that the client filled in."""
    kept = {}
    for name, value in given.items():
        described = schema["properties"][name]
        if name in written or value != described.get("default", ...):
            nested = name == "select"
            kept[name] = without_defaults(value, written[name], SCHEMAS["Select"]) if nested else value
    return kept


def arrived(event):
    """Method, path, query and body of an event, read as any gateway means them."""
    query = dict(parse_qsl(event["rawQueryString"]))
    body = event.get("body")
    return event["requestContext"]["http"]["method"], unquote(event["rawPath"]), query, json.loads(body) if body else None


@pytest.mark.parametrize("generator", [openapi_python_client, openapi_generator, oazapfts])
def test_what_arrives_is_what_was_written(generator, tmp_path):
    with emulator(ACCOUNT) as batch, Function(binary("BATCH_CANCEL"), AWS_ENDPOINT_URL_BATCH=batch, **SETTINGS) as function:
        with Front(function, batch) as front:
            told = tmp_path / "told.json"
            told.write_text(
                json.dumps({"url": front.url, "folder": str(tmp_path), "requests": REQUESTS, "page": PAGE, "delete": DELETE})
            )
            read = json.loads(generator(tmp_path, told))
            assert {status for _, status in front.answers} == {200}
    assert read["requests"] == OUTCOMES
    (first, token), (second, end) = read["pages"]
    assert (sorted(first + second), len(first), end) == (FRAMES, 2, None)
    assert read["deleted"] == [f"{ARRAY}:1", "wouldCancel"]
    state, jobs, *head = read["queue"]
    assert (state, jobs["RUNNABLE"], head) == ("ENABLED", 4, [STUCK, CODE])

    came = [arrived(event) for event in function.events]
    posted = [body for method, path, query, body in came if (method, path, query) == ("POST", "/cancellations", {})]
    assert len(posted) == len(REQUESTS)
    assert [without_defaults(*pair, SCHEMAS["Request"]) for pair in zip(posted, REQUESTS)] == REQUESTS
    page = {name: str(value) for name, value in PAGE.items()}
    options = {name: str(value).lower() if isinstance(value, bool) else value for name, value in DELETE[1].items()}
    others = [(method, path, query) for method, path, query, body in came if body is None]
    assert sorted(others, key=str) == sorted(
        [
            ("GET", "/queues/render/jobs", page),
            ("GET", "/queues/render/jobs", page | {"nextToken": token}),
            ("GET", "/queues/render", {}),
            ("DELETE", f"/jobs/{DELETE[0]}", options),
        ],
        key=str,
    )
    assert len(came) == len(REQUESTS) + len(others)
